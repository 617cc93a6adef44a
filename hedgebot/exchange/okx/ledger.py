"""OKX's words for what happened, converted: fills, and the bills of funding."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from hedgebot.domain.account import EntryKind, LedgerEntry
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.units import Contracts
from hedgebot.exchange.booked import in_coins
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import rows
from hedgebot.exchange.okx.orders import SIGNS

FUNDING_BILL = "8"
FUNDING_SIGNS = {"173": -1, "174": 1}
"""Funding paid and received."""

KINDS = {
    **dict.fromkeys(("1", "2", "3", "4", "5", "6"), EntryKind.TRADE),
    **dict.fromkeys(("112", "113"), EntryKind.TRADE),  # delivery
    **dict.fromkeys(("204", "205", "206", "207", "208", "209"), EntryKind.TRADE),  # block trades
    **dict.fromkeys(("270", "271", "272", "273", "274", "275"), EntryKind.TRADE),  # spread trades
    **dict.fromkeys(("324", "325", "326", "327", "328", "329"), EntryKind.TRADE),  # moved positions
    **dict.fromkeys(("100", "101", "102", "103", "104", "105", "106", "107"), EntryKind.LIQUIDATION),
    **dict.fromkeys(("110", "111"), EntryKind.LIQUIDATION),
    **dict.fromkeys(("125", "126", "127", "128"), EntryKind.ADL),
}


def fills(pages: Iterable[Answer], instrument: Instrument) -> Iterator[LedgerEntry]:
    """One contract's trades. ``fee`` is negative when it was paid, as ours is; of a linear one in dollars."""
    for page in pages:
        for row in rows(page):
            row.expect("instId", instrument.native)
            row.expect("feeCcy", instrument.settle)
            price = row.price("fillPx")
            yield LedgerEntry(
                id=row.name("billId"),
                kind=row.word("subType", KINDS),
                symbol=instrument.symbol,
                client_id=row.text("clOrdId"),
                contracts=row.size("fillSz") * Decimal(row.word("side", SIGNS)),
                price=price,
                coins=in_coins(row.decimal("fee"), instrument, price),
                at=row.millis("ts"),
            )


def funding(pages: Iterable[Answer], instrument: Instrument) -> Iterator[LedgerEntry]:
    """One contract's funding. ``pnl`` is positive when it was received, and the kind of the bill says so.

    Of a linear contract it is in dollars, and ``px`` is the mark at which it was settled.
    """
    for page in pages:
        for row in rows(page):
            row.expect("type", FUNDING_BILL)
            row.expect("instId", instrument.native)
            row.expect("ccy", instrument.settle)
            received = row.decimal("pnl")
            price = row.price("px") if instrument.linear else row.price_or_blank("px")
            if received * row.word("subType", FUNDING_SIGNS) < 0:
                raise row.wrong(
                    "pnl", f"is {received}, which is not what kind {row.text('subType')} of bill says"
                )
            yield LedgerEntry(
                id=row.name("billId"),
                kind=EntryKind.FUNDING,
                symbol=instrument.symbol,
                client_id="",
                contracts=Contracts.zero(),
                price=price,
                coins=in_coins(received, instrument, price),
                at=row.millis("ts"),
            )
