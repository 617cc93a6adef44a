"""Whoever is named in the config is told of trouble, and that it is over; a dead address delays nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from aiohttp import web

from hedgebot.sim.faults import Fault
from hedgebot.sim.memory import serve
from tests.simulation.world import Scene, Setup, play

ADDRESS = "127.0.0.1:9102"
WEBHOOK = f'[alarms]\nwebhook = "http://{ADDRESS}/hook"'


@asynccontextmanager
async def listening(scene: Scene) -> AsyncIterator[list[tuple[float, str, str]]]:
    """What the webhook's address is told: seconds, alarm, what became of it."""
    heard: list[tuple[float, str, str]] = []

    async def take(request: web.Request) -> web.Response:
        message: dict[str, Any] = await request.json()
        heard.append((scene.clock.monotonic(), message["code"], message["status"]))
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    async with serve(application, scene.network, ADDRESS):
        yield heard


def test_an_outage_is_told_within_a_minute_and_so_is_its_end(tmp_path: Path) -> None:
    dark = Fault("http_status", status=503, processed=False, since=60, until=300)

    async def act(scene: Scene) -> None:
        async with listening(scene) as heard:
            await scene.clock.sleep(500)
            assert [told[1:] for told in heard] == [("coherence", "raised"), ("coherence", "resolved")]
            raised, resolved = (told[0] for told in heard)
            assert 60 <= raised <= 120
            assert 300 <= resolved <= 400

    play(Setup(more=WEBHOOK, interval="15s", faults=[dark]), tmp_path, act)


def test_a_quiet_day_tells_nothing(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        async with listening(scene) as heard:
            await scene.clock.sleep(3600)
            assert heard == []

    play(Setup(more=WEBHOOK, interval="30s", near=True), tmp_path, act)


def test_trading_goes_on_beside_an_address_that_never_answers(tmp_path: Path) -> None:
    trouble = Fault("http_status", method="GET", status=503, processed=False, since=60, until=120)

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(120)
        scene.exchange.deposit("main", "BTC", "0.5")
        await scene.clock.sleep(15)
        assert scene.net < Fraction("0.003")

    play(Setup(more=WEBHOOK, faults=[trouble]), tmp_path, act)
