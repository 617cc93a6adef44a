"""Is anything of ours unresolved? One order per leg at most, and no decision before its fill is seen.

One on a dead leg blocks only that: the others are sized as if it had filled, where that is the safe side.
One on an account that is not the hedge's any more blocks nothing: nothing that it did is counted here.
"""

from collections.abc import Collection

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.orders import UNSETTLED, Intent
from hedgebot.domain.snapshot import Snapshot
from hedgebot.risk.view import View

CONTENT = Finding("in_flight", Permission.ANY, "0", "0", "nothing is on its way")


def check(view: View) -> Finding:
    if view.at < view.started_at:
        return _waiting(view)
    if not view.open:
        return CONTENT
    seen = view.observed
    dead = seen.dead if isinstance(seen, Snapshot) else frozenset[str]()
    oldest = next((i for i in view.open if i.request.account not in dead | _gone(view)), None)
    if oldest is None:
        return _unreachable(view, view.open[0], dead)
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


def _gone(view: View) -> set[str]:
    """Accounts of open orders that the hedge does not have any more. It may have them by another name: none
    is gone while something that was sent before our start can still arrive."""
    if view.at - view.started_at <= view.hedge.settle_after * 1000:
        return set()
    return {intent.request.account for intent in view.open}.difference(view.hedge.accounts)


def _unreachable(view: View, oldest: Intent, dead: Collection[str]) -> Finding:
    """Where nobody can look the order up; the leg itself is not traded."""
    account, age = oldest.request.account, max(0, view.at - oldest.written_at) / 1000
    why = "which cannot be read" if account in dead else "which this hedge does not have any more"
    reason = f"order {oldest.request.client_id} on {account}, {why}, {_words(oldest)}"
    step = "Look it up at the exchange, if that lasts; it is settled once the account can be read"
    if account not in dead:
        step = f"Look it up at the exchange; it is settled once accounts.{account} is configured again"
    return Finding(
        "in_flight", Permission.ANY, str(len(view.open)), "0", f"{reason}, {age:.0f} s old", step, alarms=True
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
