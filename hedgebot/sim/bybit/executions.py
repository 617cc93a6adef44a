"""Executions: trades, deleveraging, liquidations and funding, as one list."""

from collections.abc import Iterator

from hedgebot.sim.bybit.session import CATEGORIES, Session
from hedgebot.sim.bybit.wire import Json, Params, Row, coins, days_back, listed, page, price, ratio
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Event, Filled, FillKind, FundingPaid

KINDS = {
    FillKind.TRADE: ("Trade", "CreateByUser"),
    FillKind.ADL: ("AdlTrade", "CreateByAdl_PassThrough"),
    FillKind.BUST: ("BustTrade", "CreateByTakeOver_PassThrough"),
    FillKind.DELIVERY: ("Delivery", "CreateBySettle"),
}
UNUSED: Json = {
    "underlyingPrice": "",
    "indexPrice": "",
    "stopOrderType": "UNKNOWN",
    "tradeIv": "",
    "markIv": "",
    "blockTradeId": "",
    "marketUnit": "",
    "execFeeV2": "",
    "extraFees": "",
}
SPAN_DAYS = 7


def execution_list(session: Session, params: Params) -> Json:
    """Executions, newest first. An id given in the request overrides every other filter."""
    category = params.category()
    rows = _rows(session, params) if category in CATEGORIES else iter(())
    shown, cursor = page(rows, params, default=50, most=100)
    return listed(category, shown, cursor)


def _rows(session: Session, params: Params) -> Iterator[Row]:
    at_ms = session.exchange.as_of("execution")
    order_id, client_id = params.text("orderId"), params.text("orderLinkId")
    by_id = bool(order_id or client_id)
    chosen = Params({"category": params.text("category")}) if by_id else params
    symbols = {c.symbol for c in session.contracts(chosen)}
    kind = "" if by_id else params.text("execType")
    start, end = days_back(Params({}) if by_id else params, session.now_ms(), SPAN_DAYS)
    for event in reversed(session.exchange.truth.accounts[session.account].events):
        if event.at_ms < start:
            return
        if event.at_ms > min(end, at_ms) or not isinstance(event, Filled | FundingPaid):
            continue
        row = session.memo.get(event.number)
        if row is None:
            row = session.memo[event.number] = execution_row(event, session.contract(event.symbol))
        wanted = kind in ("", row["execType"]) and row["symbol"] in symbols
        named = order_id in ("", row["orderId"]) and (order_id or client_id in ("", row["orderLinkId"]))
        if wanted and named:
            yield Row(event.number, row)


def execution_row(event: Event, contract: Contract) -> Json:
    """One execution as the exchange shows it. Raises ``TypeError`` for an event that is none."""
    match event:
        case Filled():
            return {**UNUSED, **_trade(event, contract)}
        case FundingPaid():
            return {**UNUSED, **_funding(event, contract)}
        case _:
            raise TypeError(f"not an execution: {event}")


def _trade(event: Filled, contract: Contract) -> Json:
    kind, created = KINDS[event.kind]
    order, places = event.order, contract.price_places
    return {
        "symbol": event.symbol,
        "orderId": event.order_id,
        "orderLinkId": event.client_id,
        "side": event.side.value,
        "orderPrice": price(order.limit if order else event.price, places),
        "orderQty": coins(order.contracts if order else event.contracts),
        "leavesQty": coins(order.left) if order else "0",
        "createType": created,
        "orderType": "Limit" if order and not order.market else "Market",
        "execFee": coins(event.fee),
        "execId": event.execution_id,
        "execPrice": price(event.price, places),
        "execQty": coins(event.contracts),
        "execType": kind,
        "execValue": coins(event.coins),
        "execTime": str(event.at_ms),
        "execPnl": coins(event.realised),
        "feeCurrency": contract.settle,
        "isMaker": event.maker,
        "feeRate": ratio(event.fee_rate),
        "markPrice": price(event.mark, 2),
        "closedSize": coins(event.closed),
        "seq": event.sequence,
    }


def _funding(event: FundingPaid, contract: Contract) -> Json:
    """Funding; its fee is negative when it was received, and its rate bears the sign of the side."""
    long = event.contracts > 0
    return {
        "symbol": event.symbol,
        "orderId": event.execution_id,
        "orderLinkId": "",
        "side": "Buy" if long else "Sell",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "execFee": coins(-event.change),
        "execId": event.execution_id,
        "execPrice": price(event.mark, contract.price_places),
        "execQty": coins(abs(event.contracts)),
        "execType": "Funding",
        "execValue": coins(contract.coins(event.contracts, event.mark)),
        "execTime": str(event.at_ms),
        "execPnl": "0",
        "feeCurrency": contract.settle,
        "isMaker": False,
        "feeRate": ratio(event.rate if long else -event.rate),
        "markPrice": price(event.mark, 2),
        "closedSize": "0",
        "seq": event.sequence,
    }
