"""COIN-M's positions: what ``positionRisk`` shows, and what may be set on one."""

from fractions import Fraction

from hedgebot.sim.binance.codes import api_error
from hedgebot.sim.binance.public import STATUSES
from hedgebot.sim.binance.session import INDICES, SIDE_NAMES, Session
from hedgebot.sim.binance.wire import ApiError, Document, Json, Params, coins, mark, number
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import SettingChanged
from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import MarginMode, Position, PositionKey
from hedgebot.sim.money import ONE, ZERO
from hedgebot.sim.orders import RefusedError

TYPES = {MarginMode.ISOLATED: "isolated", MarginMode.CROSS: "cross"}
ASKED_TYPES = {"ISOLATED": MarginMode.ISOLATED, "CROSSED": MarginMode.CROSS}
ADD, REDUCE = 1, 2


def keys_of(view: View, contract: Contract) -> list[PositionKey]:
    """A contract's positions: one, or in hedge mode three."""
    indices = SIDE_NAMES if view.value.state.hedge_mode else (0,)
    return [(contract.symbol, index) for index in indices]


def position_risk(session: Session, params: Params) -> Document:
    """Positions of the contracts asked for, open or not; unasked, of those that are trading."""
    view = session.view("position")
    named = bool(params.text("marginAsset") or params.text("pair"))
    chosen = [c for c in session.contracts(params) if named or STATUSES.get(c.status) == "TRADING"]
    return [figures(session, view, key) for c in chosen for key in keys_of(view, c)]


def figures(session: Session, view: View, key: PositionKey) -> Json:
    """One position as ``positionRisk`` shows it."""
    value, options = view.value, session.options
    contract, position = session.contract(key[0]), value.state.position(key)
    quote = value.quote(key[0])
    profit = position.profit(contract, quote.mark)
    isolated = value.has_own_margin(key)
    liquidation = value.liquidation_price(key) if position.contracts else None
    row: Json = {
        "symbol": contract.symbol,
        "positionAmt": number(position.contracts),
        "entryPrice": mark(position.average(contract)) if position.contracts else "0.0",
        "breakEvenPrice": _break_even(position, contract),
        "markPrice": mark(quote.mark if position.contracts else ZERO),
        "unRealizedProfit": coins(profit),
        "liquidationPrice": mark(liquidation) if liquidation is not None else "0",
        "leverage": number(value.leverage(key[0])),
        "maxQty": _most(view, contract),
        "marginType": TYPES[value.state.mode_of(key[0])],
        "isolatedMargin": coins(position.margin + profit if isolated else ZERO),
        "isAutoAddMargin": "false",
        "positionSide": SIDE_NAMES[key[1]],
        "updateTime": position.updated_ms,
    }
    if options.notional:
        worth = contract.coins(position.contracts, quote.mark)
        short = options.signed_notional and position.contracts < 0
        row["notionalValue"] = coins(-worth if short else worth) if position.contracts else "0"
    if options.isolated_wallet:
        row["isolatedWallet"] = coins(position.margin) if isolated else "0"
    return row


def _most(view: View, contract: Contract) -> str:
    """Coins that may be held at this leverage."""
    leverage = view.value.leverage(contract.symbol)
    return number(max((t.up_to for t in contract.tiers if t.max_leverage >= leverage), default=ZERO))


def _break_even(position: Position, contract: Contract) -> str:
    """Where closing, fee included, makes up for the fee of opening."""
    if not position.contracts:
        return "0.0"
    short = position.contracts < 0
    paid, fee = position.entry_coins * contract.taker, contract.taker
    rest = (
        (position.entry_coins + paid) / (ONE - fee) if short else (position.entry_coins - paid) / (ONE + fee)
    )
    return mark(position.size * contract.face / rest)


def set_leverage(session: Session, params: Params) -> Json:
    """Set a whole leverage; the same one again is no error."""
    contract = session.contract(params.required("symbol"))
    leverage = params.integer("leverage", 0)
    state = session.exchange.account(session.account).state
    held = any(state.position((contract.symbol, index)).contracts for index in SIDE_NAMES)
    before = session.exchange.truth.leverage(state, contract.symbol)
    if held and leverage < before and state.mode_of(contract.symbol) is MarginMode.ISOLATED:
        message = "Leverage reduction is not supported in Isolated Margin Mode with open positions."
        raise ApiError(-4150, message)
    too_low = (-2028, "Leverage is smaller than permitted: insufficient margin balance.")
    if leverage != before:
        try:
            session.exchange.set_leverage(session.account, contract.symbol, leverage)
        except RefusedError as refused:
            raise api_error(refused, NO_MARGIN=too_low) from refused
    view = session.view("")
    return {"leverage": leverage, "maxQty": _most(view, contract), "symbol": contract.symbol}


def set_margin_type(session: Session, params: Params) -> Json:
    """Switch one contract between isolated and cross margin, while nothing of it is open."""
    contract = session.contract(params.required("symbol"))
    wanted = ASKED_TYPES.get(params.required("marginType"))
    if wanted is None:
        raise ApiError(-1130, "Data sent for parameter 'marginType' is not valid.")
    account = session.exchange.account(session.account)
    if account.state.mode_of(contract.symbol) is wanted:
        raise ApiError(-4046, "No need to change margin type.")
    if any(order.symbol == contract.symbol for order in account.open_orders.values()):
        raise ApiError(-4047, "Margin type cannot be changed if there exists open orders.")
    if any(account.state.position((contract.symbol, index)).contracts for index in SIDE_NAMES):
        raise ApiError(-4048, "Margin type cannot be changed if there exists position.")
    session.exchange.set_margin_mode(session.account, wanted, contract.symbol)
    return {"code": 200, "msg": "success"}


def modify_margin(session: Session, params: Params) -> Json:
    """Add to an isolated margin (type 1) or take from it (type 2)."""
    contract = session.contract(params.required("symbol"))
    amount, kind = params.number("amount"), params.integer("type", 0)
    index = INDICES.get(params.text("positionSide", "BOTH"))
    if amount <= 0:
        raise ApiError(-4055, "Amount must be positive.")
    if kind not in (ADD, REDUCE) or index is None:
        raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
    short = (
        (-4050, "Cross balance insufficient.") if kind == ADD else (-4051, "Isolated balance insufficient.")
    )
    change = amount if kind == ADD else -amount
    try:
        session.exchange.add_margin(session.account, contract.symbol, change, index)
    except RefusedError as refused:
        raise api_error(refused, NO_MARGIN=short) from refused
    return {
        "amount": float(amount),
        "code": 200,
        "msg": "Successfully modify position margin.",
        "type": kind,
    }


def margin_history(session: Session, params: Params) -> list[Json]:
    """Changes of one contract's isolated margin, oldest first."""
    contract = session.contract(params.required("symbol"))
    events = session.exchange.account(session.account).events
    changes = [e for e in events if isinstance(e, SettingChanged) and e.setting == "margin"]
    rows = [_margin_change(e, contract) for e in changes if e.value.startswith(f"{contract.symbol} ")]
    return rows[-params.limit(500, 500) :]


def _margin_change(event: SettingChanged, contract: Contract) -> Json:
    amount = event.value.rpartition(" ")[2]
    return {
        "amount": number(abs(Fraction(amount))),
        "asset": contract.settle,
        "symbol": contract.symbol,
        "time": event.at_ms,
        "type": REDUCE if amount.startswith("-") else ADD,
        "positionSide": "BOTH",
    }
