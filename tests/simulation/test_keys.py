"""What the keys may do, day after day: found out beside the cycles, acted on, and forgiven once mended."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hedgebot.key_watch import DAY, SOON
from hedgebot.sim.account import ApiKey
from hedgebot.sim.faults import Fault, Handler
from tests.simulation.world import BINANCE, BYBIT, KEY, OKX, SECRET, START_MS, Scene, Setup, Venue, play

ASKED = {
    "bybit": "/v5/user/query-api",
    "binance": "/sapi/v1/account/apiRestrictions",
    "okx": "/api/v5/account/config",
}
every_exchange = pytest.mark.parametrize("venue", [BYBIT, BINANCE, OKX], ids=lambda venue: venue.name)
SLOW, SLOW_SECONDS = "1h", 3600.0
"""The interval where days have to pass."""


def permit(scene: Scene, **permissions: Any) -> None:
    """Change what the key may do at the exchange."""
    key = ApiKey(key=KEY, secret=SECRET, account="main", passphrase=scene.setup.venue.password)
    scene.exchange.set_key(replace(key, ips=("127.0.0.1",), **permissions))


def finding(scene: Scene) -> dict[str, Any]:
    return next(dict(found) for found in scene.hedge()["findings"] if found["guard"] == "key")


async def until(scene: Scene, state: str, seconds: float) -> None:
    """Wait for a state."""
    began = scene.clock.monotonic()
    while scene.hedge()["state"] != state:
        assert scene.clock.monotonic() - began <= seconds, f"{scene.hedge()['state']}: {finding(scene)}"
        await scene.clock.sleep(30)


@every_exchange
def test_a_key_that_comes_to_withdraw_halts_within_a_day_and_a_mended_one_goes_on(
    venue: Venue, tmp_path: Path
) -> None:
    async def act(scene: Scene) -> None:
        permit(scene)
        await until(scene, "hedged", 3 * SLOW_SECONDS)
        permit(scene, withdraw=True)
        await until(scene, "halted", DAY + 2 * SLOW_SECONDS)
        assert finding(scene)["permission"] == "none"
        assert "allow_withdraw" in finding(scene)["next_step"]
        permit(scene)
        await until(scene, "hedged", 600 + SLOW_SECONDS)
        assert scene.orders == 1

    spot = "1" if venue is BINANCE else "0"
    play(Setup(venue=venue, spot=spot, interval=SLOW, ratio="0.5"), tmp_path, act)


@every_exchange
def test_a_key_that_can_withdraw_trades_nothing(venue: Venue, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        permit(scene, withdraw=True)
        await scene.start()
        await until(scene, "halted", 30)
        await scene.cycles(20)
        assert scene.orders <= 1, "what the first cycle may send before the answer is in"
        orders = scene.orders
        await scene.cycles(50)
        assert scene.orders == orders
        assert scene.hedge()["state"] == "halted"

    play(Setup(venue=venue, near=True), tmp_path, act, started=False)


def test_unless_the_configuration_accepts_it(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        permit(scene, withdraw=True)
        await scene.cycles(5)
        assert scene.hedge()["state"] == "hedged"
        assert finding(scene)["measured"] == "as asked"

    play(Setup(url='http://127.0.0.1:9101"\nallow_withdraw = true  # "'), tmp_path, act)


def test_a_key_that_only_reads_halts_live_and_will_do_to_observe(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        permit(scene, read_only=True)
        await scene.start()
        await scene.cycles(3)
        halted = scene.hedge()["state"] == "halted"
        assert halted is (scene.setup.mode == "live")

    for mode in ("live", "observe"):
        folder = tmp_path / mode
        folder.mkdir()
        play(Setup(mode=mode), folder, act, started=False)


def test_its_expiry_alarms_from_two_weeks_before(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        permit(scene, expires_ms=START_MS + round(14.5 * DAY * 1000))
        await scene.start()
        await scene.clock.sleep(SLOW_SECONDS + 60)
        assert finding(scene)["measured"] == "as asked"
        await scene.clock.sleep(DAY)
        assert (finding(scene)["limit"], finding(scene)["alarm"]) == ("14 days", True)
        assert scene.hedge()["state"] == "hedged"

    play(Setup(interval=SLOW, leverage=None), tmp_path, act, started=False)


class TestWhatCannotBeVerified:
    FAULT = Fault("http_status", status=404, path=ASKED["bybit"])

    def test_is_told_restrains_nothing_and_alarms_once_it_lasts(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(130)
            assert scene.hedge()["state"] == "hedged"
            assert finding(scene)["measured"] == "unverified"
            assert "HTTP 404" in finding(scene)["reason"]
            assert finding(scene)["alarm"] is False
            await scene.clock.sleep(3700)
            assert finding(scene)["alarm"] is True
            assert scene.hedge()["state"] == "hedged"
            scene.faults.stop()
            await scene.clock.sleep(SOON + 60)
            assert finding(scene)["measured"] == "any address"

        play(Setup(faults=[self.FAULT], interval="1m"), tmp_path, act)

    @pytest.mark.parametrize("kind", ["delay_reply", "lose_reply", "html_200", "truncate_reply"])
    def test_holds_no_cycle_up(self, kind: str, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(10)
            assert scene.hedge()["state"] == "hedged"
            assert scene.hedge()["last_cycle"]["age_s"] <= 5
            assert finding(scene)["measured"] == "unverified"
            await scene.stop()

        play(Setup(faults=[Fault(kind, path=ASKED["bybit"])]), tmp_path, act)

    def test_does_not_lift_a_refusal_that_was_known_before(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            permit(scene, withdraw=True)
            await scene.start()
            await until(scene, "halted", 30)
            permit(scene)
            await scene.clock.sleep(2 * SOON)
            assert scene.hedge()["state"] == "halted"
            assert "could not be verified" in finding(scene)["reason"]
            scene.faults.stop()
            await until(scene, "hedged", SOON + 60)

        later = Fault("lose_request", path="/key_scope", since=60)
        play(Setup(faults=[later], near=True), tmp_path, act, started=False)


def test_each_key_is_asked_for_once_a_day(tmp_path: Path) -> None:
    asked: list[float] = []

    @web.middleware
    async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == ASKED["bybit"]:
            asked.append(asyncio.get_running_loop().time())
        return await handler(request)

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(3.5 * DAY)
        assert len(asked) == 4
        assert asked[1] - asked[0] == pytest.approx(DAY, abs=60)

    play(Setup(interval="1h", middlewares=[counting]), tmp_path, act)


def test_the_end_does_not_wait_for_an_answer(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(2)
        began = scene.clock.monotonic()
        await scene.stop()
        assert scene.clock.monotonic() - began < 6

    play(Setup(faults=[Fault("delay_reply", path=ASKED["bybit"], seconds=3600)]), tmp_path, act)
