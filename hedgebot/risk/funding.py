"""What does the hedge cost in funding? The running rates, and what the exchange booked, against the budget.

It restrains nothing by itself: what is done about it is ``action``, which ``planning.policy.budget`` follows.
"""

from decimal import Decimal
from functools import lru_cache

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.funding import Action, Budget, annual
from hedgebot.domain.market import NO_FUNDING, Funding
from hedgebot.domain.readings import paid
from hedgebot.domain.status import iso
from hedgebot.domain.units import ZERO, plain
from hedgebot.risk.view import View

GRACE_MS = 120_000
"""What was not read yet is no alarm so shortly after the start."""

DAY_MS = 86_400_000
DONE = {
    Action.ALARM: "nothing is done about it, as configured",
    Action.FLOOR: "the ratio is held at {} or below until it is cheap again",
    Action.DATED: "the hedge stays where it is, for no dated contract costs less",
    Action.UNWIND: "the hedge is unwound, as configured",
}

MOVED = "the hedge is in dated contracts until it is cheap again"


def check(view: View) -> Finding:
    running = _running(view)
    budget = view.hedge.funding
    return running if budget is None else _against(budget, view, running)


def _running(view: View) -> Finding:
    """What the running intervals say, of the leg that it costs most."""
    legs = [leg for leg in view.snapshot.living if leg.quote.funding != NO_FUNDING]
    if not legs:
        return Finding("funding", Permission.ANY, "none", "", "dated contracts pay no funding")
    leg = legs[0] if len(legs) == 1 else min(legs, key=lambda leg: annual(leg.quote.funding) or ZERO)
    return _told(leg.name, leg.quote.funding)


@lru_cache(maxsize=64)
def _told(leg: str, funding: Funding) -> Finding:
    rate, hours = annual(funding), funding.interval_hours
    due = "at a time not known" if funding.next_at is None else f"next on {iso(funding.next_at)}"
    if rate is None:
        reason = f"{leg}: for how long its funding rate runs is not known"
        return Finding("funding", Permission.ANY, plain(funding.rate), "", reason)
    verb = "receives" if rate >= ZERO else "pays"
    reason = f"{leg} {verb} {abs(rate):.1%} a year at the rate of these {plain(hours or ZERO)} h, {due}"
    return Finding("funding", Permission.ANY, plain(funding.rate), "", reason)


def _against(budget: Budget, view: View, running: Finding) -> Finding:
    costs, problem = paid(view.snapshot, view.signals)
    limit = f"{budget.most:.1%} a year"
    if problem:
        early = not view.signals.funding.asked and view.at - view.started_at < GRACE_MS
        reason = f"what funding cost is not known: {problem}"
        step = "Nothing: the ledger is read again every minute"
        return Finding("funding", Permission.ANY, "unknown", limit, reason, step, alarms=not early)
    spans = [
        f"{cost:.1%} over {window // DAY_MS} d" for cost, window in zip(costs, budget.windows, strict=True)
    ]
    measured = ", ".join(spans)
    over = view.memory.policy.over_budget
    if max(costs, default=ZERO) <= budget.most and not over:
        return running._replace(measured=measured, limit=limit)
    return _over(budget, costs, measured, limit, moved=view.memory.policy.moved)


def _over(budget: Budget, costs: tuple[Decimal, ...], measured: str, limit: str, *, moved: bool) -> Finding:
    exceeded = max(costs, default=ZERO) > budget.most
    state = "costs more than its budget" if exceeded else "was over its budget and is not cheap enough yet"
    done = MOVED if moved else DONE[budget.action].format(plain(budget.floor))
    reason = f"funding {state}: {done}"
    step = "Wait, lower the ratio, or raise the budget"
    return Finding("funding", Permission.ANY, measured, limit, reason, step, alarms=True)
