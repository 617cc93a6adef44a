"""When contracts end, and how unified names say so. A perpetual one ends only once it is to be delisted."""

from datetime import UTC, datetime, timedelta

from hedgebot.domain.units import Millis
from hedgebot.exchange.convert import Fields

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = 4_000_000_000_000
"""Milliseconds; the year 2096. Binance has perpetual contracts end in 2100."""


def ends_at(row: Fields, name: str, *, perpetual: bool) -> Millis | None:
    """When a contract ends; None for a perpetual one of which no end is told.

    Raises ``ConversionError`` for a dated contract without a date.
    """
    if perpetual and row.value(name) == "":
        return None
    at = row.millis(name)
    if 0 < at < NEVER:
        return at
    if not perpetual:
        raise row.wrong(name, "is no date for a dated contract")
    return None


def suffix(at: Millis | None, *, perpetual: bool) -> str:
    """``-YYMMDD`` for a dated contract, as unified symbols end."""
    return "" if perpetual or at is None else f"-{EPOCH + timedelta(milliseconds=at):%y%m%d}"
