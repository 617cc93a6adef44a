"""The collateral ladder: each rung where it acts, just inside its limit, and where what it needs is missing.

60,000 dollars are short from 60,000, with half a coin isolated; ``warn`` is 0.3, ``act`` 0.15.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decision import Assessment, Finding, Permission, Plan
from hedgebot.domain.hedge import BEYOND, CollateralPolicy
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import Pocket, Pockets, TransferIntent, TransferStage
from hedgebot.planning import decide, step_taken
from hedgebot.planning.moves import AGAIN_MS
from tests.builders import (
    DATED,
    LEG,
    SYMBOL,
    allowing,
    coin,
    hedge,
    instrument,
    leg,
    policy,
    quote,
    split,
    to,
    transfer,
)

FAR, NEAR, CLOSE = 91_000, 92_000, 105_000
"""Marks from which liquidation, at 118,812 (maintenance at entry), is 0.306, 0.291 and 0.132 away."""

HEDGED = {"margin": "0.5", "coins": "0.6", "spot": "0.4"}
POLICY, RUNNING, ALLOWED = hedge(spot_accounts=("main",)), Control(), allowing()


def planned(
    seen: Snapshot,
    *transfers: TransferIntent,
    control: Control = RUNNING,
    assessment: Assessment = ALLOWED,
    **policy: Any,
) -> Plan:
    return decide(replace(POLICY, **policy), seen, assessment, to(1), control, transfers)


def told(plan: Plan) -> tuple[str, str] | str:
    """What a plan does: coins and way, contracts, or "nothing"."""
    if plan.transfer is not None:
        moved = plan.transfer
        assert (plan.order, plan.leverage) == (None, None), "it stands alone"
        return f"{moved.source.value} to {moved.target.value}", str(moved.coins)
    return "order" if plan.order is not None else "nothing"


def at(mark: int, size: int = -600, **changes: Any) -> Snapshot:
    """One coin in all, what is in neither wallet kept elsewhere."""
    found = {**HEDGED, **changes}
    outside = 1 - Decimal(found["coins"]) - Decimal(found["spot"])
    return split(size, mark=mark, outside=max(outside, Decimal(0)), **found)


class TestRungs:
    @pytest.mark.parametrize(
        ("seen", "does"),
        [
            (at(60_000), "nothing"),
            (at(FAR), "nothing"),
            (at(NEAR, spare="0.1"), ("margin to isolated", "0.05522488")),
            (at(NEAR, spare="0.03"), ("margin to isolated", "0.03")),  # half of it is there: at once
            (at(NEAR, spare="0.02"), ("spot to margin", "0.03522488")),
            (at(NEAR, spare="0"), ("spot to margin", "0.05522488")),
            (at(NEAR, spare="0", spot="0.01"), ("spot to margin", "0.01")),
            (at(NEAR, spare="0.01", spot="0"), ("margin to isolated", "0.01")),
            (at(NEAR, spare="0", spot_free="0"), "nothing"),  # locked in orders
            (at(NEAR, spare="0", spot="0.0001"), "nothing"),  # not worth a request
            (at(NEAR, spare="0", spot="0"), "nothing"),
            (at(CLOSE, spare="0", spot="0"), "order"),
            (at(CLOSE, spare="0", spot="0.4"), ("spot to margin", "0.11091133")),
            # the smallest that is worth a request, a thousandth of the 0.6 that are short
            (at(100_000, spare="0", spot="0.0006"), ("spot to margin", "0.0006")),
            (at(100_000, spare="0", spot="0.00059999"), "nothing"),
            (at(100_000, spare="0.0006", spot="0"), ("margin to isolated", "0.0006")),
            (at(100_000, spare="0.00059999", spot="0"), "nothing"),
        ],
    )
    def test_a_step(self, seen: Snapshot, does: object) -> None:
        assert told(planned(seen)) == does

    def test_cross_margin_takes_coins_from_the_spot_wallet_alone(self) -> None:
        pot = at(NEAR, coins="0.5", margin="0")
        [only] = pot.legs
        crossed = replace(only, position=replace(only.position, margin=None, margin_mode=MarginMode.CROSS))
        assert told(planned(replace(pot, legs=(crossed,)))) == ("spot to margin", "0.05522488")

    def test_a_unified_pot_isolates_its_own_coins(self) -> None:
        seen = at(NEAR, coins="1", spot="0")
        assert told(planned(seen)) == ("margin to isolated", "0.05522488")

    @pytest.mark.parametrize("mark", [60_000, 150_000, 10**7])
    def test_one_that_no_price_liquidates_needs_no_coins(self, mark: int) -> None:
        covered = at(mark, margin="1.01", coins="1.01", spot="0")
        assert distance(covered, covered.legs[0]) is NoFigure.NEVER
        assert told(planned(covered)) == "nothing"

    def test_what_is_not_known_moves_nothing(self) -> None:
        seen = at(CLOSE)
        [only] = seen.legs
        unknown = replace(only.position, margin=None, margin_mode=MarginMode.ISOLATED)
        unseen = replace(seen, legs=(replace(only, position=unknown),))
        assert distance(unseen, unseen.legs[0]) is NoFigure.UNKNOWN
        assert told(planned(unseen)) == "nothing"

    def test_the_exchange_s_own_figure_counts_where_it_is_nearer(self) -> None:
        """Liquidated at 70,000, says the exchange: 0.167 away, so ours has to move as far."""
        seen = at(60_000, liquidation=quote(70_000).mark)
        assert told(planned(seen)) == ("margin to isolated", "0.09867816")

    @pytest.mark.parametrize(
        ("figure", "spare", "does"),
        [
            (78_000, "0.1", "nothing"),  # ``warn`` away, and not nearer
            (77_999, "0.1", "margin to isolated"),
            (69_000, "0", "nothing"),  # ``act``
            (68_999, "0", "order"),
        ],
    )
    def test_each_bound_is_still_far_enough(self, figure: int, spare: str, does: str) -> None:
        found = told(planned(at(60_000, liquidation=quote(figure).mark, spare=spare, spot="0")))
        assert (found if isinstance(found, str) else found[0]) == does

    @pytest.mark.parametrize(("figure", "bought"), [(64_500, None), (64_499, 300), (61_000, 300)])
    def test_where_only_the_exchange_sees_a_need_half_is_bought_back_at_half_of_act(
        self, figure: int, bought: int | None
    ) -> None:
        covered = at(60_000, margin="1.01", coins="1.01", spot="0", liquidation=quote(figure).mark)
        order = planned(covered).order
        assert (order and int(order.contracts.value)) == bought

    def test_it_rescues_and_nothing_else_is_done_with_it(self) -> None:
        """Of half a coin too much is short: it is bought back once the coins have moved."""
        plan = planned(split(-600, mark=NEAR, margin="0.5", coins="0.6", spot="0"))
        assert told(plan) == ("margin to isolated", "0.05522488")
        assert plan.rescues

    def test_it_remembers_what_both_pockets_showed(self) -> None:
        moved = planned(at(NEAR, spare="0.1")).transfer
        assert moved is not None
        assert moved.showed == Pockets(coin("0.1"), coin("0.5"))


class TestRungsThatDoNotHold:
    UNRESOLVED = transfer(stage=TransferStage.ACCEPTED)
    LATELY = transfer(stage=TransferStage.REJECTED, age_ms=AGAIN_MS - 1)
    LONG_AGO = transfer(stage=TransferStage.REJECTED, age_ms=AGAIN_MS)
    NOT_ISOLATED = transfer(
        stage=TransferStage.REJECTED, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=SYMBOL
    )
    TO_COME = transfer(stage=TransferStage.REJECTED, age_ms=-1)  # the clock was set back since

    @pytest.mark.parametrize(
        ("transfers", "mark", "does"),
        [
            ((UNRESOLVED,), NEAR, "nothing"),
            ((UNRESOLVED,), CLOSE, "order"),
            ((LATELY,), NEAR, "nothing"),
            ((LATELY,), CLOSE, "order"),
            ((LONG_AGO,), NEAR, ("spot to margin", "0.05522488")),
            ((TO_COME,), NEAR, ("spot to margin", "0.05522488")),
            # One that certainly never arrived may be asked for anew.
            ((transfer(stage=TransferStage.ABSENT),), NEAR, ("spot to margin", "0.05522488")),
            ((transfer(stage=TransferStage.DONE),), NEAR, ("spot to margin", "0.05522488")),
        ],
    )
    def test_the_next_one_is_taken(
        self, transfers: tuple[TransferIntent, ...], mark: int, does: object
    ) -> None:
        assert told(planned(at(mark, spare="0"), *transfers)) == does

    def test_coins_already_in_the_margin_wallet_are_isolated_while_others_are_on_their_way(self) -> None:
        assert told(planned(at(NEAR, spare="0.01"), self.UNRESOLVED)) == ("margin to isolated", "0.01")

    def test_no_coins_leave_the_spot_wallet_for_a_margin_that_they_cannot_reach(self) -> None:
        assert told(planned(at(NEAR, spare="0"), self.NOT_ISOLATED, self.NOT_ISOLATED)) == "nothing"

    def test_an_isolated_margin_that_was_refused_once_is_asked_for_again(self) -> None:
        """The position it was for may have been liquidated, and this one is new."""
        assert told(planned(at(NEAR, spare="0.3"), self.NOT_ISOLATED))[0] == "margin to isolated"
        assert told(planned(at(NEAR, spare="0.3"), self.NOT_ISOLATED, self.NOT_ISOLATED)) == "nothing"

    def test_a_margin_that_does_not_arrive_is_waited_for_until_it_is_late(self) -> None:
        """To buy back moves no isolated leg's liquidation: only the coins that this frees do."""
        stuck = transfer(
            stage=TransferStage.UNKNOWN, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=SYMBOL
        )
        waiting = at(CLOSE, spare="0.3", coins="0.8", spot="0")
        assert told(planned(waiting, stuck)) == "nothing"
        late = planned(at(112_000, spare="0.3", coins="0.8", spot="0"), stuck)
        assert late.order is not None
        assert late.order.contracts.value == 300


