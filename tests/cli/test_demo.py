"""The demo keeps what it promises, on every exchange at once: its story in virtual time, its start here."""

import asyncio
import itertools
import random
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from hedgebot.app import World, build
from hedgebot.cli import demo_play
from hedgebot.cli.demo_tally import Tally, summary
from hedgebot.cli.demo_venues import KEY, PASSPHRASE, SECRET, VENUES, Venue
from hedgebot.daemon import Daemon
from hedgebot.settings.load import load
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run
from tests.cli.support import start, within
from tests.patience import PATIENCE_S
from tests.simulation.world import START_MS


@dataclass
class Stage:
    """Where the demo plays here: its exchanges on a network in memory, its daemon in this process."""

    clock: VirtualClock
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    ports: Iterator[int] = field(default_factory=lambda: itertools.count(9101))
    playing: Daemon | None = None
    returncode: None = None
    """What is asked of a process: it has not ended."""

    @asynccontextmanager
    async def serving(self, app: web.Application) -> AsyncIterator[str]:
        address = f"127.0.0.1:{next(self.ports)}"
        async with serve(app, self.network, address):
            yield f"http://{address}"

    @asynccontextmanager
    async def daemon(self, folder: Path, config: str, venues: Sequence[Venue]) -> AsyncIterator["Stage"]:
        file, stop = folder / "hedgebot.toml", asyncio.Event()
        file.write_text(config)
        keys = Credentials(SecretStr(KEY), SecretStr(SECRET), SecretStr(PASSPHRASE))
        paths = Paths(folder / "hedgebot.db", folder / "lock", folder / "sock")
        world = World(self.clock, random.Random(1), lambda: MemoryConnector(self.network))
        accounts = {venue.name: keys for venue in venues}
        async with build(load(file, {}).settings, paths, accounts, world) as app:
            self.playing = app.daemon
            living = asyncio.create_task(app.daemon.run(stop))
            yield self
            stop.set()
            await living

    async def states(self, folder: Path) -> dict[str, str]:
        assert self.playing is not None
        return {name: str(hedge["state"]) for name, hedge in self.playing.status()["hedges"].items()}


def test_every_exchange_is_hedged_through_the_whole_story(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def main(clock: VirtualClock) -> list[Tally]:
        stage = Stage(clock)
        monkeypatch.setattr(demo_play, "SystemClock", lambda: clock)
        monkeypatch.setattr(demo_play, "serving", stage.serving)
        monkeypatch.setattr(demo_play, "_daemon", stage.daemon)
        monkeypatch.setattr(demo_play, "_states", stage.states)
        return await demo_play.play(said.append, list(VENUES.values()))

    tallies = run(main, epoch_ms=START_MS)
    assert "What it came to" in summary(tallies)
    assert sum("-- " in line for line in said) == 7
    for tally in tallies:
        _judge(tally)


def _judge(tally: Tally) -> None:
    """Hedged at the end, by three orders: the first sale, the deposit's, and the answer to the human."""
    assert tally.state == "hedged", tally.name
    assert len({fill.order_id for fill in tally.trades if fill.client_id}) == 3, tally.name
    without, protected = tally.lowest
    assert without < 31_000, tally.name
    assert protected > 59_800, tally.name
    assert tally.worst_settled < 0.003, tally.name


@pytest.mark.slow
async def test_it_plays_with_a_real_daemon_on_this_machine_until_ctrl_c(tmp_path: Path) -> None:
    process = await start(tmp_path, "demo", "--exchange", "okx")
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        while b"hedged" not in (line := await process.stdout.readline()):
            assert line, "the demo ended"
        process.send_signal(signal.SIGINT)
        await process.communicate()


async def test_an_unknown_exchange_is_refused(tmp_path: Path) -> None:
    ran = await within(tmp_path, "demo", "--exchange", "mtgox")
    assert (ran.code, ran.out) == (2, "")
    assert "bybit, binance, okx" in ran.err
