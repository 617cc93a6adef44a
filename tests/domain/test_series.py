"""A hedge over time: what was deposited told from what the hedge earned, and points thinned with age."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.series import (
    DAY,
    HOUR,
    MINUTE,
    TIERS,
    Point,
    columns,
    moved,
    seen,
    thinned,
    tier,
    unseen,
)
from hedgebot.domain.series import (
    point as point_of,
)
from hedgebot.domain.units import Millis

MARKS = st.decimals(10_000, 200_000, places=2)
COINS = st.decimals(0, 5, places=8)


def leg(notional: Any, entry: Any, mark: Any, symbol: str = "BTC/USD:BTC") -> dict[str, Any]:
    entry = str(entry) if Decimal(notional) else None
    return {
        "account": "main",
        "symbol": symbol,
        "notional_usd": str(notional),
        "entry_price": entry,
        "mark_price": str(mark),
    }


def body(held: Any, *legs: dict[str, Any], funding: Any = 0, fees: Any = 0) -> dict[str, Any]:
    """A record's status: coins held without unrealised profit, and inverse legs."""
    profit = sum(
        Decimal(each["notional_usd"]) * (1 / Decimal(each["mark_price"]) - 1 / Decimal(each["entry_price"]))
        for each in legs
        if each["entry_price"] and ":BTC" in each["symbol"]
    )
    exposure = str(Decimal(held) + profit)
    return {"asset": "BTC", "exposure": exposure, "funding_coins": funding, "fees_coins": fees, "legs": legs}


def point(at: int, ratio: str | None = "1", **told: Any) -> Point:
    figures = {"exposure": Decimal(1)} if ratio else {}
    ratio_then = Decimal(ratio) if ratio else None
    return Point(Millis(at), Decimal(1), Decimal("0.02"), ratio_then, **figures | told)


class TestWhatCameOrWent:
    @given(MARKS, MARKS, COINS, st.integers(0, 300_000))
    def test_prices_alone_bring_nothing(
        self, mark: Decimal, later: Decimal, held: Decimal, short: int
    ) -> None:
        before, after = (body(held, leg(short, 60_000, price)) for price in (mark, later))
        assert abs(moved(before, after)) < Decimal("1e-18")

    @given(MARKS, MARKS, COINS, st.decimals(-5, 5, places=8))
    def test_a_deposit_is_told_from_the_profit_of_the_same_cycle(
        self, mark: Decimal, later: Decimal, held: Decimal, came: Decimal
    ) -> None:
        before, after = body(held, leg(60_000, 60_000, mark)), body(held + came, leg(60_000, 60_000, later))
        assert abs(moved(before, after) - came) < Decimal("1e-18")

    @given(MARKS, MARKS, st.integers(0, 60_000), st.integers(1, 60_000), MARKS)
    def test_a_sale_brings_nothing_wherever_the_price_went_since(
        self, mark: Decimal, later: Decimal, short: int, more: int, fill: Decimal
    ) -> None:
        entry = (short + more) / (Decimal(short) / 60_000 + more / fill)
        before, after = body(1, leg(short, 60_000, mark)), body(1, leg(short + more, entry, later))
        assert abs(moved(before, after)) < Decimal("1e-18")

    @pytest.mark.parametrize("left", [0, 20_000])
    def test_a_buy_back_realises_a_profit_that_is_no_deposit(self, left: int) -> None:
        short, fill = 60_000, Decimal(50_000)
        realised = (short - left) * (1 / fill - 1 / Decimal(60_000))
        before, after = body(1, leg(short, 60_000, 50_500)), body(1 + realised, leg(left, 60_000, fill))
        assert abs(moved(before, after)) < Decimal("1e-18")

    def test_funding_and_fees_are_the_hedges_own_once_they_are_counted(self) -> None:
        short = leg(60_000, 60_000, 60_000)
        before, after = body(1, short), body("1.0003", short, funding="0.0005", fees="0.0002")
        assert moved(before, after) == 0

    def test_a_linear_legs_profit_is_not_paid_in_coins(self) -> None:
        before, after = (body(1, leg(60_000, 60_000, mark, "BTC/USDT:USDT")) for mark in (60_000, 30_000))
        assert moved(before, after) == 0

    def test_a_dated_inverse_legs_profit_is(self) -> None:
        before, after = (
            body(1, leg(60_000, 60_000, mark, "BTC/USD:BTC-261225")) for mark in (60_000, 30_000)
        )
        assert Decimal(after["exposure"]) == 2
        assert moved(before, after) == 0

    def test_a_roll_to_another_leg_brings_nothing(self) -> None:
        mark, dated = Decimal(50_000), "BTC/USD:BTC-261225"
        before = body(1, leg(60_000, 60_000, mark), leg(0, 0, mark, dated))
        realised = 60_000 / mark - 1
        after = body(1 + realised, leg(0, 0, mark), leg(50_000, mark, mark, dated))
        assert abs(moved(before, after)) < Decimal("1e-18")


