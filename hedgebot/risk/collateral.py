"""How leveraged are the legs? Measured as ``Q / (M + U)``, against the leg's own leverage setting and the
ladder's bounds. Too much is an alarm; too little is told, as coins in a margin do no harm there."""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.excess import Excess, excess, unknown
from hedgebot.domain.margin import leverage
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ZERO
from hedgebot.risk.view import View

SLACK = Decimal("1.5")
"""How far above its setting a leg's leverage may rise before somebody should know."""


def check(view: View) -> Finding:
    highest, bounds = ZERO, view.hedge.collateral
    for leg in view.snapshot.legs:
        if leg.position.margin is None and unknown(leg):
            return _finding("unknown", "", f"the margin of {leg.name} is not known", alarms=False)
        measured = leverage(view.snapshot, leg)
        setting = leg.policy.leverage or leg.position.leverage
        if measured is None and leg.short.notional:
            reason = f"{leg.name} has no margin left"
            return _finding("none left", "", reason, alarms=True)
        if measured is not None and setting and measured > setting * SLACK:
            reason = f"{leg.name} runs at leverage {measured:.2f}, set to {setting}"
            return _finding(f"{measured:.2f}", f"{setting * SLACK}", reason, alarms=True)
        if measured is not None and bounds.max_leverage is not None and measured > bounds.max_leverage:
            reason = f"{leg.name} runs at leverage {measured:.2f}, above max_leverage {bounds.max_leverage}"
            return _finding(f"{measured:.2f}", f"{bounds.max_leverage}", reason, alarms=True)
        highest = max(highest, measured or ZERO)
    if bounds.min_leverage is not None:
        for leg in view.snapshot.legs:
            if (below := excess(view.hedge, view.snapshot, leg)) is not None:
                return _below(leg, below, bounds.min_leverage)
    return _finding(f"{highest:.2f}", "", "margin is in proportion", alarms=False)


def _below(leg: Leg, below: Excess, lowest: Decimal) -> Finding:
    reason = f"{leg.name} runs at leverage {below.leverage:.2f}, below min_leverage {lowest}"
    if not below.moves:
        reason += "; too little of its margin can leave it, as unrealised profit cannot"
    return _finding(f"{below.leverage:.2f}", f"{lowest}", reason, alarms=False)


def _finding(measured: str, limit: str, reason: str, *, alarms: bool) -> Finding:
    step = "Add margin to the leg, or lower the ratio" if alarms else ""
    return Finding("collateral", Permission.ANY, measured, limit, reason, step, alarms=alarms)
