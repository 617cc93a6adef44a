"""How far is liquidation? The nearest leg counts; an unknown price permits reductions only.

And has one happened? What an exchange closed by force is told for an hour; it is sold again as any change of
the position that is not ours is corrected, within those limits.
"""

from decimal import Decimal

from hedgebot.domain.account import EntryKind
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.forced import Forced
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.status import iso
from hedgebot.domain.units import ZERO
from hedgebot.risk.view import View

WORDS = {EntryKind.LIQUIDATION: "a liquidation", EntryKind.ADL: "auto-deleveraging"}
STEPS = {
    EntryKind.LIQUIDATION: "Add coins or lower the leverage: the margin of what was liquidated is gone",
    EntryKind.ADL: "Nothing: what was closed is sold again",
}


def check(view: View) -> Finding:
    near, forced = _ahead(view), [each for each in view.memory.forced if each.told(view.at)]
    if not forced:
        return near
    reason = "; ".join([*(_words(each) for each in forced), near.reason])
    gone = any(each.kind is EntryKind.LIQUIDATION for each in forced)
    step = near.next_step or STEPS[EntryKind.LIQUIDATION if gone else EntryKind.ADL]
    return near._replace(reason=reason, next_step=step, alarms=True, critical=True)


def _words(forced: Forced) -> str:
    price = "" if forced.price is None else f" at {forced.price}"
    return f"{WORDS[forced.kind]} took {forced.contracts} contracts of {forced.leg}{price}, {iso(forced.at)}"


def _ahead(view: View) -> Finding:
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
    close = away < act
    if leg.dead is not None and away < warn:
        return _unreachable(away, leg, limit, close=close)
    if away >= warn:
        return Finding("liquidation", Permission.ANY, measured, limit, reason)
    step = "Add margin to the leg, or lower the ratio" + (", now" if close else "")
    return Finding("liquidation", Permission.ANY, measured, limit, reason, step, alarms=True, critical=close)


def _unreachable(away: Decimal, leg: Leg, limit: str, *, close: bool) -> Finding:
    """Of a leg that cannot be read, by its last position and the mark of another."""
    reason = f"{leg.name} cannot be read; as last confirmed it would be liquidated {away:.1%} above the mark"
    if away <= ZERO:
        reason = f"{leg.name} cannot be read; as last confirmed it has been liquidated: it may be gone"
    step = "Add margin there yourself, if the exchange lets you: hedgebot cannot"
    measured = f"{away:.4f}"
    return Finding("liquidation", Permission.ANY, measured, limit, reason, step, alarms=True, critical=close)
