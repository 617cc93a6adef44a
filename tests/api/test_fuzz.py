"""Thousands of hostile requests at both doors of a real daemon, over real sockets.

Whatever comes: an answer below 500 or a closed connection, no fault in the log, nothing changed over TCP, and
over the control socket only by commands that were answered with 200. A failure names its request's seed.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hedgebot.api import control, http
from hedgebot.api.metrics import Metrics
from hedgebot.app import App, World, build
from hedgebot.settings.load import load
from hedgebot.settings.paths import paths
from hedgebot.settings.secrets import Credentials
from tests.api.hostile_requests import PATHS, Maker
from tests.api.support import free_port
from tests.cli.support import KEY, SECRET, write_config

REQUESTS = 1000
"""Of each seed."""

PATIENCE = 60.0
"""Seconds that an answer may take: it says that none hangs, not that the machine is fast."""

HEAD = (
    "POST /api/v1/command HTTP/1.1\r\nHost: hedgebot\r\nContent-Type: application/json\r\n"
    "Content-Length: {}\r\n\r\n"
)
NOT_YET = (b"no cycle ended in ti", b"no coherent snapshot", b"")
"""How ``healthz`` and ``readyz`` begin with 503: it is no fault."""

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass
class Doors:
    """A daemon that was built and turns no loop, so that only requests change it; and what went wrong."""

    app: App
    port: int
    path: Path
    faults: list[str] = field(default_factory=list)

    async def over_tcp(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def over_the_socket(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.path))

    async def commands(self) -> int:
        return len(await self.app.journal.commands())

    def looks_like(self) -> str:
        """The daemon's whole state but for how old it is."""
        return f"{self.app.daemon.status()} {self.controls()}"

    def controls(self) -> str:
        """What all commands so far amount to."""
        return repr([cycle.state.control for cycle in self.app.daemon.cycles.values()])


@asynccontextmanager
async def doors(folder: Path, log: pytest.LogCaptureFixture) -> AsyncIterator[Doors]:
    settings = load(write_config(folder), {}).settings
    keys = {"main": Credentials(SecretStr(KEY), SecretStr(SECRET))}
    places = paths(settings, {"STATE_DIRECTORY": str(folder)})
    metrics, loop = Metrics(), asyncio.get_running_loop()
    async with build(settings, places, keys, World()) as app:
        metrics.watch(app.daemon.status, World().clock, 30)
        page, port = http.application(app.daemon, metrics.exposition, ()), free_port()
        async with http.read_only(page, ("127.0.0.1", port)), control.control(app.daemon, places.socket):
            here = Doors(app, port, places.socket)
            loop.set_exception_handler(lambda _, context: here.faults.append(repr(context)))
            with log.at_level(logging.WARNING):
                yield here
    here.faults += [record.getMessage() for record in log.records if record.levelno >= logging.WARNING]
    assert not here.faults


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


async def ask(connect: Connect, data: bytes, *, whole: bool) -> Reply | None:
    """The reply; None where the connection ended without one. A request without an end is left at that."""
    reader, writer = await connect()
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(data)
            if not whole:
                writer.write_eof()
            return await _reply(reader, is_head=data.startswith(b"HEAD"))
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader, *, is_head: bool) -> Reply:
    head = "HTTP/1.1 100"
    while (status := int(head.split(None, 2)[1])) == 100:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lengths = [line.split(":")[1] for line in head.lower().splitlines() if line.startswith("content-length:")]
    return Reply(status, await reader.readexactly(0 if is_head or not lengths else int(lengths[0])))


def fine(reply: Reply) -> bool:
    """Below 500, or the 503 that means what it says (to HEAD without a word); nothing of ours inside."""
    expected = reply.status < 500 or (reply.status == 503 and reply.body[:20] in NOT_YET)
    return expected and b"Traceback" not in reply.body and SECRET.encode() not in reply.body


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_page_is_read_and_nothing_else(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: Counter[int | None] = Counter()
    async with doors(tmp_path, caplog) as here:
        before, maker = here.looks_like(), Maker(seed)
        for number in range(REQUESTS):
            raw = maker.http()
            reply = await ask(here.over_tcp, raw.data, whole=raw.whole)
            seen[reply.status if reply else None] += 1
            assert reply is None or fine(reply), (seed, number, raw.data[:300], reply)
            assert reply or not raw.whole or len(raw.data) > 60_000, (seed, number, raw.data[:300])
        assert here.looks_like() == before
        assert await here.commands() == 0
        for path in PATHS:
            request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
            after = await ask(here.over_tcp, request, whole=True)
            assert after is not None
            assert fine(after)
    assert {200, 400, 403, 404, 405, 421} <= seen.keys(), "every way to answer was reached"


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_socket_takes_commands_and_nothing_else(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: Counter[int | None] = Counter()
    async with doors(tmp_path, caplog) as here:
        maker = Maker(seed)
        for number in range(REQUESTS):
            raw, before = maker.command(), here.controls()
            reply = await ask(here.over_the_socket, raw.data, whole=raw.whole)
            seen[reply.status if reply else None] += 1
            assert reply is None or fine(reply), (seed, number, raw.data[:300], reply)
            if reply is None:
                await here.commands()  # the journal works in turn: one under way is done before it answers
            elif reply.status != 200:
                assert here.controls() == before, (seed, number, raw.data[:300], reply)
        taken = await here.commands()
    assert REQUESTS / 10 < taken <= seen[200] + seen[None]
    assert {200, 400, 404, 405, 413, 415} <= seen.keys(), "every way to answer was reached"


async def test_every_answer_of_the_socket_is_the_json_that_its_reader_expects(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with doors(tmp_path, caplog) as here:
        maker = Maker(3)
        for _ in range(300):
            body = maker.body()
            head = HEAD.format(len(body)).encode()
            reply = await ask(here.over_the_socket, head + body, whole=True)
            if reply is None:
                assert len(body) > 60_000
                continue
            told: dict[str, Any] = json.loads(reply.body)
            expected = (
                {"verb", "ratio", "hedges", "who"}
                if reply.status == 200
                else {"error", "next_step", "exit_code"}
            )
            assert told.keys() == {"schema", *expected}, body
