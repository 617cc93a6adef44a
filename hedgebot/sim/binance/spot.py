"""The spot API: its own wallet, what is listed there, the account's switches, and transfers."""

from hedgebot.sim.binance.codes import api_error
from hedgebot.sim.binance.contracts import MARGIN, SPOT
from hedgebot.sim.binance.session import Session
from hedgebot.sim.binance.wire import ApiError, Json, Params, coins, number
from hedgebot.sim.events import Moved, MoveKind, Posted
from hedgebot.sim.orders import Reason, RefusedError

TRANSFERS = {"MAIN_CMFUTURE": (SPOT, MARGIN), "CMFUTURE_MAIN": (MARGIN, SPOT)}
STABLE = "USDT"


def exchange_info(session: Session, _params: Params) -> Json:
    """The pairs that clients expect to find; none of them trades."""
    bases = dict.fromkeys(c.base for c in session.exchange.truth.contracts.values())
    return {
        "timezone": "UTC",
        "serverTime": session.now_ms(),
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
        ],
        "exchangeFilters": [],
        "symbols": [_pair(base) for base in bases],
    }


def _pair(base: str) -> Json:
    return {
        "symbol": f"{base}{STABLE}",
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": STABLE,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01000000",
                "maxPrice": "1000000.00000000",
                "tickSize": "0.01000000",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": "0.00001000",
                "maxQty": "9000.00000000",
                "stepSize": "0.00001000",
            },
        ],
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
    }


def book_ticker(session: Session, params: Params) -> Json:
    """Best bid and best offer of one pair; it does not say when that was."""
    name = params.required("symbol")
    every = session.exchange.truth.contracts.values()
    contract = next((c for c in every if f"{c.base}{STABLE}" == name), None)
    if contract is None:
        raise api_error(RefusedError(Reason.UNKNOWN_SYMBOL))
    bid, ask = session.exchange.truth.market.spot(contract.symbol, session.exchange.as_of("ticker"))
    return {
        "symbol": name,
        "bidPrice": coins(bid),
        "bidQty": "2.00000000",
        "askPrice": coins(ask),
        "askQty": "2.00000000",
    }


def account(session: Session, _params: Params) -> Json:
    """The spot wallet: all coins that there are, also those of which it holds nothing."""
    view = session.view("spot_wallet")
    listed = dict.fromkeys([*(c.base for c in session.exchange.truth.contracts.values()), STABLE, "BNB"])
    wallets = {asset: view.value.state.wallet((SPOT, asset)) for asset in listed}
    touched = [e.at_ms for e in view.account.events if isinstance(e, Posted) and e.wallet[0] == SPOT]
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": max((at_ms for at_ms in touched if at_ms <= view.at_ms), default=0),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": coins(w.balance - w.locked), "locked": coins(w.locked)}
            for asset, w in wallets.items()
        ],
        "permissions": ["SPOT"],
        "uid": view.account.number,
    }


def account_info(session: Session, _params: Params) -> Json:
    """What is switched on for the account."""
    return {
        "vipLevel": 0,
        "isMarginEnabled": False,
        "isFutureEnabled": True,
        "isOptionsEnabled": False,
        "isPortfolioMarginRetailEnabled": session.options.portfolio_margin,
    }


def api_restrictions(session: Session, _params: Params) -> Json:
    """What the key may do."""
    key = session.owner
    expiry: Json = {} if key.expires_ms is None else {"tradingAuthorityExpirationTime": key.expires_ms}
    return {
        "ipRestrict": bool(key.ips),
        "createTime": key.created_ms,
        "enableReading": True,
        "enableWithdrawals": key.withdraw and not key.read_only,
        "enableInternalTransfer": not key.read_only,
        "enableMargin": False,
        "enableFutures": not key.read_only,
        "permitsUniversalTransfer": not key.read_only,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": not key.read_only,
        "enablePortfolioMarginTrading": False,
        **expiry,
    }


def transfer(session: Session, params: Params) -> Json:
    """Move coins between the two wallets now. The exchange takes no id of ours: each request moves again."""
    wallets = TRANSFERS.get(params.required("type"))
    asset, amount = params.required("asset"), params.number("amount")
    if wallets is None:
        raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
    number_of_it = session.exchange.truth.new_id()
    try:
        session.exchange.transfer(session.account, asset, amount, *wallets, number_of_it)
    except RefusedError as refused:
        raise api_error(refused) from refused
    return {"tranId": int(number_of_it)}


def transfers(session: Session, params: Params) -> Json:
    """Transfers of one kind, the last first."""
    kind = params.required("type")
    if kind not in TRANSFERS:
        raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
    at_ms = session.exchange.as_of("transfer")
    source = TRANSFERS[kind][0]
    moves = [
        e
        for e in session.exchange.truth.accounts[session.account].events
        if isinstance(e, Moved) and e.kind is MoveKind.TRANSFER_OUT and e.wallet[0] == source
        if params.integer("startTime", 0) <= e.at_ms <= min(params.integer("endTime", at_ms), at_ms)
    ]
    size, page = params.integer("size", 10), max(params.integer("current", 1), 1)
    shown = moves[::-1][(page - 1) * size : page * size]
    there = {
        e.transfer_id
        for e in session.exchange.account(session.account).events
        if isinstance(e, Moved) and e.kind is MoveKind.TRANSFER_IN and e.at_ms <= at_ms
    }
    return {
        "total": len(moves),
        "rows": [_transfer(move, kind, arrived=move.transfer_id in there) for move in shown],
    }


def _transfer(move: Moved, kind: str, *, arrived: bool) -> Json:
    return {
        "asset": move.wallet[1],
        "amount": number(-move.change),
        "type": kind,
        "status": "CONFIRMED" if arrived else "PENDING",
        "tranId": int(move.transfer_id),
        "timestamp": move.at_ms,
    }
