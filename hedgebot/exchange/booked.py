"""What an exchange's own history amounts to."""

from collections.abc import Iterable
from decimal import Decimal

from hedgebot.domain.account import Ledger, LedgerEntry
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.units import Coin, Price, Usd
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


def in_coins(amount: Decimal, instrument: Instrument, price: Price | None) -> Coin:
    """A fee or funding in coins of the asset. What a linear contract costs or pays is booked in dollars: as
    many coins as those were at the execution's own price, which for funding is the mark at its settlement."""
    if instrument.linear and price is not None:
        return Usd(amount).at(price)
    return Coin(amount)
