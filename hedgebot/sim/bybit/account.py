"""Private reads of the account: balances, its settings, fees, the key, and the log of its wallet."""

from datetime import UTC, datetime

from hedgebot.sim.bybit.session import CATEGORIES, Session
from hedgebot.sim.bybit.wire import ApiError, Json, Params, coins, dollars, ratio
from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.money import ONE, ZERO
from hedgebot.sim.valuation import Valuation

MODES = {
    MarginMode.ISOLATED: "ISOLATED_MARGIN",
    MarginMode.CROSS: "REGULAR_MARGIN",
    MarginMode.PORTFOLIO: "PORTFOLIO_MARGIN",
}
UNIFIED_PRO = 6  # unified trading account 2.0, pro
PERMISSIONS: Json = {
    "ContractTrade": ["Order", "Position"],
    "Spot": ["SpotTrade"],
    "Wallet": ["AccountTransfer"],
    "Options": [],
    "Derivatives": ["DerivativesTrade"],
    "CopyTrading": [],
    "BlockTrade": [],
    "Exchange": [],
    "NFT": [],
    "Affiliate": [],
    "Earn": [],
    "FiatP2P": [],
    "FiatBybitPay": [],
    "FiatConvertBroker": [],
}
KEY_UNCHANGING: Json = {
    "secret": "",
    "type": 1,
    "unified": 0,
    "uta": 1,
    "inviterID": 0,
    "vipLevel": "No VIP",
    "mktMakerLevel": "0",
    "affiliateID": 0,
    "rsaPublicKey": "",
    "isMaster": True,
    "parentUid": "0",
    "kycLevel": "LEVEL_1",
    "kycRegion": "",
}


def wallet_balance(session: Session, params: Params) -> Json:
    """The unified wallet; without ``coin`` only coins that are there or owed."""
    if params.required("accountType") != "UNIFIED":
        raise ApiError(10001, "accountType only support UNIFIED.")
    view = session.view("wallet")
    asked = params.text("coin")
    held = [coin for wallet, coin in view.value.state.wallets if wallet == view.account.pot]
    rows = [
        _coin(view.value, coin)
        for coin in (asked.split(",") if asked else held)
        if asked or view.value.state.wallet((view.account.pot, coin)).balance or view.value.equity(coin)
    ]
    return {"list": [{**_totals(view, held), "coin": rows}]}


def _totals(view: View, held: list[str]) -> Json:
    """Account-wide figures in dollars; in isolated margin there is no such account, and they are empty."""
    value = view.value
    equity = wallet = profit = ZERO
    for coin in held:
        index = value.index(coin)
        own = value.state.wallet((view.account.pot, coin))
        wallet += (own.balance - own.owed) * index
        equity += value.equity(coin) * index
        profit += value.profit(coin) * index
    margins = dict.fromkeys(MARGIN_FIELDS, "") if value.isolated else _pooled(value)
    return {
        "totalEquity": dollars(equity),
        "accountType": "UNIFIED",
        "totalPerpUPL": "" if value.isolated else dollars(profit),
        "totalWalletBalance": dollars(wallet),
        "accountLTV": "",
        **margins,
    }


MARGIN_FIELDS = (
    "accountIMRate",
    "accountIMRateByMp",
    "totalMarginBalance",
    "totalInitialMargin",
    "totalInitialMarginByMp",
    "totalAvailableBalance",
    "accountMMRate",
    "accountMMRateByMp",
    "totalMaintenanceMargin",
    "totalMaintenanceMarginByMp",
)


def _pooled(value: Valuation) -> Json:
    pool, initial = value.pool(), value.initial()
    whole = pool.balance if pool.balance > 0 else ONE
    used, least = ratio(initial / whole), ratio(pool.maintenance / whole)
    taken, needed = dollars(initial), dollars(pool.maintenance)
    figures = (used, used, dollars(pool.balance), taken, taken, dollars(pool.balance - initial), least, least)
    return dict(zip(MARGIN_FIELDS, (*figures, needed, needed), strict=True))


def _coin(value: Valuation, coin: str) -> Json:
    wallet = value.state.wallet((value.pot, coin))
    keys = [key for key, _ in value.settled_in(coin)]
    equity = value.equity(coin)
    portfolio = value.state.margin_mode is MarginMode.PORTFOLIO
    if value.isolated:
        initial = value.roles(coin).in_positions
    else:
        initial = sum((value.initial_margin(key) for key in keys), ZERO)
    maintenance = sum((value.maintenance_margin(key) for key in keys), ZERO)
    return {
        "availableToBorrow": "",
        "bonus": coins(wallet.bonus),
        "accruedInterest": "0",
        "availableToWithdraw": "",
        "totalOrderIM": "" if portfolio else coins(value.resting.get(coin, ZERO)),
        "equity": coins(equity),
        "totalPositionMM": "" if portfolio else coins(maintenance),
        "usdValue": dollars(equity * value.index(coin)),
        "unrealisedPnl": coins(value.profit(coin)),
        "collateralSwitch": True,
        "spotHedgingQty": "0",
        "borrowAmount": coins(wallet.owed),
        "totalPositionIM": "" if portfolio else coins(initial),
        "walletBalance": coins(wallet.balance),
        "cumRealisedPnl": coins(wallet.realised),
        "locked": coins(wallet.locked),
        "marginCollateral": True,
        "coin": coin,
        "spotBorrow": coins(wallet.owed),
    }


def info(session: Session, _params: Params) -> Json:
    view = session.view("account")
    return {
        "marginMode": MODES[view.value.state.margin_mode],
        "updatedTime": str(view.value.state.settings_ms or session.owner.created_ms),
        "unifiedMarginStatus": UNIFIED_PRO,
        "dcpStatus": "OFF",
        "timeWindow": 0,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def fee_rate(session: Session, params: Params) -> Json:
    category = params.category()
    if category not in CATEGORIES:
        return {"list": []}
    return {
        "list": [
            {"symbol": c.symbol, "takerFeeRate": ratio(c.taker), "makerFeeRate": ratio(c.maker)}
            for c in session.contracts(params)
        ]
    }


def query_api(session: Session, _params: Params) -> Json:
    """What the key may do; a key that never expires is reported as Bybit reports one bound to addresses."""
    key = session.owner
    number = session.exchange.truth.accounts[key.account].number
    wallet = ["AccountTransfer", "Withdraw"] if key.withdraw and not key.read_only else ["AccountTransfer"]
    return {
        **KEY_UNCHANGING,
        "id": str(number),
        "userID": number,
        "note": key.account,
        "apiKey": key.key,
        "readOnly": int(key.read_only),
        "permissions": {**PERMISSIONS, "Wallet": wallet},
        "ips": list(key.ips) or ["*"],
        "deadlineDay": _days_left(key.expires_ms, session.now_ms()),
        "expiredAt": _iso(key.expires_ms or 0),
        "createdAt": _iso(key.created_ms),
    }


def _days_left(expires_ms: int | None, now_ms: int) -> int:
    return -2 if expires_ms is None else max(expires_ms - now_ms, 0) // 86_400_000


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
