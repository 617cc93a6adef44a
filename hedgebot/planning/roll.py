"""A leg moves to another contract, slice by slice: each sold there, then bought back here.

In that order, so that what follows a sale is a purchase, which nothing forbids: the hedge is too large by one
slice for a moment, and never too small. Only where the margin for one slice is still bound in the old
contract, that is bought back first.
"""

from collections.abc import Sequence
from decimal import Decimal

from hedgebot.domain.decision import Plan
from hedgebot.domain.instrument import is_dated
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ONE
from hedgebot.planning.case import Case
from hedgebot.planning.leg_order import in_leg
from hedgebot.planning.legs import Part, closing


def rolled(case: Case, plan: Plan) -> Plan:
    """``plan``, or, where the hedge is at its target and nothing else is to be done, the next slice."""
    if len(case.snapshot.legs) == 1 or not plan.hedged or case.target.reduce_only or case.control.unwound:
        return plan
    part = _next_slice(case)
    if part is None:
        return plan
    slice_ = in_leg(case, part, case.forbidden(selling=True))
    if slice_.acts:
        return slice_._replace(reason=f"roll: {slice_.reason}", rolls=True)
    return plan._replace(reason=f"{plan.reason}; the roll waits: {slice_.reason}")


def _next_slice(case: Case) -> Part | None:
    """What is traded next to leave a contract; None where there is none to leave."""
    living, gap = case.snapshot.living, case.gap
    old = next((leg for leg in living if not leg.policy.weight and leg.short.notional), None)
    new = None if old is None else _after(old, living)
    if old is None or new is None:
        return None
    contract = new.facts.instrument
    least = contract.notional(max(contract.lot, contract.min_order)).at(new.mark).value
    left = old.short.sold.value
    coins = min(gap.sold / case.hedge.roll.slices + least, left)  # the lot: else some remain at the end
    if 2 * least <= coins <= _free(new):  # the fee makes a sale of one lot less than one
        return Part(new, closing(coins, gap))
    return Part(old, closing(-coins, gap))


def _after(old: Leg, living: Sequence[Leg]) -> Leg | None:
    """What follows a contract on its account: a dated one; where none has a share, the perpetual one that the
    hedge goes back to."""
    there = [leg for leg in living if leg.policy.account == old.policy.account and leg.policy.weight]
    dated = [leg for leg in there if is_dated(leg.policy.symbol)]
    return next(iter(dated or there), None) if dated or is_dated(old.policy.symbol) else None


def _free(leg: Leg) -> Decimal:
    """Coins short that the free part of the leg's wallet can margin."""
    leverage = leg.policy.leverage or leg.position.leverage or ONE
    return leg.wallet.withdrawable.value * leverage
