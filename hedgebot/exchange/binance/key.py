"""Binance's words for what a key may do, converted."""

from hedgebot.domain.account import KeyScope
from hedgebot.domain.units import Millis
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

EXPIRY = "tradingAuthorityExpirationTime"
LATEST = Millis(253_402_300_800_000)  # the year 10000
UNTOLD = KeyScope(trade=None, withdraw=None, ip_bound=None, expires_at=None)
"""Demo trading has no endpoint that tells."""


def scope(answer: Answer) -> KeyScope:
    """From ``account/apiRestrictions``. Contracts take a right of their own; only some keys expire."""
    row = answer.fields
    return KeyScope(
        trade=row.flag("enableFutures"),
        withdraw=row.flag("enableWithdrawals"),
        ip_bound=row.flag("ipRestrict"),
        expires_at=_expiry(row) if row.has(EXPIRY) else None,
    )


def _expiry(row: Fields) -> Millis | None:
    if (at := row.millis(EXPIRY)) >= LATEST:
        raise row.wrong(EXPIRY, "is beyond all times")
    return at or None
