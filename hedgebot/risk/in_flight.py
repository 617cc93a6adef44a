"""Is anything of ours unresolved? One order per leg at most, and no decision before its fill is seen."""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.orders import UNSETTLED, Intent
from hedgebot.risk.view import View

CONTENT = Finding("in_flight", Permission.ANY, "0", "0", "nothing is on its way")


def check(view: View) -> Finding:
    if view.at < view.started_at:
        return _waiting(view)
    if not view.open:
        return CONTENT
    oldest = view.open[0]
    age = max(0, view.at - oldest.written_at) / 1000
    return Finding(
        "in_flight",
        Permission.NONE,
        str(len(view.open)),
        "0",
        f"order {oldest.request.client_id} {_words(oldest)}, {age:.0f} s old",
        "Nothing: it is looked up each cycle until its fate is certain",
        alarms=age > 2 * view.hedge.settle_after,
    )


def _waiting(view: View) -> Finding:
    """An order that stood in the lost journal and nowhere else may be on its way."""
    left = f"{(view.started_at - view.at) / 1000:.0f} s"
    reason = f"the journal is new, the one before it lost: an order of that one may still arrive, for {left}"
    return Finding("in_flight", Permission.NONE, left, "0 s", reason, "Nothing: it passes by itself")


def _words(intent: Intent) -> str:
    if intent.stage in UNSETTLED:
        return "is unresolved"
    return f"filled {intent.filled} contracts that the position does not show yet"
