"""The decision as a table: when to trade, how much, and in every other case why not."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.decision import Permission, Plan, PlannedOrder, Target
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Coin, Contracts, Usd
from hedgebot.planning import decide
from tests.builders import (
    DATED,
    LIMITS,
    allowing,
    contracts,
    flat_quote,
    hedge,
    hedged,
    instrument,
    leg,
    levels,
    policy,
    price,
    quote,
    snapshot,
    to,
)  # fmt: skip

ANY, REDUCE_ONLY, NONE = Permission
HEDGED, DRIFTING = True, False


def pot(size: int = 0, coins: str = "1", **changes: Any) -> Snapshot:
    """``coins`` with ``size`` contracts short at 60,000; everything fills at mark, free of charge."""
    mark = changes.pop("mark", 60_000)
    book = changes.pop("book", flat_quote(mark))
    return snapshot(leg(size, mark=mark, book=book, fee="0", **changes), coins=coins)


def decided(
    seen: Snapshot,
    target: Target | None = None,
    permission: Permission = ANY,
    control: Control | None = None,
    found: Hedge | None = None,
) -> Plan:
    plan = decide(found or hedge(), seen, allowing(permission), target or to(1), control or Control())
    assert plan.target == (target or to(1))
    return plan


def order(plan: Plan) -> PlannedOrder:
    assert plan.order is not None, plan.reason
    return plan.order


def traded(plan: Plan) -> int:
    return int(plan.order.contracts.value) if plan.order else 0


@dataclass(frozen=True)
class Case:
    """What is seen and wanted, and what follows."""

    seen: Snapshot
    trades: int
    says: str
    hedged: bool = DRIFTING
    target: Target = field(default_factory=lambda: to(1))


def check(case: Case) -> None:
    plan = decided(case.seen, case.target)
    assert (traded(plan), plan.hedged) == (case.trades, case.hedged), plan.reason
    assert case.says in plan.reason
    assert plan.acts is bool(case.trades)


EXACT = {"exact": True}
UNWIND = {"exact": True, "reduce_only": True, "reason": "unwinding as ordered"}


class TestBand:
    @pytest.mark.parametrize(
        "case",
        [
            Case(pot(-58_800), 0, "inside the band", HEDGED),  # 0.98: equal to the band
            Case(pot(-58_799), -1_201, "sell 1201 contracts"),
            Case(pot(-61_200), 0, "inside the band", HEDGED),
            Case(pot(-61_201), 1_201, "buy back 1201 contracts"),
            Case(pot(-60_000), 0, "inside the band", HEDGED),
            Case(pot(), -60_000, "sell 60000 contracts of main:BTC/USD:BTC: ratio 0.0000, target 1"),
            Case(pot(-29_000), 0, "inside the band", HEDGED, to("0.5")),
            Case(pot(-28_799), -1_201, "ratio 0.4800, target 0.5", target=to("0.5")),
            Case(pot(), 0, "inside the band", HEDGED, to("0.01")),
        ],
    )
    def test_strictly_more_than_the_band_trades_and_goes_to_the_target(self, case: Case) -> None:
        check(case)

    @pytest.mark.parametrize("mark", [1, 30_000, 59_999, 120_000, 2_000_000])
    @pytest.mark.parametrize("size", [-58_800, -60_000, -61_200])
    def test_whatever_the_price(self, mark: int, size: int) -> None:
        check(Case(pot(size, mark=mark), 0, "inside the band", HEDGED))


class TestExactTargets:
    @pytest.mark.parametrize(
        "case",
        [
            Case(pot(-59_000), -1_000, "sell 1000", target=to(1, **EXACT)),
            Case(pot(-60_500), 500, "buy back 500", target=to(1, **EXACT)),
            Case(pot(-59_999), -1, "sell 1 ", target=to(1, **EXACT)),
            Case(pot(-60_000), 0, "within one lot of the target", HEDGED, to(1, **EXACT)),
            Case(pot(-500), 500, "buy back 500", target=to(0, **EXACT)),  # a ratio of 0.0083
            Case(pot(0), 0, "within one lot of the target", HEDGED, to(0, **EXACT)),
            Case(pot(-60_000), 60_000, "buy back 60000", target=to(0, **UNWIND)),
            Case(pot(-60_000), 30_000, "buy back 30000", target=to("0.5", **UNWIND)),
            Case(pot(-30_001), 1, "buy back 1 ", target=to("0.5", **UNWIND)),
        ],
    )
    def test_the_band_does_not_hold_on_the_way_to_them(self, case: Case) -> None:
        check(case)

    @pytest.mark.parametrize("size", [0, -10_000, -29_000])
    def test_an_unwind_never_sells(self, size: int) -> None:
        case = Case(pot(size), 0, "already at or below 0.5", HEDGED, to("0.5", **UNWIND))
        check(case)

    def test_everything_is_bought_back_at_ratio_0_whatever_the_profit(self) -> None:
        for mark in (1_000, 60_000, 900_000):
            check(Case(pot(-60_000, mark=mark), 60_000, "buy back 60000", target=to(0, **EXACT)))


class TestSmallGaps:
    @pytest.mark.parametrize(
        "case",
        [
            Case(pot(0, "0.00001"), 0, "are too few for the first 1 contracts", DRIFTING),
            Case(pot(0, "0.000017"), -1, "sell 1 "),
            Case(pot(0, "0.00001"), 0, "within one lot", HEDGED, to("0.5", **UNWIND)),
            Case(pot(0, "0.00001"), 0, "within one lot", HEDGED, to(0, **EXACT)),
            Case(pot(-1, "0.00002"), 0, "within one lot of the target", HEDGED),  # a ratio of 0.83
        ],
    )
    def test_under_one_lot(self, case: Case) -> None:
        check(case)

    @pytest.mark.parametrize(
        ("coins", "trades"), [("0.124", 1), ("0.1241", 0), ("0.125", 0), ("0.1279", 0), ("0.128", -1)]
    )
    def test_the_gap_is_compared_with_the_lot_before_rounding(self, coins: str, trades: int) -> None:
        """63 contracts of 100 dollars at 50,000: 0.126 coins sold, and a lot is 0.002."""
        held = leg(-63, entry=50_000, mark=50_000, contract=instrument(face=100), fee="0")
        seen = snapshot(replace(held, quote=flat_quote(50_000)), coins=coins)
        plan = decided(seen, to(1, **EXACT))
        assert traded(plan) == trades
        assert plan.hedged is (trades == 0)

    @pytest.mark.parametrize(
        ("size", "coins", "target", "trades", "state"),
        [
            (0, "1", to(1), -60_000, DRIFTING),
            (0, "0.01", to(1), -600, DRIFTING),
            (0, "0.0016", to(1), 0, DRIFTING),  # 96 contracts wanted, 100 the least
            (-300, "0.0066", to(1, **EXACT), 0, HEDGED),  # 96 more
            (-300, "0.0067", to(1, **EXACT), -102, DRIFTING),
            (-400, "0.00502", to(1, **EXACT), 0, HEDGED),  # 99 too many
            (-400, "0.005", to(1, **EXACT), 100, DRIFTING),
            (-60, "1", to(0, **EXACT), 60, DRIFTING),  # closing a leg whole is allowed at any size
            (-160, "1", to(0, **EXACT), 160, DRIFTING),
        ],
    )
    def test_under_the_exchanges_minimum(
        self, size: int, coins: str, target: Target, trades: int, state: bool
    ) -> None:
        plan = decided(pot(size, coins, contract=instrument(min_order=100)), target)
        assert (traded(plan), plan.hedged) == (trades, state)

    @pytest.mark.parametrize(("coins", "sold"), [("0.9999", -59_900), ("1", -60_000), ("0.00171", -100)])
    def test_sales_are_whole_lots_rounded_down(self, coins: str, sold: int) -> None:
        assert traded(decided(pot(0, coins, contract=instrument(lot=100)))) == sold

    @pytest.mark.parametrize(("coins", "bought"), [("0.49", 30_600), ("0.4999", 30_100), ("0.5", 30_000)])
    def test_purchases_are_whole_lots_rounded_to_the_smaller_short(self, coins: str, bought: int) -> None:
        assert traded(decided(pot(-60_000, coins, contract=instrument(lot=100)))) == bought

    @pytest.mark.parametrize("entry", [60_000, "61234.5", 70_007, "59999.3"])
    @pytest.mark.parametrize("mark", [6_000, 60_000, 600_000])
    def test_an_odd_lot_is_closed_but_never_passed(self, mark: int, entry: Any) -> None:
        odd = pot(-151, contract=instrument(lot=100), mark=mark, entry=entry)
        assert traded(decided(odd, to(0, **EXACT))) == 151


class TestHoldings:
    @pytest.mark.parametrize("coins", ["0", "-0.5"])
    def test_nothing_held_and_nothing_short(self, coins: str) -> None:
        assert decided(pot(0, coins)).reason == "nothing is held and nothing is short"
        check(Case(pot(0, coins), 0, "nothing is held and nothing is short", HEDGED))

    @pytest.mark.parametrize("coins", ["0", "-0.5"])
    @pytest.mark.parametrize("mark", [30_000, 60_000, 90_000])
    def test_nothing_held_means_no_short(self, coins: str, mark: int) -> None:
        says = "buy back 500 contracts of main:BTC/USD:BTC: nothing held"
        check(Case(pot(-500, coins, mark=mark), 500, says))

    def test_coins_withdrawn_are_bought_back_like_any_other_gap(self) -> None:
        check(Case(pot(-60_000, "0.4"), 36_000, "buy back 36000 contracts of main:BTC/USD:BTC: ratio 2.5000"))

    def test_more_owed_than_held_closes_what_there_is_and_no_more(self) -> None:
        check(Case(pot(-60_000, "0.2", mark=120_000), 60_000, "buy back 60000"))


class TestPermissions:
    SELLS, BUYS = pot(-1_000), pot(-90_000)

    @pytest.mark.parametrize(
        ("permission", "sells", "buys"), [(ANY, True, True), (REDUCE_ONLY, False, True), (NONE, False, False)]
    )
    def test_by_side(self, permission: Permission, sells: bool, buys: bool) -> None:
        for seen, allowed in ((self.SELLS, sells), (self.BUYS, buys)):
            plan = decided(seen, permission=permission)
            assert plan.acts is allowed
            assert (plan.forbidden, plan.hedged) == (not allowed, False)
            assert allowed or plan.reason == "the guard says so"

    @pytest.mark.parametrize("permission", [ANY, REDUCE_ONLY, NONE])
    def test_inside_the_band_a_hedge_is_hedged_whatever_is_permitted(self, permission: Permission) -> None:
        plan = decided(pot(-60_000), permission=permission)
        assert (plan.hedged, plan.forbidden) == (True, False)

    @pytest.mark.parametrize("seen", [SELLS, BUYS])
    def test_paused(self, seen: Snapshot) -> None:
        plan = decided(seen, control=Control(paused=True))
        assert (plan.acts, plan.forbidden, plan.reason) == (False, True, "paused by the operator")

    @pytest.mark.parametrize("seen", [SELLS, BUYS, pot(-60_000)])
    def test_unwound(self, seen: Snapshot) -> None:
        plan = decided(seen, control=Control(unwind_to=Decimal(0), unwound=True))
        assert (plan.acts, plan.hedged, plan.reason) == (
            False,
            True,
            "unwound: nothing is traded until resumed",
        )

    def test_leverage_is_not_set_for_a_sale_that_is_forbidden(self) -> None:
        seen = pot(policy=policy(leverage=Decimal(5)))
        assert decided(seen, permission=REDUCE_ONLY).leverage is None
        assert decided(seen, control=Control(paused=True)).leverage is None


class TestLeverage:
    @pytest.mark.parametrize(
        ("size", "coins", "wanted", "shown", "sets"),
        [
            (0, "1", 5, 2, True),
            (0, "1", 5, None, True),
            (0, "1", 2, 2, False),
            (0, "1", None, 2, False),
            (-1_000, "1", 5, 2, False),  # never under an open position
            (-60_000, "0.5", 5, 2, False),
        ],
    )
    def test_a_named_one_is_set_while_the_leg_is_flat_before_its_first_sale(
        self, size: int, coins: str, wanted: int | None, shown: int | None, sets: bool
    ) -> None:
        named = policy(leverage=None if wanted is None else Decimal(wanted))
        plan = decided(pot(size, coins, policy=named, leverage=shown))
        assert plan.acts
        assert (plan.leverage is not None) is sets
        if plan.leverage:
            assert (plan.leverage.leg, plan.leverage.leverage) == (named, Decimal(5))
            assert plan.reason.startswith("set leverage 5, then sell 60000 contracts")

    @pytest.mark.parametrize(
        ("own", "size", "sets"),
        [
            (MarginMode.CROSS, 0, True),
            (MarginMode.ISOLATED, 0, False),
            (None, 0, False),  # the account's, which is only ever verified
            (MarginMode.CROSS, -1_000, False),
        ],
    )
    def test_a_named_margin_mode_is_set_with_it_where_it_is_the_contracts_own(
        self, own: MarginMode | None, size: int, sets: bool
    ) -> None:
        plan = decided(pot(size, policy=policy(margin_mode=MarginMode.ISOLATED), margin_mode=own))
        assert (plan.leverage is not None) is sets
        if plan.leverage:
            assert plan.leverage.leverage == Decimal(2)
            assert plan.leverage.margin_mode is MarginMode.ISOLATED
            assert plan.reason.startswith("set leverage 2 in isolated margin, then sell")

    def test_nothing_is_set_where_nothing_is_to_be_sold(self) -> None:
        named = policy(leverage=Decimal(5))
        assert not decided(pot(0, "0", policy=named)).acts
        assert not decided(pot(0, "0.00001", policy=named)).acts


def limited(**changes: Any) -> Hedge:
    return hedge(limits=replace(LIMITS, **changes))


class TestBounds:
    @pytest.mark.parametrize(
        ("most", "max_usd", "sold"),
        [
            (25_000, None, -25_000),
            (10**9, 25_000, -25_000),
            (10**9, 25_099, -25_000),  # in whole lots
            (20_000, 25_000, -20_000),
            (10**9, 60_000, -60_000),
        ],
    )
    def test_an_order_is_no_larger_than_the_exchange_and_the_config_allow(
        self, most: int, max_usd: int | None, sold: int
    ) -> None:
        found = limited(max_order=None if max_usd is None else Usd.of(max_usd))
        plan = decided(pot(contract=instrument(lot=100, max_order=most)), found=found)
        assert traded(plan) == sold
        part = "" if sold == -60_000 else " of 60000"
        assert f"sell {-sold}{part} contracts" in plan.reason

    def test_purchases_are_cut_too(self) -> None:
        assert traded(decided(pot(-60_000, "0"), found=limited(max_order=Usd.of(1_000)))) == 1_000

    @pytest.mark.parametrize(
        ("bids", "sold"),
        [
            (levels((59_990, 10_000), (59_700, 5_000), (59_699, 90_000)), -15_000),  # 0.5 % below mark
            (levels((59_990, 10_000), ("59699.5", 90_000)), -10_000),
            (levels((59_990, 150)), -150),
        ],
    )
    def test_a_sale_takes_the_depth_within_the_slippage_cap(self, bids: Any, sold: int) -> None:
        assert traded(decided(pot(book=quote(bids=bids)))) == sold

    @pytest.mark.parametrize(
        ("asks", "bought"),
        [
            (levels((60_010, 10_000), (60_300, 5_000), (60_301, 90_000)), 15_000),
            (levels((60_010, 150)), 150),
        ],
    )
    def test_so_does_a_purchase(self, asks: Any, bought: int) -> None:
        assert traded(decided(pot(-60_000, "0", book=quote(asks=asks)))) == bought

    @pytest.mark.parametrize(
        ("book", "least"),
        [
            (quote(bids=()), 1),
            (quote(bids=levels((59_000, 10**9))), 1),
            (quote(bids=levels((59_990, 99))), 100),  # under the minimum: it would be refused
        ],
        ids=["no bids", "none within the cap", "less than the least order"],
    )
    def test_without_enough_depth_it_waits_and_says_so(self, book: Any, least: int) -> None:
        plan = decided(pot(book=book, contract=instrument(min_order=least)))
        assert (plan.acts, plan.hedged, plan.forbidden) == (False, False, True)
        assert "offers too little within 0.005 of mark" in plan.reason

    def test_only_the_side_that_is_needed_has_to_be_there(self) -> None:
        assert traded(decided(pot(-90_000, book=replace(flat_quote(), bids=())))) == 30_000


class TestPricing:
    def test_the_limit_is_the_slippage_cap_rounded_inwards(self) -> None:
        sell = order(decided(pot(mark=60_001, contract=instrument(tick="1"))))
        assert sell.limit == price(59_701)  # 59700.995
        buy = order(decided(pot(-90_000, mark=60_001, contract=instrument(tick="1"))))
        assert buy.limit == price(60_301)  # 60301.005

    def test_the_order_carries_the_position_that_it_was_decided_on(self) -> None:
        assert order(decided(pot(-1_000))).believed == contracts(-1_000)

    def test_cost_is_shown_against_the_value_that_it_protects(self) -> None:
        bids = levels((59_940, 10**9))
        planned = order(decided(snapshot(leg(book=quote(bids=bids), fee="0.0005"))))
        size = Usd(-planned.contracts.value)
        assert planned.cost.fee == size * Decimal("0.0005")
        assert abs(planned.cost.slippage - size * Decimal("0.001")).value < Decimal("1e-15")
        assert planned.cost.protects == Usd.of(60_000)


def two(perp: int, dated: int, coins: str = "1", **changes: Any) -> Snapshot:
    """A perpetual of 1 dollar and a dated contract of 100, at one price."""
    legs = (
        leg(perp, fee="0", book=flat_quote()),
        leg(dated, fee="0", book=flat_quote(symbol=DATED), contract=instrument(DATED, face=100)),
    )
    return snapshot(*legs, coins=coins, **changes)


class TestSeveralLegs:
    @pytest.mark.parametrize(
        ("seen", "symbol", "size"),
        [
            (two(0, 0), "BTC/USD:BTC", -60_000),
            (two(-10_000, -50), DATED, -450),  # the one that sold least
            (two(-5_000, -100), "BTC/USD:BTC", -45_000),
            (two(-40_000, -500), DATED, 300),  # the one that sold most
            (two(-60_000, -200), "BTC/USD:BTC", 20_000),
            (two(-30_000, -290, "0.5"), "BTC/USD:BTC", 29_000),
            (two(-30_000, -500, "0.1"), DATED, 500),  # never past flat: the rest comes next
        ],
    )
    def test_orders_go_to_one_leg_in_its_own_lots(self, seen: Snapshot, symbol: str, size: int) -> None:
        found = order(decided(seen, to(1, **EXACT)))
        assert (found.leg.symbol, found.contracts) == (symbol, Contracts.of(size))

    def test_only_the_total_is_held_to_the_band(self) -> None:
        assert decided(two(-60_000, 0)).reason == "inside the band"
        assert decided(two(0, -600)).reason == "inside the band"

    def test_an_unwind_closes_one_leg_after_the_other(self) -> None:
        assert traded(decided(two(-40_000, -200), to(0, **UNWIND))) == 40_000
        assert traded(decided(two(0, -200), to(0, **UNWIND))) == 200


def test_every_plan_has_a_reason_and_its_target() -> None:
    for seen in (pot(), pot(-60_000), pot(-90_000), pot(0, "0"), pot(book=quote(bids=()))):
        plan = decided(seen)
        assert plan.reason
        assert plan.target == to(1)


def test_a_decision_takes_no_notice_of_the_margin_mode() -> None:
    plans = {decided(pot(mode=mode)).reason for mode in MarginMode}
    assert len(plans) == 1


class TestCoinsThatTwoWalletsMayShow:
    """A transfer is on its way: its coins are counted once, but they may be others that came in meanwhile."""

    def test_nothing_is_bought_back_for_want_of_them(self) -> None:
        seen = replace(hedged(-60_000, coins="1.1"), in_flight=Coin.of("-0.2"))
        plan = decide(hedge(), seen, allowing(), to(1), Control())
        assert seen.exposure.ratio is not None
        assert seen.exposure.ratio > Decimal("1.1")
        assert (plan.acts, plan.hedged) == (False, True)

    def test_nor_on_the_way_to_half(self) -> None:
        """0.55 coins are short: half of 1.1, and 1.0 or 1.2 are there."""
        seen = replace(hedged(-33_000, coins="1.2"), in_flight=Coin.of("-0.2"))
        assert not decided(seen, to("0.5")).acts

    def test_what_is_too_much_all_the_same_is(self) -> None:
        seen = replace(hedged(-60_000, coins="0.8"), in_flight=Coin.of("-0.1"))
        plan = decide(hedge(), seen, allowing(), to(1), Control())
        assert plan.order is not None
        assert 11_900 < plan.order.contracts.value < 12_100, "as if none were shown twice"

    def test_an_end_is_an_end(self) -> None:
        seen = replace(hedged(-60_000, coins="1.1"), in_flight=Coin.of("-0.2"))
        plan = decide(hedge(), seen, allowing(), to(0, exact=True, reduce_only=True), Control())
        assert plan.order is not None
        assert plan.order.contracts.value == 60_000
