"""Positions: the list, and what may be set on them."""

from fractions import Fraction

from hedgebot.sim.bybit.account import MODES
from hedgebot.sim.bybit.codes import api_error
from hedgebot.sim.bybit.session import CATEGORIES, Session, category_of
from hedgebot.sim.bybit.wire import ApiError, Json, Params, Row, coins, listed, page, price, ratio, stamp
from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import MarginMode, Position, PositionKey
from hedgebot.sim.money import ONE
from hedgebot.sim.orders import RefusedError

NORMAL: Json = {
    "tradeMode": 0,
    "positionStatus": "Normal",
    "autoAddMargin": 0,
    "bustPrice": "",
    "tpslMode": "Full",
    "takeProfit": "",
    "stopLoss": "",
    "trailingStop": "0",
    "isReduceOnly": False,
    "mmrSysUpdatedTime": "",
    "leverageSysUpdatedTime": "",
    "sessionAvgPrice": "",
}
FLAT_ROW: Json = {
    "side": "",
    "size": "0",
    "avgPrice": "0",
    "positionValue": "",
    "breakEvenPrice": "0",
    "liqPrice": "",
    "positionBalance": "0",
    "positionIM": "0",
    "positionIMByMp": "0",
    "positionMM": "0",
    "positionMMByMp": "0",
    "unrealisedPnl": "",
    "adlRankIndicator": 0,
}
ADL_RANK = 2


def position_list(session: Session, params: Params) -> Json:
    """With ``symbol`` a row even where there is no position; without it, open positions only."""
    category = params.category(*CATEGORIES, "option")
    view = session.view("position")
    if category not in CATEGORIES:
        return listed(category, [])
    if category == "linear" and not (params.text("symbol") or params.text("settleCoin")):
        raise ApiError(10001, "params error: symbol or settleCoin is required")
    every = bool(params.text("symbol"))
    hedge = view.value.state.hedge_mode
    keys = [(c.symbol, index) for c in session.contracts(params) for index in ((1, 2) if hedge else (0,))]
    chosen = [key for key in keys if every or view.value.state.position(key).contracts]
    rows = [Row(len(chosen) - i, position_row(session, view, key)) for i, key in enumerate(chosen)]
    shown, cursor = page(rows, params, default=20, most=200)
    return listed(category, shown, cursor)


def position_row(session: Session, view: View, key: PositionKey) -> Json:
    """One position as the exchange shows it."""
    contract, position = session.contract(key[0]), view.value.state.position(key)
    leverage = view.value.leverage(key[0])
    portfolio = view.value.state.margin_mode is MarginMode.PORTFOLIO
    tier = contract.tier(position.entry_coins)
    return {
        **NORMAL,
        "positionIdx": key[1],
        "riskId": 0 if portfolio else contract.tiers.index(tier) + 1,
        "riskLimitValue": "0" if portfolio else coins(tier.up_to),
        "symbol": contract.symbol,
        "leverage": "" if portfolio else ratio(leverage),
        "markPrice": price(view.value.quote(contract.symbol).mark, 2),
        "curRealisedPnl": coins(position.realised),
        "cumRealisedPnl": coins(position.realised_ever),
        "seq": position.sequence,
        "createdTime": stamp(position.created_ms),
        "updatedTime": stamp(position.updated_ms),
        "openTime": position.opened_ms if position.contracts else 0,
        **(_held(session, view, key, contract) if position.contracts else FLAT_ROW),
    }


def _held(session: Session, view: View, key: PositionKey, contract: Contract) -> Json:
    value, position = view.value, view.value.state.position(key)
    portfolio = value.state.margin_mode is MarginMode.PORTFOLIO
    initial = "" if portfolio else coins(value.initial_margin(key))
    maintenance = "" if portfolio else coins(value.maintenance_margin(key))
    side = position.side
    return {
        "side": side.value if side else "",
        "size": coins(position.size),
        "avgPrice": ratio(position.average(contract)),
        "positionValue": coins(position.entry_coins),
        "breakEvenPrice": _break_even(position, contract),
        "liqPrice": "" if portfolio else _shown_price(value.liquidation_price(key), contract),
        "positionBalance": coins(position.margin) if session.options.position_balance else "",
        "positionIM": initial,
        "positionIMByMp": initial,
        "positionMM": maintenance,
        "positionMMByMp": maintenance,
        "unrealisedPnl": coins(position.profit(contract, value.quote(key[0]).mark)),
        "adlRankIndicator": ADL_RANK,
    }


