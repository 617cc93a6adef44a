"""What must hold whatever the market does: laws of the decision, against an exact ledger of its own."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hedgebot.domain.decision import Plan, Target
from hedgebot.domain.hedge import CollateralPolicy
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.market import Quote
from hedgebot.domain.records import Control, Memory
from hedgebot.planning import decide
from hedgebot.planning import target as target_now
from tests.builders import LIMITS, Number, allowing, flat_quote, hedge, instrument, levels, quote, to
from tests.ledger import Ledger, decimal, fills

F = Fraction
ALONE = hedge(collateral=CollateralPolicy(enabled=False))
"""The way to the target alone: at a hundred times the entry, a covered short too is near a liquidation."""

TARGETS = ["0", "0.2", "0.5", "1"]
LOTS = [1, 100]
ENTRY = 60_000

prices = st.decimals("1000", "1000000", places=1)
ticks = prices | st.sampled_from(["0.5", "1", "600", "6000", "600000", "6000000"]).map(Decimal)
"""Also prices that nobody would believe."""
targets = st.sampled_from(TARGETS)
lots = st.sampled_from(LOTS)
pots = st.decimals("0.5", "50", places=6)
fees = st.sampled_from(["0", "0.0005", "0.001"])


def contract(lot: int) -> Instrument:
    return instrument(lot=lot, min_order=lot, tick="0.1")


def sloped(mark: Decimal, half_spread: Number, steps: int = 5) -> Quote:
    """A book with room for everything, at ever worse prices, all of them within the slippage cap."""
    apart = mark * Decimal(half_spread) / 10_000
    sizes = [10_000 * 4**step for step in range(steps)] + [10**12]
    bids = [(mark - apart * (1 + step), size) for step, size in enumerate(sizes)]
    asks = [(mark + apart * (1 + step), size) for step, size in enumerate(sizes)]
    return quote(mark, bids=levels(*bids), asks=levels(*asks))


@dataclass(frozen=True)
class Desk:
    """A ledger at a mark with a book: what the bot decides there, and what comes of it."""

    ledger: Ledger
    mark: Decimal
    book: Quote
    lot: int = 1

    def plan(self, target: Target) -> Plan:
        seen = self.ledger.seen(self.mark, contract(self.lot), self.book)
        return decide(ALONE, seen, allowing(), target, Control())

    def after(self, plan: Plan) -> "Desk":
        """The same once the plan's order filled, level by level."""
        assert plan.order is not None
        side = self.book.bids if plan.order.contracts.value < 0 else self.book.asks
        return replace(self, ledger=self.ledger.after(fills(plan.order.contracts, side, Decimal(1))))

    def step(self, target: Target) -> "Desk":
        plan = self.plan(target)
        return self.after(plan) if plan.order else self


def hedged(coins: Decimal, ratio: str, lot: int, fee: str = "0.0005", at: int = ENTRY) -> Ledger:
    """Coins hedged from nothing at ``at``."""
    start = Desk(Ledger(F(coins), fee=F(fee)), Decimal(at), flat_quote(at), lot)
    return start.step(to(ratio, exact=True)).ledger


@st.composite
def desks(
    draw: st.DrawFn, book: str = "flat", start: str = "", flow: tuple[str, str] = ("-0.5", "2")
) -> Desk:
    """Anything a hedge may meet: hedged to some ratio before, its profit realised or not, coins in or out."""
    coins, lot, mark = draw(pots), draw(lots), draw(prices)
    ledger = hedged(coins, start or draw(targets), lot, draw(fees))
    if draw(st.booleans()):
        ledger = ledger.realised(F(draw(prices)))
    flows = F(draw(st.decimals(*flow, places=3)))
    ledger = replace(ledger, coins=ledger.coins + flows * F(coins))
    assume(ledger.coins > 0)  # where nothing is held the target is no short, whatever its profit
    assume(ledger.dollars(F(mark)) > 100)
    offers = flat_quote(mark) if book == "flat" else sloped(mark, draw(st.decimals("0", "8", places=2)))
    return Desk(ledger, mark, offers, lot)


SELLING = desks(start="0", flow=("0", "2"))
BUYING = desks("sloped", start="1", flow=("-0.9", "-0.1"))


