"""The decision: trade to the target, or nothing, and why.

``|ratio - r| > band`` trades, then goes to the target; a gap under one lot or the exchange's minimum is
a stable nothing and counts as hedged, unless not even the first lot fits. A leg near its liquidation comes
before all that (``collateral``), coins that its margin does not need come after (``spare``).
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.decision import Assessment, Permission, Plan, PlannedOrder, SetLeverage, Target
from hedgebot.domain.hedge import Hedge, LegDown, Limits
from hedgebot.domain.inverse import Gap
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Exposure, Leg, Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO, Contracts, plain
from hedgebot.planning.collateral import carried, climb
from hedgebot.planning.hedge_size import contracts_to_target, through_book, whole_lots
from hedgebot.planning.legs import Part, parts, told
from hedgebot.planning.pricing import bounded, limit_price, priced
from hedgebot.planning.roll import next_slice
from hedgebot.planning.spare import spare

WITHIN = "within one lot of the target"


def decide(
    hedge: Hedge,
    snapshot: Snapshot,
    assessment: Assessment,
    target: Target,
    control: Control,
    transfers: Sequence[TransferIntent] = (),
) -> Plan:
    """The plan for one coherent snapshot. ``transfers`` are those of the last day and all unfinished ones."""
    plan = _to_target(hedge, snapshot, assessment, target, control, transfers)
    plan = _rolled(hedge, snapshot, assessment, target, control, plan, transfers)
    if snapshot.dead:  # nothing is moved where nobody can look, and nothing leaves a margin meanwhile
        alive = replace(snapshot, legs=snapshot.living)
        return climb(hedge, alive, assessment, control, plan, transfers)
    plan = climb(hedge, snapshot, assessment, control, plan, transfers)
    return spare(hedge, snapshot, assessment, control, plan, transfers)


def _to_target(
    hedge: Hedge,
    snapshot: Snapshot,
    assessment: Assessment,
    target: Target,
    control: Control,
    transfers: Sequence[TransferIntent],
) -> Plan:
    if reason := _settled(hedge, snapshot.exposure, target, control):
        return Plan(reason, True, target)
    gap = gap_of(snapshot, target)
    barred = _forbidden(assessment, control, selling=gap.coins >= ZERO)
    plans: list[Plan] = []
    for part in parts(hedge, snapshot, gap, target):
        if part.beyond and hedge.if_leg_down is LegDown.WAIT and any(plan.forbidden for plan in plans):
            break  # a leg takes no more, and what it should have sold waits for it
        plan = _in_leg(hedge, snapshot, part, barred, target, transfers)
        if plan.acts or (barred and plan.forbidden):
            return plan
        plans.append(plan)
    if full := next((plan for plan in plans if plan.forbidden), None):
        return full
    if reason := _left(hedge, snapshot, gap, target):
        return Plan(reason, False, target, forbidden=True)
    return plans[0] if plans else Plan(WITHIN, True, target)


def _rolled(
    hedge: Hedge,
    snapshot: Snapshot,
    assessment: Assessment,
    target: Target,
    control: Control,
    plan: Plan,
    transfers: Sequence[TransferIntent],
) -> Plan:
    """``plan``, or, where that does nothing, the next slice of a roll."""
    gap = gap_of(snapshot, target)
    part = next_slice(hedge, snapshot, gap) if plan.hedged and not target.reduce_only else None
    if part is None or part.leg.dead or control.unwound:
        return plan
    barred = _forbidden(assessment, control, selling=True)
    slice_ = _in_leg(hedge, snapshot, part, barred, target, transfers)
    if slice_.acts:
        return slice_._replace(reason=f"roll: {slice_.reason}", rolls=True)
    return plan._replace(reason=f"{plan.reason}; the roll waits: {slice_.reason}")


def _in_leg(
    hedge: Hedge,
    snapshot: Snapshot,
    part: Part,
    barred: str,
    target: Target,
    transfers: Sequence[TransferIntent],
) -> Plan:
    """The plan for one leg's part of the gap; ``barred`` is why nothing may be sent."""
    leg, gap = part.leg, part.gap
    contracts = whole_lots(gap, leg, through_book(gap, leg))
    if not contracts or abs(contracts) < _minimum(leg, contracts, hedge.limits):
        return _too_small(snapshot.exposure, target, leg, hedge.limits)
    if target.reduce_only and contracts.value < ZERO:
        return Plan(f"{target.reason}: already at or below {target.ratio}", True, target)
    if barred:
        return Plan(barred, False, target, forbidden=True)
    if contracts.value < ZERO:
        contracts = carried(hedge, snapshot, leg, contracts, transfers)
        if not contracts or abs(contracts) < _minimum(leg, contracts, hedge.limits):
            reason = f"the collateral of {leg.name} does not carry a larger short"
            return Plan(reason, False, target, forbidden=True)
    return _act(hedge, snapshot, leg, contracts, target)


