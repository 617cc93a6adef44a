"""COIN-M's orders: placing and cancelling them, and the lists that show them."""

import re
from collections.abc import Iterable
from fractions import Fraction

from hedgebot.sim.account import Account
from hedgebot.sim.binance.codes import CODES, NO_SUCH_ORDER, api_error
from hedgebot.sim.binance.session import INDICES, SIDE_NAMES, Session, pair
from hedgebot.sim.binance.wire import ApiError, Document, Json, Params, coins, number, price
from hedgebot.sim.contract import Contract
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import Ending, NewOrder, Order, Reason, RefusedError, Status, TimeInForce

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TIME_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.POST_ONLY,
}
FORCE_NAMES = {force: name for name, force in TIME_IN_FORCE.items()}
STATUSES = {
    Status.NEW: "NEW",
    Status.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    Status.FILLED: "FILLED",
    Status.CANCELLED: "EXPIRED",
}
CANCELLED = {Ending.BY_USER, Ending.LIQUIDATION, Ending.DELIVERY}
DAY_MS = 86_400_000
EMPTY_KEPT_MS = 3 * DAY_MS  # orders that ended without a fill
KEPT_MS = 90 * DAY_MS
SPAN_MS = 7 * DAY_MS
PLAIN: Json = {
    "stopPrice": "0",
    "closePosition": False,
    "workingType": "CONTRACT_PRICE",
    "priceProtect": False,
    "priceMatch": "NONE",
    "selfTradePreventionMode": "NONE",
}


def place(session: Session, params: Params) -> Json:
    """Place an order. The acknowledgement says nothing of its fills, the result shows it as it is then."""
    contract = session.contract(params.required("symbol"))
    request = _request(contract, params)
    try:
        order = session.exchange.place(session.account, request)
    except RefusedError as refused:
        above = (-4016, "Price is higher than mark price multiplier cap.")
        others = {"PRICE_BAND": above} if request.side is Side.BUY else {}
        raise api_error(refused, **others) from refused
    if params.text("newOrderRespType") == "RESULT":
        return _with_quantity(order_row(order, contract))
    return _with_quantity(_unfilled(order_row(order, contract)))


def _request(contract: Contract, params: Params) -> NewOrder:
    side, kind = SIDES.get(params.required("side")), params.required("type")
    force = TIME_IN_FORCE.get(params.text("timeInForce") or "GTC")
    index = INDICES.get(params.text("positionSide") or "BOTH")
    client_id = params.text("newClientOrderId")
    if side is None:
        raise ApiError(-1117, "Invalid side.")
    if kind not in ("LIMIT", "MARKET"):
        raise ApiError(-1116, "Invalid orderType.")
    if kind == "LIMIT":
        params.required("timeInForce")
    if force is None:
        raise ApiError(-1115, "Invalid timeInForce.")
    if index is None:
        raise ApiError(-4060, "Invalid position side.")
    if client_id and not CLIENT_ID.fullmatch(client_id):
        raise ApiError(-4015, "Client order id is not valid.")
    if index and params.text("reduceOnly"):
        raise ApiError(-4062, "Invalid or improper reduceOnly value.")
    return NewOrder(
        symbol=contract.symbol,
        side=side,
        contracts=params.number("quantity"),
        price=params.number("price") if kind == "LIMIT" else None,
        time_in_force=force,
        reduce_only=params.flag("reduceOnly"),
        client_id=client_id,
        index=index,
    )


def _unfilled(row: Json) -> Json:
    return {**row, "status": "NEW", "executedQty": "0", "cumBase": "0", "avgPrice": "0.0"}


def _with_quantity(row: Json) -> Json:
    """Replies to requests that change an order call its fills so too, and have no ``time``."""
    return {**{name: row[name] for name in row if name != "time"}, "cumQty": row["executedQty"]}


def cancel(session: Session, params: Params) -> Json:
    contract = session.contract(params.required("symbol"))
    account = session.exchange.account(session.account)
    ids = [name for name in _named(account, params) if name in account.open_orders]
    if not ids or account.open_orders[ids[-1]].symbol != contract.symbol:
        raise ApiError(*CODES[Reason.UNKNOWN_ORDER])
    return _with_quantity(order_row(session.exchange.cancel(session.account, ids[-1]), contract))