class TestPriceAlone:
    @given(coins=pots, ratio=targets, lot=lots, fee=fees, marks=st.lists(ticks, min_size=1, max_size=8))
    def test_never_causes_an_order(
        self, coins: Decimal, ratio: str, lot: int, fee: str, marks: list[Decimal]
    ) -> None:
        ledger = hedged(coins, ratio, lot, fee)
        for mark in marks:
            plan = Desk(ledger, mark, flat_quote(mark), lot).plan(to(ratio))
            assert not plan.acts, plan.reason
            assert plan.hedged

    @pytest.mark.parametrize("ratio", TARGETS)
    def test_nor_does_a_long_walk_that_jumps_up_and_down(self, ratio: str) -> None:
        ledger, mark = hedged(Decimal(1), ratio, 1), Decimal(ENTRY)
        for turn in range(1_000):
            mark *= (Decimal("1.19"), Decimal("0.81"), Decimal(10), Decimal("0.104"))[turn * 7 % 4]
            mark = max(mark.quantize(Decimal("0.1")), Decimal("0.5"))
            assert not Desk(ledger, mark, flat_quote(mark)).plan(to(ratio)).acts

    @given(coins=pots, fee=fees, mark=ticks)
    def test_at_ratio_1_does_not_move_the_value(self, coins: Decimal, fee: str, mark: Decimal) -> None:
        ledger = hedged(coins, "1", 1, fee)
        before, now = ledger.dollars(F(ENTRY)), ledger.dollars(F(mark))
        one_lot = F(1, ENTRY) * (1 + ledger.fee)  # with what selling it would have cost
        assert 0 <= ledger.net() < one_lot
        assert abs(now - before) <= one_lot * abs(F(mark) - ENTRY)
        assert now - before == ledger.net() * (F(mark) - ENTRY)

    @given(coins=pots, ratio=targets, mark=ticks)
    def test_moves_just_the_share_that_is_not_hedged(self, coins: Decimal, ratio: str, mark: Decimal) -> None:
        ledger = hedged(coins, ratio, 1, "0")
        moved = ledger.dollars(F(mark)) - ledger.dollars(F(ENTRY))
        unhedged = (1 - F(ratio)) * F(coins) * (F(mark) - ENTRY)
        assert abs(moved - unhedged) <= F(1, ENTRY) * abs(F(mark) - ENTRY)


class TestAfterAFill:
    @given(desks(), targets)
    def test_the_next_decision_is_nothing(self, desk: Desk, ratio: str) -> None:
        """Also where no band hides what is left: the target is exact."""
        for target in (to(ratio), to(ratio, exact=True)):
            plan = desk.step(target).plan(target)
            assert not plan.acts, plan.reason
            assert plan.hedged or "too few" in plan.reason

    @given(desks("sloped"), targets)
    def test_so_it_is_after_slippage(self, desk: Desk, ratio: str) -> None:
        after = desk.step(to(ratio)).plan(to(ratio))
        assert not after.acts, after.reason

    @given(desks("sloped"), targets)
    def test_at_an_exact_target_at_most_one_lot_follows(self, desk: Desk, ratio: str) -> None:
        """What is left is under a lot at the last price of the fill, and may be a lot at the next one's."""
        exact = to(ratio, exact=True)
        once = desk.step(exact)
        plan = once.plan(exact)
        assert plan.order is None or abs(plan.order.contracts.value) == desk.lot, plan.reason
        assert not once.step(exact).plan(exact).acts

    @given(desks(), targets)
    def test_a_changed_target_is_traded_to_once(self, desk: Desk, ratio: str) -> None:
        """The whole way through policy and memory, as the cycle takes it."""
        memory, orders = Memory(target=Decimal("0.7")), 0
        for _ in range(4):
            target = target_now(hedge(ratio), Control(), memory)
            plan = desk.plan(target)
            memory = memory.after(target.ratio, hedged=plan.hedged)
            orders += plan.acts
            desk = desk.after(plan) if plan.order else desk
        assert orders <= 1


