"""Orders: placing and cancelling them, and the two lists that show them."""

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from hedgebot.sim.account import Account
from hedgebot.sim.bybit.codes import CODES, api_error
from hedgebot.sim.bybit.session import CATEGORIES, Session
from hedgebot.sim.bybit.wire import ApiError, Json, Params, Row, coins, days_back, listed, page, price, ratio
from hedgebot.sim.contract import Contract
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import Ending, NewOrder, Order, Reason, RefusedError, Status, TimeInForce

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{0,36}")
SIDE_NAMED = {side.value: side for side in Side}
TIME_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.POST_ONLY,
}
TIME_IN_FORCE_NAMES = {value: name for name, value in TIME_IN_FORCE.items()}
STATUSES = {
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
    Status.CANCELLED: "Cancelled",
}
ENDINGS = {
    Ending.NONE: ("UNKNOWN", "EC_NoError"),
    Ending.BY_USER: ("CancelByUser", "EC_PerCancelRequest"),
    Ending.NO_MATCH: ("UNKNOWN", "EC_NoImmediateQtyToFill"),
    Ending.NOT_WHOLE: ("UNKNOWN", "EC_NoEnoughQtyToFill"),
    Ending.WOULD_TAKE: ("UNKNOWN", "EC_PostOnlyWillTakeLiquidity"),
    Ending.REDUCE_ONLY: ("CancelByReduceOnly", "EC_NoError"),
    Ending.LIQUIDATION: ("CancelAllBeforeLiq", "EC_NoError"),
    Ending.DELIVERY: ("CancelBySettle", "EC_NoError"),
}
CUT_SHORT = "EC_CancelForNoFullFill"
NOT_SIMULATED = (
    "triggerPrice",
    "takeProfit",
    "stopLoss",
    "tpLimitPrice",
    "slLimitPrice",
    "slippageTolerance",
    "orderIv",
)
PLAIN: Json = {
    "parentOrderLinkId": "",
    "blockTradeId": "",
    "isLeverage": "",
    "createType": "CreateByUser",
    "stopOrderType": "",
    "orderIv": "",
    "marketUnit": "",
    "triggerPrice": "",
    "takeProfit": "",
    "stopLoss": "",
    "tpslMode": "",
    "ocoTriggerBy": "",
    "tpLimitPrice": "",
    "slLimitPrice": "",
    "tpTriggerBy": "",
    "slTriggerBy": "",
    "triggerDirection": 0,
    "triggerBy": "",
    "closeOnTrigger": False,
    "placeType": "",
    "smpType": "None",
    "smpGroup": 0,
    "smpOrderId": "",
    "slippageToleranceType": "UNKNOWN",
    "slippageTolerance": "",
    "extraFees": "",
}
SPAN_DAYS = 7
CANCELLED_MS = 86_400_000


def create(session: Session, params: Params) -> Json:
    """Place an order; the reply says only that it was accepted."""
    contract = session.contract(params.required("symbol"), params.category(*CATEGORIES))
    for name in NOT_SIMULATED:
        if params.text(name).strip("0."):
            raise ApiError(10001, f"params error: {name} is not simulated")
    side = SIDE_NAMED.get(params.required("side"))
    kind = params.required("orderType")
    force = TIME_IN_FORCE.get(params.text("timeInForce", "GTC"))
    client_id = params.text("orderLinkId")
    if side is None or kind not in ("Market", "Limit") or force is None:
        raise ApiError(10001, "params error: side, orderType or timeInForce invalid")
    if not CLIENT_ID.fullmatch(client_id):
        raise ApiError(10001, "params error: OrderLinkId invalid")
    request = NewOrder(
        symbol=contract.symbol,
        side=side,
        contracts=params.number("qty"),
        price=params.number("price") if kind == "Limit" else None,
        time_in_force=force,
        reduce_only=params.flag("reduceOnly"),
        client_id=client_id,
        index=params.integer("positionIdx", 0),
    )
    try:
        order = session.exchange.place(session.account, request)
    except RefusedError as refused:
        raise api_error(refused) from refused
    return {"orderId": order.id, "orderLinkId": order.client_id}


def cancel(session: Session, params: Params) -> Json:
    session.contract(params.required("symbol"), params.category(*CATEGORIES))
    account = session.exchange.account(session.account)
    order_id, client_id = params.text("orderId"), params.text("orderLinkId")
    if not order_id and not client_id:
        raise ApiError(10001, "params error: orderId or orderLinkId is required")
    named = [order_id] if order_id else account.ids_of(client_id)
    found = next((name for name in named if name in account.open_orders), None)
    if found is None:
        raise ApiError(*CODES[Reason.UNKNOWN_ORDER])
    order = session.exchange.cancel(session.account, found)
    return {"orderId": order.id, "orderLinkId": order.client_id}


