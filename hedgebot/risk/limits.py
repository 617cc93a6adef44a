"""Has the bot done as much as it may? Orders an hour, turnover a day, corrections against somebody."""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.orders import Intent, Stage
from hedgebot.domain.units import Contracts, Usd
from hedgebot.risk.view import View

HOUR, DAY = 3_600_000, 86_400_000


def check(view: View) -> Finding:
    limits = view.hedge.limits
    hour = [i for i in view.written_since(HOUR) if i.stage is not Stage.REJECTED]
    corrections = sum(1 for i in hour if i.correction)
    if view.memory.disturbed and corrections >= limits.corrections_per_hour:
        return _reached(
            Permission.NONE,
            f"{corrections} corrections in an hour",
            f"{limits.corrections_per_hour}",
            "the position was corrected as often as allowed against changes that are not ours",
            "Find out who else trades this account",
        )
    if len(hour) >= limits.orders_per_hour:
        reason = "as many orders as allowed were sent within an hour"
        return _reached(Permission.REDUCE_ONLY, f"{len(hour)} orders", f"{limits.orders_per_hour}", reason)
    turnover, bound = _turnover(view), view.snapshot.value * limits.turnover_per_day
    if turnover >= bound and turnover:
        reason = "the turnover of the last day reached its limit"
        return _reached(Permission.REDUCE_ONLY, f"{turnover} USD", f"{bound} USD", reason)
    measured = f"{len(hour)} orders, {turnover} USD"
    return Finding(
        "limits", Permission.ANY, measured, f"{limits.orders_per_hour} an hour", "within all limits"
    )


def _reached(permission: Permission, measured: str, limit: str, reason: str, step: str = "") -> Finding:
    step = step or "Wait, or raise the limit if this is wanted"
    return Finding("limits", permission, measured, limit, reason, step, alarms=True)


def _turnover(view: View) -> Usd:
    """Dollars filled within a day; what is unresolved counts whole."""
    legs = {leg.name: leg for leg in view.snapshot.legs}
    total = Usd.zero()
    for intent in view.written_since(DAY):
        if leg := legs.get(intent.request.leg):
            total += leg.facts.instrument.dollars(_traded(intent), leg.mark)
    return total


def _traded(intent: Intent) -> Contracts:
    done = intent.stage in {Stage.FILLED, Stage.CLOSED, Stage.REJECTED, Stage.ABSENT}
    return intent.filled if done else intent.request.contracts
