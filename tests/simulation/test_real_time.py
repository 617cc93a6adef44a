"""The same faults over real sockets in real time: an order still takes effect at most once."""

import asyncio
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from hedgebot.app import World, build
from hedgebot.clock import SystemClock
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from tests.simulation.judge import violations
from tests.simulation.test_order_fate import AROUND_ORDERS
from tests.simulation.world import KEY, SECRET, Setup, composed

AT_ONCE, FAULTY_SECONDS, QUIET_SECONDS = 5, 3.0, 5.0
WINDOW = 1.0
"""settle_after: half of it is the window in which an order may arrive."""


def drawn(seed: int) -> list[Fault]:
    """One to three faults around orders, with delays that fit a window of a second."""
    rng = random.Random(seed)
    chosen = rng.sample(AROUND_ORDERS, rng.randint(1, 3))
    return [
        replace(fault, probability=rng.choice((0.5, 1.0)), until=FAULTY_SECONDS, seconds=(0.05, WINDOW / 3))
        for fault in chosen
    ]


@pytest.mark.parametrize("block", range(4))
async def test_no_fault_on_real_sockets_doubles_or_drops_an_order(tmp_path: Path, block: int) -> None:
    seeds = range(block * AT_ONCE, block * AT_ONCE + AT_ONCE)
    await asyncio.gather(*(live_through(seed, tmp_path / str(seed)) for seed in seeds))


async def live_through(seed: int, folder: Path) -> None:
    """One world: real HTTP on loopback, the daemon of production, a fault plan, a deposit meanwhile."""
    folder.mkdir()
    clock, rng = SystemClock(), random.Random(seed)
    exchange = SimulatedExchange(clock, Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 1)
    faults = Faults(rng, drawn(seed), clock)
    application = bybit.application(exchange)
    faults.install(application)
    async with serving(application) as url:
        setup = Setup(
            interval="250ms", settle_after=f"{WINDOW:g}s", margin_mode=MarginMode.CROSS, leverage=10, url=url
        )
        async with build(*composed(setup, folder), World(clock, rng)) as app:
            stop = asyncio.Event()
            daemon = asyncio.create_task(app.daemon.run(stop))
            await asyncio.sleep(1.5)
            exchange.deposit("main", "BTC", "0.25")
            await asyncio.sleep(FAULTY_SECONDS - 1.5)
            faults.stop()
            await asyncio.sleep(QUIET_SECONDS)
            stop.set()
            await daemon
    wallet, position = exchange.wallet("main", "BTC"), exchange.position("main", "BTCUSD")
    assert not violations(exchange, most=60_000 * wallet.balance), f"seed {seed}"
    net = wallet.balance - abs(position.entry_coins)
    assert 0 <= net <= Fraction("0.002"), f"seed {seed}: {float(net)} coins from target"
