"""Private reads of the account: its coins, its settings, its fees, its leverages."""

from fractions import Fraction

from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import isolated_coins
from hedgebot.sim.money import ZERO, floor_to
from hedgebot.sim.okx.public import COIN_MARGINED_GROUP, fee_group
from hedgebot.sim.okx.session import Session, margin_mode
from hedgebot.sim.okx.wire import PLACES, ApiError, Json, Params, num
from hedgebot.sim.valuation import Valuation

SMALLEST = Fraction(1, 10**PLACES)
NOT_IN_FUTURES_MODE: Json = dict.fromkeys(
    (
        "borrowFroz",
        "crossLiab",
        "interest",
        "isoLiab",
        "liab",
        "maxLoan",
        "uplLiab",
        "spotInUseAmt",
        "clSpotInUseAmt",
        "maxSpotInUse",
        "spotBal",
        "openAvgPx",
        "accAvgPx",
        "spotUpl",
        "spotUplRatio",
        "totalPnl",
        "totalPnlRatio",
    ),
    "",
)
COIN_UNCHANGING: Json = {
    **NOT_IN_FUTURES_MODE,
    "autoLendStatus": "off",
    "autoLendMtAmt": "0",
    "colRes": "0",
    "collateralEnabled": False,
    "collateralRestrict": False,
    "colBorrAutoConversion": "0",
    "disEq": "0",
    "smtSyncEq": "0",
    "spotCopyTradingEq": "0",
    "fixedBal": "0",
    "frpType": "0",
    "spotIsoBal": "0",
    "stgyEq": "0",
    "twap": "0",
}
TOTAL_UNCHANGING: Json = dict.fromkeys(
    (
        "adjEq",
        "availEq",
        "borrowFroz",
        "delta",
        "deltaLever",
        "imr",
        "mgnRatio",
        "mmr",
        "notionalUsd",
        "notionalUsdForBorrow",
        "notionalUsdForFutures",
        "notionalUsdForOption",
        "notionalUsdForSwap",
        "ordFroz",
        "upl",
    ),
    "",
)
CONFIG: Json = {
    "acctStpMode": "cancel_maker",
    "autoLoan": False,
    "ctIsoMode": "automatic",
    "enableSpotBorrow": False,
    "feeType": "0",
    "greeksType": "PA",
    "kycLv": "3",
    "level": "Lv1",
    "levelTmp": "",
    "liquidationGear": "-1",
    "mgnIsoMode": "automatic",
    "opAuth": "0",
    "roleType": "0",
    "settleCcy": "USDC",
    "settleCcyList": ["USD", "USDC", "USDG"],
    "spotBorrowAutoRepay": False,
    "spotOffsetType": "",
    "spotRoleType": "0",
    "spotTraderInsts": [],
    "stgyType": "0",
    "traderInsts": [],
    "type": "0",
}


def balance(session: Session, params: Params) -> list[Json]:
    """The trading account. A coin of which nothing is there is not shown, asked for or not."""
    view = session.view("wallet")
    asked = params.text("ccy").split(",") if params.text("ccy") else None
    held = [coin for wallet, coin in view.value.state.wallets if wallet == view.account.pot]
    shown = [coin for coin in held if asked is None or coin in asked]
    details = [_coin(view, coin) for coin in shown if _is_there(view.value, coin)]
    worth = sum((view.value.equity(coin) * view.value.index(coin) for coin in held), ZERO)
    aside = sum((_isolated_equity(view.value, coin) * view.value.index(coin) for coin in held), ZERO)
    now = str(session.now_ms())
    totals = {"totalEq": num(worth), "isoEq": num(aside), "uTime": now, "deltaNeutralStatus": "0"}
    return [{**TOTAL_UNCHANGING, **totals, "details": details}]


def _is_there(value: Valuation, coin: str) -> bool:
    return bool(_cash(value, coin) or value.equity(coin))


def _cash(value: Valuation, coin: str) -> Fraction:
    """What is left of the wallet beside isolated margins, net of what is owed."""
    wallet = value.state.wallet((value.pot, coin))
    return wallet.balance - wallet.owed - isolated_coins(value.state, coin, value.contracts)


def _isolated_profit(value: Valuation, coin: str) -> Fraction:
    profits = (
        position.profit(value.contracts[key[0]], value.quote(key[0]).mark)
        for key, position in value.settled_in(coin)
        if value.has_own_margin(key)
    )
    return sum(profits, ZERO)


def _isolated_equity(value: Valuation, coin: str) -> Fraction:
    return isolated_coins(value.state, coin, value.contracts) + _isolated_profit(value, coin)


def _cross_margin(value: Valuation, coin: str) -> Fraction:
    """Initial margin of the positions in cross margin: what they are worth at mark over their leverage."""
    margins = (
        value.contracts[key[0]].coins(position.contracts, value.quote(key[0]).mark) / value.leverage(key[0])
        for key, position in value.pooled(coin)
    )
    return sum(margins, ZERO)


