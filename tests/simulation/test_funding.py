"""Weeks in which the short pays 0.05 % every eight hours: 54.75 % a year, under each action."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from hedgebot.domain.records import Verb
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.simulation.test_roll import dated
from tests.simulation.world import BINANCE, BYBIT, OKX, Scene, Setup, Venue, play

HOUR, DAY = 3600.0, 86_400.0


def budget(action: str, windows: str = '"7d"') -> str:
    return f'[hedges.btc.funding]\nbudget = 0.3\nwindows = [{windows}]\naction = "{action}"\nfloor = 0.5'


def finding(scene: Scene) -> dict[str, object]:
    return next(each for each in scene.hedge()["findings"] if each["guard"] == "funding")


async def dear(scene: Scene, days: int = 30) -> list[str]:
    """The target of each of so many days, whose funding the short pays."""
    scene.exchange.change_feed(scene.native, funding=level("-0.0005"))
    await scene.clock.sleep(4 * HOUR)
    targets = []
    for _ in range(days):
        await scene.clock.sleep(DAY)
        targets.append(scene.hedge()["target_ratio"])
    return targets


def month(action: str) -> Setup:
    return Setup(interval="1h", more=budget(action), near=True, latency=0)


class TestFundingThatTheShortPays:
    def test_with_an_alarm_all_of_it_is_paid(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            assert set(await dear(scene)) == {"1"}
            assert Fraction("0.043") < 1 - scene.held < Fraction("0.046"), "90 times 0.05 %"
            assert (scene.hedge()["state"], finding(scene)["alarm"]) == ("hedged", True)
            assert "nothing is done about it" in str(finding(scene)["reason"])

        play(month("alarm"), tmp_path, act)

    def test_with_a_floor_half_of_the_hedge_stays(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            targets = await dear(scene)
            assert targets[:3] == ["1"] * 3, "a week's budget is not used up in three days"
            assert targets[4:] == ["0.5"] * 26, "and it does not come back while the rate is what it is"
            assert Fraction("0.022") < 1 - scene.held < Fraction("0.028"), "half of it from the fourth day on"
            assert (scene.hedge()["state"], finding(scene)["alarm"]) == ("hedged", True)
            orders = scene.orders
            scene.exchange.change_feed(scene.native, funding=level("0.0001"))
            await scene.clock.sleep(8 * DAY)
            assert (scene.hedge()["target_ratio"], scene.hedge()["state"]) == ("1", "hedged")
            assert (scene.orders, finding(scene)["alarm"]) == (orders + 1, False)

        play(month("floor"), tmp_path, act)

    def test_with_a_dated_contract_the_hedge_moves_there_and_back(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            quarter = scene.setup.venue.also[0].symbol
            targets = await dear(scene, 10)
            assert set(targets) == {"1"}, "all of it stays hedged"
            moved = scene.exchange.position("main", quarter)
            assert (scene.short == 0, scene.hedge()["state"]) == (True, "hedged")
            assert abs(scene.held - moved.entry_coins) < Fraction("0.002")
            assert Fraction("0.005") < 1 - scene.held < Fraction("0.009"), (
                "four days of funding, and the fees"
            )
            assert "in dated contracts until it is cheap again" in str(finding(scene)["reason"])
            await scene.stop()
            await scene.start()
            await scene.clock.sleep(3 * HOUR)
            assert scene.hedge()["state"] == "hedged"
            foreign = next(each for each in scene.hedge()["findings"] if each["guard"] == "foreign")
            assert not foreign["alarm"], "the contract that it is in is its own, after a restart too"
            scene.exchange.change_feed(scene.native, funding=level("0.0001"))
            await scene.clock.sleep(2 * DAY)
            assert scene.exchange.position("main", quarter).size == 0
            assert abs(scene.net) < Fraction("0.002")
            assert not finding(scene)["alarm"]

        play(replace(month("dated"), venue=dated(BYBIT, BYBIT.symbol)), tmp_path, act)

    def test_with_an_unwind_the_hedge_ends_and_is_begun_anew_only_by_a_person(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await dear(scene, 10)
            assert (scene.hedge()["state"], scene.short == 0) == ("unwound", True)
            assert Fraction("0.005") < 1 - scene.held < Fraction("0.009"), "four days of it"
            await scene.stop()
            await scene.start()
            await scene.clock.sleep(3 * HOUR)
            assert scene.hedge()["state"] == "unwound"
            await scene.daemon.command("btc", Verb.RESUME, None, "test")
            await scene.clock.sleep(4 * HOUR)
            assert scene.hedge()["state"] == "hedged"
            assert scene.short > 0

        play(month("unwind"), tmp_path, act)


@pytest.mark.parametrize("venue", [BYBIT, BINANCE, OKX], ids=lambda venue: venue.name)
def test_what_was_paid_is_the_exchanges_own_figure(venue: Venue, tmp_path: Path) -> None:
    """Also what it booked before the daemon was there."""

    async def act(scene: Scene) -> None:
        scene.exchange.change_feed(scene.native, funding=level("-0.0005"))
        scene.exchange.human_trade("main", scene.native, Side.SELL, 60_000 // venue.contract.face)
        await scene.clock.sleep(3 * DAY)
        await scene.start()
        await scene.cycles(6)
        assert scene.hedge()["state"] == "hedged"
        assert finding(scene)["measured"] == "55.0% over 1 d, 23.6% over 7 d"
        assert finding(scene)["alarm"]

    setup = Setup(venue, more=budget("alarm", '"1d", "7d"'), margin_mode=MarginMode.CROSS, leverage=None)
    play(setup, tmp_path, act, started=False)


def test_a_ledger_that_is_not_to_be_read_changes_nothing_and_is_an_alarm(tmp_path: Path) -> None:
    silent = Fault("lose_request", path="/ledger")

    async def act(scene: Scene) -> None:
        scene.exchange.change_feed(scene.native, funding=level("-0.0005"))
        await scene.clock.sleep(12 * HOUR)
        assert (scene.hedge()["target_ratio"], scene.hedge()["state"]) == ("1", "hedged")
        assert "what funding cost is not known" in str(finding(scene)["reason"])
        assert finding(scene)["alarm"]

    play(Setup(interval="1h", more=budget("floor"), faults=[silent], near=True), tmp_path, act)
