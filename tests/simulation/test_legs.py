"""Two legs on two exchanges, as stories: half a coin on each, and one of them goes silent in a crash."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.records import Verb
from hedgebot.domain.units import ZERO
from hedgebot.sim.faults import Fault
from tests.simulation.pair import LEGS, Pair, play
from tests.simulation.world import path

CRASH = path((600, 60_000), (2400, 42_000))
SILENT: dict[str, Any] = {"since": 900, "until": 4500}
"""An hour in which the left exchange is not there, from the middle of the fall of 30 % on."""

LOST = Fraction(1, 250)
"""Coins: two lots of 100 dollars, the fees, and what the price moves while an order travels."""

KINDS = ["delay_reply", "lose_request", "http_status"]


def left_silent(kind: str) -> list[Fault]:
    return [Fault(kind, **SILENT)]


async def before_the_outage(pair: Pair) -> None:
    await pair.clock.sleep(590)
    assert pair.hedge()["state"] == "hedged"


class TestWeights:
    @pytest.mark.parametrize(
        ("weights", "share", "http"), [((1, 1), "0.5", False), ((3, 1), "0.75", True), ((1, 4), "0.2", False)]
    )
    def test_each_leg_sells_its_share_once(
        self, tmp_path: Path, weights: Any, share: str, http: bool
    ) -> None:
        async def act(pair: Pair) -> None:
            await pair.clock.sleep(60)
            assert pair.hedge()["state"] == "hedged"
            assert abs(pair.net) < LOST
            assert abs(pair.sold("left") - Fraction(share)) < LOST
            assert [len(pair.orders(name)) for name in ("left", "right")] == [1, 1]

        legs = [leg.replace("}", f", weight = {w} }}") for leg, w in zip(LEGS.values(), weights, strict=True)]
        play(tmp_path, act, legs=legs, interval="5s", http=http)

    def test_what_is_deposited_is_shared_too(self, tmp_path: Path) -> None:
        async def act(pair: Pair) -> None:
            await pair.clock.sleep(60)
            pair.exchanges["left"].deposit("left", "BTC", "0.5")
            await pair.clock.sleep(30)
            assert abs(pair.net) < LOST
            assert abs(pair.sold("left") - pair.sold("right")) < LOST

        play(tmp_path, act, interval="5s")


class TestAnHourOfSilenceInACrash:
    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_to_do_is_nothing_done(self, tmp_path: Path, kind: str) -> None:
        """The fall itself moves no coins: both shorts rest where they are, and the value with them."""

        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            value = pair.value
            for _ in range(60):
                await pair.clock.sleep(60)
                assert abs(pair.value - value) < value / 100
                assert pair.hedge()["state"] == "hedged"
            dead, alive = pair.hedge()["legs"]
            assert (dead["dead_since"] or "").startswith("2026-11-18T11:2")
            assert alive["dead_since"] is None
            assert pair.finding("outage")["alarm"]
            assert "left:BTC/USD:BTC was last read on" in pair.finding("outage")["reason"]
            await pair.clock.sleep(400)
            assert not pair.finding("outage")["alarm"]
            assert [len(pair.orders(name)) for name in ("left", "right")] == [1, 1]

        play(tmp_path, act, CRASH, left=left_silent(kind))

    @pytest.mark.parametrize(("word", "elsewhere"), [("wait", "0.25"), ("others", "0.5")])
    def test_a_deposit_meanwhile(self, tmp_path: Path, word: str, elsewhere: str) -> None:
        """Half a coin more: the living leg sells its own share of it, or all of it where it may."""

        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            await pair.clock.sleep(600)
            at_left, at_right = len(pair.orders("left")), pair.sold("right")
            pair.exchanges["right"].deposit("right", "BTC", "0.5")
            for _ in range(50):
                await pair.clock.sleep(60)
                assert pair.net > -LOST, "never more sold than there is"
            assert abs(pair.sold("right") - at_right - Fraction(elsewhere)) < LOST
            assert len(pair.orders("left")) == at_left, "never an order to the dead one"
            assert (pair.hedge()["state"] == "hedged") is (word == "others")
            waits = "to sell wait for left:BTC/USD:BTC" in pair.hedge()["last_cycle"]["reason"]
            assert waits is (word == "wait")
            await pair.clock.sleep(4500 - 590 - 600 - 3000 + 300)
            assert abs(pair.net) < LOST
            assert pair.hedge()["state"] == "hedged"
            orders = [len(pair.orders(name)) for name in ("left", "right")]
            assert orders == ([2, 2] if word == "wait" else [1, 2])

        play(tmp_path, act, CRASH, f'if_leg_down = "{word}"', left=left_silent("delay_reply"))

    def test_a_withdrawal_meanwhile_is_bought_back_where_that_can_be(self, tmp_path: Path) -> None:
        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            await pair.clock.sleep(600)
            pair.exchanges["right"].withdraw("right", "BTC", "0.1")
            await pair.clock.sleep(120)
            assert abs(pair.net) < LOST
            assert len(pair.orders("left")) == 1

        play(tmp_path, act, CRASH, left=left_silent("delay_reply"))

    def test_what_was_sold_too_much_is_bought_back_after_it(self, tmp_path: Path) -> None:
        """Coins that left the dead exchange were counted until it was back."""

        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            await pair.clock.sleep(600)
            pair.exchanges["left"].withdraw("left", "BTC", "0.08")
            await pair.clock.sleep(3000)
            assert abs(pair.net + Fraction("0.08")) < LOST, "nobody could know"
            await pair.clock.sleep(700)
            assert abs(pair.net) < LOST
            assert pair.hedge()["state"] == "hedged"

        play(tmp_path, act, CRASH, left=left_silent("delay_reply"))

    def test_an_unwind_waits_for_the_dead_one(self, tmp_path: Path) -> None:
        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            await pair.clock.sleep(600)
            await pair.daemon.command("btc", Verb.UNWIND, ZERO, "test")
            await pair.clock.sleep(600)
            assert not pair.sold("right")
            assert len(pair.orders("left")) == 1
            assert pair.hedge()["state"] == "unwinding"
            assert "to buy back wait for left:BTC/USD:BTC" in pair.hedge()["last_cycle"]["reason"]
            await pair.clock.sleep(4500 - 590 - 1200 + 400)
            assert not pair.sold("left")
            assert pair.hedge()["state"] == "unwound"

        play(tmp_path, act, CRASH, left=left_silent("delay_reply"))


class TestAnOrderThatWasUnderWay:
    @pytest.mark.parametrize(("arrives", "http"), [(True, True), (True, False), (False, False)])
    def test_is_not_repeated_elsewhere_and_settled_at_the_end(
        self, tmp_path: Path, arrives: bool, http: bool
    ) -> None:
        """The left exchange goes silent on the order itself, which took effect or did not."""

        async def act(pair: Pair) -> None:
            await pair.clock.sleep(50)
            pair.exchanges["left"].deposit("left", "BTC", "0.5")
            pair.exchanges["right"].deposit("right", "BTC", "0.02")
            for _ in range(16):
                await pair.clock.sleep(20)
                assert pair.net > -LOST, "never sold twice"
            assert abs(pair.sold("left") - (Fraction("0.76") if arrives else Fraction("0.5"))) < LOST
            assert abs(pair.sold("right") - Fraction("0.76")) < LOST, "its own share, and no more"
            assert "is unresolved" in pair.finding("in_flight")["reason"]
            await pair.clock.sleep(150)
            assert abs(pair.net) < LOST
            assert pair.hedge()["state"] == "hedged"

        kind = "lose_reply" if arrives else "lose_request"
        order = Fault(kind, method="POST", path="/v5/order/create" if http else "/place", since=50, until=400)
        silence = Fault("lose_request", since=56, until=400)
        more = 'if_leg_down = "others"'
        play(tmp_path, act, None, more, interval="5s", http=http, left=[order, silence])


class TestAStart:
    def test_without_the_dead_one_sees_nothing_that_it_could_count_on(self, tmp_path: Path) -> None:
        """What the journal keeps of an account is too little: blind until it was read once."""

        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            await pair.clock.sleep(600)
            await pair.stop()
            await pair.start()
            await pair.clock.sleep(120)
            assert pair.hedge()["state"] == "blind"
            await pair.clock.sleep(3400)
            assert pair.hedge()["state"] == "hedged"
            assert abs(pair.net) < LOST

        play(tmp_path, act, CRASH, left=left_silent("lose_request"))

    def test_with_a_leg_taken_out_of_the_config_keeps_its_short_in_mind(self, tmp_path: Path) -> None:
        async def act(pair: Pair) -> None:
            await before_the_outage(pair)
            await pair.stop()
            await pair.start([LEGS["right"]], interval="5s")
            pair.exchanges["right"].deposit("right", "BTC", "0.2")
            await pair.clock.sleep(60)
            found = pair.finding("foreign")
            assert (found["permission"], found["alarm"]) == ("reduce_only", True)
            assert "of left:BTC/USD:BTC were short when it was taken out of the config" in found["reason"]
            assert [len(pair.orders(name)) for name in ("left", "right")] == [1, 1], "nothing is sold for it"
            await pair.stop()
            await pair.start(interval="5s")
            await pair.clock.sleep(60)
            assert not pair.finding("foreign")["alarm"]
            assert abs(pair.net) < LOST

        play(tmp_path, act)
