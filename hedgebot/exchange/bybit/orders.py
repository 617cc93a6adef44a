"""Bybit's words for orders and executions, converted, and ours for the orders that we send."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from hedgebot.domain.account import EntryKind, LedgerEntry, OpenOrder
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import Identified, OrderRequest, OrderState
from hedgebot.domain.units import ZERO, Contracts
from hedgebot.exchange.booked import in_coins
from hedgebot.exchange.bybit.holdings import SIGNS
from hedgebot.exchange.bybit.market import Listing
from hedgebot.exchange.bybit.venue import scope
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

OPEN, OVER = False, True
STATUSES = {
    "New": OPEN,
    "PartiallyFilled": OPEN,
    "Untriggered": OPEN,
    "Triggered": OPEN,
    "Filled": OVER,
    "Cancelled": OVER,
    "PartiallyFilledCanceled": OVER,
    "Rejected": OVER,
    "Deactivated": OVER,
}
REJECTED = "Rejected"
KINDS = {
    "Trade": EntryKind.TRADE,
    "BlockTrade": EntryKind.TRADE,
    "MovePosition": EntryKind.TRADE,
    "FutureSpread": EntryKind.TRADE,
    "Delivery": EntryKind.TRADE,
    "Settle": EntryKind.TRADE,
    "Funding": EntryKind.FUNDING,
    "AdlTrade": EntryKind.ADL,
    "BustTrade": EntryKind.LIQUIDATION,
}


def placing(order: OrderRequest, instrument: Instrument) -> dict[str, object]:
    """The request for an immediate-or-cancel limit order in one-way mode."""
    return {
        **naming(order, instrument),
        "side": order.side.capitalize(),
        "orderType": "Limit",
        "timeInForce": "IOC",
        "qty": f"{abs(order.contracts.value):f}",
        "price": f"{order.limit.value:f}",
        "reduceOnly": order.reduce_only,
        "positionIdx": 0,
    }


def naming(order: Identified, instrument: Instrument) -> dict[str, object]:
    """What names an order: enough to cancel it or to look it up."""
    return {**scope(instrument), "orderLinkId": order.client_id}


def acknowledged(answer: Answer, order: Identified) -> str:
    """The order's id in an acknowledgement that is about this order. Raises ``ConversionError``."""
    result = answer.fields
    result.expect("orderLinkId", order.client_id)
    return result.name("orderId")


def open_orders(pages: Iterable[Answer], listing: Listing) -> tuple[OpenOrder, ...]:
    """All orders that rest in contracts, conditional ones included."""
    found = [(row, _resting(row, listing)) for row in _rows(pages)]
    return tuple(order for row, order in found if row.word("orderStatus", STATUSES) is OPEN)


def _resting(row: Fields, listing: Listing) -> OpenOrder:
    return OpenOrder(
        symbol=listing.of_row(row).symbol,
        order_id=row.name("orderId"),
        client_id=row.text("orderLinkId"),
        contracts=row.size("leavesQty") * Decimal(row.word("side", SIGNS)),
        reduce_only=row.flag("reduceOnly"),
        created_at=row.millis("createdTime"),
    )


def sighted(answer: Answer, order: OrderRequest, instrument: Instrument) -> OrderState | None:
    """The order as one endpoint shows it; None where it shows none. Another order is an error."""
    rows = answer.fields.rows("list")
    if len(rows) > 1:
        raise answer.fields.wrong("list", f"has {len(rows)} orders of one client id")
    return _state(rows[0], order, instrument) if rows else None


def _state(row: Fields, order: OrderRequest, instrument: Instrument) -> OrderState:
    row.expect("orderLinkId", order.client_id)
    row.expect("symbol", instrument.native)
    row.expect("side", order.side.capitalize())
    over, filled = row.word("orderStatus", STATUSES), row.not_negative("cumExecQty")
    if filled > abs(order.contracts.value):
        raise row.wrong("cumExecQty", f"is {filled}, more than was asked for")
    if row.text("orderStatus") == "Filled" and not filled:
        raise row.wrong("cumExecQty", "is zero, yet the order is filled")
    average = row.price("avgPrice") if filled else None
    rejected = row.text("orderStatus") == REJECTED and not filled
    fee = row.decimal("cumExecFee") if filled else row.decimal_or_blank("cumExecFee") or ZERO
    return OrderState(
        order_id=row.name("orderId"),
        client_id=order.client_id,
        over=over,
        rejected=rejected,
        filled=Contracts(-filled if order.contracts.value < ZERO else filled),
        average=average,
        fee=in_coins(fee, instrument, average),
        updated_at=row.millis("updatedTime"),
        why=row.text("rejectReason") if rejected and row.has("rejectReason") else "",
    )


def entries(pages: Iterable[Answer], instrument: Instrument) -> Iterator[LedgerEntry]:
    """Executions of one contract. ``execFee`` is what was paid: its sign is turned, also for funding, and
    of a linear contract it is in dollars."""
    for row in _rows(pages):
        row.expect("symbol", instrument.native)
        kind = row.word("execType", KINDS)
        size = row.size("execQty") * Decimal(row.word("side", SIGNS))
        price = row.price("execPrice") if instrument.linear else row.price_or_blank("execPrice")
        yield LedgerEntry(
            id=row.name("execId"),
            kind=kind,
            symbol=instrument.symbol,
            client_id=row.text("orderLinkId"),
            contracts=Contracts.zero() if kind is EntryKind.FUNDING else size,
            price=price,
            coins=-in_coins(row.decimal("execFee"), instrument, price),
            at=row.millis("execTime"),
        )


def _rows(pages: Iterable[Answer]) -> Iterator[Fields]:
    for page in pages:
        yield from page.fields.rows("list")
