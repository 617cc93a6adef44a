"""Several legs: which one trades, how much of the gap, and what of it waits for a leg that cannot be read."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.account import Outage, WalletId
from hedgebot.domain.decision import Plan
from hedgebot.domain.hedge import CollateralPolicy, LegDown
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Doubtful, Snapshot
from hedgebot.domain.units import Millis
from hedgebot.planning import decide
from tests.builders import (
    LINEAR,
    NOW,
    SYMBOL,
    allowing,
    coin,
    flat_quote,
    hedge,
    instrument,
    leg,
    policy,
    price,
    snapshot,
    to,
    wallet,
)  # fmt: skip

LOST = Outage(Millis(NOW - 600_000), seen=-500.0, reason="no answer")
JUST_LOST = Outage(Millis(NOW - 30_000), seen=70.0, reason="no answer")
NAMES = ("left", "right", "third")


def apart(
    *sold: int,
    coins: str = "1",
    weights: Sequence[str] = ("1", "1", "1"),
    dead: dict[str, Outage] | None = None,
    lot: int = 1,
    **changes: Any,
) -> Snapshot:
    """Legs on accounts of their own, short so many contracts of a dollar at 60,000."""
    contract = instrument(lot=lot, min_order=lot)
    legs = []
    for name, size, weight in zip(NAMES, sold, weights, strict=False):
        of = policy(account=name, weight=Decimal(weight))
        found = leg(-size, contract=contract, book=flat_quote(), policy=of, fee="0")
        pot = wallet(10, [found.position], id=WalletId(name, "unified", "BTC"))
        legs.append(replace(found, wallet=pot, dead=(dead or {}).get(name)))
    seen = replace(snapshot(*legs, coins=0), legs=tuple(legs), outside=coin(coins), margin_wallets=())
    return replace(seen, **changes)


ALONE, LOOKED_AFTER = CollateralPolicy(enabled=False), CollateralPolicy()


def decided(seen: Snapshot, ratio: str = "1", *, exact: bool = False, **changes: Any) -> Plan:
    found = hedge(band=changes.pop("band", "0.02"), **{"collateral": ALONE} | changes)
    plan = decide(found, seen, allowing(), to(ratio, exact=exact), Control())
    assert plan.target == to(ratio, exact=exact)
    return plan


def order(plan: Plan) -> tuple[str, int] | None:
    """Account and contracts of a plan's order."""
    return None if plan.order is None else (plan.order.leg.account, int(plan.order.contracts.value))


