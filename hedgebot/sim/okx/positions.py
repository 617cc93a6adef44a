"""Positions: the list, and what may be set on them."""

from fractions import Fraction

from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import MarginMode, Position, PositionKey
from hedgebot.sim.money import ONE
from hedgebot.sim.okx.codes import api_error
from hedgebot.sim.okx.session import Session, inst_type, margin_mode
from hedgebot.sim.okx.wire import ApiError, Json, Params, num, parameter, price, stamp
from hedgebot.sim.orders import Reason, RefusedError

FORGOTTEN_MS = 30 * 86_400_000
SIDES = {0: "net", 1: "long", 2: "short"}
INDICES = {name: index for index, name in SIDES.items()}
BLANK: Json = dict.fromkeys(
    (
        "availPos",
        "baseBal",
        "baseBorrowed",
        "baseInterest",
        "bizRefId",
        "bizRefType",
        "clSpotInUseAmt",
        "deltaBS",
        "deltaPA",
        "gammaBS",
        "gammaPA",
        "hedgedPos",
        "interest",
        "liab",
        "liabCcy",
        "maxSpotInUseAmt",
        "nonSettleAvgPx",
        "optVal",
        "pendingCloseOrdLiabVal",
        "posCcy",
        "quoteBal",
        "quoteBorrowed",
        "quoteInterest",
        "settledPnl",
        "spotInUseAmt",
        "spotInUseCcy",
        "thetaBS",
        "thetaPA",
        "tradeId",
        "vegaBS",
        "vegaPA",
    ),
    "",
)
FLAT_ROW: Json = dict.fromkeys(
    (
        "adl",
        "avgPx",
        "bePx",
        "imr",
        "liqPx",
        "margin",
        "mgnRatio",
        "mmr",
        "notionalUsd",
        "upl",
        "uplLastPx",
        "uplRatio",
        "uplRatioLastPx",
    ),
    "",
)


def positions(session: Session, params: Params) -> list[Json]:
    """Open positions; of contracts that ``instId`` names, those too that were closed in the last 30 days."""
    view = session.view("position")
    named = bool(params.text("instId"))
    indices = (1, 2) if view.value.state.hedge_mode else (0,)
    keys = [(contract.symbol, index) for contract in session.contracts(params) for index in indices]
    return [position_row(session, view, key) for key in keys if _is_shown(view, key, named=named)]


def _is_shown(view: View, key: PositionKey, *, named: bool) -> bool:
    position = view.value.state.position(key)
    known = position.created_ms and view.at_ms - position.updated_ms < FORGOTTEN_MS
    return bool(position.contracts or (named and known))


def position_row(session: Session, view: View, key: PositionKey) -> Json:
    """One position as the exchange shows it."""
    contract, position = session.contract(key[0]), view.value.state.position(key)
    quote = view.value.quote(key[0])
    net = position.contracts if key[1] == 0 else position.size
    realised = num(position.realised)
    return {
        **BLANK,
        "cTime": stamp(position.created_ms),
        "ccy": contract.settle,
        "closeOrderAlgo": [],
        "fee": "0",
        "fundingFee": "0",
        "idxPx": price(quote.index, 2),
        "instId": contract.symbol,
        "instType": inst_type(contract),
        "last": price(quote.last, contract.price_places),
        "lever": num(view.value.leverage(key[0])),
        "liqPenalty": "0",
        "markPx": price(quote.mark, 2),
        "mgnMode": view.value.state.mode_of(key[0]).value,
        "pnl": realised,
        "pos": num(net),
        "posId": str(view.account.number * 1000 + key[1]),
        "posSide": SIDES[key[1]],
        "realizedPnl": realised,
        "uTime": stamp(position.updated_ms),
        "usdPx": price(quote.index, 2),
        **(_held(view, key, contract, position) if position.contracts else FLAT_ROW),
    }