def cancel_all(session: Session, params: Params) -> Json:
    contract = session.contract(params.required("symbol"))
    account = session.exchange.account(session.account)
    for order in [o for o in account.open_orders.values() if o.symbol == contract.symbol]:
        session.exchange.cancel(session.account, order.id)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def query(session: Session, params: Params) -> Json:
    """One order by its id or its client id; of several with one client id the last."""
    contract = session.contract(params.required("symbol"))
    at_ms = session.exchange.as_of("order")
    account = session.exchange.truth.accounts[session.account]
    found = (account.order_at(name, at_ms) for name in reversed(_named(account, params)))
    shown = [o for o in found if o is not None and o.symbol == contract.symbol and _kept(o, at_ms)]
    if not shown:
        raise ApiError(*NO_SUCH_ORDER)
    return order_row(shown[0], contract)


def query_open(session: Session, params: Params) -> Json:
    """One order by its id or its client id, if it rests."""
    row = query(session, params)
    if row["status"] not in ("NEW", "PARTIALLY_FILLED"):
        raise ApiError(*NO_SUCH_ORDER)
    return row


def open_orders(session: Session, params: Params) -> Document:
    at_ms = session.exchange.as_of("order")
    account = session.exchange.truth.accounts[session.account]
    symbols = {contract.symbol for contract in session.contracts(params)}
    return _rows(session, (o for o in account.open_at(at_ms) if o.symbol in symbols))


def all_orders(session: Session, params: Params) -> Document:
    """The last orders of a contract, or those from an id on; oldest first, of seven days."""
    contract = session.contract(params.required("symbol"))
    at_ms = session.exchange.as_of("order_history")
    account = session.exchange.truth.accounts[session.account]
    start, end, limit = (
        _span(params, session.now_ms()),
        params.integer("endTime", at_ms),
        params.limit(50, 100),
    )
    first = params.integer("orderId", 0)
    seen = (account.order_at(order.id, at_ms) for order in account.orders())
    shown = [
        order
        for order in seen
        if order is not None and order.symbol == contract.symbol and _kept(order, at_ms)
        if (int(order.id) >= first if first else start <= order.created_ms <= end)
    ]
    return _rows(session, shown[:limit] if first else shown[-limit:])


def _span(params: Params, now_ms: int) -> int:
    start, end = params.integer("startTime", 0), params.integer("endTime", now_ms)
    if start and end - start > SPAN_MS:
        raise ApiError(-4088, "Maximum time interval is 7 days.")
    return start or end - SPAN_MS


def _kept(order: Order, at_ms: int) -> bool:
    age = at_ms - order.created_ms
    return age <= (KEPT_MS if order.open or order.filled else EMPTY_KEPT_MS)


def _named(account: Account, params: Params) -> list[str]:
    """Ids of the orders that a request names, oldest first."""
    order_id, client_id = params.text("orderId"), params.text("origClientOrderId")
    if not order_id and not client_id:
        raise ApiError(
            -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        )
    return [order_id] if order_id else account.ids_of(client_id)


def _rows(session: Session, orders: Iterable[Order]) -> list[Json]:
    ordered = sorted(orders, key=lambda order: order.number)
    return [order_row(order, session.contract(order.symbol)) for order in ordered]


def order_row(order: Order, contract: Contract) -> Json:
    """One order as the exchange shows it."""
    kind = "MARKET" if order.market else "LIMIT"
    status = "CANCELED" if order.ending in CANCELLED else STATUSES[order.status]
    average = order.filled * contract.face / order.coins if order.filled else Fraction(0)
    return {
        **PLAIN,
        "avgPrice": number(average) if order.filled else "0.0",
        "clientOrderId": order.client_id or f"web_{order.id}",
        "cumBase": coins(order.coins),
        "executedQty": number(order.filled),
        "orderId": int(order.id),
        "origQty": number(order.contracts),
        "origType": kind,
        "price": "0" if order.market else price(order.limit, contract.price_places),
        "reduceOnly": order.reduce_only,
        "side": order.side.value.upper(),
        "positionSide": SIDE_NAMES[order.index],
        "status": status,
        "symbol": contract.symbol,
        "pair": pair(contract),
        "time": order.created_ms,
        "timeInForce": FORCE_NAMES[order.time_in_force],
        "type": kind,
        "updateTime": order.updated_ms,
    }