class TestThinning:
    def test_the_tiers_hold_1440_points_in_all(self) -> None:
        younger = (0, *(limit for limit, _ in TIERS))
        assert (
            sum((limit - less) // step for (limit, step), less in zip(TIERS, younger, strict=False)) == 1440
        )

    @pytest.mark.parametrize(
        ("age", "step"),
        [(0, 2_000), (10 * MINUTE, 10_000), (HOUR, 5 * MINUTE), (7 * DAY, 2 * HOUR), (30 * DAY, None)],
    )
    def test_the_older_the_sparser_and_after_a_month_nothing(self, age: int, step: int | None) -> None:
        assert tier(age) == step

    def test_of_each_step_the_point_furthest_from_the_target_stays(self) -> None:
        calm, worst, blind = point(1_000), point(2_000, "0.7"), point(3_000, None)
        assert thinned([calm, worst, blind, point(4_000, "0.9")], lambda _: 10_000) == [worst]

    def test_a_step_in_which_nothing_was_seen_stays_a_gap(self) -> None:
        points = [point(1_000), point(11_000, None), point(12_000, None), point(21_000)]
        assert [each.ratio for each in thinned(points, lambda _: 10_000)] == [1, None, 1]

    @given(st.lists(st.integers(0, 40 * DAY), unique=True, max_size=200))
    def test_thinning_again_changes_nothing_and_order_is_kept(self, ages: list[int]) -> None:
        now = 100 * DAY
        points = [point(now - age) for age in sorted(ages, reverse=True)]
        once = thinned(points, lambda each: tier(now - each.at))
        assert once == sorted(once, key=lambda each: each.at)
        assert thinned(once, lambda each: tier(now - each.at)) == once


class TestColumns:
    def test_each_is_as_long_as_the_others_and_holds_decimal_strings(self) -> None:
        told = columns([point(1), point(2, None), point(3, value=Decimal("60000.10"))])
        assert {len(column) for column in told.values()} == {3}
        assert told["at_ms"] == [1, 2, 3]
        assert told["ratio"] == ["1", None, "1"]
        assert told["value_usd"] == [None, None, "60000.1"]

    def test_unhedged_is_what_the_first_points_coins_and_later_deposits_are_worth(self) -> None:
        def at(number: int, exposure: str, deposited: str, price: int) -> Point:
            came, mark = Decimal(deposited), Decimal(price)
            return point(number, exposure=Decimal(exposure), deposited=came, price=mark)

        points = [
            point(0, None),
            at(1, "1.5", "7", 60_000),
            at(2, "3", "7", 30_000),
            at(3, "3", "7.5", 30_000),
        ]
        assert columns(points)["unhedged_usd"] == [None, "90000", "45000", "60000"]

    def test_of_nothing_there_is_nothing(self) -> None:
        assert set(map(tuple, columns([]).values())) == {()}


RECORD: dict[str, Any] = {
    "as_of": "2026-11-21T06:00:00Z",
    "target_ratio": "0.5",
    "band": "0.02",
    "ratio": "0.49",
    "net": "0.51",
    "exposure": "1.02",
    "value_usd": "61200",
    "legs": [
        {"mark_price": "60000", "liquidation_distance": "0.4"},
        {"mark_price": "61000", "liquidation_distance": "0.3"},
        {"mark_price": "61000", "liquidation_distance": "unknown"},
        {"mark_price": "61000", "liquidation_distance": None},
    ],
}


class TestAPoint:
    def test_is_what_a_cycle_saw_and_how_near_the_nearest_leg_was(self) -> None:
        assert point_of(Millis(7), RECORD, Decimal("0.25")) == Point(
            at=Millis(7),
            target=Decimal("0.5"),
            band=Decimal("0.02"),
            ratio=Decimal("0.49"),
            net=Decimal("0.51"),
            exposure=Decimal("1.02"),
            deposited=Decimal("0.25"),
            price=Decimal(60_000),
            value=Decimal(61_200),
            liquidation_distance=Decimal("0.3"),
        )

    def test_of_a_cycle_that_saw_nothing_holds_what_was_wanted(self) -> None:
        assert unseen(Millis(7), RECORD) == Point(Millis(7), Decimal("0.5"), Decimal("0.02"))

    @pytest.mark.parametrize(
        ("at", "as_of", "own"),
        [("t1", "t1", True), ("t2", "t1", False), ("t1", None, False), ("", "", False)],
    )
    def test_is_of_the_moment_of_its_figures(self, at: str, as_of: str | None, own: bool) -> None:
        assert seen(at, {"as_of": as_of}) is own

    def test_no_ratio_is_no_distance_from_the_target(self) -> None:
        nothing_held = Point(Millis(7), Decimal(1), Decimal(0), exposure=Decimal(0))
        assert (nothing_held.astray, unseen(Millis(7), RECORD).astray) == (Decimal(0), Decimal(-1))
        assert point_of(Millis(7), RECORD, Decimal(0)).astray == Decimal("0.01")


def test_a_chart_is_drawn_from_these_columns() -> None:
    first = point_of(Millis(7), RECORD, Decimal("0.02"))
    unpriced = Point(Millis(9), Decimal(1), Decimal("0.02"), deposited=Decimal(1))
    blind = unseen(Millis(8), RECORD)
    assert columns([blind, first, unpriced]) == {
        "at_ms": [8, 7, 9],
        "target_ratio": ["0.5", "0.5", "1"],
        "band": ["0.02", "0.02", "0.02"],
        "ratio": [None, "0.49", None],
        "net": [None, "0.51", None],
        "price_usd": [None, "60000", None],
        "value_usd": [None, "61200", None],
        "unhedged_usd": [None, "61200", None],
        "liquidation_distance": [None, "0.3", None],
    }


def test_what_is_worth_a_fraction_of_a_cent_is_rounded() -> None:
    odd = Point(
        Millis(7),
        Decimal(1),
        Decimal(0),
        exposure=Decimal(1),
        deposited=Decimal(0),
        price=Decimal("0.12345"),
    )
    assert columns([odd])["unhedged_usd"] == ["0.12"]


def test_each_leg_earns_its_own_profit() -> None:
    """Two of 30,000 dollars from 60,000 on, and back at 30,000: half a coin each."""
    others = [leg(30_000, 60_000, 60_000), leg(30_000, 60_000, 60_000, "BTC/USD:BTC-261225")]
    later = [each | {"mark_price": "30000"} for each in others]
    assert moved(body(1, *others), body(1, *later)) == 0
