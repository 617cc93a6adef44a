"""What one leg does about its part of the gap: an order of so many lots, or why there is none."""

from hedgebot.domain.decision import Plan, PlannedOrder, SetLeverage, Target
from hedgebot.domain.hedge import Limits
from hedgebot.domain.snapshot import Exposure, Leg
from hedgebot.domain.units import ZERO, Contracts
from hedgebot.planning.case import Case
from hedgebot.planning.collateral import carried
from hedgebot.planning.hedge_size import through_book, whole_lots
from hedgebot.planning.legs import Part, told
from hedgebot.planning.pricing import bounded, limit_price, priced

WITHIN = "within one lot of the target"


def in_leg(case: Case, part: Part, barred: str) -> Plan:
    """The plan for one leg's part of the gap; ``barred`` is why nothing may be sent."""
    (leg, gap, _), target, limits = part, case.target, case.hedge.limits
    contracts = whole_lots(gap, leg, through_book(gap, leg))
    if not contracts or abs(contracts) < minimum(leg, contracts, limits):
        return _too_small(case.snapshot.exposure, target, leg, limits)
    if target.reduce_only and contracts.value < ZERO:
        return Plan(f"{target.reason}: already at or below {target.ratio}", True, target)
    if barred:
        return Plan(barred, False, target, forbidden=True)
    if contracts.value < ZERO:
        contracts = carried(case, leg, contracts)
        if not contracts or abs(contracts) < minimum(leg, contracts, limits):
            reason = f"the collateral of {leg.name} does not carry a larger short"
            return Plan(reason, False, target, forbidden=True)
    return _act(case, leg, contracts)


def minimum(leg: Leg, contracts: Contracts, limits: Limits) -> Contracts:
    """The exchange's minimum; closing a leg whole is allowed at any size."""
    if contracts.value < ZERO:
        return leg.facts.instrument.least(limit_price(contracts, leg, limits))
    whole = contracts == abs(leg.position.contracts)
    return Contracts.zero() if whole else leg.facts.instrument.min_order


def _too_small(exposure: Exposure, target: Target, leg: Leg, limits: Limits) -> Plan:
    if not exposure.sold and target.ratio > ZERO and not target.reduce_only:
        least = minimum(leg, -leg.facts.instrument.lot, limits)
        reason = f"{exposure.held} coins are too few for the first {least} contracts of {leg.name}"
        return Plan(reason, False, target)
    return Plan(WITHIN, True, target)


def _act(case: Case, leg: Leg, contracts: Contracts) -> Plan:
    limits, exposure, target = case.hedge.limits, case.snapshot.exposure, case.target
    cut = bounded(contracts, leg, limits)
    if not cut or abs(cut) < minimum(leg, cut, limits):
        reason = f"the book of {leg.name} offers too little within {limits.slippage} of mark"
        return Plan(reason, False, target, forbidden=True)
    order = priced(cut, leg, limits, exposure)
    reason = _sentence(contracts, order, exposure, target)
    leverage = _leverage_first(leg, contracts)
    if leverage is not None:
        mode = f" in {leverage.margin_mode} margin" if leverage.margin_mode is not leg.margin_mode else ""
        reason = f"set leverage {leverage.leverage}{mode}, then {reason}"
    if case.snapshot.dead:
        reason = f"{reason}; {told(case.snapshot)}"
    return Plan(reason, False, target, order=order, leverage=leverage)


def _leverage_first(leg: Leg, contracts: Contracts) -> SetLeverage | None:
    """A named leverage or margin mode is set while the leg is flat, before its first sale."""
    mode = leg.policy.margin_mode if leg.settable and leg.policy.margin_mode else leg.margin_mode
    wanted, flat = leg.policy.leverage or leg.position.leverage, not leg.position.contracts
    same = leg.position.leverage == wanted and leg.margin_mode is mode
    if wanted is None or not flat or contracts.value > ZERO or same:
        return None
    return SetLeverage(leg.policy, wanted, mode)


def _sentence(wanted: Contracts, order: PlannedOrder, exposure: Exposure, target: Target) -> str:
    """The plan in words: "sell 59970 contracts of main:BTC/USD:BTC: ratio 0.0000, target 1"."""
    cut = order.contracts
    verb = "sell" if cut.value < ZERO else "buy back"
    was = "nothing held" if exposure.ratio is None else f"ratio {exposure.ratio:.4f}"
    part = "" if cut == wanted else f" of {abs(wanted)}"
    return f"{verb} {abs(cut)}{part} contracts of {order.leg.name}: {was}, target {target.ratio}"