class TestPermission:
    @pytest.mark.parametrize(
        ("assessment", "control", "does"),
        [
            (allowing(Permission.ANY), Control(), "margin to isolated"),
            (allowing(Permission.REDUCE_ONLY), Control(), "margin to isolated"),
            (allowing(Permission.NONE), Control(), "nothing"),
            (allowing(Permission.ANY), Control(paused=True), "nothing"),
        ],
    )
    def test_a_move_needs_no_more_than_a_reduction(
        self, assessment: Assessment, control: Control, does: str
    ) -> None:
        found = told(planned(at(NEAR), assessment=assessment, control=control))
        assert (found if isinstance(found, str) else found[0]) == does


class TestPolicy:
    def test_it_can_be_switched_off(self) -> None:
        off = CollateralPolicy(enabled=False)
        assert told(planned(at(CLOSE, spare="0", spot="0"), collateral=off)) == "nothing"

    @pytest.mark.parametrize(("highest", "does"), [("3", "margin to isolated"), ("3.5", "nothing")])
    def test_a_highest_leverage_acts_earlier(self, highest: str, does: str) -> None:
        """At 81,000 the leg runs at leverage 3.09 and is liquidated 0.47 away; 3 means 0.5, 3.5 means 0.4."""
        policy = CollateralPolicy(max_leverage=Decimal(highest))
        found = told(planned(at(81_000), collateral=policy))
        assert (found if isinstance(found, str) else found[0]) == does


