"""What a signal says now, or why it says nothing: fresh or not, the same for policies and for guards."""

from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.funding import annual, costs
from hedgebot.domain.policy import External, Signal, Steps
from hedgebot.domain.signals import Signals, SpotPrice, Told
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Millis

BARS = 2
"""After so many bars without a new one a signal is stale."""

LEDGER_MS = 3 * 3_600_000
"""After so long without a reading of the ledger what funding cost is not known."""

SPOT_SECONDS = 180.0
"""After so long without a reading of it the spot price is not known."""

AHEAD_MS = 60_000
"""How far the clock of the program that writes a ratio may be ahead of ours."""


UNREAD: Told[SpotPrice] = Told()


class Now(NamedTuple):
    """A value, or the reason why there is none: ``expired`` where it is known, and holds no longer."""

    value: Decimal | None
    problem: str = ""
    expired: bool = False


def agreed_time(snapshot: Snapshot) -> Millis:
    """The earlier of our clock and the exchange's: what ends a hedge waits until both have passed it."""
    return Millis(snapshot.at + min(snapshot.offset_ms, 0))


def signal(steps: Steps, snapshot: Snapshot, signals: Signals) -> Now:
    """The value of the signal that ``steps`` follow."""
    if steps.signal is Signal.FUNDING:
        leg = snapshot.legs[0]
        if leg.dead is not None:
            return Now(None, f"{leg.name} cannot be read")
        rate = annual(leg.quote.funding)
        return Now(rate, "" if rate is not None else "the funding interval is not known")
    found = signals.market
    if found.value is None:
        return Now(None, found.problem)
    age = agreed_time(snapshot) - found.value.until
    if age > BARS * steps.bar_ms:
        return Now(None, f"its last bar ended {age / 3_600_000:.1f} h ago: {found.problem or 'no newer one'}")
    return Now(found.value.value)


def paid(snapshot: Snapshot, signals: Signals) -> tuple[tuple[Decimal, ...], str]:
    """What funding cost a year over each window of the budget; or nothing, and why that is not known."""
    found = signals.funding
    if found.value is None:
        return (), found.problem
    age = snapshot.at - found.value.until
    if age > LEDGER_MS:
        return (), f"the ledger was last read {age / 3_600_000:.1f} h ago: {found.problem or 'no answer'}"
    return costs(found.value, snapshot.exposure.exposure), ""


def spot_price(account: str, now: float, signals: Signals) -> Now:
    """What the coin costs on the spot market of an account's exchange; ``now`` is monotonic seconds."""
    found = signals.spot_prices.get(account, UNREAD)
    if found.value is None:
        return Now(None, found.problem)
    if now - found.value.asked_at > SPOT_SECONDS:
        # Not for how long exactly: a reason that is another each cycle would be kept each cycle.
        since = f"not read for {SPOT_SECONDS / 60:.0f} minutes"
        return Now(None, f"{since}: {found.problem or 'no answer'}", expired=True)
    return Now(found.value.price.value)


def wish(external: External, snapshot: Snapshot, signals: Signals) -> Now:
    """The ratio that another program wants, unless its word has expired."""
    found = signals.wanted
    if found.value is None:
        return Now(None, found.problem)
    age = snapshot.at - found.value.at
    if age > external.valid_ms:
        since = f"it was written {age / 1000:.0f} s ago, and is good for {external.valid_ms / 1000:.0f} s"
        return Now(None, f"{since}: {found.problem}" if found.problem else since, expired=True)
    if age < -AHEAD_MS:
        return Now(None, f"it is dated {-age / 1000:.0f} s in the future")
    return Now(found.value.ratio)
