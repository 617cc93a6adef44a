"""The same seed gives the same run: every instant, every fault, every outcome, under any hash seed."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import aiohttp
import pytest

from hedgebot.sim.faults import EFFECTS, Fault
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run
from tests.sim.test_faults import Client, Exchange

ROUNDS = 25
CLIENTS = 4


def trace(seed: int) -> list[str]:
    """A short life of four clients on a network where everything goes wrong."""
    lines: list[str] = []

    async def live(client: Client, name: str, rng: Random) -> None:
        clock = client.exchange.clock
        for number in range(ROUNDS):
            seen = await client.outcome(body=f"{name}{number}")
            lines.append(f"{clock.monotonic()!r} {name} {seen}")
            await clock.sleep(rng.uniform(0, 3))

    async def main(clock: VirtualClock) -> None:
        rng = Random(seed)
        plan = [Fault(kind, probability=0.05, seconds=(0, 15)) for kind in EFFECTS]
        exchange, network = Exchange(clock, plan, seed), MemoryNetwork(lambda: rng.uniform(0.01, 0.2))
        network.cut_at = lambda: rng.randrange(300) if rng.random() < 0.05 else None
        connector, timeout = MemoryConnector(network), aiohttp.ClientTimeout(total=5)
        async with (
            serve(exchange.app, network, "exchange.test:80"),
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        ):
            client = Client(session, exchange, "http://exchange.test")
            await asyncio.gather(*(live(client, f"client{number}-", rng) for number in range(CLIENTS)))
            await clock.sleep(60)
        lines.extend(map(repr, exchange.processed))
        lines.extend(map(repr, exchange.faults.log))

    run(main)
    return lines


def elsewhere(seed: int, hash_seed: str, root: Path) -> list[str]:
    """The same trace from another process."""
    code = f"from tests.sim.test_faults_replay import trace; print(*trace({seed}), sep='\\n')"
    command = [sys.executable, "-W", "error", "-c", code]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_same_seed_gives_the_same_trace() -> None:
    assert trace(7) == trace(7)


def test_another_seed_gives_another() -> None:
    assert trace(7) != trace(8)


@pytest.mark.slow
def test_hash_seed_and_process_make_no_difference(root: Path) -> None:
    here = "\n".join(trace(7)).splitlines()
    assert elsewhere(7, "1", root) == here
    assert elsewhere(7, "4242", root) == here


def test_every_fault_strikes_and_no_order_is_processed_twice() -> None:
    orders: Counter[str] = Counter()
    kinds: set[str] = set()
    for seed in range(5):
        for line in trace(seed):
            kinds.update(kind for kind in EFFECTS if f"kind='{kind}'" in line)
            if line.startswith("('POST"):
                orders[f"{seed} {line.split(',')[0]}"] += 1
    assert kinds == set(EFFECTS)
    assert set(orders.values()) == {1}
