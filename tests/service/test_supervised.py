"""A real daemon under a service manager's eyes: it is ready, lives by its cycles, and says when it stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.api.support import free_port
from tests.processes.live import Live, live
from tests.service.listener import Listener, listening

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CYCLES = "hedgebot_cycle_duration_seconds_count"


@dataclass
class Valve:
    """While it is closed the exchange answers nothing, and no cycle ends."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self.opened.wait()
        return await handler(request)


@asynccontextmanager
async def watched(folder: Path, **env: str) -> AsyncIterator[tuple[Live, Listener, Valve]]:
    """An exchange that answers and a manager that listens; the daemon's readings may take long."""
    valve, listen = Valve(), f"127.0.0.1:{free_port()}"
    valve.opened.set()
    with listening(str(folder / "notify")) as manager:
        env = {"NOTIFY_SOCKET": manager.address, "HEDGEBOT_CYCLE__DEADLINE": "5m"} | env
        async with live(folder, middlewares=[valve.middleware], env=env, listen=listen) as (here, _):
            await here.start()
            yield here, manager, valve
            valve.opened.set()


async def cycles_ended(here: Live) -> int:
    """The daemon's own count."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{here.listen}/metrics") as reply:
        (line,) = [line for line in (await reply.text()).splitlines() if line.startswith(CYCLES)]
    return int(float(line.split()[-1]))


async def test_it_is_ready_when_it_answers_alive_with_each_cycle_and_says_that_it_stops(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as (here, manager, _):
        await manager.until("READY=1")
        assert (await here.status())["state"] in {"starting", "adjusting"}
        await manager.until("STATUS=btc: hedged")
        assert await here.terminate() == 0
        first, *rest = [message[0] for message in manager.take()]
    assert first == "READY=1"
    assert "STOPPING=1" in rest[-2:]  # the cycle under way ends after it
    assert set(rest) == {"WATCHDOG=1", "STOPPING=1"}


async def test_each_cycle_that_ends_is_one_sign_of_life_and_nothing_else_is(tmp_path: Path) -> None:
    async with watched(tmp_path) as (here, manager, valve):
        await manager.until("STATUS=btc: hedged")
        valve.opened.clear()
        ended, signs = -1, -1
        while ended != (ended := await cycles_ended(here)):  # until none ends for a second
            signs = manager.told("WATCHDOG=1")
            await asyncio.sleep(1)
        assert manager.told("WATCHDOG=1") == signs == ended
        assert await here.status()  # it runs and answers, only its cycle hangs
        valve.opened.set()
        async with asyncio.timeout(10):
            while manager.told("WATCHDOG=1") < signs + 5:
                await asyncio.sleep(0.05)
        assert await here.terminate() == 0


async def test_a_watchdog_too_short_for_its_cycles_is_lengthened(tmp_path: Path) -> None:
    async with watched(tmp_path, WATCHDOG_USEC="90000000") as (here, manager, _):
        await manager.until("READY=1")
        assert manager.messages[0] == ["READY=1", "WATCHDOG_USEC=900000000"]
        assert await here.terminate() == 0


async def test_without_anybody_listening_it_works_all_the_same(tmp_path: Path) -> None:
    async with watched(tmp_path, NOTIFY_SOCKET=str(tmp_path / "nowhere")) as (here, manager, _):
        await here.until("hedged")
        assert await here.terminate() == 0
        assert manager.take() == []
        assert "error" not in here.log