def _held(view: View, key: PositionKey, contract: Contract, position: Position) -> Json:
    value, quote = view.value, view.value.quote(key[0])
    own = value.has_own_margin(key)
    worth, leverage = contract.coins(position.contracts, quote.mark), value.leverage(key[0])
    need, profit = value.maintenance_margin(key), position.profit(contract, quote.mark)
    at_last, bound = position.profit(contract, quote.last), position.entry_coins / leverage
    backing = position.margin + profit if own else value.equity(contract.settle)
    return {
        "adl": "1",
        "avgPx": num(position.average(contract)),
        "bePx": num(_break_even(position, contract)),
        "imr": "" if own else num(worth / leverage),
        "liqPx": _shown_price(value.liquidation_price(key), contract),
        "margin": num(position.margin) if own else "",
        "mgnRatio": num(backing / (need + worth * contract.taker)),
        "mmr": num(need),
        "notionalUsd": num(contract.dollars(position.contracts, quote.mark)),
        "upl": num(profit),
        "uplLastPx": num(at_last),
        "uplRatio": num(profit / bound),
        "uplRatioLastPx": num(at_last / bound),
    }


def _shown_price(value: Fraction | None, contract: Contract) -> str:
    """A liquidation price; empty where there is none within the contract's prices."""
    if value is None or not contract.min_price < value < contract.max_price:
        return ""
    return num(value)


def _break_even(position: Position, contract: Contract) -> Fraction:
    """Where closing, fee included, makes up for the fee of opening; the entry where that is nowhere."""
    short = position.contracts < 0
    fee = ONE - contract.taker if short else ONE + contract.taker
    return position.average(contract) * fee * fee


def set_leverage(session: Session, params: Params) -> list[Json]:
    """Set the leverage of a contract in one margin mode; asking for what is so succeeds."""
    contract, mode = session.contract(params.required("instId")), margin_mode(params, "mgnMode")
    leverage = params.number("lever")
    if leverage > contract.max_leverage:
        raise ApiError(59102, "Leverage exceeds the maximum limit. Please lower the leverage.")
    if leverage < ONE:
        raise ApiError(59105, "Leverage can't be less than 1. Please increase the leverage.", 400)
    if _takes_effect(session, contract, mode):
        _apply(session, contract, leverage)
    session.leverages[session.account, contract.symbol, mode] = leverage
    shown = {"instId": contract.symbol, "lever": num(leverage), "mgnMode": mode.value}
    return [{**shown, "posSide": params.text("posSide")}]


def _takes_effect(session: Session, contract: Contract, mode: MarginMode) -> bool:
    return session.exchange.account(session.account).state.mode_of(contract.symbol) is mode


def _apply(session: Session, contract: Contract, leverage: Fraction) -> None:
    try:
        session.exchange.set_leverage(session.account, contract.symbol, leverage)
    except RefusedError as refused:
        if refused.reason is not Reason.NOT_MODIFIED:
            raise api_error(refused, NO_MARGIN=(59108, LOW_LEVERAGE)) from refused


LOW_LEVERAGE = "Your account leverage is too low and has insufficient margins. Please increase the leverage."


def take_mode(session: Session, contract: Contract, mode: MarginMode) -> None:
    """Let a flat contract be held in an order's margin mode, at that mode's leverage."""
    account = session.exchange.account(session.account)
    if account.state.mode_of(contract.symbol) is mode:
        return
    symbol = contract.symbol
    held = any(key[0] == symbol for key, _ in account.state.open_positions())
    if held or any(order.symbol == symbol for order in account.open_orders.values()):
        raise parameter("tdMode")
    session.exchange.set_margin_mode(session.account, mode, symbol)
    _apply(session, contract, session.leverage_set(contract, mode))


def margin_balance(session: Session, params: Params) -> list[Json]:
    """Add to an isolated margin, or take from it."""
    contract = session.contract(params.required("instId"))
    side, kind = params.one_of("posSide", *INDICES), params.one_of("type", "add", "reduce")
    amount = params.number("amt")
    if amount <= 0:
        raise parameter("amt")
    change = amount if kind == "add" else -amount
    short = (59303, "Insufficient available margin, add margin or reduce the borrowing amount")
    stuck = (59301, "Margin adjustment failed for exceeding the max limit.")
    try:
        session.exchange.add_margin(session.account, contract.symbol, change, INDICES[side])
    except RefusedError as refused:
        raise api_error(refused, NO_MARGIN=short if kind == "add" else stuck) from refused
    told = {"amt": num(amount), "ccy": contract.settle, "instId": contract.symbol}
    return [{**told, "leverage": "", "posSide": side, "type": kind}]
