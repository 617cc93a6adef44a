"""Do the exchange's clock and ours agree? Requests carry the exchange's time, so this restrains nothing."""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.risk.view import View

LIMIT_MS = 2_000
LIMIT = f"{LIMIT_MS} ms"


def check(view: View) -> Finding:
    offset = view.snapshot.offset_ms
    measured = f"{offset} ms"
    if abs(offset) <= LIMIT_MS:
        return Finding("clock", Permission.ANY, measured, LIMIT, "the clocks agree")
    reason = f"this machine's clock is {offset / 1000:.1f} s from the exchange's"
    return Finding(
        "clock", Permission.ANY, measured, LIMIT, reason, "Synchronise the clock (NTP)", alarms=True
    )
