"""A real daemon under a service manager's eyes: it is ready, lives by its cycles, and says when it stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.api.support import free_port
from tests.processes.live import Live, live
from tests.service.listener import Listener, listening
from tests.valve import Valve

pytestmark = pytest.mark.slow
CYCLES = "hedgebot_cycle_duration_seconds_count"


@asynccontextmanager
async def watched(
    folder: Path, *, answers: bool = True, **env: str
) -> AsyncIterator[tuple[Live, Listener, Valve]]:
    """An exchange that answers, now or later, and a manager that listens; readings may take long."""
    valve, listen = Valve(), f"127.0.0.1:{free_port()}"
    if answers:
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
    async with watched(tmp_path, answers=False) as (here, manager, valve):
        await manager.until("READY=1")
        assert (await here.status())["state"] == "starting"
        valve.opened.set()
        await manager.until("STATUS=btc: hedged")
        assert await here.terminate() == 0
        first, *rest = [message[0] for message in manager.take()]
    assert first == "READY=1"
    assert "STOPPING=1" in rest[-2:]  # the cycle under way ends after it
    assert set(rest) == {"WATCHDOG=1", "STOPPING=1"}


async def test_each_cycle_that_ends_is_one_sign_of_life_and_nothing_else_is(tmp_path: Path) -> None:
    async with watched(tmp_path) as (here, manager, valve):
        await manager.until("STATUS=btc: hedged")
        await valve.closed()
        signs = manager.told("WATCHDOG=1")
        assert signs == await cycles_ended(here)
        assert await here.status()  # it runs and answers, only its cycle hangs
        assert manager.told("WATCHDOG=1") == signs
        valve.opened.set()
        await manager.until("WATCHDOG=1", times=signs + 5)
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
