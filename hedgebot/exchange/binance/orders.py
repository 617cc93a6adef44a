"""Binance's words for orders, trades and income, converted, and ours for the orders that we send."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from hedgebot.domain.account import EntryKind, LedgerEntry, OpenOrder
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import Identified, OrderRequest, OrderState
from hedgebot.domain.units import ZERO, Coin, Contracts
from hedgebot.exchange.binance.market import Listing, rows
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

OPEN, OVER = False, True
STATUSES = {
    "NEW": OPEN,
    "PARTIALLY_FILLED": OPEN,
    "FILLED": OVER,
    "CANCELED": OVER,
    "EXPIRED": OVER,
    "EXPIRED_IN_MATCH": OVER,
    "REJECTED": OVER,
    "NEW_INSURANCE": OPEN,
    "NEW_ADL": OPEN,
}
REJECTED = "REJECTED"
SIGNS = {"BUY": 1, "SELL": -1}
FORCED = {"autoclose-": EntryKind.LIQUIDATION, "adl_autoclose": EntryKind.ADL}
"""How the client ids begin that Binance itself gives to orders which close a position."""


def placing(order: OrderRequest, instrument: Instrument) -> dict[str, object]:
    """The request for an immediate-or-cancel limit order in one-way mode."""
    return {
        "symbol": instrument.native,
        "side": order.side.upper(),
        "positionSide": "BOTH",
        "type": "LIMIT",
        "timeInForce": "IOC",
        "quantity": f"{abs(order.contracts.value):f}",
        "price": f"{order.limit.value:f}",
        "reduceOnly": "true" if order.reduce_only else "false",
        "newClientOrderId": order.client_id,
        "newOrderRespType": "ACK",
    }


def naming(order: Identified, instrument: Instrument) -> dict[str, object]:
    """What names an order: enough to cancel it or to look it up."""
    return {"symbol": instrument.native, "origClientOrderId": order.client_id}


def acknowledged(answer: Answer, order: Identified, instrument: Instrument) -> str:
    """The order's id in an acknowledgement that is about this order. Raises ``ConversionError``."""
    result = answer.fields
    result.expect("clientOrderId", order.client_id)
    result.expect("symbol", instrument.native)
    return str(result.integer("orderId"))


def leverage_set(answer: Answer, instrument: Instrument, leverage: int) -> str:
    """No id, once the reply is about this contract and leverage. Raises ``ConversionError``."""
    result = answer.fields
    result.expect("symbol", instrument.native)
    if result.integer("leverage") != leverage:
        raise result.wrong("leverage", f"is not {leverage}, which was asked for")
    return ""


def open_orders(answers: Iterable[Answer], listing: Listing) -> tuple[OpenOrder, ...]:
    """All orders that rest, conditional ones included."""
    found = [(row, _resting(row, listing)) for answer in answers for row in rows(answer)]
    return tuple(order for row, order in found if row.word("status", STATUSES) is OPEN)


def _resting(row: Fields, listing: Listing) -> OpenOrder:
    return OpenOrder(
        symbol=listing.of_row(row).symbol,
        order_id=str(row.integer("orderId")),
        client_id=row.text("clientOrderId"),
        contracts=Contracts(_left(row) * row.word("side", SIGNS)),
        reduce_only=row.flag("reduceOnly"),
        created_at=row.millis("time"),
    )


def _left(row: Fields) -> Decimal:
    left = row.not_negative("origQty") - row.not_negative("executedQty")
    if left < ZERO:
        raise row.wrong("executedQty", "is more than origQty")
    return left


def shown(answer: Answer, order: OrderRequest, instrument: Instrument) -> OrderState | None:
    """The order in a reply about it alone; None where the exchange says that there is none."""
    if not answer.ok:
        return None
    answer.fields.expect("clientOrderId", order.client_id)
    return _state(answer.fields, order, instrument)


def sighted(found: Iterable[Fields], order: OrderRequest, instrument: Instrument) -> OrderState | None:
    """The order among the rows of one endpoint; None where it is not. Two of them are an error."""
    named = [row for row in found if row.text("clientOrderId") == order.client_id]
    if len(named) > 1:
        raise named[1].wrong("clientOrderId", "is that of two orders")
    return _state(named[0], order, instrument) if named else None


def _state(row: Fields, order: OrderRequest, instrument: Instrument) -> OrderState:
    """What an order came to. What it cost only its trades tell."""
    row.expect("symbol", instrument.native)
    row.expect("side", order.side.upper())
    over, filled = row.word("status", STATUSES), row.not_negative("executedQty")
    if filled > abs(order.contracts.value):
        raise row.wrong("executedQty", f"is {filled}, more than was asked for")
    if row.text("status") == "FILLED" and not filled:
        raise row.wrong("executedQty", "is zero, yet the order is filled")
    return OrderState(
        order_id=str(row.integer("orderId")),
        client_id=order.client_id,
        over=over,
        rejected=row.text("status") == REJECTED and not filled,
        filled=Contracts(-filled if order.contracts.value < ZERO else filled),
        average=row.price("avgPrice") if filled else None,
        fee=Coin.zero(),
        updated_at=row.millis("updateTime"),
    )


def fees(trades: Iterable[Fields], instrument: Instrument) -> Coin:
    """What these trades cost; positive when paid."""
    return sum((_fee(row, instrument) for row in trades), Coin.zero())


def _fee(row: Fields, instrument: Instrument) -> Coin:
    row.expect("commissionAsset", instrument.asset)
    return row.coin("commission")


def trade_entries(
    trades: Iterable[Fields], names: Mapping[int, str], instrument: Instrument
) -> Iterator[LedgerEntry]:
    """Trades of one contract. They do not tell their orders' client ids: ``names`` does, by order id."""
    for row in trades:
        row.expect("symbol", instrument.native)
        client_id = names[row.integer("orderId")]
        forced = (kind for start, kind in FORCED.items() if client_id.startswith(start))
        yield LedgerEntry(
            id=f"{instrument.native} {row.integer('id')}",
            kind=next(forced, EntryKind.TRADE),
            symbol=instrument.symbol,
            client_id=client_id,
            contracts=Contracts(row.not_negative("qty") * row.word("side", SIGNS)),
            price=row.price("price"),
            coins=-_fee(row, instrument),
            at=row.millis("time"),
        )


def funding_entries(income: Iterable[Fields], instrument: Instrument) -> Iterator[LedgerEntry]:
    """Funding of one contract, positive when received."""
    for row in income:
        row.expect("symbol", instrument.native)
        row.expect("incomeType", "FUNDING_FEE")
        row.expect("asset", instrument.asset)
        yield LedgerEntry(
            id=f"funding {row.integer('tranId')}",
            kind=EntryKind.FUNDING,
            symbol=instrument.symbol,
            client_id="",
            contracts=Contracts.zero(),
            price=None,
            coins=row.coin("income"),
            at=row.millis("time"),
        )