class TestSafety:
    @given(desks("sloped"), targets)
    def test_nothing_is_oversold_beyond_a_lot(self, desk: Desk, ratio: str) -> None:
        after = desk.step(to(ratio, exact=True)).ledger
        wanted = F(ratio) * max(after.coins, F(0))
        one_lot = F(desk.lot) / F(min(desk.mark, *(price.value for price, _ in desk.book.bids)))
        if after.sold > desk.ledger.sold:
            assert after.sold <= wanted, "a sale at the expected fill"
        elif after.sold < desk.ledger.sold:
            assert after.sold < wanted + max(
                one_lot, F(desk.lot) * after.sold / after.usd if after.usd else 0
            )

    @given(SELLING, targets)
    def test_a_fill_at_the_worst_price_oversells_by_its_slippage_at_most(
        self, desk: Desk, ratio: str
    ) -> None:
        plan = desk.plan(to(ratio))
        assume(plan.order is not None and plan.order.contracts.value < 0)
        assert plan.order is not None
        worst = replace(desk, book=quote(bids=levels((plan.order.limit.value, 10**12)))).after(plan).ledger
        sold_now = worst.sold - desk.ledger.sold
        assert worst.sold <= F(ratio) * worst.coins + sold_now * F(LIMITS.slippage) * F(101, 100)

    @given(BUYING, targets, st.decimals("0", "1", places=2))
    def test_it_never_flips_long(self, desk: Desk, ratio: str, share: Decimal) -> None:
        """However much of an order fills."""
        plan = desk.plan(to(ratio, exact=True))
        assume(plan.order is not None and plan.order.contracts.value > 0)
        assert plan.order is not None
        assert F(plan.order.contracts.value) <= desk.ledger.usd
        part = (plan.order.contracts * share).value.to_integral_value()
        if part:
            bought = desk.ledger.after([(F(part), F(desk.mark))])
            assert bought.usd >= 0

    @settings(max_examples=50)
    @given(desks(), targets, st.integers(1, 99))
    def test_a_partial_fill_heals_from_the_position(self, desk: Desk, ratio: str, percent: int) -> None:
        """Filled in part, the next plan asks for the rest of the gap, whatever the first order was."""
        exact = to(ratio, exact=True)
        whole = desk.step(exact).ledger
        plan = desk.plan(exact)
        assume(plan.order is not None)
        assert plan.order is not None
        size = plan.order.contracts.value * percent / 100
        part = size.to_integral_value("ROUND_DOWN")
        assume(part)
        halfway = replace(desk, ledger=desk.ledger.after([(F(part), F(desk.mark))]))
        healed = halfway.step(exact).ledger
        assert abs(healed.usd - whole.usd) <= 2 * desk.lot

    @given(desks(), targets)
    def test_ratio_0_is_flat(self, desk: Desk, ratio: str) -> None:
        flat = desk.step(to(ratio, exact=True)).step(to(0, exact=True)).ledger
        assert (flat.usd, flat.sold) == (F(0), F(0))

    @settings(max_examples=30)
    @given(desks(), st.lists(st.tuples(prices, targets), min_size=1, max_size=6))
    def test_fees_are_all_that_trading_costs(self, desk: Desk, path: list[tuple[Decimal, str]]) -> None:
        """Orders at mark change no value but by their fee: nothing is made or lost by moving coins about."""
        for mark, ratio in path:
            here = replace(desk, mark=mark, book=flat_quote(mark))
            assume(here.ledger.coins > 0)
            plan = here.plan(to(ratio))
            after = here.after(plan) if plan.order else here
            paid = F(abs(plan.order.contracts.value)) * here.ledger.fee if plan.order else 0
            assert here.ledger.dollars(F(mark)) - after.ledger.dollars(F(mark)) == paid
            desk = after


def test_the_ledger_of_these_tests_is_a_ledger() -> None:
    """Sold, bought back and realised by hand: 1 coin, half hedged at 60,000, the price halves."""
    half = Ledger(F(1), fee=F(0)).after([(F(-30_000), F(60_000))])
    assert (half.usd, half.sold, half.dollars(F(30_000))) == (F(30_000), F(1, 2), F(45_000))
    bought = half.after([(F(15_000), F(30_000))])
    assert (bought.coins, bought.usd, bought.sold) == (F(5, 4), F(15_000), F(1, 4))
    settled = half.realised(F(30_000))
    assert (settled.coins, settled.usd, settled.sold) == (F(3, 2), F(30_000), F(1))
    assert settled.dollars(F(30_000)) == bought.dollars(F(30_000)) == 45_000
    charged = Ledger(F(1), fee=F(1, 1000)).after([(F(-60_000), F(60_000)), (F(60_000), F(60_000))])
    assert (charged.coins, charged.usd) == (F(998, 1000), F(0))
    assert decimal(F(1, 3)) == Decimal(1) / 3
