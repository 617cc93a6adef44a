"""The watchdog looks after every hedge: one loop that ends no cycle starves it."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from hedgebot.app import World, build
from hedgebot.cycle import Cycle
from hedgebot.daemon import HEALTHY_SECONDS, Daemon
from hedgebot.domain.records import CycleRecord
from hedgebot.settings.load import load
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd, ethusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run
from tests.simulation.world import ADDRESS, KEY, SECRET, START_MS

CONFIG = f"""
[accounts.main]
exchange = "bybit"
base_url = "http://{ADDRESS}"
[hedges.btc]
asset = "BTC"
legs = [{{ account = "main", symbol = "BTC/USD:BTC" }}]
[hedges.eth]
asset = "ETH"
legs = [{{ account = "main", symbol = "ETH/USD:ETH" }}]
"""
INTERVAL, BREAKS, MENDS, END = 5, 60, 200, 240


@dataclass
class Hanging(Cycle):
    """A cycle that for a while waits for something without a time limit."""

    async def run(self, since: float) -> CycleRecord:
        if BREAKS <= self.clock.monotonic() < MENDS:
            await self.clock.sleep(MENDS - self.clock.monotonic())
        return await super().run(since)


@dataclass
class Failing(Cycle):
    """A cycle that for a while meets a fault of our own."""

    async def run(self, since: float) -> CycleRecord:
        if BREAKS <= self.clock.monotonic() < MENDS:
            raise ZeroDivisionError
        return await super().run(since)


async def signs_of_life(folder: Path, clock: VirtualClock, broken: type[Cycle]) -> list[float]:
    """When a daemon gave some, one of whose two hedges is broken from ``BREAKS`` to ``MENDS``."""
    rng, network, signs, stop = random.Random(1), MemoryNetwork(), list[float](), asyncio.Event()
    (folder / "hedgebot.toml").write_text(CONFIG)
    settings = load(folder / "hedgebot.toml", {}).settings
    paths = Paths(folder / "hedgebot.db", folder / "lock", folder / "sock")
    keys = {"main": Credentials(SecretStr(KEY), SecretStr(SECRET))}
    market = Market({"BTCUSD": Feed(path=level(60_000)), "ETHUSD": Feed(path=level(3_000))})
    exchange = SimulatedExchange(clock, market, [btcusd(), ethusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    world = World(clock, rng, lambda: MemoryConnector(network))
    async with (
        serve(bybit.application(exchange), network, ADDRESS),
        build(settings, paths, keys, world) as app,
    ):
        cycles = {**app.daemon.cycles, "eth": broken(**vars(app.daemon.cycles["eth"]))}
        daemon = Daemon("observe", INTERVAL, cycles, app.journal, clock)
        running = asyncio.create_task(daemon.run(stop, alive=lambda: signs.append(clock.monotonic())))
        await clock.sleep(END)
        stop.set()
        await running
    return signs


@pytest.mark.parametrize("broken", [Hanging, Failing])
def test_one_loop_that_ends_no_cycle_starves_the_watchdog(tmp_path: Path, broken: type[Cycle]) -> None:
    with capture_logs():  # a traceback in colours for each cycle that failed takes most of a second
        signs = run(lambda clock: signs_of_life(tmp_path, clock, broken), epoch_ms=START_MS)
    assert len([at for at in signs if at < BREAKS]) == 2 * BREAKS / INTERVAL
    assert len([at for at in signs if BREAKS < at <= BREAKS + HEALTHY_SECONDS]) <= HEALTHY_SECONDS / INTERVAL
    assert not [at for at in signs if BREAKS + HEALTHY_SECONDS < at < MENDS]
    assert [at for at in signs if at > MENDS]