class TestBuyingBack:
    def test_only_what_is_needed_by_a_reduce_only_order(self) -> None:
        plan = planned(at(CLOSE, spare="0", spot="0"))
        assert plan.order is not None
        assert 0 < plan.order.contracts.value < 300
        assert (plan.hedged, plan.rescues) == (False, True)

    @pytest.mark.parametrize("mark", [104_000, CLOSE, 107_000, 110_000, 113_000, 115_000])
    def test_so_many_that_liquidation_lies_half_way_to_warn_and_no_lot_more(self, mark: int) -> None:
        order = planned(at(mark, spare="0", spot="0")).order
        assert order is not None
        lots, reached = int(order.contracts.value), list[Decimal]()
        for bought in (lots - 1, lots):
            dollars = Decimal(100 * bought)
            loss, fee = dollars / 60_000 - dollars / mark, dollars / mark * Decimal("0.0005")
            margin = Decimal("0.5") - loss - fee
            after = at(mark, bought - 600, margin=margin, coins=margin, spot="0")
            away = distance(after, after.legs[0])
            assert isinstance(away, Decimal)
            reached.append(away)
        half_way = (POLICY.liquidation_act + POLICY.liquidation_warn) / 2
        assert reached[0] < half_way <= reached[1]

    def test_what_a_cross_margin_holds_is_behind_it_already(self) -> None:
        pot = at(CLOSE, coins="0.5", margin="0", spot="0")
        [only] = pot.legs
        bought = []
        for free in ("0", "0.2"):
            wallet = replace(only.wallet, withdrawable=coin(free))
            position = replace(only.position, margin=None, margin_mode=MarginMode.CROSS)
            order = planned(replace(pot, legs=(replace(only, position=position, wallet=wallet),))).order
            bought.append(order and order.contracts)
        assert bought[0] == bought[1] is not None

    def test_its_reason(self) -> None:
        plan = planned(at(CLOSE, spare="0", spot="0"))
        assert plan.order is not None
        assert plan.reason == (
            f"buy back {plan.order.contracts} contracts of {LEG}, no coins left to move:"
            f" {LEG} would be liquidated 13.2% above its mark"
        )

    def test_never_past_flat(self) -> None:
        plan = planned(
            split(-1, mark=118_000, margin="0.00083333", coins="0.00083333", spot="0", outside="0.0008")
        )
        assert plan.order is not None
        assert plan.order.contracts.value == 1

    def test_an_empty_book_is_said(self) -> None:
        plan = planned(at(CLOSE, spare="0", spot="0", book=quote(CLOSE, asks=())))
        assert (plan.order, plan.hedged, plan.forbidden, plan.rescues) == (None, False, True, True)
        assert plan.reason == (
            f"the book of {LEG} offers too little within 0.005 of mark:"
            f" {LEG} would be liquidated 13.2% above its mark"
        )

    @pytest.mark.parametrize(("held", "says"), [("0.5", "ratio 2.0000"), ("0.9", "no coins left to move")])
    def test_a_purchase_that_is_made_anyway_is_enough_where_it_does_as_much(
        self, held: str, says: str
    ) -> None:
        """300 contracts of 600 too many, or 60, where the ladder asks for more than 60."""
        rest = Decimal(held) - Decimal("0.5")
        plan = planned(split(-600, mark=CLOSE, margin="0.5", coins="0.5", spot="0", outside=rest))
        assert plan.order is not None
        assert says in plan.reason

    def test_the_same_contracts_are_not_sold_again(self) -> None:
        short = split(-400, mark=CLOSE, margin="0.3535", coins="0.3535", spot="0", outside="0.45")
        plan = planned(short)
        assert (plan.order, plan.forbidden) == (None, True)
        assert plan.reason == f"the collateral of {LEG} does not carry a larger short"

    def test_they_are_once_the_collateral_is_there(self) -> None:
        """Its leg first, and then the rest is sold."""
        there = split(-400, mark=CLOSE, margin="0.3535", coins="0.8", spot="0", outside="0.2")
        assert told(planned(there)) == ("margin to isolated", "0.05377422")
        assert (
            told(planned(split(-400, mark=CLOSE, margin="0.45", coins="0.8", spot="0", outside="0.2")))
            == "order"
        )

    def test_a_first_sale_that_its_margin_carries_is_made_whole(self) -> None:
        plan = planned(split(0, margin="0", coins="0.5", spot="0.5"))
        assert plan.order is not None
        assert plan.order.contracts.value == -599


