"""COIN-M's reads of the account: wallets with their positions, fees, tiers, the position mode."""

from fractions import Fraction

from hedgebot.sim.binance.codes import api_error
from hedgebot.sim.binance.positions import figures, keys_of
from hedgebot.sim.binance.session import SIDE_NAMES, Session
from hedgebot.sim.binance.wire import ApiError, Document, Json, Params, coins, number
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Posted
from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import PositionKey, isolated_coins
from hedgebot.sim.money import ZERO, floor_to
from hedgebot.sim.orders import RefusedError
from hedgebot.sim.valuation import Valuation

SMALLEST = Fraction(1, 100_000_000)
DONE: Json = {"code": 200, "msg": "success"}


def account(session: Session, _params: Params) -> Json:
    """Wallets of all margin assets, and positions in all contracts, open or not."""
    view = session.view("wallet")
    contracts = list(session.exchange.truth.contracts.values())
    assets = dict.fromkeys(c.settle for c in contracts)
    return {
        "assets": [_asset(view, asset) for asset in assets],
        "positions": [_position(session, view, key) for c in contracts for key in keys_of(view, c)],
        "canDeposit": True,
        "canTrade": True,
        "canWithdraw": True,
        "feeTier": 0,
        "updateTime": 0,
    }


def _asset(view: View, asset: str) -> Json:
    value = view.value
    wallet = value.state.wallet((value.pot, asset))
    keys = [key for key, _ in value.settled_in(asset)]
    cross = wallet.balance - isolated_coins(value.state, asset, value.contracts)
    bound = sum((value.initial_margin(key) for key in keys), ZERO)
    resting = value.resting.get(asset, ZERO)
    return {
        "asset": asset,
        "walletBalance": coins(wallet.balance),
        "unrealizedProfit": coins(value.profit(asset)),
        "marginBalance": coins(wallet.balance + value.profit(asset)),
        "maintMargin": coins(sum((value.maintenance_margin(key) for key in keys), ZERO)),
        "initialMargin": coins(bound + resting),
        "positionInitialMargin": coins(bound),
        "openOrderInitialMargin": coins(resting),
        "maxWithdrawAmount": coins(floor_to(value.withdrawable((value.pot, asset)), SMALLEST)),
        "crossWalletBalance": coins(cross),
        "crossUnPnl": coins(_cross_profit(value, asset)),
        "availableBalance": coins(max(value.available(asset), ZERO)),
        "updateTime": _touched(view, asset),
    }


def _cross_profit(value: Valuation, asset: str) -> Fraction:
    marks = {key: value.quote(key[0]).mark for key, _ in value.pooled(asset)}
    return sum((p.profit(value.contracts[k[0]], marks[k]) for k, p in value.pooled(asset)), ZERO)


def _touched(view: View, asset: str) -> int:
    """When the wallet last changed; 0 for one that was never used."""
    key = (view.account.pot, asset)
    changes = (e for e in reversed(view.account.events) if isinstance(e, Posted) and e.wallet == key)
    return next((event.at_ms for event in changes if event.at_ms <= view.at_ms), 0)


def _position(session: Session, view: View, key: PositionKey) -> Json:
    shown = figures(session, view, key)
    position = view.value.state.position(key)
    bound = view.value.initial_margin(key)
    keeps = view.value.maintenance_margin(key) if position.contracts else ZERO
    row: Json = {
        "symbol": key[0],
        "positionAmt": shown["positionAmt"],
        "initialMargin": coins(bound) if position.contracts else "0",
        "maintMargin": coins(keeps) if position.contracts else "0",
        "unrealizedProfit": shown["unRealizedProfit"],
        "positionInitialMargin": coins(bound) if position.contracts else "0",
        "openOrderInitialMargin": "0",
        "leverage": shown["leverage"],
        "isolated": shown["marginType"] == "isolated",
        "positionSide": SIDE_NAMES[key[1]],
        "entryPrice": shown["entryPrice"],
        "breakEvenPrice": shown["breakEvenPrice"],
        "maxQty": shown["maxQty"],
        "updateTime": shown["updateTime"],
    }
    optional = ("notionalValue", "isolatedWallet")
    return {**row, **{name: shown[name] for name in optional if name in shown}}


def balance(session: Session, _params: Params) -> Document:
    view = session.view("wallet")
    assets = dict.fromkeys(c.settle for c in session.exchange.truth.contracts.values())
    rows = [_asset(view, asset) for asset in assets]
    return [
        {
            "accountAlias": f"A{view.account.number}",
            "asset": row["asset"],
            "balance": row["walletBalance"],
            "withdrawAvailable": row["maxWithdrawAmount"],
            "crossWalletBalance": row["crossWalletBalance"],
            "crossUnPnl": row["crossUnPnl"],
            "availableBalance": row["availableBalance"],
            "updateTime": row["updateTime"],
        }
        for row in rows
    ]


def commission_rate(session: Session, params: Params) -> Json:
    contract = session.contract(params.required("symbol"))
    return {
        "symbol": contract.symbol,
        "makerCommissionRate": number(contract.maker),
        "takerCommissionRate": number(contract.taker),
    }


def leverage_bracket(session: Session, params: Params) -> Document:
    return [
        {"symbol": contract.symbol, "brackets": _brackets(contract)} for contract in session.contracts(params)
    ]


def _brackets(contract: Contract) -> list[Json]:
    """Margin tiers; here, and almost only here, numbers are numbers."""
    floors = [0, *(int(tier.up_to) for tier in contract.tiers)]
    return [
        {
            "bracket": level,
            "initialLeverage": int(tier.max_leverage),
            "qtyCap": int(tier.up_to),
            "qtyFloor": floors[level - 1],
            "qtylFloor": floors[level - 1],
            "maintMarginRatio": float(tier.maintenance),
            "cum": float(tier.deduction),
        }
        for level, tier in enumerate(contract.tiers, 1)
    ]


def position_mode(session: Session, _params: Params) -> Json:
    return {"dualSidePosition": session.view("account").value.state.hedge_mode}


def set_position_mode(session: Session, params: Params) -> Json:
    params.required("dualSidePosition")
    if session.exchange.account(session.account).open_orders:
        raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
    unchanged = (-4059, "No need to change position side.")
    try:
        session.exchange.set_hedge_mode(session.account, "", hedge=params.flag("dualSidePosition"))
    except RefusedError as refused:
        raise api_error(refused, NOT_MODIFIED=unchanged) from refused
    return DONE
