"""How leveraged are the legs? Measured as ``Q / (M + U)``, against the leg's own leverage setting."""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.margin import leverage
from hedgebot.domain.units import ZERO
from hedgebot.risk.view import View

SLACK = Decimal("1.5")
"""How far above its setting a leg's leverage may rise before somebody should know."""


def check(view: View) -> Finding:
    highest = ZERO
    for leg in view.snapshot.legs:
        measured = leverage(view.snapshot, leg)
        setting = leg.policy.leverage or leg.position.leverage
        if measured is None and leg.short.notional:
            reason = f"{leg.name} has no margin left"
            return _finding("none left", "", reason, alarms=True)
        if measured is not None and setting and measured > setting * SLACK:
            reason = f"{leg.name} runs at leverage {measured:.2f}, set to {setting}"
            return _finding(f"{measured:.2f}", f"{setting * SLACK}", reason, alarms=True)
        highest = max(highest, measured or ZERO)
    return _finding(f"{highest:.2f}", "", "margin is in proportion", alarms=False)


def _finding(measured: str, limit: str, reason: str, *, alarms: bool) -> Finding:
    step = "Add margin to the leg, or lower the ratio" if alarms else ""
    return Finding("collateral", Permission.ANY, measured, limit, reason, step, alarms=alarms)