def beside(
    near: Snapshot, size: int, *, margin: str | None = "9", leverage: int | None = None, last: bool = False
) -> Snapshot:
    """With a leg in another contract, in the same wallet; far from its liquidation if it is isolated."""
    [one] = near.legs
    contract = instrument(DATED, face=100)
    own = None if margin is None else coin(margin)
    named = policy(DATED, leverage=None if leverage is None else Decimal(leverage))
    mark = one.mark.value
    found = leg(size, mark=mark, contract=contract, mode=MarginMode.ISOLATED, margin=own, policy=named)
    if margin is None:
        one = replace(one, position=replace(one.position, margin=None, margin_mode=MarginMode.CROSS))
        found = replace(found, position=replace(found.position, margin_mode=MarginMode.CROSS))
    pot = replace(one.wallet, coins=one.wallet.coins + (own or coin(0)))
    legs = [replace(each, wallet=pot) for each in (one, found)]
    return replace(near, legs=tuple(legs[::-1] if last else legs), margin_wallets=(pot,))


class TestTwoLegs:
    SHORT = at(CLOSE, spare="0", spot="0")

    @pytest.mark.parametrize("last", [False, True])
    def test_the_nearest_one_is_looked_after_wherever_it_stands(self, last: bool) -> None:
        rescue = planned(beside(self.SHORT, -600, last=last, margin="1.4")).order
        assert rescue is not None
        assert rescue.leg.symbol == SYMBOL

    def test_a_purchase_in_another_margin_is_no_help(self) -> None:
        """Far more is bought back there for the target, and it comes next."""
        seen = replace(beside(self.SHORT, -900, margin="1.5"), outside=coin("-1.2"))
        rescue = planned(seen)
        assert rescue.order is not None
        assert (rescue.order.leg.symbol, rescue.rescues) == (SYMBOL, True)
        plan = planned(seen, collateral=CollateralPolicy(enabled=False))
        assert plan.order is not None
        assert plan.order.leg.symbol == DATED

    def test_one_in_the_same_margin_is(self) -> None:
        seen = replace(beside(self.SHORT, -900, margin=None), outside=coin("0.1"))
        pot = replace(seen.margin_wallets[0], coins=coin("1.25"))
        legs = tuple(replace(each, wallet=pot) for each in seen.legs)
        plan = planned(replace(seen, legs=legs, margin_wallets=(pot,)))
        assert plan.order is not None
        assert (plan.order.leg.symbol, plan.rescues) == (DATED, False)

    def test_a_sale_is_none(self) -> None:
        """And the leverage that was to be set before it waits with it."""
        seen = replace(beside(self.SHORT, 0, leverage=3, margin="0"), outside=coin("1.5"))
        first = planned(seen, collateral=CollateralPolicy(enabled=False))
        assert first.order is not None
        assert (first.order.contracts.value < 0, first.leverage is not None) == (True, True)
        plan = planned(seen)
        assert plan.order is not None
        assert (plan.order.contracts.value > 0, plan.leverage, plan.rescues) == (True, None, True)

    def test_nor_is_leverage_set_while_coins_move(self) -> None:
        near = at(NEAR, spare="0.5", coins="1", spot="0")
        seen = replace(beside(near, 0, leverage=3, margin="0"), outside=coin("1.5"))
        assert told(planned(seen)) == ("margin to isolated", "0.05522488")


