"""A hedge moves from one dated contract to the next: slice by slice, sold there and bought back here."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decision import Permission, Plan, Target
from hedgebot.domain.hedge import Roll
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import ONE, ZERO, Coin
from hedgebot.planning import decide
from tests.builders import allowing, hedge, instrument, leg, policy, snapshot, to

OLD, NEW = "BTC/USD:BTC-260925", "BTC/USD:BTC-261225"
EXACT = to(1, exact=True)


def rolling(
    old: int,
    new: int,
    *,
    free: str = "1",
    lot: int = 1,
    leverage: int | None = 1,
    shown: int | None = None,
) -> Snapshot:
    """One coin, so many contracts short in the contract to leave and in the one after it, at 60,000."""
    legs = [
        leg(
            -size,
            contract=replace(instrument(lot=lot if symbol == NEW else 1), symbol=symbol),
            policy=policy(symbol, weight=weight, leverage=None if leverage is None else Decimal(leverage)),
            leverage=shown or leverage,
        )
        for symbol, size, weight in ((NEW, new, ONE), (OLD, old, ZERO))
    ]
    seen = snapshot(*legs)
    return replace(
        seen, legs=tuple(replace(e, wallet=replace(e.wallet, withdrawable=Coin.of(free))) for e in seen.legs)
    )


def decided(seen: Snapshot, slices: int = 5, exact: bool = False) -> Plan:
    rule = hedge(roll=Roll(slices=slices))
    return decide(rule, seen, allowing(), EXACT if exact else to(1), Control())


def traded(plan: Plan) -> tuple[str, int]:
    assert plan.order is not None, plan.reason
    return plan.order.leg.symbol, int(plan.order.contracts.value)


class TestOneSlice:
    def test_it_is_sold_in_the_new_contract_first(self) -> None:
        plan = decided(rolling(59_970, 0))
        assert traded(plan) == (
            NEW,
            -11_988,
        )  # a fifth, 11,994, and one more, less the fee that the sale costs
        assert plan.rolls
        assert plan.reason.startswith(f"roll: sell 11988 contracts of main:{NEW}")

    def test_then_as_much_is_bought_back_in_the_old_one_inside_the_band_too(self) -> None:
        plan = decided(rolling(59_970, 600), exact=True)
        assert traded(plan) == (OLD, 571)  # 60,570 are sold of 60,000 less fees
        assert not plan.rolls

    def test_without_free_margin_for_it_the_old_one_is_bought_back_first(self) -> None:
        assert traded(decided(rolling(59_970, 0, free="0.19")))[0] == OLD
        assert traded(decided(rolling(59_970, 0, free="0.2")))[0] == NEW
        assert traded(decided(rolling(59_970, 0, free="0.1", leverage=2)))[0] == NEW

    @pytest.mark.parametrize(
        ("named", "shown", "first"),
        [(2, 1, NEW), (1, 2, OLD), (None, 2, NEW), (None, 1, OLD), (None, None, OLD)],
    )
    def test_margin_is_reckoned_at_the_leverage_that_will_hold(
        self, named: int | None, shown: int | None, first: str
    ) -> None:
        seen = rolling(59_970, 0, free="0.1", leverage=named, shown=shown)
        assert traded(decided(seen))[0] == first

    @pytest.mark.parametrize(("slices", "sold"), [(1, -59_970), (2, -29_985), (50, -1_199)])
    def test_it_is_as_large_as_the_config_says(self, slices: int, sold: int) -> None:
        contracts = traded(decided(rolling(59_970, 0), slices=slices))[1]
        assert abs(contracts - sold) <= 40  # the fee

    def test_what_is_left_at_the_end_is_less_than_a_slice(self) -> None:
        assert traded(decided(rolling(1_000, 58_970))) == (NEW, -999)

    def test_less_than_a_lot_of_the_new_one_is_only_bought_back(self) -> None:
        assert traded(decided(rolling(60, 59_900, lot=100))) == (OLD, 60)

    @pytest.mark.parametrize(("free", "first"), [("0.0001", (NEW, -3)), ("0.00009999", (OLD, 6))])
    def test_two_lots_are_a_slice_where_their_margin_is_free(self, free: str, first: tuple[str, int]) -> None:
        """The fee makes two lots one; of a single one nothing would be left."""
        assert traded(decided(rolling(6, 59_964, lot=3, free=free))) == first

    def test_once_nothing_is_left_nothing_is_done(self) -> None:
        plan = decided(rolling(0, 59_970))
        assert (plan.acts, plan.reason) == (False, "inside the band")


class TestWhereTo:
    PERPETUAL = "BTC/USD:BTC"

    def beside(self, seen: Snapshot, weight: int) -> Snapshot:
        """With a perpetual leg before the dated ones."""
        other = policy(self.PERPETUAL, weight=Decimal(weight), leverage=ONE)
        perpetual = leg(contract=instrument(), policy=other, leverage=ONE)
        return replace(seen, legs=(replace(perpetual, wallet=seen.legs[0].wallet), *seen.legs))

    def test_a_dated_contract_is_followed_by_a_dated_one(self) -> None:
        seen = self.beside(rolling(59_970, 0), weight=1)
        assert traded(decided(seen))[0] == NEW

    def test_without_one_the_hedge_goes_back_to_the_perpetual(self) -> None:
        seen = self.beside(rolling(59_970, 0), weight=1)
        old = replace(seen, legs=(seen.legs[0], seen.legs[2]))
        assert traded(decided(old))[0] == self.PERPETUAL

    def test_a_perpetual_one_is_left_for_a_dated_one_only(self) -> None:
        other = policy(self.PERPETUAL, weight=ZERO, leverage=ONE)
        left = leg(-59_970, contract=instrument(), policy=other, leverage=ONE)
        new = leg(contract=replace(instrument(), symbol=NEW), policy=policy(NEW, leverage=ONE), leverage=ONE)
        assert traded(decided(snapshot(left, new)))[0] == NEW
        third = leg(contract=replace(instrument(), symbol=NEW), policy=policy(NEW, weight=ZERO))
        assert not decided(snapshot(left, third)).acts

    def test_a_perpetual_one_is_not_left_for_another(self) -> None:
        left = leg(-59_970, contract=instrument(), policy=policy(self.PERPETUAL, weight=ZERO))
        symbol = "BTC/EUR:BTC"
        other = leg(contract=replace(instrument(), symbol=symbol), policy=policy(symbol))
        plan = decided(snapshot(left, other))
        assert (plan.acts, plan.reason) == (False, "inside the band")

    def test_a_dated_one_without_a_successor_is_kept(self) -> None:
        seen = rolling(59_970, 0)
        alone = tuple(replace(each, policy=replace(each.policy, weight=ZERO)) for each in seen.legs)
        assert not decided(replace(seen, legs=alone)).acts


class TestWhatComesFirst:
    def test_a_hedge_off_its_target_goes_there_before_it_rolls(self) -> None:
        plan = decided(rolling(40_000, 0))
        assert not plan.rolls
        assert traded(plan)[0] == NEW

    @pytest.mark.parametrize(
        ("control", "permission", "why"),
        [
            (Control(paused=True), Permission.ANY, "paused by the operator"),
            (Control(), Permission.REDUCE_ONLY, "the guard says so"),
            (Control(), Permission.NONE, "the guard says so"),
        ],
    )
    def test_no_slice_begins_that_might_not_end(
        self, control: Control, permission: Permission, why: str
    ) -> None:
        plan = decide(hedge(), rolling(59_970, 0), allowing(permission), to(1), control)
        assert not plan.acts
        assert plan.reason == f"inside the band; the roll waits: {why}"

    def test_an_unwind_only_buys_back_and_the_old_contract_first(self) -> None:
        plan = decide(
            hedge(), rolling(40_000, 19_970), allowing(), to(0, exact=True, reduce_only=True), Control()
        )
        assert traded(plan) == (OLD, 40_000)

    @pytest.mark.parametrize(
        ("target", "control"),
        [
            (to("0.5", exact=True, reduce_only=True), Control(unwind_to=Decimal("0.5"))),
            (to("0.5"), Control(unwound=True)),
        ],
    )
    def test_neither_an_unwind_at_its_end_nor_what_was_unwound_rolls(
        self, target: Target, control: Control
    ) -> None:
        plan = decide(hedge(), rolling(29_985, 0), allowing(), target, control)
        assert (plan.acts, plan.hedged) == (False, True)
        assert "roll" not in plan.reason


@given(
    old=st.integers(0, 59_970),
    slices=st.integers(1, 50),
    lot=st.sampled_from([1, 10, 100]),
    free=st.sampled_from(["0", "0.1", "1"]),
)
def test_a_roll_ends_and_is_never_more_than_a_slice_from_the_target(
    old: int, slices: int, lot: int, free: str
) -> None:
    """Each order filled whole at mark, and without a fee: what it is sized for differs by that alone."""
    left, entered = old, (59_970 - old) // lot * lot
    start = left + entered
    plan = decided(rolling(left, entered, lot=lot, free=free), slices, exact=True)
    for _ in range(4 * slices + 8):
        if plan.order is None:
            break
        symbol, contracts = traded(plan)
        if symbol == OLD:
            left -= contracts
        else:
            entered -= contracts
        assert abs(left + entered - start) <= start / slices + 2 * lot + 60
        plan = decided(rolling(left, entered, lot=lot, free=free), slices, exact=plan.rolls)
    assert left == 0
    assert not plan.acts
