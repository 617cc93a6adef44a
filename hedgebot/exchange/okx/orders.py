"""OKX's words for orders, converted, and ours for the orders that we send."""

from collections.abc import Iterable
from decimal import Decimal

from hedgebot.domain.account import OpenOrder
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Identified, OrderRequest, OrderState
from hedgebot.domain.units import ZERO, Contracts
from hedgebot.exchange.booked import in_coins
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import Listing, one_row, rows

CONTRACT_KINDS = {
    "SWAP": True,
    "FUTURES": True,
    "SPOT": False,
    "MARGIN": False,
    "OPTION": False,
    "EVENTS": False,
}
SIGNS = {"buy": 1, "sell": -1}
FLAGS = {"true": True, "false": False}
OPEN, OVER = False, True
STATES = {
    "live": OPEN,
    "partially_filled": OPEN,
    "filled": OVER,
    "canceled": OVER,
    "mmp_canceled": OVER,
}
AMEND_TO_LIMITS = "1"  # a price beyond the exchange's limits is moved to them, which is never worse for us


def placing(order: OrderRequest, instrument: Instrument) -> dict[str, object]:
    """The request for an immediate-or-cancel order in one-way mode, in the order's own margin mode."""
    return {
        **naming(order, instrument),
        "tdMode": (order.margin_mode or MarginMode.CROSS).value,
        "side": order.side,
        "ordType": "ioc",
        "sz": f"{abs(order.contracts.value):f}",
        "px": f"{order.limit.value:f}",
        "pxAmendType": AMEND_TO_LIMITS,
        "reduceOnly": order.reduce_only,
    }


def naming(order: Identified, instrument: Instrument) -> dict[str, object]:
    """What names an order: enough to cancel it or to look it up."""
    return {"instId": instrument.native, "clOrdId": order.client_id}


def acknowledged(answer: Answer, order: Identified) -> str:
    """The order's id in an acknowledgement that is about this order. Raises ``ConversionError``."""
    row = one_row(answer)
    row.expect("sCode", "0")
    row.expect("clOrdId", order.client_id)
    return row.name("ordId")


def set_as_asked(answer: Answer, leverage: str) -> str:
    """Nothing, once a reply tells the leverage that was asked for. Raises ``ConversionError``."""
    row = one_row(answer)
    if row.positive("lever") != Decimal(leverage):
        raise row.wrong("lever", f"is {row.text('lever')}, not the {leverage} that was asked for")
    return ""


def open_orders(pages: Iterable[Answer], listing: Listing) -> tuple[OpenOrder, ...]:
    """All orders that rest in the contracts that are listed."""
    return tuple(
        order
        for page in pages
        for row in rows(page)
        if row.word("instType", CONTRACT_KINDS)
        if (order := _resting(row, listing)) is not None
    )


def _resting(row: Fields, listing: Listing) -> OpenOrder | None:
    instrument = listing.of_row(row)
    if instrument is None or row.word("state", STATES) is OVER:
        return None
    left = row.size("sz") - row.size("accFillSz")
    return OpenOrder(
        symbol=instrument.symbol,
        order_id=row.name("ordId"),
        client_id=row.text("clOrdId"),
        contracts=left * Decimal(row.word("side", SIGNS)),
        reduce_only=row.word("reduceOnly", FLAGS),
        created_at=row.millis("cTime"),
    )


def sighted(found: list[Fields], order: OrderRequest, instrument: Instrument) -> OrderState | None:
    """The order among the rows of one endpoint; None where it is not. Raises ``ConversionError`` for two."""
    named = [row for row in found if row.text("clOrdId") == order.client_id]
    if len({row.name("ordId") for row in named}) > 1:
        raise named[0].wrong("clOrdId", f"is {order.client_id} in two orders")
    return _state(named[0], order, instrument) if named else None


def _state(row: Fields, order: OrderRequest, instrument: Instrument) -> OrderState:
    row.expect("instId", instrument.native)
    row.expect("side", order.side)
    over, filled = row.word("state", STATES), row.not_negative("accFillSz")
    if filled > abs(order.contracts.value):
        raise row.wrong("accFillSz", f"is {filled}, more than was asked for")
    if row.text("state") == "filled" and filled != row.positive("sz"):
        raise row.wrong("accFillSz", f"is {filled}, yet the order is filled")
    average = row.price("avgPx") if filled else None
    return OrderState(
        order_id=row.name("ordId"),
        client_id=order.client_id,
        over=over,
        rejected=False,
        filled=Contracts(-filled if order.contracts.value < ZERO else filled),
        average=average,
        fee=in_coins(-_paid(row, filled=bool(filled)), instrument, average),
        updated_at=row.millis("uTime"),
    )


def _paid(row: Fields, *, filled: bool) -> Decimal:
    """The fee as told: negative when it was paid; blank or zero where nothing was filled."""
    return row.decimal("fee") if filled else row.decimal_or_blank("fee") or ZERO
