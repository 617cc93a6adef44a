"""How far is liquidation? The nearest leg counts; an unknown price permits reductions only."""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.snapshot import Leg
from hedgebot.risk.view import View


def check(view: View) -> Finding:
    warn, act = view.hedge.liquidation_warn, view.hedge.liquidation_act
    limit, nearest = f"warn {warn}, act {act}", None
    for leg in view.snapshot.legs:
        away = distance(view.snapshot, leg)
        if away is NoFigure.UNKNOWN:
            reason = f"the liquidation price of {leg.name} is not known"
            step = "Compare with the exchange's own page"
            return Finding("liquidation", Permission.REDUCE_ONLY, "unknown", limit, reason, step, alarms=True)
        if isinstance(away, Decimal) and (nearest is None or away < nearest[0]):
            nearest = away, leg
    if nearest is None:
        return Finding("liquidation", Permission.ANY, "none", limit, "no price liquidates it")
    return _near(*nearest, warn, act, limit)


def _near(away: Decimal, leg: Leg, warn: Decimal, act: Decimal, limit: str) -> Finding:
    """Near is an alarm, not a prohibition: a sale margined like the rest moves no leg's distance."""
    measured = f"{away:.4f}"
    reason = f"{leg.name} would be liquidated {away:.1%} above its mark"
    if away >= warn:
        return Finding("liquidation", Permission.ANY, measured, limit, reason)
    step = "Add margin to the leg, or lower the ratio" + (", now" if away < act else "")
    return Finding("liquidation", Permission.ANY, measured, limit, reason, step, alarms=True)
