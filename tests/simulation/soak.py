"""A long life on a bad wire: one daemon process, real sockets, wave after wave of faults.

    python -m tests.simulation.soak --seconds 60 --seed 1

Prints one line of JSON at its end: what was lived through, what struck, every violation, and how much the
daemon's resident memory grew after the first fifth of the waves. The exit status is 1 if anything is wrong.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from aiohttp import web

from hedgebot.clock import SystemClock
from hedgebot.sim.faults import Faults, Handler
from hedgebot.sim.tcp_proxy import TcpFault
from tests.processes.live import KEY, SECRET, LiveOnExchange, live
from tests.simulation.judge import violations
from tests.simulation.test_real_time import in_http, on_the_wire

FAULTY_SECONDS, PATIENCE = 6.0, 120
ASLEEP = 2.5
"""Seconds of a SIGSTOP: longer than settle_after and the deadline of a reading."""

USUAL = TcpFault("close_idle", probability=0.2, seconds=(0.0, 0.3))
"""What every wire does now and then."""

MIB = 1024 * 1024


@dataclass
class Soak:
    """One run. ``most_held`` are the most coins held since the hedge was last on target."""

    rng: random.Random
    here: LiveOnExchange
    faults: Faults
    http: Counter[str] = field(default_factory=Counter)
    resident: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    freezes: int = 0
    cycles: int = 0
    most_held: Fraction = Fraction(1)

    async def begin(self) -> None:
        """Start the daemon, on a good wire, and let it hedge: it is what faults are to disturb."""
        await self.here.start()
        if not await self._calm():
            self.wrong.append(f"not on target {PATIENCE} s after the start")

    async def wave(self) -> None:
        """Faults, and coins that come or go meanwhile; then calm, and the hedge gets to its target."""
        self.faults = Faults(self.rng, in_http(self.rng.getrandbits(32)), SystemClock())
        self.here.proxy.begin([*on_the_wire(self.rng.getrandbits(32)), USUAL])
        for part in range(3):
            await self._watched(FAULTY_SECONDS / 3)
            if part == 0:
                self._move_coins()
            elif self.rng.random() < 0.1:
                await self._sleep_deeply()
        self.faults.stop()
        self.here.proxy.stop()
        self.http += self.faults.hits
        if not await self._calm():
            self.wrong.append(f"wave {len(self.resident)}: not on target after {PATIENCE} s")
        if self.here.alive:
            self.resident.append(resident(self.here.pid))

    def _move_coins(self) -> None:
        coins = Fraction(self.rng.randint(5, 30), 100)
        if self.here.held < 1 or (self.here.held < 2 and self.rng.random() < 0.5):
            self.here.exchange.deposit("main", "BTC", coins)
        else:
            self.here.exchange.withdraw("main", "BTC", coins)

    async def _sleep_deeply(self) -> None:
        self.freezes += 1
        self.here.freeze()
        await self._watched(ASLEEP)
        self.here.thaw()

    async def _watched(self, seconds: float) -> None:
        for _ in range(10):
            await asyncio.sleep(seconds / 10)
            self._judge()

    async def _calm(self) -> bool:
        for _ in range(10 * PATIENCE):
            self._judge()
            status = await self.here.status()
            if self.here.on_target and status.get("state") == "hedged":
                self.most_held, self.cycles = self.here.held, status["last_cycle"]["id"]
                return True
            await asyncio.sleep(0.1)
        return False

    def _judge(self) -> None:
        self.most_held = max(self.most_held, self.here.held)
        found = violations(self.here.exchange, most=60_000 * self.most_held)
        self.wrong += [each for each in found if each not in self.wrong]


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def soak(seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Live through whole waves until ``seconds`` are over; the summary."""
    rng, clock = random.Random(seed), SystemClock()
    run: Soak

    @web.middleware
    async def current(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await run.faults.middleware(request, handler)

    async with live(folder, seed=seed, middlewares=[current]) as (here, calm):
        run = Soak(rng, here, calm)
        await run.begin()
        end = clock.monotonic() + seconds
        while here.alive and (not run.resident or clock.monotonic() < end):
            await run.wave()
        status = await (here.terminate() if here.alive else here.ended())
        if status:
            run.wrong.append(f"exit status {status}")
    run.wrong += [f"a secret is in {path.name}" for path in folder.rglob("*") if _tells(path)]
    return {"seed": seed, "seconds": seconds, **_summary(run)}


def _tells(path: Path) -> bool:
    secrets = [secret.encode() for secret in (KEY, SECRET)]
    if not path.is_file():
        return False
    with path.open("rb") as lines:
        return any(secret in line for line in lines for secret in secrets)


def _summary(run: Soak) -> dict[str, Any]:
    sizes = run.resident or [0]
    fifth = len(sizes) // 5
    before, after = sizes[fifth], statistics.median(sizes[-fifth - 1 :])
    return {
        "violations": run.wrong,
        "waves": len(run.resident),
        "cycles": run.cycles,
        "orders": run.here.orders,
        "freezes": run.freezes,
        "connections": run.here.proxy.connections,
        "wire": dict(run.here.proxy.hits),
        "http": dict(run.http),
        "resident_mib": round(after / MIB, 1),
        "grown_mib": round((after - before) / MIB, 2),
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        summary = asyncio.run(soak(chosen.seconds, chosen.seed, Path(folder)))
    sys.stdout.write(json.dumps(summary) + "\n")
    return 1 if summary["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
