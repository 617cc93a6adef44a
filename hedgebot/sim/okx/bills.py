"""What changed the account: fills, and the bills of everything."""

from collections.abc import Callable, Iterator
from fractions import Fraction

from hedgebot.sim.events import Event, Filled, FillKind, FundingPaid, Moved, Posted, SettingChanged
from hedgebot.sim.matching import Side
from hedgebot.sim.okx.positions import SIDES
from hedgebot.sim.okx.session import Session, inst_type
from hedgebot.sim.okx.wire import Json, Params, Row, num, page, parameter, span

RECENT_FILLS_DAYS, RECENT_BILLS_DAYS, ARCHIVE_DAYS = 3, 7, 90
SUB_TYPES = {
    (FillKind.TRADE, Side.BUY): "1",
    (FillKind.TRADE, Side.SELL): "2",
    (FillKind.BUST, Side.BUY): "106",
    (FillKind.BUST, Side.SELL): "107",
    (FillKind.ADL, Side.BUY): "127",
    (FillKind.ADL, Side.SELL): "128",
    (FillKind.DELIVERY, Side.SELL): "112",
    (FillKind.DELIVERY, Side.BUY): "113",
}
BILL_TYPES = {FillKind.TRADE: "2", FillKind.BUST: "5", FillKind.ADL: "9", FillKind.DELIVERY: "3"}
TRANSFER, MARGIN, FUNDING = "1", "6", "8"
EXPENSE, INCOME, TRANSFER_IN, TRANSFER_OUT = "173", "174", "11", "12"
ADDED, REDUCED = "160", "161"
BILL_BLANK: Json = dict.fromkeys(
    (
        "clOrdId",
        "earnAmt",
        "earnApr",
        "execType",
        "fillFwdPx",
        "fillIdxPx",
        "fillMarkPx",
        "fillMarkVol",
        "fillPxUsd",
        "fillPxVol",
        "fillTime",
        "from",
        "instId",
        "instType",
        "mgnMode",
        "notes",
        "ordId",
        "px",
        "tag",
        "to",
        "tradeId",
    ),
    "",
)


def recent_fills(session: Session, params: Params) -> list[Json]:
    return _listed(session, params, RECENT_FILLS_DAYS, "execution", fill_row)


def archived_fills(session: Session, params: Params) -> list[Json]:
    params.required("instType")
    return _listed(session, params, ARCHIVE_DAYS, "execution", fill_row)


def recent_bills(session: Session, params: Params) -> list[Json]:
    return _listed(session, params, RECENT_BILLS_DAYS, "transaction", bill_row)


def archived_bills(session: Session, params: Params) -> list[Json]:
    return _listed(session, params, ARCHIVE_DAYS, "transaction", bill_row)


def _listed(
    session: Session, params: Params, days: int, read: str, row: Callable[[Session, Event], Json | None]
) -> list[Json]:
    if params.text("ctType", "inverse") not in ("inverse", "linear"):
        raise parameter("ctType")
    return page(_rows(session, params, days, read, row), params)


def _rows(
    session: Session, params: Params, days: int, read: str, row: Callable[[Session, Event], Json | None]
) -> Iterator[Row]:
    """Newest first; rows of events never change."""
    at_ms = session.exchange.as_of(read)
    start, end = span(params, session.now_ms(), days)
    filters = ("instType", "instId", "ccy", "type", "subType", "ordId", "mgnMode")
    wanted = {name: params.text(name) for name in filters if params.text(name)}
    for event in reversed(session.exchange.truth.accounts[session.account].events):
        if event.at_ms < start:
            return
        if event.at_ms > min(end, at_ms):
            continue
        shown = row(session, event)
        if shown is not None and all(shown.get(name, "") == value for name, value in wanted.items()):
            yield Row(event.number, shown)