class TestWeights:
    @pytest.mark.parametrize(
        ("seen", "first"),
        [
            (apart(0, 0), ("left", -30_000)),
            (apart(30_000, 0), ("right", -30_000)),
            (apart(0, 0, weights=("1", "2")), ("right", -40_000)),
            (apart(0, 40_000, weights=("1", "2")), ("left", -20_000)),
            (apart(0, 0, 0, weights=("1", "1", "4")), ("third", -40_000)),
            # too little to be split: what one leg left over would be inside the band
            (apart(29_000, 29_200), ("left", -1_800)),
            (apart(29_200, 29_000), ("right", -1_800)),
            # exactly the band would be left over, and does not trade by itself
            (apart(28_800, 28_800), ("left", -2_400)),
            # of half a coin the band is half as much
            (apart(13_800, 13_800, coins="0.5"), ("left", -1_200)),
            # above the target, the one furthest above its share buys
            (apart(60_000, 30_000), ("left", 30_000)),
            (apart(60_000, 60_000), ("left", 30_000)),
            (apart(50_000, 40_000, weights=("5", "1")), ("right", 30_000)),
            (apart(0, 70_000), ("right", 10_000)),
            # a leg that is being left takes no more, and is the first to be bought back
            (apart(30_000, 0, weights=("0", "1")), ("right", -30_000)),
            (apart(30_000, 60_000, weights=("0", "1")), ("left", 30_000)),
        ],
    )
    def test_the_leg_furthest_from_its_share_comes_first(
        self, seen: Snapshot, first: tuple[str, int]
    ) -> None:
        assert order(decided(seen)) == first

    @pytest.mark.parametrize("sold", [(60_000, 0), (0, 60_000), (10_000, 50_000)])
    def test_legs_are_not_traded_to_bring_them_to_their_shares(self, sold: tuple[int, int]) -> None:
        assert decided(apart(*sold)).reason == "inside the band"
        there = decided(apart(*sold), exact=True)
        assert (there.reason, there.hedged, there.acts) == ("within one lot of the target", True, False)

    def test_a_part_that_is_no_lot_goes_with_the_rest(self) -> None:
        """Shares of 0.5 and 1.5 lots: two lots are sold all the same, in one leg."""
        seen = apart(0, 0, coins="0.0034", weights=("1", "3"), lot=100)
        assert order(decided(seen)) == ("right", -200)

    def test_on_the_way_to_an_exact_target_every_lot_is_split(self) -> None:
        assert order(decided(apart(29_000, 29_200), exact=True)) == ("left", -1_000)

    def test_a_leg_that_is_being_left_sells_nothing_for_one_that_is_full(self) -> None:
        seen = apart(30_000, 0, weights=("0", "1"))
        full = replace(seen.legs[1], quote=replace(seen.legs[1].quote, bids=()))
        plan = decided(replace(seen, legs=(seen.legs[0], full)), if_leg_down=LegDown.OTHERS)
        assert (order(plan), plan.forbidden) == (None, True)

    def test_linear_legs_share_like_any_other(self) -> None:
        seen = apart(0, 0)
        contract = instrument(LINEAR, face="0.001")
        legs = [leg(contract=contract, policy=policy(LINEAR, account=name)) for name in NAMES[:2]]
        found = replace(seen, legs=tuple(replace(each, wallet=seen.legs[0].wallet) for each in legs))
        assert order(decided(found)) == ("left", -500)

    def test_a_leg_that_takes_no_more_keeps_its_share_unless_others_may_have_it(self) -> None:
        full = apart(30_000, 0)
        thin = replace(full.legs[1], quote=flat_quote(60_000))
        thin = replace(thin, quote=replace(thin.quote, bids=()))
        seen = replace(full, legs=(full.legs[0], thin))
        assert decided(seen).reason == "the book of right:BTC/USD:BTC offers too little within 0.005 of mark"
        assert order(decided(seen, if_leg_down=LegDown.OTHERS)) == ("left", -30_000)


