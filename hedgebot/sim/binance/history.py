"""COIN-M's past: trades, what the exchange closed by force, and every change of the wallet."""

from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

from hedgebot.sim.binance.session import SIDE_NAMES, Session, pair
from hedgebot.sim.binance.wire import ApiError, Document, Json, Params, coins, number, price
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Event, Filled, FillKind, FundingPaid, Moved, MoveKind, Posted

Kind = TypeVar("Kind", bound=Event)

WEEK_MS = 7 * 86_400_000
YEAR_MS = 366 * 86_400_000
FORCED = {FillKind.BUST: "autoclose-", FillKind.ADL: "adl_autoclose"}
MOVES = {
    MoveKind.DEPOSIT: "DEPOSIT",
    MoveKind.WITHDRAWAL: "WITHDRAW",
    MoveKind.TRANSFER_IN: "DEPOSIT",
    MoveKind.TRANSFER_OUT: "WITHDRAW",
    MoveKind.LOAN: "DEPOSIT",
    MoveKind.REPAYMENT: "WITHDRAW",
    MoveKind.BONUS: "DEPOSIT",
}


def user_trades(session: Session, params: Params) -> Document:
    """Trades of one contract, oldest first: of a span of a week, from an id on, or of an order."""
    contract = session.contract(params.required("symbol"))
    limit, first, order_id = params.limit(50, 1000), params.integer("fromId", 0), params.text("orderId")
    if first and (params.text("startTime") or params.text("endTime")):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    start, end = _span(params, session.now_ms(), WEEK_MS)
    found = [event for event in _past(session, "execution", Filled) if event.symbol == contract.symbol]
    if first:
        chosen = [event for event in found if int(event.execution_id) >= first]
    elif order_id:
        chosen = [event for event in found if event.order_id == order_id]
    else:
        chosen = [event for event in found if start <= event.at_ms <= end]
    return [_trade(event, contract) for event in chosen[:limit]]


def _trade(event: Filled, contract: Contract) -> Json:
    index = event.order.index if event.order else 0
    return {
        "symbol": event.symbol,
        "id": int(event.execution_id),
        "orderId": int(event.order_id),
        "pair": pair(contract),
        "side": event.side.value.upper(),
        "price": price(event.price, contract.price_places),
        "qty": number(event.contracts),
        "realizedPnl": coins(event.realised),
        "marginAsset": contract.settle,
        "baseQty": coins(event.coins),
        "commission": coins(event.fee),
        "commissionAsset": contract.settle,
        "time": event.at_ms,
        "positionSide": SIDE_NAMES[index],
        "buyer": event.side.sign > 0,
        "maker": event.maker,
    }


def forced_order(session: Session, order_id: str) -> Json | None:
    """The order that the exchange made up to close a position by force; None if there is no such one."""
    for event in _past(session, "order", Filled):
        if event.order is None and event.order_id == order_id:
            return _forced(event, session.contract(event.symbol))
    return None


def force_orders(session: Session, params: Params) -> Document:
    symbols = {contract.symbol for contract in session.contracts(params)}
    closed = [e for e in _past(session, "execution", Filled) if e.kind in FORCED and e.symbol in symbols]
    return [_forced(e, session.contract(e.symbol)) for e in closed[-params.limit(50, 100) :]]


def _forced(event: Filled, contract: Contract) -> Json:
    size = number(event.contracts)
    prefix = FORCED[event.kind]
    return {
        "orderId": int(event.order_id),
        "symbol": event.symbol,
        "pair": pair(contract),
        "status": "FILLED",
        "clientOrderId": f"{prefix}{event.order_id}" if prefix.endswith("-") else prefix,
        "price": price(event.price, contract.price_places),
        "avgPrice": price(event.price, contract.price_places),
        "origQty": size,
        "executedQty": size,
        "cumBase": coins(event.coins),
        "timeInForce": "IOC",
        "type": "LIMIT",
        "reduceOnly": False,
        "closePosition": False,
        "side": event.side.value.upper(),
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": "LIMIT",
        "time": event.at_ms,
        "updateTime": event.at_ms,
    }


def income(session: Session, params: Params) -> Document:
    """Every change of the COIN-M wallets, oldest first, in pages."""
    start, end = _span(params, session.now_ms(), YEAR_MS, default_ms=WEEK_MS)
    limit, page = params.limit(100, 1000), max(params.integer("page", 1), 1)
    symbol, kind = params.text("symbol"), params.text("incomeType")
    pot = session.exchange.truth.accounts[session.account].pot
    rows = (
        row
        for event in _past(session, "transaction", Posted)
        if event.wallet[0] == pot and start <= event.at_ms <= end
        for row in _incomes(event)
        if symbol in ("", row["symbol"]) and kind in ("", row["incomeType"])
    )
    return list(islice(rows, (page - 1) * limit, page * limit))


def _incomes(event: Posted) -> Iterator[Json]:
    row = {
        "asset": event.wallet[1],
        "info": "",
        "time": event.at_ms,
        "tranId": str(event.number),
        "tradeId": "",
    }
    match event:
        case Filled():
            traded = {**row, "symbol": event.symbol, "tradeId": event.execution_id}
            if event.realised:
                ended = event.kind is FillKind.DELIVERY
                name = "DELIVERED_SETTELMENT" if ended else "REALIZED_PNL"  # spelt as Binance does
                yield {**traded, "incomeType": name, "income": coins(event.realised)}
            if event.fee:
                yield {**traded, "incomeType": "COMMISSION", "income": coins(-event.fee)}
        case FundingPaid():
            paid = {"symbol": event.symbol, "incomeType": "FUNDING_FEE", "income": coins(event.change)}
            yield {**row, **paid}
        case Moved():
            moved = {"symbol": "", "incomeType": "TRANSFER", "income": coins(event.change)}
            yield {**row, **moved, "info": MOVES[event.kind]}


def _past(session: Session, read: str, kind: type[Kind]) -> Iterator[Kind]:
    """Events of a kind that a read shows, oldest first."""
    at_ms = session.exchange.as_of(read)
    for event in session.exchange.truth.accounts[session.account].events:
        if isinstance(event, kind) and event.at_ms <= at_ms:
            yield event


def _span(params: Params, now_ms: int, longest_ms: int, default_ms: int = 0) -> tuple[int, int]:
    start, end = params.integer("startTime", 0), params.integer("endTime", 0)
    if start and end and end - start > longest_ms:
        raise ApiError(-4088, f"Maximum time interval is {longest_ms // 86_400_000} days.")
    default = default_ms or longest_ms
    if start:
        return start, min(end or now_ms, start + longest_ms)
    return (end or now_ms) - default, end or now_ms
