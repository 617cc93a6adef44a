"""Has the bot done as much as it may? Orders an hour, turnover a day, corrections against somebody.

And is it wanted? After a second refusal in a row, what would add risk is tried again only after a pause.
"""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.orders import UNSETTLED, Intent, Stage
from hedgebot.domain.units import ZERO, Contracts, plain
from hedgebot.risk.view import View

HOUR, DAY = 3_600_000, 86_400_000

FIRST_PAUSE, LONGEST_PAUSE = 15_000, 60_000
"""Milliseconds after the second refusal in a row; twice as many after each further one, up to the longest."""


def check(view: View) -> Finding:
    limits = view.hedge.limits
    hour = [i for i in view.written_since(HOUR) if i.stage is not Stage.REJECTED]
    orders, corrections = len(hour), sum([i.correction for i in hour])
    if view.memory.disturbed and corrections >= limits.corrections_per_hour:
        return _reached(
            Permission.NONE,
            f"{corrections} corrections in an hour",
            f"{limits.corrections_per_hour}",
            "the position was corrected as often as allowed against changes that are not ours",
            "Find out who else trades this account",
        )
    if orders >= limits.orders_per_hour:
        reason = "as many orders as allowed were sent within an hour"
        return _reached(Permission.REDUCE_ONLY, f"{orders} orders", f"{limits.orders_per_hour}", reason)
    if pause := _pause(view):
        reason = f"the last order was refused ({view.recent[-1].outcome}): the next one in {pause:.0f} s"
        step = "See what the exchange said, if it goes on"
        return _reached(Permission.REDUCE_ONLY, "refused", "", reason, step)
    turnover, bound = _turnover(view), view.snapshot.value.value * limits.turnover_per_day
    if turnover and turnover >= bound:
        reason = "the turnover of the last day reached its limit"
        return _reached(Permission.REDUCE_ONLY, f"{plain(turnover)} USD", f"{plain(bound)} USD", reason)
    measured, limit = f"{orders} orders, {plain(turnover)} USD", f"{limits.orders_per_hour} an hour"
    return Finding("limits", Permission.ANY, measured, limit, "within all limits")


def _reached(permission: Permission, measured: str, limit: str, reason: str, step: str = "") -> Finding:
    step = step or "Wait, or raise the limit if this is wanted"
    return Finding("limits", permission, measured, limit, reason, step, alarms=True)


def _turnover(view: View) -> Decimal:
    """Dollars filled within a day; what is unresolved counts whole."""
    legs, dollars = {leg.name: leg for leg in view.snapshot.legs}, ZERO
    for intent in view.written_since(DAY):
        if leg := legs.get(intent.request.leg):
            dollars += leg.facts.instrument.dollars(_traded(intent), leg.mark).value
    return dollars


def _traded(intent: Intent) -> Contracts:
    return intent.request.contracts if intent.stage in UNSETTLED else intent.filled


def _pause(view: View) -> float:
    """Seconds still to wait after refusals in a row; a clock that was set back is not waited for."""
    refused = 0
    for intent in reversed(view.recent):
        if intent.stage is not Stage.REJECTED or intent.request.reduce_only:
            break
        refused += 1
    if refused < 2:
        return 0.0
    age, pause = view.at - view.recent[-1].written_at, min(FIRST_PAUSE << (refused - 2), LONGEST_PAUSE)
    return (pause - age) / 1000 if 0 <= age < pause else 0.0