def _shown_price(value: Fraction | None, contract: Contract) -> str:
    """A liquidation price; empty where there is none inside the contract's price limits."""
    if value is None or not contract.min_price < value < contract.max_price:
        return ""
    return price(value, contract.price_places)


def _break_even(position: Position, contract: Contract) -> str:
    """Where closing, fee included, makes up for what this position has realised so far."""
    gains = contract.gains(position.contracts)
    left = position.entry_coins - position.realised if gains else position.entry_coins + position.realised
    rest = left / (ONE - contract.taker if gains else ONE + contract.taker)
    return ratio(contract.price(position.contracts, rest)) if rest > 0 else ""


def set_leverage(session: Session, params: Params) -> Json:
    contract = session.contract(params.required("symbol"), params.category(*CATEGORIES))
    buy, sell = params.number("buyLeverage"), params.number("sellLeverage")
    if buy != sell:
        raise ApiError(10001, "buy leverage not equal sell leverage")
    mode = session.exchange.account(session.account).state.margin_mode
    if mode is MarginMode.PORTFOLIO:
        raise ApiError(110038, "You are not allowed to change leverage due to portfolio margin mode.")
    try:
        session.exchange.set_leverage(session.account, contract.symbol, buy)
    except RefusedError as refused:
        raise api_error(refused, NO_MARGIN=(110012, "Insufficient available balance.")) from refused
    return {}


def add_margin(session: Session, params: Params) -> Json:
    """Add to an isolated margin, or take from it; four decimals at most."""
    contract = session.contract(params.required("symbol"), params.category(*CATEGORIES))
    change, index = params.number("margin"), params.integer("positionIdx", 0)
    if (change * 10_000).denominator != 1:
        raise ApiError(10001, "params error: margin supports up to 4 decimal")
    if not change:
        raise ApiError(110027, "Margin has not been modified.")
    short = (110014, "Insufficient available balance to add additional margin.")
    stuck = (110078, "Added margin more than max can reduce margin")
    try:
        session.exchange.add_margin(session.account, contract.symbol, change, index)
    except RefusedError as refused:
        raise api_error(refused, NO_MARGIN=short if change > 0 else stuck) from refused
    account = session.exchange.account(session.account)
    now = View(account, session.now_ms(), session.exchange.value(session.account))
    return {"category": category_of(contract), **position_row(session, now, (contract.symbol, index))}


def switch_mode(session: Session, params: Params) -> Json:
    """Inverse contracts know one-way mode only; asking for it again is an error of its own."""
    params.category(*CATEGORIES)
    symbol = params.text("symbol")
    if not symbol and not params.text("coin"):
        raise ApiError(10001, "params error: symbol or coin is required")
    unchanged = (110025, "Position mode has not been modified.")
    try:
        session.exchange.set_hedge_mode(session.account, symbol, hedge=params.integer("mode", -1) == 3)
    except RefusedError as refused:
        raise api_error(refused, NOT_MODIFIED=unchanged) from refused
    return {}


def set_margin_mode(session: Session, params: Params) -> Json:
    wanted = params.required("setMarginMode")
    mode = next((mode for mode, name in MODES.items() if name == wanted), None)
    if mode is None:
        raise ApiError(10001, "params error: setMarginMode invalid")
    try:
        session.exchange.set_margin_mode(session.account, mode)
    except RefusedError as refused:
        reason = {"reasonCode": "3400000", "reasonMsg": str(refused)}
        raise ApiError(3400045, "Set margin mode failed", {"reasons": [reason]}) from refused
    return {"reasons": []}


def switch_isolated(_session: Session, _params: Params) -> Json:
    """The classic account's way to switch margin modes; a unified account may not use it."""
    raise ApiError(100028, "The API cannot be accessed by unified account users.")