def fill_row(session: Session, event: Event) -> Json | None:
    """A trade; the fee is negative when it was paid. None for what is no trade."""
    if not isinstance(event, Filled):
        return None
    contract = session.contract(event.symbol)
    return {
        "billId": str(event.number),
        "clOrdId": event.client_id,
        "execType": "" if event.kind is not FillKind.TRADE else "M" if event.maker else "T",
        "fee": num(-event.fee),
        "feeCcy": contract.settle,
        "feeRate": "",
        "fillFwdPx": "",
        "fillIdxPx": "",
        "fillMarkPx": num(event.mark),
        "fillMarkVol": "",
        "fillPnl": num(event.realised),
        "fillPx": num(event.price),
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillSz": num(event.contracts),
        "fillTime": str(event.at_ms),
        "instId": event.symbol,
        "instType": inst_type(contract),
        "ordId": event.order_id if event.order else "",
        "posSide": SIDES[event.order.index] if event.order else "net",
        "side": event.side.value.lower(),
        "subType": SUB_TYPES[event.kind, event.side],
        "tag": "",
        "tradeId": str(event.sequence if event.kind is FillKind.TRADE else -event.sequence),
        "tradeQuoteCcy": "",
        "ts": str(event.at_ms),
    }


def bill_row(session: Session, event: Event) -> Json | None:
    """One change of the trading account's balance, or of how it is divided."""
    if isinstance(event, SettingChanged) and event.setting == "margin":
        return _margin_bill(session, event)
    if not isinstance(event, Posted):
        return None
    row: Json = {
        **BILL_BLANK,
        "bal": num(event.balance),
        "balChg": num(event.change),
        "billId": str(event.number),
        "ccy": event.wallet[1],
        "fee": "0",
        "interest": "0",
        "pnl": "0",
        "posBal": "0",
        "posBalChg": "0",
        "sz": num(abs(event.change)),
        "ts": str(event.at_ms),
    }
    match event:
        case Filled():
            return row | _trade_bill(session, event)
        case FundingPaid():
            return row | _funding_bill(session, event)
        case Moved():
            inward = event.change > 0
            route = {"from": "6" if inward else "18", "to": "18" if inward else "6"}
            return row | route | {"type": TRANSFER, "subType": TRANSFER_IN if inward else TRANSFER_OUT}
        case _:
            raise TypeError(f"no bill for {event}")


def _trade_bill(session: Session, event: Filled) -> Json:
    contract = session.contract(event.symbol)
    return {
        "clOrdId": event.client_id,
        "execType": "M" if event.maker else "T",
        "fee": num(-event.fee),
        "fillMarkPx": num(event.mark),
        "fillTime": str(event.at_ms),
        "instId": event.symbol,
        "instType": inst_type(contract),
        "ordId": event.order_id if event.order else "",
        "pnl": num(event.realised),
        "px": num(event.price),
        "subType": SUB_TYPES[event.kind, event.side],
        "sz": num(event.contracts),
        "tradeId": str(event.sequence),
        "type": BILL_TYPES[event.kind],
    }


def _funding_bill(session: Session, event: FundingPaid) -> Json:
    return {
        "instId": event.symbol,
        "instType": inst_type(session.contract(event.symbol)),
        "pnl": num(event.change),
        "px": num(event.mark),
        "subType": INCOME if event.change > 0 else EXPENSE,
        "sz": num(abs(event.contracts)),
        "type": FUNDING,
    }


def _margin_bill(session: Session, event: SettingChanged) -> Json:
    """Coins set aside for a position, or given back; the balances afterwards are not simulated."""
    symbol, _, text = event.value.partition(" ")
    contract, change = session.contract(symbol), Fraction(text)
    return {
        **BILL_BLANK,
        "bal": "",
        "balChg": num(-change),
        "billId": str(event.number),
        "ccy": contract.settle,
        "fee": "0",
        "instId": symbol,
        "instType": inst_type(contract),
        "interest": "0",
        "mgnMode": "isolated",
        "pnl": "0",
        "posBal": "",
        "posBalChg": num(change),
        "subType": ADDED if change > 0 else REDUCED,
        "sz": num(abs(change)),
        "ts": str(event.at_ms),
        "type": MARGIN,
    }
