"""May our keys do what is asked of them, and nothing worse? Rights, addresses, expiry.

What they may do is asked of the exchanges at the start and each day, so this needs no snapshot.
"""

from collections.abc import Iterator

from hedgebot.domain.account import KeyScope
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.key import Key, Unverified
from hedgebot.domain.status import iso
from hedgebot.domain.units import Millis
from hedgebot.risk.view import View

DAY_MS = 86_400_000
WARN_DAYS = (1, 7, 14)
"""An alarm from so many days before a key expires; each is a limit of its own."""

LASTS = 3600.0
"""Seconds after which a key that could not be verified is an alarm."""


def check(view: View) -> Finding:
    found = [finding for key in view.keys.values() for finding in _findings(key, view.at, view.now)]
    if not found:
        return _finding("as asked", "each key may do what it has to, and no more")
    if len(found) == 1:
        return found[0]
    found.sort(key=lambda each: (each.permission, each.alarms), reverse=True)
    return found[0]._replace(reason="; ".join([each.reason for each in found]))


def _findings(key: Key, at: Millis, now: float) -> Iterator[Finding]:
    """Everything that is to be said of one key."""
    if refused := key.refusal:
        yield Finding(
            "key",
            Permission.NONE,
            refused.right,
            "",
            refused.what,
            refused.next_step,
            halts=True,
            alarms=True,
        )
    if isinstance(key.scope, Unverified):
        reason = f"{key.account}: what the key may do could not be verified: {key.scope.reason}"
        lasts = now - key.scope.since >= LASTS
        yield _finding("unverified", reason, "Nothing: it is asked again every few minutes", alarms=lasts)
    if (known := key.known) is None:
        return
    if known.expires_at is not None and (left := (known.expires_at - at) / DAY_MS) <= WARN_DAYS[-1]:
        yield _expiry(key.account, known.expires_at, left)
    if untold := _untold(key, known):
        reason = f"{key.account}: the exchange does not say {untold}"
        yield _finding("not told", reason, "Look at the key's own page at the exchange")
    if known.ip_bound is False:
        reason = f"{key.account}: the key may be used from any address"
        yield _finding("any address", reason, "Bind it to this machine's address at the exchange")


def _expiry(account: str, expires_at: Millis, left: float) -> Finding:
    limit = next(days for days in WARN_DAYS if left <= days)
    when = f"expires in {left:.1f} days" if left > 0 else "has expired"
    reason = f"{account}: the key {when}, on {iso(expires_at)[:10]}"
    step = "Renew it at the exchange, or restart with a new one"
    return _finding(f"{left:.1f} days", reason, step, limit=f"{limit} days", alarms=True)


def _untold(key: Key, known: KeyScope) -> str:
    """What matters of this key and is not known although the exchange was asked."""
    parts = (
        (key.trades and known.trade is None, "whether the key may trade"),
        (not key.may_withdraw and known.withdraw is None, "whether the key can withdraw coins"),
        (known.ip_bound is None, "from which addresses it may be used"),
    )
    return ", ".join([part for matters, part in parts if matters])


def _finding(measured: str, reason: str, step: str = "", limit: str = "", *, alarms: bool = False) -> Finding:
    return Finding("key", Permission.ANY, measured, limit, reason, step, alarms=alarms)
