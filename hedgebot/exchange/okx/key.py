"""OKX's words for what a key may do, converted."""

from hedgebot.domain.account import KeyScope
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import one_row

READ, TRADE, WITHDRAW = "read_only", "trade", "withdraw"
RIGHTS = frozenset({READ, TRADE, WITHDRAW})


def scope(answer: Answer) -> KeyScope:
    """From ``account/config``. When a key expires is not told: one from any address does once it rests."""
    row = one_row(answer)
    rights = set(row.name("perm").split(","))
    if strange := rights - RIGHTS:
        raise row.wrong("perm", f"names {min(strange)!r}, which we do not know")
    return KeyScope(
        trade=TRADE in rights, withdraw=WITHDRAW in rights, ip_bound=bool(row.text("ip")), expires_at=None
    )
