"""Orders: placing and cancelling them, and the three ways to see them."""

import re
from collections.abc import Iterable
from fractions import Fraction

from hedgebot.sim.account import Account
from hedgebot.sim.contract import Contract
from hedgebot.sim.ledger import PositionKey
from hedgebot.sim.matching import Side
from hedgebot.sim.money import ONE
from hedgebot.sim.okx.codes import CODES, told
from hedgebot.sim.okx.gate import check_expiry
from hedgebot.sim.okx.market import bounds
from hedgebot.sim.okx.positions import INDICES, SIDES, take_mode
from hedgebot.sim.okx.session import Session, inst_type, margin_mode
from hedgebot.sim.okx.wire import ApiError, FailedError, Json, Params, Row, num, page, parameter, price, span
from hedgebot.sim.orders import NewOrder, Order, Reason, RefusedError, Status, TimeInForce

CLIENT_ID = re.compile(r"[A-Za-z0-9]{0,32}")
ORDER_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
KINDS = {
    "market": TimeInForce.IOC,
    "limit": TimeInForce.GTC,
    "post_only": TimeInForce.POST_ONLY,
    "fok": TimeInForce.FOK,
    "ioc": TimeInForce.IOC,
}
KIND_NAMES = {TimeInForce.GTC: "limit", TimeInForce.POST_ONLY: "post_only", TimeInForce.FOK: "fok"}
STATES = {
    Status.NEW: "live",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.FILLED: "filled",
    Status.CANCELLED: "canceled",
}
CANCELLED_MS = 2 * 3_600_000
HISTORY_DAYS = 7
SEVERAL = "orders"
PLAIN: Json = {
    "algoClOrdId": "",
    "algoId": "",
    "attachAlgoClOrdId": "",
    "attachAlgoOrds": [],
    "cancelSource": "",
    "cancelSourceReason": "",
    "category": "normal",
    "ccy": "",
    "isTpLimit": "false",
    "linkedAlgoOrd": {"algoId": ""},
    "outcome": "",
    "pnl": "0",
    "pxType": "",
    "pxUsd": "",
    "pxVol": "",
    "quickMgnType": "",
    "rebate": "0",
    "slOrdPx": "",
    "slTriggerPx": "",
    "slTriggerPxType": "",
    "source": "",
    "stpId": "",
    "stpMode": "cancel_maker",
    "tag": "",
    "tgtCcy": "",
    "tpOrdPx": "",
    "tpTriggerPx": "",
    "tpTriggerPxType": "",
    "tradeQuoteCcy": "",
}


def place(session: Session, params: Params) -> list[Json]:
    """Place an order; the reply says only that it was accepted."""
    check_expiry(session.headers.get("exptime", ""), session.now_ms())
    client_id = params.text("clOrdId")
    try:
        contract = session.contract(params.required("instId"))
        mode = margin_mode(params, "tdMode")
        request = _request(session, params, contract)
        take_mode(session, contract, mode)
        _check_reduction(session, request)
        order = session.exchange.place(session.account, request)
    except RefusedError as refused:
        raise _failed(session, client_id, *told(refused)) from refused
    except ApiError as error:
        raise _failed(session, client_id, error.code, error.message) from error
    return [_told(session, client_id, order.id, 0, "Order placed")]


def place_all(session: Session, params: Params) -> list[Json]:
    """Place several orders; a single one that is refused is refused as it would be alone."""
    orders = [Params(each) for each in params.values.get(SEVERAL, ()) if isinstance(each, dict)]
    if len(orders) != 1:
        raise parameter(SEVERAL)  # only one at a time is simulated
    return place(session, orders[0])


def _request(session: Session, params: Params, contract: Contract) -> NewOrder:
    side = ORDER_SIDES[params.one_of("side", *ORDER_SIDES)]
    kind = params.one_of("ordType", *KINDS)
    client_id = params.text("clOrdId")
    if not CLIENT_ID.fullmatch(client_id):
        raise parameter("clOrdId")
    hedge = session.exchange.account(session.account).state.hedge_mode
    limit = None if kind == "market" else params.number("px")
    if limit is not None and params.text("pxAmendType", "0") == "1":
        limit = _amended(session, contract, side, limit)
    return NewOrder(
        symbol=contract.symbol,
        side=side,
        contracts=params.number("sz"),
        price=limit,
        time_in_force=KINDS[kind],
        reduce_only=params.flag("reduceOnly") and not hedge,
        client_id=client_id,
        index=INDICES.get(params.text("posSide", "" if hedge else "net"), -1),
    )


def _amended(session: Session, contract: Contract, side: Side, limit: Fraction) -> Fraction:
    """A price beyond the bounds, moved to them: never worse than what was asked for."""
    session.exchange.advance()
    lowest, highest = bounds(session, contract)
    return min(limit, highest) if side is Side.BUY else max(limit, lowest)