def cancel_all(session: Session, params: Params) -> Json:
    params.category(*CATEGORIES)
    if not any(params.text(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise ApiError(10001, "params error: symbol, baseCoin or settleCoin is required")
    symbols = {contract.symbol for contract in session.contracts(params)}
    account = session.exchange.account(session.account)
    ids = [order.id for order in account.open_orders.values() if order.symbol in symbols]
    ended = [session.exchange.cancel(session.account, order_id) for order_id in ids]
    return {"list": [{"orderId": o.id, "orderLinkId": o.client_id} for o in ended], "success": "1"}


def realtime(session: Session, params: Params) -> Json:
    """Open orders; the most recent closed ones too when they are asked for, or named by an id."""
    category = params.category()
    at_ms = session.exchange.as_of("order")
    account = session.exchange.truth.accounts[session.account]
    kept = session.exchange.truth.rules.closed_orders_kept
    named = _named(account, params, at_ms, recent=kept)
    if named is not None:
        orders: Iterable[Order] = named
    elif params.integer("openOnly", 0):
        closed = (order for order, _ in zip(account.closed_at(at_ms), range(kept), strict=False))
        orders = sorted(closed, key=lambda order: -order.number)
    else:
        orders = account.open_at(at_ms)
    return _orders_page(session, category, orders, params)


def history(session: Session, params: Params) -> Json:
    """Closed orders of the last days, cancelled ones without a fill of the last day only."""
    category = params.category()
    at_ms = session.exchange.as_of("order_history")
    account = session.exchange.truth.accounts[session.account]
    start, end = days_back(params, session.now_ms(), SPAN_DAYS)
    named = _named(account, params, at_ms)
    status = params.text("orderStatus")
    orders = [
        order
        for order in (account.closed_at(at_ms) if named is None else named)
        if not order.open and start <= order.created_ms <= end
        if order.filled or order.updated_ms > session.now_ms() - CANCELLED_MS
        if status in ("", STATUSES[order.status])
    ]
    return _orders_page(session, category, sorted(orders, key=lambda order: -order.number), params)


def _named(account: Account, params: Params, at_ms: int, recent: int | None = None) -> list[Order] | None:
    """The orders that an id names, the order id first; None if the request names none."""
    order_id, client_id = params.text("orderId"), params.text("orderLinkId")
    if not order_id and not client_id:
        return None
    ids = [order_id] if order_id else account.ids_of(client_id)
    if recent is not None:
        known = {*account.open_orders, *account.closed_orders[-recent:]}
        ids = [name for name in ids if name in known]
    found = (account.order_at(name, at_ms) for name in reversed(ids))
    return [order for order in found if order is not None]


def _orders_page(session: Session, category: str, orders: Iterable[Order], params: Params) -> Json:
    by_id = bool(params.text("orderId") or params.text("orderLinkId"))
    if category == "linear" and not by_id and not (params.text("symbol") or params.text("settleCoin")):
        raise ApiError(10001, "params error: symbol or settleCoin is required")
    chosen = Params({"category": category}) if by_id else params
    symbols = {contract.symbol for contract in session.contracts(chosen)}
    shown, cursor = page(_rows(session, orders, symbols), params, default=20, most=50)
    return listed(category, shown, cursor)


def _rows(session: Session, orders: Iterable[Order], symbols: set[str]) -> Iterator[Row]:
    for order in orders:
        if order.symbol in symbols:
            yield Row(order.number, order_row(order, session.contract(order.symbol)))


def order_row(order: Order, contract: Contract) -> Json:
    """One order as the exchange shows it."""
    cancelled, rejected = ENDINGS[order.ending]
    if order.filled and order.ending is Ending.NO_MATCH:
        rejected = CUT_SHORT
    left = order.left if order.open else Fraction(0)
    return {
        **PLAIN,
        "orderId": order.id,
        "orderLinkId": order.client_id,
        "symbol": order.symbol,
        "price": price(order.limit, contract.price_places),
        "qty": coins(order.contracts),
        "side": order.side.value,
        "positionIdx": order.index,
        "orderStatus": STATUSES[order.status],
        "cancelType": cancelled,
        "rejectReason": rejected,
        "avgPrice": ratio(contract.price(order.filled, order.coins)) if order.filled else "",
        "leavesQty": coins(left),
        "leavesValue": coins(contract.coins(left, order.limit)),
        "cumExecQty": coins(order.filled),
        "cumExecValue": coins(order.coins),
        "cumExecFee": coins(order.fee),
        "cumFeeDetail": {contract.settle: coins(order.fee)} if order.filled else {},
        "timeInForce": TIME_IN_FORCE_NAMES[order.time_in_force],
        "orderType": "Market" if order.market else "Limit",
        "lastPriceOnCreated": price(order.last_price, contract.price_places),
        "reduceOnly": order.reduce_only,
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }
