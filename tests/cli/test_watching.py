"""``status --watch``: the view again each second in its place, until Ctrl-C; the exit code of the last."""

import asyncio
import os
import pty
import signal
import sys
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hedgebot.api.control import control
from tests.api.support import StandIn, hedge
from tests.cli.support import environment, finish, start, within, write_config
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.slow

SOCKET = "hedgebot.sock"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_config(tmp_path)
    return tmp_path


@dataclass
class Terminal:
    """A watch on a terminal of its own, and what it wrote there since it was last looked at."""

    process: asyncio.subprocess.Process
    screen: int
    wrote: str = ""
    decoder: IncrementalDecoder = field(default_factory=getincrementaldecoder("utf-8"))

    async def until(self, text: str) -> str:
        """Wait until ``text`` is written; everything up to there."""
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.wrote:
                read = await asyncio.to_thread(os.read, self.screen, 65536)
                self.wrote += self.decoder.decode(read)  # what is read may end within a character
        seen, _, self.wrote = self.wrote.partition(text)
        return seen + text

    async def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def watching(folder: Path, *args: str, **env: str) -> AsyncIterator[Terminal]:
    screen, inner = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hedgebot", "status", "--watch", *args),
        cwd=folder,
        env=environment(TERM="xterm", **env),
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    try:
        yield Terminal(process, screen)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(screen)


async def test_each_second_in_the_place_of_the_last_until_ctrl_c(folder: Path) -> None:
    daemon = StandIn()
    async with control(daemon, folder / SOCKET), watching(folder) as terminal:
        first = await terminal.until("nothing to do")
        assert first.startswith("\x1b[H\x1b[2J"), "the screen is cleared once"
        daemon.hedges = {"btc": hedge(state="drifting")}
        second = await terminal.until("DRIFTING")
        assert "\x1b[H" in second
        assert "\x1b[2J" not in second, "and then drawn over"
        assert await terminal.stop() == 8


async def test_a_daemon_that_went_away_is_waited_for_and_counts_if_it_was_the_last_word(folder: Path) -> None:
    async with watching(folder) as terminal:
        await terminal.until("no daemon answers")
        async with control(StandIn(), folder / SOCKET):
            await terminal.until("HEDGED")
        await terminal.until("no daemon answers")
        assert await terminal.stop() == 4


async def test_one_hedge_of_several(folder: Path) -> None:
    daemon = StandIn({"btc": hedge(), "eth": hedge(state="blind")})
    async with control(daemon, folder / SOCKET):
        async with watching(folder, "btc") as terminal:
            assert "eth" not in await terminal.until("nothing to do")
            assert await terminal.stop() == 0
        assert (await within(folder, "status")).code == 6
        assert (await within(folder, "status", "btc")).code == 0
        ran = await within(folder, "status", "sol")
    assert (ran.code, ran.out) == (1, "")
    assert "There are: btc, eth" in ran.err


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_colours_are_the_readers_choice(folder: Path, env: dict[str, str], coloured: bool) -> None:
    async with control(StandIn(), folder / SOCKET), watching(folder, **env) as terminal:
        assert ("\x1b[32m" in await terminal.until("nothing to do")) is coloured
        assert await terminal.stop() == 0


async def test_in_a_pipe_it_writes_one_view_after_the_other(folder: Path) -> None:
    async with control(StandIn(), folder / SOCKET):
        process = await start(folder, "status", "--watch")
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(2):
                await process.stdout.readuntil(b"nothing to do\n\n")
        process.send_signal(signal.SIGINT)
        ran = await finish(process)
    assert (ran.code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
