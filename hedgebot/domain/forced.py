"""What an exchange did to our positions by force: liquidations, and the deleveraging of others' losses."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hedgebot.domain.account import EntryKind, LedgerEntry
from hedgebot.domain.units import Contracts, Millis, Price

KINDS = (EntryKind.LIQUIDATION, EntryKind.ADL)
TOLD_MS = 3_600_000
"""For how long it is told, after it was seen."""


@dataclass(frozen=True, slots=True)
class Forced:
    """Contracts of a leg that were closed by force, with the price of the last of them.

    ``at`` is the exchange's time of the last one, ``seen`` ours of the first reading that showed any.
    """

    kind: EntryKind
    leg: str
    contracts: Contracts
    price: Price | None
    at: Millis
    seen: Millis

    def told(self, now: Millis) -> bool:
        """Whether it is still to be told."""
        return self.seen > now - TOLD_MS


def noted(
    known: tuple[Forced, ...], entries: Iterable[tuple[str, LedgerEntry]], now: Millis
) -> tuple[Forced, ...]:
    """``known`` with what these entries, oldest first and each with its account, add: the last one of each
    kind and leg. What was read before is not added again; what follows while it is told belongs to it."""
    latest = {(each.kind, each.leg): each for each in known}
    until = {key: each.at for key, each in latest.items()}
    for account, entry in entries:
        key = entry.kind, f"{account}:{entry.symbol}"
        if entry.kind not in KINDS or entry.at <= until.get(key, Millis(0)):
            continue
        before = latest.get(key)
        if before is None or not before.told(now):
            before = Forced(*key, Contracts.zero(), None, entry.at, now)
        total = before.contracts + abs(entry.contracts)
        latest[key] = replace(before, contracts=total, price=entry.price, at=entry.at)
    return tuple(latest.values())