class TestADeadLeg:
    @pytest.mark.parametrize(
        ("seen", "wait", "others"),
        [
            # (sold, sold), left dead, one coin held unless told
            (apart(0, 0, dead={"left": LOST}), ("right", -30_000), ("right", -60_000)),
            (apart(0, 30_000, dead={"left": LOST}), None, ("right", -30_000)),
            (apart(30_000, 0, dead={"left": LOST}), ("right", -30_000), ("right", -30_000)),
            (apart(0, 30_000, dead={"left": JUST_LOST}), None, None),  # not yet long enough
            (apart(30_000, 30_000, coins="1.5", dead={"left": LOST}), ("right", -15_000), ("right", -30_000)),
            (apart(0, 0, 0, dead={"left": LOST}), ("right", -20_000), ("right", -30_000)),
            (apart(20_000, 20_000, 0, dead={"left": LOST}), ("third", -20_000), ("third", -20_000)),
            # purchases never wait while a living leg can make them
            (apart(60_000, 30_000, dead={"left": LOST}), ("right", 30_000), ("right", 30_000)),
            (apart(60_000, 10_000, dead={"left": LOST}), ("right", 10_000), ("right", 10_000)),
            (apart(90_000, 0, dead={"left": LOST}), None, None),
            # what it has sold is no part of what the others share
            (apart(30_000, 0, 0, dead={"left": LOST}), ("right", -20_000), ("right", -15_000)),
            (apart(0, 20_000, 20_000, dead={"left": LOST}), None, ("right", -10_000)),
            # the whole share is its own, and what is left of the others is bought back all the same
            (
                apart(30_000, 0, coins="0.25", weights=("0", "1"), dead={"right": LOST}),
                ("left", 15_000),
                ("left", 15_000),
            ),
        ],
    )
    def test_is_never_traded(self, seen: Snapshot, wait: Any, others: Any) -> None:
        assert order(decided(seen)) == wait
        assert order(decided(seen, if_leg_down=LegDown.OTHERS)) == others

    @pytest.mark.parametrize(
        ("seen", "reason"),
        [
            (apart(0, 30_000, dead={"left": LOST}), "0.5 BTC to sell wait for left:BTC/USD:BTC"),
            (apart(90_000, 0, dead={"left": LOST}), "0.5 BTC to buy back wait for left:BTC/USD:BTC"),
        ],
    )
    def test_what_waits_for_it_is_told_and_no_hedge(self, seen: Snapshot, reason: str) -> None:
        plan = decided(seen)
        assert plan.reason == f"{reason}: left counts as last confirmed, 2026-11-21T05:50:00Z"
        assert (plan.hedged, plan.forbidden) == (False, True)

    def test_what_waits_is_told_whichever_leg_comes_first(self) -> None:
        plan = decided(apart(20_000, 0, dead={"right": LOST}, coins="0.666666"))
        assert plan.reason.startswith("0.3333 BTC to sell wait for right:BTC/USD:BTC: right counts as last")

    @pytest.mark.parametrize(("sold", "waits"), [(29_899, True), (29_900, True), (29_901, False)])
    def test_less_than_its_least_order_does_not_wait(self, sold: int, waits: bool) -> None:
        """Its share is 30,000 contracts, and 100 are the least that it takes."""
        seen = apart(sold, 30_000, dead={"left": LOST})
        facts = replace(seen.legs[0].facts, instrument=instrument(min_order=100))
        found = replace(seen, legs=(replace(seen.legs[0], facts=facts), seen.legs[1]))
        plan = decided(found, exact=True)
        assert (order(plan), plan.forbidden, plan.hedged) == (None, waits, not waits)

    def test_a_dead_minute_is_long_enough_for_others(self) -> None:
        minute = Outage(Millis(NOW - 60_000), seen=40.0, reason="no answer")
        after = apart(0, 30_000, dead={"left": minute}, ended=100.0)
        before = apart(0, 30_000, dead={"left": minute}, ended=99.999)
        assert order(decided(after, if_leg_down=LegDown.OTHERS)) == ("right", -30_000)
        assert order(decided(before, if_leg_down=LegDown.OTHERS)) is None

    def test_an_unwind_is_not_over_before_it_is_back(self) -> None:
        living = decided(apart(30_000, 30_000, dead={"left": LOST}), "0", exact=True)
        assert order(living) == ("right", 30_000)
        assert not decided(apart(30_000, 0, dead={"left": LOST}), "0", exact=True).hedged

    def test_inside_the_band_it_changes_nothing(self) -> None:
        assert decided(apart(30_000, 30_000, dead={"left": LOST})).reason == "inside the band"


class TestTheCollateralBesideADeadLeg:
    """Liquidation lies 0.1 above the mark, says the exchange, for one of the two or for both."""

    def near(self, *names: str) -> Snapshot:
        seen = apart(30_000, 30_000, dead={"left": LOST})
        legs = [
            replace(each, position=replace(each.position, liquidation=price(64_000)))
            if each.policy.account in names
            else each
            for each in seen.legs
        ]
        return replace(seen, legs=tuple(legs))

    @pytest.mark.parametrize(
        ("names", "bought"),
        [((), None), (("left",), None), (("right",), ("right", 15_000)), (NAMES, ("right", 15_000))],
    )
    def test_of_the_living_is_looked_after_and_nothing_is_done_for_the_dead(
        self, names: tuple[str, ...], bought: object
    ) -> None:
        plan = decided(self.near(*names), collateral=LOOKED_AFTER)
        assert order(plan) == bought
        assert plan.rescues is (bought is not None)


