"""What an exchange closes by force: seen in the next cycle, told for an hour, sold again within limits.

What each exchange says of it is read over HTTP; how long it is told, and what is done, on the port.
"""

import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.forced import TOLD_MS
from hedgebot.sim.events import Liquidated
from hedgebot.sim.faults import Fault
from hedgebot.sim.matching import Side
from tests.simulation.world import BINANCE, BYBIT, OKX, START_MS, Scene, Setup, Venue, path, play

LEAP = path((60, 60_000), (61, 130_000))
"""Through the liquidation of a leg at leverage 2 within a second: no ladder is as fast."""

VENUES = pytest.mark.parametrize("venue", [BYBIT, BINANCE, OKX], ids=lambda venue: venue.name)
TAKEN = {"bybit": "a liquidation took 59966 contracts", "binance": "a liquidation took 599 contracts"}
TAKEN |= {"okx": "a liquidation took 599 contracts"}
LEDGER = Fault("lose_request", path="/ledger")


def leaping(venue: Venue, **more: Any) -> Setup:
    """Half of the coins are the margin of the short, and gone with it."""
    return Setup(venue=venue, price=LEAP, **more)


def told(scene: Scene) -> dict[str, Any]:
    """What the guard says."""
    return next(f for f in scene.hedge()["findings"] if f["guard"] == "liquidation")


def kept(scene: Scene) -> int:
    """Records of cycles that are kept for ever."""
    with closing(sqlite3.connect(scene.folder / "hedgebot.db")) as db:
        [[count]] = db.execute("SELECT count(*) FROM cycles WHERE keep")
    return int(count)


async def liquidated(scene: Scene, interval: int = 5) -> None:
    """Wait for it, and for the cycle after it, ``interval`` seconds later at most."""
    await scene.clock.sleep(60)
    assert scene.short
    assert not told(scene)["alarm"]
    await scene.clock.sleep(5)
    assert any(isinstance(event, Liquidated) for event in scene.exchange.events("main"))
    await scene.clock.sleep(interval + 1)


class TestALiquidation:
    @VENUES
    def test_is_told_by_the_next_cycle_for_an_hour(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await liquidated(scene, 30)
            found = told(scene)
            assert found["reason"].startswith(TAKEN[venue.name])
            assert (found["alarm"], found["critical"], found["permission"]) == (True, True, "any")
            await scene.clock.sleep(TOLD_MS / 1000 - 30)
            assert told(scene)["critical"]
            await scene.clock.sleep(60)
            assert not told(scene)["critical"]

        play(leaping(venue, interval="30s", near=True), tmp_path, act)

    @VENUES
    def test_is_sold_again_once_as_far_as_the_coins_that_are_left_carry_it(
        self, tmp_path: Path, venue: Venue
    ) -> None:
        async def act(scene: Scene) -> None:
            await liquidated(scene, 15)
            assert told(scene)["reason"].startswith(TAKEN[venue.name])
            await scene.clock.sleep(300)
            assert scene.hedge()["state"] == "hedged"
            assert abs(scene.net) < scene.held * Fraction("0.02")
            assert scene.orders == 2
            first, again = scene.daemon.cycles["btc"].state.intents
            assert (first.correction, again.correction) == (False, True)

        play(leaping(venue, interval="15s"), tmp_path, act)

    def test_is_not_where_nothing_may_be_corrected(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await liquidated(scene)
            await scene.clock.sleep(300)
            assert scene.orders == 1
            assert not scene.short
            limits = next(f for f in scene.hedge()["findings"] if f["guard"] == "limits")
            assert limits["alarm"]

        play(leaping(BYBIT, limits="corrections_per_hour = 0", near=True), tmp_path, act)

    def test_stays_in_the_journal_with_the_record_of_its_cycle(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await liquidated(scene)
            assert scene.app is not None
            past = await scene.app.journal.memory("btc")
            assert past is not None
            [forced] = past.forced
            assert START_MS + 60_000 < forced.at < START_MS + 62_000
            await scene.stop()
            await scene.clock.sleep(60)
            await scene.start()
            await scene.clock.sleep(20)
            assert told(scene)["reason"].startswith(TAKEN["bybit"])

        play(leaping(BYBIT, near=True), tmp_path, act)

    def test_that_nobody_watched_is_told_when_somebody_does(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            await scene.stop()
            await scene.clock.sleep(2 * TOLD_MS / 1000)
            await scene.start()
            await scene.clock.sleep(20)
            assert told(scene)["reason"].startswith(TAKEN["bybit"])

        play(leaping(BYBIT, near=True), tmp_path, act)


class TestADeleveraging:
    @VENUES
    def test_is_told_and_what_it_took_is_sold_again(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            short = scene.short
            scene.exchange.adl("main", scene.native, "0.25", 60_500)
            taken = short - scene.short
            await scene.clock.sleep(7)
            assert told(scene)["reason"].startswith(f"auto-deleveraging took {taken} contracts of")
            assert "at 60500" in told(scene)["reason"]
            assert told(scene)["critical"]
            await scene.clock.sleep(60)
            assert scene.hedge()["state"] == "hedged"
            assert scene.short > short * Fraction("0.97")

        play(Setup(venue=venue), tmp_path, act)

    def test_inside_the_band_is_told_and_kept_though_nothing_is_done(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            before = kept(scene)
            scene.exchange.adl("main", scene.native, "0.01")
            await scene.clock.sleep(12)
            assert told(scene)["critical"]
            assert (scene.orders, scene.hedge()["last_cycle"]["reason"]) == (1, "inside the band")
            assert kept(scene) == before + 1

        play(Setup(near=True), tmp_path, act)


class TestNoLiquidation:
    @VENUES
    def test_what_somebody_bought_back_by_hand_is_none(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            scene.exchange.human_trade("main", scene.native, Side.BUY, scene.short // 2)
            for _ in range(10):
                await scene.clock.sleep(7)
                assert not told(scene)["critical"]
            assert scene.hedge()["state"] == "hedged"

        play(Setup(venue=venue, near=True), tmp_path, act)


class TestALedgerThatCannotBeRead:
    def test_nothing_is_traded_before_it_is_known_what_happened(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await liquidated(scene)
            for _ in range(10):
                await scene.clock.sleep(15)
                status = scene.hedge()
                assert status["state"] == "blind"
                assert "recent fills are not known" in status["last_cycle"]["reason"]
            assert scene.orders == 1
            assert not scene.short
            scene.faults.stop()
            await scene.clock.sleep(12)
            assert told(scene)["reason"].startswith(TAKEN["bybit"])
            await scene.clock.sleep(120)
            assert scene.hedge()["state"] == "hedged"

        play(leaping(BYBIT, faults=[LEDGER], near=True), tmp_path, act)
