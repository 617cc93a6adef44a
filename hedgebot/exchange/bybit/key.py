"""Bybit's words for what a key may do, converted."""

import re
from datetime import datetime

from hedgebot.domain.account import KeyScope
from hedgebot.domain.units import Millis
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

READ_ONLY = {0: False, 1: True}
ANYWHERE = "*"
WITHDRAW = "Withdraw"
WALLET_RIGHTS = ("AccountTransfer", "SubMemberTransfer", "SubMemberTransferList", WITHDRAW)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def scope(answer: Answer) -> KeyScope:
    """From ``user/query-api``. Rights are listed for a read-only key too, which then only reads by them."""
    row = answer.fields
    if (read_only := READ_ONLY.get(row.integer("readOnly"))) is None:
        raise row.wrong("readOnly", "is neither 0 nor 1")
    rights = row.fields("permissions")
    return KeyScope(
        trade="Order" in rights.items("ContractTrade") and not read_only,
        withdraw=WITHDRAW in _wallet(rights) and not read_only,
        ip_bound=_is_bound(row),
        expires_at=_expiry(row),
    )


def _wallet(rights: Fields) -> list[object]:
    """Rights over coins: one that we do not know may be another way to take them out."""
    listed = rights.items("Wallet")
    if strange := [right for right in listed if right not in WALLET_RIGHTS]:
        raise rights.wrong("Wallet", f"names {strange[0]!r}, which we do not know")
    return listed


def _is_bound(row: Fields) -> bool:
    addresses = row.items("ips")
    if not addresses or not all(isinstance(address, str) and address for address in addresses):
        raise row.wrong("ips", "is no list of addresses")
    return ANYWHERE not in addresses


def _expiry(row: Fields) -> Millis | None:
    """Only keys from any address expire, or after a change of password; others say 1970."""
    text = row.text("expiredAt")
    if not INSTANT.fullmatch(text):
        raise row.wrong("expiredAt", "is no instant")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise row.wrong("expiredAt", "is in no calendar") from None
    return Millis(max(int(at.timestamp()), 0) * 1000) or None
