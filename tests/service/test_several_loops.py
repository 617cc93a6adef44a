"""The watchdog looks after every hedge: one loop that ends no cycle starves it, and ends no other."""

import asyncio
import random
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from hedgebot.alarms import CALM, Alarms
from hedgebot.app import World, build
from hedgebot.cycle import Cycle
from hedgebot.daemon import HEALTHY_SECONDS, CycleEnded, Daemon
from hedgebot.domain.records import CycleRecord
from hedgebot.domain.status import Body
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
INTERVAL, BREAKS, MENDS, END = 5, 60, 200, 280


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


@dataclass
class Played:
    """What became of a daemon with two hedges: when it gave signs of life, and how the second one's status
    was, each after seconds."""

    signs: list[float] = field(default_factory=list)
    shown: dict[float, Body] = field(default_factory=dict)


async def signs_of_life(folder: Path, clock: VirtualClock, broken: type[Cycle], ended: CycleEnded) -> Played:
    """Of a daemon one of whose two hedges is broken from ``BREAKS`` to ``MENDS``; ``ended`` is told all."""
    rng, network, played, stop = random.Random(1), MemoryNetwork(), Played(), asyncio.Event()
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
        whole = app.daemon.cycles["eth"]
        eth = broken(**{each.name: getattr(whole, each.name) for each in fields(whole)})
        daemon = Daemon("observe", INTERVAL, {**app.daemon.cycles, "eth": eth}, app.journal, clock, ended)
        running = asyncio.create_task(daemon.run(stop, alive=lambda: played.signs.append(clock.monotonic())))
        while clock.monotonic() < END:
            await clock.sleep(INTERVAL)
            played.shown[clock.monotonic()] = daemon.status()["hedges"]["eth"]
        stop.set()
        await running
    return played


def play(folder: Path, broken: type[Cycle], ended: CycleEnded = lambda *_: None) -> Played:
    with capture_logs():  # a traceback in colours for each cycle that failed takes most of a second
        return run(lambda clock: signs_of_life(folder, clock, broken, ended), epoch_ms=START_MS)


@pytest.mark.parametrize("broken", [Hanging, Failing])
def test_one_loop_that_ends_no_cycle_starves_the_watchdog(tmp_path: Path, broken: type[Cycle]) -> None:
    signs = play(tmp_path, broken).signs
    assert len([at for at in signs if at < BREAKS]) == 2 * BREAKS / INTERVAL
    assert len([at for at in signs if BREAKS < at <= BREAKS + HEALTHY_SECONDS]) <= HEALTHY_SECONDS / INTERVAL
    assert not [at for at in signs if BREAKS + HEALTHY_SECONDS < at < MENDS]
    assert [at for at in signs if at > MENDS]


def test_cycles_that_fail_again_and_again_are_told_and_so_is_their_end(tmp_path: Path) -> None:
    alarms, told = Alarms(), list[tuple[str, str, int]]()

    def ended(record: CycleRecord, *_: object) -> None:
        at = (record.at - START_MS) / 1000
        told.extend((each.code, each.turn.value, round(at)) for each in alarms.after(record, at))

    shown = play(tmp_path, Failing, ended).shown
    assert told == [
        ("cycle", "raised", BREAKS + 2 * INTERVAL),
        ("cycle", "resolved", MENDS - INTERVAL + CALM),
    ]
    broken = [status for at, status in shown.items() if BREAKS + 3 * INTERVAL < at < MENDS]
    assert {status["state"] for status in broken} == {"blind"}
    assert all("fault of hedgebot's own: ZeroDivisionError" in s["last_cycle"]["reason"] for s in broken)
    assert {status["state"] for at, status in shown.items() if at > MENDS + INTERVAL} == {"hedged"}


def test_whoever_cannot_take_what_is_told_ends_no_loop(tmp_path: Path) -> None:
    told = list[str]()

    def ended(record: CycleRecord, *_: object) -> None:
        told.append(record.hedge)
        raise ZeroDivisionError

    play(tmp_path, Cycle, ended)
    assert min(told.count("btc"), told.count("eth")) >= END / INTERVAL