def _check_reduction(session: Session, request: NewOrder) -> None:
    """An order that only reduces is refused whole where it is too large; it is not cut to size."""
    if not request.reduce_only:
        return
    key: PositionKey = (request.symbol, request.index)
    position = session.exchange.account(session.account).state.position(key)
    if position.contracts and position.side is request.side:
        raise ApiError(
            51170, "Failed to place order. A reduce-only order can't be the same trading direction"
        )
    if position.contracts and request.contracts > position.size:
        raise ApiError(51112, "Close order size exceeds available size for this position.")


def _told(session: Session, client_id: str, order_id: str, code: int, message: str) -> Json:
    return {
        "clOrdId": client_id,
        "ordId": order_id,
        "sCode": str(code),
        "sMsg": message,
        "subCode": "",
        "tag": "",
        "ts": str(session.now_ms()),
    }


def _failed(session: Session, client_id: str, code: int, message: str) -> FailedError:
    return FailedError(_told(session, client_id, "", code, message))


def cancel(session: Session, params: Params) -> list[Json]:
    session.contract(params.required("instId"))
    account = session.exchange.account(session.account)
    order_id, client_id = params.text("ordId"), params.text("clOrdId")
    if not order_id and not client_id:
        raise ApiError(51407, "Either order ID or client order ID is required.")
    named = [order_id] if order_id else account.ids_of(client_id)
    found = next((name for name in named if name in account.open_orders), None)
    if found is None:
        raise _failed(session, client_id, *CODES[Reason.UNKNOWN_ORDER])
    order = session.exchange.cancel(session.account, found)
    return [_told(session, order.client_id, order.id, 0, "")]


def details(session: Session, params: Params) -> list[Json]:
    """One order, by either id; of several with one client id the latest."""
    session.contract(params.required("instId"))
    at_ms = session.exchange.as_of("order")
    account = session.exchange.truth.accounts[session.account]
    order_id, client_id = params.text("ordId"), params.text("clOrdId")
    if not order_id and not client_id:
        raise ApiError(51003, "Either client order ID or order ID is required.")
    named = [order_id] if order_id else account.ids_of(client_id)[::-1]
    seen = (account.order_at(name, at_ms) for name in named)
    found = next((order for order in seen if order is not None and _is_kept(session, order)), None)
    if found is None:
        raise ApiError(51603, "Order does not exist")
    return [order_row(found, session.contract(found.symbol), account)]


def _is_kept(session: Session, order: Order) -> bool:
    """Orders without a fill are forgotten two hours after they were cancelled."""
    return order.open or bool(order.filled) or order.updated_ms > session.now_ms() - CANCELLED_MS


def pending(session: Session, params: Params) -> list[Json]:
    at_ms = session.exchange.as_of("order")
    account = session.exchange.truth.accounts[session.account]
    return page(_rows(session, account, account.open_at(at_ms), params), params)


def history(session: Session, params: Params) -> list[Json]:
    """Finished orders of the last days."""
    params.one_of("instType", "SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
    at_ms = session.exchange.as_of("order_history")
    account = session.exchange.truth.accounts[session.account]
    start, end = span(params, session.now_ms(), HISTORY_DAYS)
    orders = [
        order
        for order in account.closed_at(at_ms)
        if start <= order.created_ms <= end and _is_kept(session, order)
    ]
    return page(_rows(session, account, sorted(orders, key=lambda order: -order.number), params), params)


def _rows(session: Session, account: Account, orders: Iterable[Order], params: Params) -> list[Row]:
    symbols = {contract.symbol for contract in session.contracts(params)}
    return [
        Row(int(order.id), order_row(order, session.contract(order.symbol), account))
        for order in orders
        if order.symbol in symbols
    ]


def order_row(order: Order, contract: Contract, account: Account) -> Json:
    """One order as the exchange shows it; the fee is negative when it was paid."""
    average = contract.price(order.filled, order.coins) if order.filled else None
    kind = "market" if order.market else KIND_NAMES.get(order.time_in_force, "ioc")
    filled_at = str(order.updated_ms) if order.filled else ""
    return {
        **PLAIN,
        "accFillSz": num(order.filled),
        "avgPx": num(average) if average else "",
        "cTime": str(order.created_ms),
        "clOrdId": order.client_id,
        "fee": num(-order.fee),
        "feeCcy": contract.settle,
        "fillPx": num(average) if average else "",
        "fillSz": num(order.filled),
        "fillTime": filled_at,
        "instId": order.symbol,
        "instType": inst_type(contract),
        "lever": num(account.state.leverage.get(order.symbol, ONE)),
        "ordId": order.id,
        "ordType": kind,
        "posSide": SIDES[order.index],
        "px": "" if order.market else price(order.limit, contract.price_places),
        "rebateCcy": contract.settle,
        "reduceOnly": str(order.reduce_only).lower(),
        "side": order.side.value.lower(),
        "state": STATES[order.status],
        "sz": num(order.contracts),
        "tdMode": account.state.mode_of(order.symbol).value,
        "tradeId": str(order.number) if order.filled else "",
        "uTime": str(order.updated_ms),
    }
