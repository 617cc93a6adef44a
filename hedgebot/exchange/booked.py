"""What an exchange's own history amounts to."""

from collections.abc import Iterable

from hedgebot.domain.account import Ledger, LedgerEntry
from hedgebot.errors import ReadError


def ledger(entries: Iterable[LedgerEntry], account: str) -> Ledger:
    """The entries, each once: what is booked while pages are read moves the next ones into each other.

    Raises ``ReadError`` where two of one id differ.
    """
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        if found.setdefault(entry.id, entry) != entry:
            raise ReadError(f"{account}: two entries of the history have the id {entry.id!r}")
    return Ledger(tuple(found.values()))