def _coin(view: View, coin: str) -> Json:
    value = view.value
    wallet, cash, own = (
        value.state.wallet((value.pot, coin)),
        _cash(value, coin),
        _isolated_equity(value, coin),
    )
    imr, ordered = _cross_margin(value, coin), value.resting.get(coin, ZERO) + wallet.locked
    mmr = sum((value.maintenance_margin(key) for key, _ in value.pooled(coin)), ZERO)
    crossed = value.profit(coin) - _isolated_profit(value, coin)
    free = cash - imr - ordered
    most = value.withdrawable((value.pot, coin)) + wallet.bonus
    equity, index = value.equity(coin), value.index(coin)
    return {
        **COIN_UNCHANGING,
        "availBal": num(max(floor_to(min(free + min(crossed, ZERO), most), SMALLEST), ZERO)),
        "availEq": num(max(free + crossed, ZERO)),
        "cashBal": num(cash),
        "ccy": coin,
        "coinUsdPrice": num(index),
        "eq": num(equity),
        "eqUsd": num(equity * index),
        "frozenBal": num(own + imr + ordered),
        "imr": num(imr),
        "isoEq": num(own),
        "isoUpl": num(_isolated_profit(value, coin)),
        "mgnRatio": num((cash + crossed) / mmr) if mmr else "",
        "mmr": num(mmr),
        "notionalLever": num(imr / (cash + crossed)) if imr and cash + crossed else "0",
        "ordFrozen": num(ordered),
        "rewardBal": num(wallet.bonus),
        "uTime": str(view.at_ms),
        "upl": num(value.profit(coin)),
    }


def config(session: Session, _params: Params) -> list[Json]:
    view, key = session.view("account"), session.owner
    number = str(view.account.number)
    perms = ["read_only", *(["withdraw"] if key.withdraw else []), *([] if key.read_only else ["trade"])]
    return [
        {
            **CONFIG,
            "acctLv": session.options.account_level,
            "ip": ",".join(key.ips),
            "label": key.account,
            "mainUid": number,
            "perm": ",".join(perms),
            "posMode": "long_short_mode" if view.value.state.hedge_mode else "net_mode",
            "uid": number,
        }
    ]


def set_position_mode(session: Session, params: Params) -> list[Json]:
    wanted = params.one_of("posMode", "long_short_mode", "net_mode")
    account = session.exchange.account(session.account)
    if account.open_orders or account.state.open_positions():
        raise ApiError(
            59000, "Settings failed. Close any open positions or orders before modifying settings."
        )
    hedge = wanted == "long_short_mode"
    if account.state.hedge_mode is not hedge:
        session.exchange.set_hedge_mode(session.account, "", hedge=hedge)
    return [{"posMode": wanted}]


def trade_fee(session: Session, params: Params) -> list[Json]:
    """Fees are negative, rebates positive."""
    kind = params.one_of("instType", "SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
    asked = {"instType": kind, "instFamily": params.text("instFamily")}
    contract = next(iter(session.contracts(Params(asked))), None)
    taker, maker = (contract.taker, contract.maker) if contract else (Fraction(1, 1000), Fraction(8, 10_000))
    paid = {"maker": num(-maker), "taker": num(-taker)}
    number = fee_group(contract) if contract else COIN_MARGINED_GROUP
    group: Json = {**paid, "elpMaker": "", "groupId": number}
    return [
        {
            **paid,
            "category": "1",
            "delivery": "",
            "exercise": "",
            "feeGroup": [group],
            "fiat": [],
            "instType": kind,
            "level": "Lv1",
            "makerU": num(-maker),
            "makerUSDC": num(-maker),
            "ruleType": "normal",
            "takerU": num(-taker),
            "takerUSDC": num(-taker),
            "ts": str(session.now_ms()),
        }
    ]


def leverage_info(session: Session, params: Params) -> list[Json]:
    mode = margin_mode(params, "mgnMode")
    hedge = session.view("account").value.state.hedge_mode
    return [
        {
            "ccy": "",
            "instId": contract.symbol,
            "mgnMode": mode.value,
            "posSide": side,
            "lever": num(session.leverage(contract, mode)),
        }
        for contract in session.contracts(Params({"instId": params.required("instId")}))
        for side in (("long", "short") if hedge else ("net",))
    ]


def max_withdrawal(session: Session, params: Params) -> list[Json]:
    view = session.view("wallet")
    asked = params.text("ccy")
    coins = asked.split(",") if asked else [c for w, c in view.value.state.wallets if w == view.account.pot]
    rows = []
    for coin in coins:
        most = num(view.value.withdrawable((view.account.pot, coin)))
        rows.append(
            {"ccy": coin, "maxWd": most, "maxWdEx": most, "spotOffsetMaxWd": "", "spotOffsetMaxWdEx": ""}
        )
    return rows
