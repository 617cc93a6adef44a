"""How much of what is left still moves? After a long rally the band, counted in coins held, can be large
against the value that remains. An alarm says so; it never trades (money.md, "Deciding")."""

from decimal import Decimal

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.units import ONE, ZERO, plain
from hedgebot.risk.view import View

BANDS = Decimal(3)
"""Alarm where the drift is worth this many bands of the value left."""


def check(view: View) -> Finding:
    seen, hedge = view.snapshot.exposure, view.hedge
    target = hedge.ratio if view.memory.target is None else view.memory.target
    limit = BANDS * hedge.band
    drift, worth = abs(seen.held.value * target - seen.sold.value), seen.exposure.value
    share = drift / worth if worth > ZERO else ONE if drift else ZERO
    measured = f"{share:.4f}"
    if share <= limit:
        return Finding("drift", Permission.ANY, measured, f"{limit}", "what is off target is worth little")
    reason = f"{plain(drift)} {view.snapshot.asset} off target are {share:.1%} of what the coins are worth"
    return Finding(
        "drift", Permission.ANY, measured, f"{limit}", reason, "A narrower band trades sooner", alarms=True
    )
