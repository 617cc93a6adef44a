"""Binance's words for what a key may do, converted."""

from hedgebot.domain.account import KeyScope
from hedgebot.exchange.fates import Answer

EXPIRY = "tradingAuthorityExpirationTime"
UNTOLD = KeyScope(trade=None, withdraw=None, ip_bound=None, expires_at=None)
"""Demo trading has no endpoint that tells."""


def scope(answer: Answer) -> KeyScope:
    """From ``account/apiRestrictions``. Contracts take a right of their own; only some keys expire."""
    row = answer.fields
    return KeyScope(
        trade=row.flag("enableFutures"),
        withdraw=row.flag("enableWithdrawals"),
        ip_bound=row.flag("ipRestrict"),
        expires_at=(row.millis(EXPIRY) or None) if row.has(EXPIRY) else None,
    )
