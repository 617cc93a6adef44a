"""The decision: trade to the target, or nothing, and why.

``|ratio - r| > band`` trades, then goes to the target; a gap under one lot or the exchange's minimum is
a stable nothing and counts as hedged, unless not even the first lot fits. A leg near its liquidation comes
before all that (``collateral``).
"""

from collections.abc import Sequence
from decimal import Decimal

from hedgebot.domain.decision import Assessment, Permission, Plan, PlannedOrder, SetLeverage, Target
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.inverse import Gap
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Exposure, Leg, Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO, Contracts
from hedgebot.planning.collateral import carried, climb
from hedgebot.planning.hedge_size import through_book, whole_lots
from hedgebot.planning.pricing import bounded, priced


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
    return climb(hedge, snapshot, assessment, control, plan, transfers)


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
    leg = leg_to_trade(snapshot, gap)
    contracts = whole_lots(gap, leg, through_book(gap, leg))
    if not contracts or abs(contracts) < _minimum(leg, contracts):
        return _too_small(snapshot.exposure, target, leg)
    if target.reduce_only and contracts.value < ZERO:
        return Plan(f"{target.reason}: already at or below {target.ratio}", True, target)
    if reason := _forbidden(assessment, control, contracts):
        return Plan(reason, False, target, forbidden=True)
    if contracts.value < ZERO:
        contracts = carried(hedge, snapshot, leg, contracts, transfers)
        if not contracts or abs(contracts) < _minimum(leg, contracts):
            reason = f"the collateral of {leg.name} does not carry a larger short"
            return Plan(reason, False, target, forbidden=True)
    return _act(hedge, snapshot, leg, contracts, target)


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


def leg_to_trade(snapshot: Snapshot, gap: Gap) -> Leg:
    """Sales go to the leg that sold least, purchases to the one that sold most."""
    legs = sorted(snapshot.legs, key=lambda leg: leg.short.sold)
    return legs[0] if gap.coins >= 0 else legs[-1]


def _minimum(leg: Leg, contracts: Contracts) -> Contracts:
    """The exchange's minimum; closing a leg whole is allowed at any size."""
    whole = contracts.value > ZERO and contracts == abs(leg.position.contracts)
    return Contracts.zero() if whole else leg.facts.instrument.min_order


def _too_small(exposure: Exposure, target: Target, leg: Leg) -> Plan:
    if not exposure.sold and target.ratio > ZERO and not target.reduce_only:
        least = leg.facts.instrument.min_order
        reason = f"{exposure.held} coins are too few for the first {least} contracts of {leg.name}"
        return Plan(reason, False, target)
    return Plan("within one lot of the target", True, target)


def _forbidden(assessment: Assessment, control: Control, contracts: Contracts) -> str:
    """Why an order of this side may not be sent; empty when it may."""
    if control.paused:
        return "paused by the operator"
    allowed = Permission.ANY if contracts.value < ZERO else Permission.REDUCE_ONLY
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
    if not cut or abs(cut) < _minimum(leg, cut):
        reason = f"the book of {leg.name} offers too little within {hedge.limits.slippage} of mark"
        return Plan(reason, False, target, forbidden=True)
    order = priced(cut, leg, hedge.limits, snapshot.exposure)
    reason = _sentence(contracts, order, snapshot.exposure, target)
    leverage = _leverage_first(leg, contracts)
    if leverage is not None:
        mode = f" in {leverage.margin_mode} margin" if leverage.margin_mode is not leg.margin_mode else ""
        reason = f"set leverage {leverage.leverage}{mode}, then {reason}"
    return Plan(reason, False, target, order=order, leverage=leverage)


def _sentence(wanted: Contracts, order: PlannedOrder, exposure: Exposure, target: Target) -> str:
    """The plan in words: "sell 59970 contracts of main:BTC/USD:BTC: ratio 0.0000, target 1"."""
    cut = order.contracts
    verb = "sell" if cut.value < ZERO else "buy back"
    was = "nothing held" if exposure.ratio is None else f"ratio {exposure.ratio:.4f}"
    part = "" if cut == wanted else f" of {abs(wanted)}"
    return f"{verb} {abs(cut)}{part} contracts of {order.leg.name}: {was}, target {target.ratio}"