def _left(hedge: Hedge, snapshot: Snapshot, gap: Gap, target: Target) -> str:
    """What only a dead leg could trade now; empty where there is none."""
    if target.reduce_only and gap.coins >= ZERO:
        return ""
    for leg in snapshot.legs:
        if leg.dead is None:
            continue
        contracts = whole_lots(gap, leg, contracts_to_target(gap, leg, leg.mark))
        if contracts and abs(contracts) >= _minimum(leg, contracts, hedge.limits):
            coins, verb = plain(abs(gap.coins), 4), "sell" if contracts.value < ZERO else "buy back"
            return f"{coins} {snapshot.asset} to {verb} wait for {leg.name}: {told(snapshot)}"
    return ""


def _settled(hedge: Hedge, exposure: Exposure, target: Target, control: Control) -> str:
    """Why nothing is to be done before any size is known; empty when something may be."""
    if control.unwound:
        return "unwound: nothing is traded until resumed"
    if exposure.held.value <= ZERO and not exposure.sold:
        return "nothing is held and nothing is short"
    return "inside the band" if inside(exposure, target, hedge.band) else ""


def inside(exposure: Exposure, target: Target, band: Decimal) -> bool:
    """Whether the band lets the ratio be; strictly more than the band trades."""
    ratio = exposure.ratio
    return not target.exact and ratio is not None and abs(ratio - target.ratio) <= band


def gap_of(snapshot: Snapshot, target: Target) -> Gap:
    """What separates this snapshot from its target."""
    seen = snapshot.exposure
    return Gap(seen.held.value, seen.sold.value, target.ratio)


def _minimum(leg: Leg, contracts: Contracts, limits: Limits) -> Contracts:
    """The exchange's minimum; closing a leg whole is allowed at any size."""
    if contracts.value < ZERO:
        return leg.facts.instrument.least(limit_price(contracts, leg, limits))
    whole = contracts == abs(leg.position.contracts)
    return Contracts.zero() if whole else leg.facts.instrument.min_order


def _too_small(exposure: Exposure, target: Target, leg: Leg, limits: Limits) -> Plan:
    if not exposure.sold and target.ratio > ZERO and not target.reduce_only:
        least = _minimum(leg, -leg.facts.instrument.lot, limits)
        reason = f"{exposure.held} coins are too few for the first {least} contracts of {leg.name}"
        return Plan(reason, False, target)
    return Plan(WITHIN, True, target)


def _forbidden(assessment: Assessment, control: Control, *, selling: bool) -> str:
    """Why an order of this side may not be sent; empty when it may."""
    if control.paused:
        return "paused by the operator"
    allowed = Permission.ANY if selling else Permission.REDUCE_ONLY
    return assessment.why() if assessment.permission > allowed else ""


def _leverage_first(leg: Leg, contracts: Contracts) -> SetLeverage | None:
    """A named leverage or margin mode is set while the leg is flat, before its first sale."""
    mode = leg.policy.margin_mode if leg.settable and leg.policy.margin_mode else leg.margin_mode
    wanted, flat = leg.policy.leverage or leg.position.leverage, not leg.position.contracts
    same = leg.position.leverage == wanted and leg.margin_mode is mode
    if wanted is None or not flat or contracts.value > ZERO or same:
        return None
    return SetLeverage(leg.policy, wanted, mode)


def _act(hedge: Hedge, snapshot: Snapshot, leg: Leg, contracts: Contracts, target: Target) -> Plan:
    cut = bounded(contracts, leg, hedge.limits)
    if not cut or abs(cut) < _minimum(leg, cut, hedge.limits):
        reason = f"the book of {leg.name} offers too little within {hedge.limits.slippage} of mark"
        return Plan(reason, False, target, forbidden=True)
    order = priced(cut, leg, hedge.limits, snapshot.exposure)
    reason = _sentence(contracts, order, snapshot.exposure, target)
    leverage = _leverage_first(leg, contracts)
    if leverage is not None:
        mode = f" in {leverage.margin_mode} margin" if leverage.margin_mode is not leg.margin_mode else ""
        reason = f"set leverage {leverage.leverage}{mode}, then {reason}"
    if snapshot.dead:
        reason = f"{reason}; {told(snapshot)}"
    return Plan(reason, False, target, order=order, leverage=leverage)


def _sentence(wanted: Contracts, order: PlannedOrder, exposure: Exposure, target: Target) -> str:
    """The plan in words: "sell 59970 contracts of main:BTC/USD:BTC: ratio 0.0000, target 1"."""
    cut = order.contracts
    verb = "sell" if cut.value < ZERO else "buy back"
    was = "nothing held" if exposure.ratio is None else f"ratio {exposure.ratio:.4f}"
    part = "" if cut == wanted else f" of {abs(wanted)}"
    return f"{verb} {abs(cut)}{part} contracts of {order.leg.name}: {was}, target {target.ratio}"
