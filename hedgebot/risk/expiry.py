"""Does a contract end? A dated one is left before; of a perpetual one it is told as soon as it is known.

What is open at the end is settled by the exchange, and sold again in what the leg stands for next.
"""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.instrument import is_dated
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.status import iso
from hedgebot.domain.units import Millis
from hedgebot.risk.view import View

DAY_MS = 86_400_000
LATE = 2
"""An alarm once the half of the time for a roll is over."""


def check(view: View) -> Finding:
    now = Millis(view.at + view.snapshot.offset_ms)
    ends = [(leg, leg.facts.instrument.ends_at) for leg in view.snapshot.legs]
    found = [_finding(leg, at, now, view.hedge.roll.before_ms) for leg, at in ends if at is not None]
    if not found:
        return Finding("expiry", Permission.ANY, "none", "", "no contract of a leg ends")
    return max(found, key=lambda each: (each.permission, each.alarms))


def _finding(leg: Leg, ends_at: Millis, now: Millis, before_ms: int) -> Finding:
    days = Decimal(ends_at - now) / DAY_MS
    measured, when = f"{days:.1f} days", f"ends {iso(ends_at)}, in {days:.1f} days"
    if not is_dated(leg.policy.symbol):
        last = days <= 1
        step = "Make another contract the leg, and close this one: what is short in it is settled then"
        permission = Permission.REDUCE_ONLY if last else Permission.ANY
        return Finding(
            "expiry", permission, measured, "", f"{leg.name} is to be delisted: it {when}", step, alarms=True
        )
    limit = f"{Decimal(before_ms) / DAY_MS:.1f} days"
    if not leg.short.notional or (ends_at - now) * LATE > before_ms:
        return Finding("expiry", Permission.ANY, measured, limit, f"{leg.name} {when}")
    reason = f"{leg.name} {when}, and what is short in it has not moved on"
    step = "See in the plan why: what is open at the end is settled, and sold again in the next contract"
    return Finding("expiry", Permission.ANY, measured, limit, reason, step, alarms=True)
