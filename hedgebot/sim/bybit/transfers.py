"""Coins between the unified and the funding wallet."""

import re

from hedgebot.sim.bybit.codes import api_error
from hedgebot.sim.bybit.session import Session
from hedgebot.sim.bybit.wire import ApiError, Json, Params, Row, coins, days_back, page
from hedgebot.sim.events import Moved, MoveKind
from hedgebot.sim.orders import RefusedError

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
FUNDING = "funding"
SPAN_DAYS = 7


def inter_transfer(session: Session, params: Params) -> Json:
    """Move coins now; a transfer id counts once."""
    transfer_id, coin = params.required("transferId"), params.required("coin")
    coins_moved = params.number("amount")
    if not UUID.fullmatch(transfer_id) or coins_moved <= 0:
        raise ApiError(131203, "Request parameter error")
    source = _wallet(session, params.required("fromAccountType"))
    target = _wallet(session, params.required("toAccountType"))
    if source == target:
        raise ApiError(131211, "fromAccountType can't be the same as toAccountType")
    try:
        session.exchange.transfer(session.account, coin, coins_moved, source, target, transfer_id)
    except RefusedError as refused:
        raise api_error(refused) from refused
    return {"transferId": transfer_id, "status": "SUCCESS"}


def transfer_list(session: Session, params: Params) -> Json:
    at_ms = session.exchange.as_of("transfer")
    account = session.exchange.truth.accounts[session.account]
    moves = [event for event in account.events if isinstance(event, Moved) and event.transfer_id]
    targets = {move.transfer_id: move.wallet[0] for move in moves if move.kind is MoveKind.TRANSFER_IN}
    start, end = days_back(params, session.now_ms(), SPAN_DAYS)
    wanted = params.text("transferId")
    rows = (
        Row(move.number, _row(move, targets[move.transfer_id]))
        for move in reversed(moves)
        if move.kind is MoveKind.TRANSFER_OUT and start <= move.at_ms <= min(end, at_ms)
        if wanted in ("", move.transfer_id) and params.text("coin") in ("", move.wallet[1])
    )
    shown, cursor = page(rows, params, default=20, most=50)
    return {"list": shown, "nextPageCursor": cursor}


def account_coins(session: Session, params: Params) -> Json:
    """One wallet's coins, the funding wallet's above all."""
    kind = params.required("accountType")
    wallet = _wallet(session, kind)
    view = session.view("wallet")
    asked = params.text("coin")
    held = [coin for name, coin in view.value.state.wallets if name == wallet]
    rows = [
        {
            "coin": coin,
            "transferBalance": coins(view.value.withdrawable((wallet, coin))),
            "walletBalance": coins(view.value.state.wallet((wallet, coin)).balance),
            "bonus": "",
        }
        for coin in (asked.split(",") if asked else held)
    ]
    return {"memberId": str(view.account.number), "accountType": kind, "balance": rows}


def withdrawal(session: Session, params: Params) -> Json:
    """How many coins of the unified wallet may leave it."""
    view = session.view("wallet")
    names = params.required("coinName").split(",")
    free = {coin: coins(view.value.withdrawable((view.account.pot, coin))) for coin in names}
    return {"availableWithdrawal": free[names[0]], "availableWithdrawalMap": free}


def coin_info(session: Session, params: Params) -> Json:
    """The coins that there are; clients ask for them before anything else."""
    contracts = session.exchange.truth.contracts.values()
    asked = params.text("coin")
    names = [asked] if asked else [*dict.fromkeys(c.settle for c in contracts), "USDT", "USDC"]
    return {"rows": [_coin_row(name) for name in names]}


def _coin_row(name: str) -> Json:
    chain = {
        "chainType": name,
        "confirmation": "1",
        "withdrawFee": "0.0002",
        "depositMin": "0",
        "withdrawMin": "0.001",
        "chain": name,
        "chainDeposit": "1",
        "chainWithdraw": "1",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "2",
        "withdrawMax": "",
    }
    return {"name": name, "coin": name, "remainAmount": "10000000", "chains": [chain]}


def _wallet(session: Session, kind: str) -> str:
    names = {"UNIFIED": session.exchange.account(session.account).pot, "FUND": FUNDING}
    if kind not in names:
        raise ApiError(131207, "Account not exist")
    return names[kind]


def _row(move: Moved, target: str) -> Json:
    kinds = {FUNDING: "FUND"}
    return {
        "transferId": move.transfer_id,
        "coin": move.wallet[1],
        "amount": coins(abs(move.change)),
        "fromAccountType": kinds.get(move.wallet[0], "UNIFIED"),
        "toAccountType": kinds.get(target, "UNIFIED"),
        "timestamp": str(move.at_ms),
        "status": "SUCCESS",
    }
