"""The collateral ladder: each rung where it acts, just inside its limit, and where what it needs is missing.

60,000 dollars are short from 60,000, with half a coin isolated; ``warn`` is 0.3, ``act`` 0.15.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decision import Assessment, Permission, Plan
from hedgebot.domain.hedge import BEYOND, CollateralPolicy
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import Pocket, TransferIntent, TransferStage
from hedgebot.planning import decide, step_taken
from hedgebot.planning.moves import AGAIN_MS
from tests.builders import LEG, SYMBOL, allowing, hedge, quote, split, to, transfer

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


class TestRungsThatDoNotHold:
    UNRESOLVED = transfer(stage=TransferStage.ACCEPTED)
    LATELY = transfer(stage=TransferStage.REJECTED, age_ms=AGAIN_MS - 1)
    LONG_AGO = transfer(stage=TransferStage.REJECTED, age_ms=AGAIN_MS)
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
        refused = transfer(
            stage=TransferStage.REJECTED, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=SYMBOL
        )
        assert told(planned(at(NEAR, spare="0"), refused)) == "nothing"

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

    def test_never_past_flat(self) -> None:
        plan = planned(
            split(-1, mark=118_000, margin="0.00083333", coins="0.00083333", spot="0", outside="0.0008")
        )
        assert plan.order is not None
        assert plan.order.contracts.value == 1

    def test_an_empty_book_is_said(self) -> None:
        plan = planned(at(CLOSE, spare="0", spot="0", book=quote(CLOSE, asks=())))
        assert (plan.order, plan.forbidden, plan.rescues) == (None, True, True)

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


class TestAlarm:
    def test_each_step_tells_what_it_does(self) -> None:
        finding = step_taken(planned(at(NEAR)))
        assert (finding.guard, finding.alarms, finding.permission) == ("ladder", True, Permission.ANY)
        assert finding.reason == (
            "move 0.05522488 BTC from margin to isolated on main:"
            f" {LEG} would be liquidated 29.1% above its mark"
        )

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