class TestAnUnresolvedOrderOnADeadLeg:
    @pytest.mark.parametrize(
        ("sold", "doubt", "expected"),
        [
            ((0, 30_000), Doubtful(Decimal("0.5"), orders=("hb1",)), None),
            ((0, 30_000), Doubtful(Decimal("0.3"), orders=("hb1",)), ("right", -12_000)),
            ((0, 0), Doubtful(Decimal("0.5"), orders=("hb1",)), ("right", -30_000)),
            ((60_000, 30_000), Doubtful(Decimal("0.5"), orders=("hb1",)), ("right", 30_000)),
            ((60_000, 30_000), Doubtful(bought=Decimal("0.5"), orders=("hb1",)), None),
            ((60_000, 30_000), Doubtful(bought=Decimal("0.2"), orders=("hb1",)), ("right", 18_000)),
        ],
    )
    def test_is_not_repeated_by_others(self, sold: Any, doubt: Doubtful, expected: Any) -> None:
        """It counts as filled for what would do the same, and as not filled for what would undo it."""
        seen = apart(*sold, dead={"left": LOST}, doubtful=doubt)
        plan = decided(seen, if_leg_down=LegDown.OTHERS)
        assert order(plan) == expected
        there = "left counts as last confirmed, 2026-11-21T05:50:00Z"
        assert f"{there}; order hb1 there may be filled, and is not repeated elsewhere" in plan.reason


lives = st.lists(st.integers(0, 90_000), min_size=2, max_size=3)
weights = st.lists(st.sampled_from(["0.5", "1", "2", "7"]), min_size=3, max_size=3)


def filled(seen: Snapshot, plan: Plan) -> Snapshot:
    """The snapshot once a plan's order is filled at mark, without a fee."""
    assert plan.order is not None
    sold = {each.policy.account: -int(each.position.contracts.value) for each in seen.legs}
    sold[plan.order.leg.account] -= int(plan.order.contracts.value)
    return apart(
        *sold.values(),
        coins=str(seen.outside),
        weights=[str(each.policy.weight) for each in seen.legs],
        dead={each.policy.account: each.dead for each in seen.legs if each.dead is not None},
    )


class TestWhateverTheLegsSold:
    @settings(max_examples=60)
    @given(lives, weights, st.sampled_from(["0", "0.3", "1"]), st.booleans(), st.booleans(), st.booleans())
    def test_one_order_a_leg_ends_at_the_target_and_never_beyond(
        self, sold: list[int], shares: list[str], ratio: str, exact: bool, dies: bool, others: bool
    ) -> None:
        dead = {"left": LOST} if dies else None
        seen, word = apart(*sold, weights=shares, dead=dead), LegDown.OTHERS if others else LegDown.WAIT
        selling, wanted, traded = sum(sold) < 60_000 * Decimal(ratio), 60_000 * Decimal(ratio), list[str]()
        while (plan := decided(seen, ratio, exact=exact, if_leg_down=word)).order is not None:
            assert (plan.order.contracts.value < 0) is selling, "nothing is traded back"
            traded.append(plan.order.leg.account)
            seen = filled(seen, plan)
            total = seen.exposure.sold.value * 60_000
            assert total <= wanted + Decimal("1e-9") if selling else total >= wanted - len(sold)
        assert len(traded) == len(set(traded)) <= len(sold)
        assert not dies or "left" not in traded
        assert plan.hedged or (dies and "wait for left:BTC/USD:BTC" in plan.reason)

    @given(weights, st.lists(st.integers(5_000, 50_000), min_size=12, max_size=12))
    @settings(max_examples=30)
    def test_legs_come_to_their_shares_as_orders_come(self, shares: list[str], deposits: list[int]) -> None:
        seen = apart(60_000, 0, 0, weights=shares)
        for deposit in deposits:
            more = seen.outside.value + Decimal(deposit) / 6_000
            seen = replace(seen, outside=coin(more))
            while (plan := decided(seen)).order is not None:
                seen = replace(filled(seen, plan), outside=coin(more))
        total, all_shares = seen.exposure.sold.value, sum(map(Decimal, shares))
        for each, weight in zip(seen.legs, shares, strict=True):
            off = each.short.sold.value / total - Decimal(weight) / all_shares
            assert abs(off) < Decimal("0.05")


def test_a_single_leg_has_no_shares() -> None:
    assert order(decided(apart(0, weights=("7",)))) == ("left", -60_000)
    assert SYMBOL in decided(apart(0)).reason
