"""The log of the unified wallet: every change of it, and why."""

from hedgebot.sim.bybit.session import Session
from hedgebot.sim.bybit.wire import Json, Params, Row, coins, days_back, page, ratio
from hedgebot.sim.events import Filled, FillKind, FundingPaid, Moved, MoveKind, Posted
from hedgebot.sim.valuation import STABLE

TRADE_TYPES = {
    FillKind.TRADE: "TRADE",
    FillKind.ADL: "ADL",
    FillKind.BUST: "LIQUIDATION",
    FillKind.DELIVERY: "DELIVERY",
}
MOVE_TYPES = {
    MoveKind.DEPOSIT: "TRANSFER_IN",
    MoveKind.WITHDRAWAL: "TRANSFER_OUT",
    MoveKind.TRANSFER_IN: "TRANSFER_IN",
    MoveKind.TRANSFER_OUT: "TRANSFER_OUT",
    MoveKind.LOAN: "BORROW",
    MoveKind.REPAYMENT: "REPAY",
    MoveKind.BONUS: "BONUS",
}


LOG_EMPTY: Json = {
    "symbol": "",
    "category": "",
    "side": "None",
    "type": "",
    "transSubType": "",
    "qty": "0",
    "size": "0",
    "tradePrice": "",
    "funding": "",
    "fee": "0",
    "cashFlow": "0",
    "feeRate": "",
    "bonusChange": "",
    "tradeId": "",
    "orderId": "",
    "orderLinkId": "",
    "extraFees": "",
}


def transaction_log(session: Session, params: Params) -> Json:
    """Every change of the unified wallet, newest first."""
    at_ms = session.exchange.as_of("transaction")
    account = session.exchange.truth.accounts[session.account]
    start, end = days_back(params, session.now_ms(), 1 if not params.text("startTime") else 7)
    wanted = (params.text("currency"), params.text("type"))
    end = min(end, at_ms)
    rows = (
        Row(event.number, row)
        for event in reversed(account.events)
        if isinstance(event, Posted) and event.wallet[0] == account.pot and start <= event.at_ms <= end
        if _matches(row := _transaction(account.number, event), wanted)
    )
    shown, cursor = page(rows, params, default=20, most=50)
    return {"list": shown, "nextPageCursor": cursor}


def _matches(row: Json, wanted: tuple[str, str]) -> bool:
    return all(want in ("", row[name]) for name, want in zip(("currency", "type"), wanted, strict=True))


def _transaction(account: int, event: Posted) -> Json:
    row = {
        **LOG_EMPTY,
        "id": f"{account}_{event.wallet[1]}_{event.number}",
        "transactionTime": str(event.at_ms),
        "currency": event.wallet[1],
        "change": coins(event.change),
        "cashBalance": coins(event.balance),
    }
    category = "linear" if event.wallet[1] in STABLE else "inverse"
    match event:
        case Filled():
            return {**row, **_logged_trade(event), "category": category}
        case FundingPaid():
            return {**row, **_logged_funding(event), "category": category}
        case Moved():
            return {**row, "type": MOVE_TYPES[event.kind], "cashFlow": coins(event.change)}
        case _:
            raise TypeError(f"no line of the log for {event}")


def _logged_trade(event: Filled) -> Json:
    return {
        "symbol": event.symbol,
        "side": event.side.value,
        "type": TRADE_TYPES[event.kind],
        "fee": coins(event.fee),
        "feeRate": ratio(event.fee_rate),
        "cashFlow": coins(event.realised),
        "qty": coins(event.contracts),
        "size": coins(event.after),
        "tradePrice": ratio(event.price),
        "orderId": event.order_id,
        "orderLinkId": event.client_id,
        "tradeId": event.execution_id,
    }


def _logged_funding(event: FundingPaid) -> Json:
    long = event.contracts > 0
    return {
        "symbol": event.symbol,
        "side": "Buy" if long else "Sell",
        "type": "SETTLEMENT",
        "funding": coins(event.change),
        "feeRate": ratio(event.rate if long else -event.rate),
        "qty": coins(abs(event.contracts)),
        "size": coins(event.contracts),
        "tradePrice": ratio(event.mark),
        "tradeId": event.execution_id,
    }
