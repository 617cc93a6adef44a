"""How far is liquidation? The nearest leg counts; an unknown price permits reductions only."""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.snapshot import Leg
from hedgebot.risk.view import View


def check(view: View) -> Finding:
    far = [(leg, distance(view.snapshot, leg)) for leg in view.snapshot.legs]
    warn, act = view.hedge.liquidation_warn, view.hedge.liquidation_act
    limit = f"warn {warn}, act {act}"
    for leg, away in far:
        if away is NoFigure.UNKNOWN:
            reason = f"the liquidation price of {leg.name} is not known"
            step = "Compare with the exchange's own page"
            return Finding("liquidation", Permission.REDUCE_ONLY, "unknown", limit, reason, step, alarms=True)
    prices = [(away, leg) for leg, away in far if isinstance(away, Decimal)]
    if not prices:
        return Finding("liquidation", Permission.ANY, "none", limit, "no price liquidates it")
    away, leg = min(prices, key=lambda each: each[0])
    return _near(leg, away, warn, act, limit)


def _near(leg: Leg, away: Decimal, warn: Decimal, act: Decimal, limit: str) -> Finding:
    """Near is an alarm, not a prohibition: a sale margined like the rest moves no leg's distance."""
    measured = f"{away:.4f}"
    reason = f"{leg.name} would be liquidated {away:.1%} above its mark"
    if away >= warn:
        return Finding("liquidation", Permission.ANY, measured, limit, reason)
    step = "Add margin to the leg, or lower the ratio" + (", now" if away < act else "")
    return Finding("liquidation", Permission.ANY, measured, limit, reason, step, alarms=True)