class TestAlarm:
    def test_each_step_tells_what_it_does(self) -> None:
        finding = step_taken(planned(at(NEAR)))
        reason = (
            "move 0.05522488 BTC from margin to isolated on main:"
            f" {LEG} would be liquidated 29.1% above its mark"
        )
        step = "Add margin to the account, or lower the ratio: further up it will not be there"
        assert finding == Finding("ladder", Permission.ANY, "", "", reason, step, alarms=True)

    def test_the_last_step_is_told_where_the_first_one_was(self) -> None:
        move, purchase = planned(at(NEAR)), planned(at(CLOSE, spare="0", spot="0"))
        assert purchase.order is not None
        assert (step_taken(move).critical, step_taken(purchase).critical) == (False, True)


marks = st.integers(60_000, 118_000)


@given(mark=marks, spare=st.decimals("0", "0.5", places=4))
def test_after_a_move_of_all_that_is_wanted_liquidation_lies_beyond_the_bound(
    mark: int, spare: Decimal
) -> None:
    plan = planned(at(mark, coins=Decimal("0.5") + spare, spot="0"))
    if plan.transfer is None or plan.transfer.coins.value == spare:
        return
    margin = Decimal("0.5") + plan.transfer.coins.value
    after = at(mark, margin=margin, coins=Decimal("0.5") + spare, spot="0")
    reached = distance(after, after.legs[0])
    assert isinstance(reached, Decimal)
    assert abs(reached - BEYOND * POLICY.liquidation_warn) < Decimal("0.001")
    assert told(planned(after)) == "nothing", "one move is enough"


@given(mark=marks, moved=st.decimals("0", "0.4", places=4))
def test_moving_coins_leads_to_no_order(mark: int, moved: Decimal) -> None:
    """Whichever pocket holds them: the ratio knows none."""
    seen = at(mark, coins=Decimal("0.6") + moved, spot=Decimal("0.4") - moved)
    assert planned(seen, collateral=CollateralPolicy(enabled=False)).reason == "inside the band"
