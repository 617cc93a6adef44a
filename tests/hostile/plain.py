"""What replies say, read as a person would: a few lines for each exchange, none shared with the program.

Only figures that decisions rest on, in fractions, with their signs and units.
"""

import json
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from hedgebot.domain.account import AccountReading
from hedgebot.exchange.wire import Reply
from tests.hostile.tape import Tape

Figures = Mapping[str, Fraction]
WEEK_MS = 7 * 24 * 3_600_000
Documents = Callable[..., Any]
"""The document of a path, asked for with these parameters."""


def figures_in(tape: Tape, bodies: Mapping[Any, bytes]) -> Figures:
    """What the replies say, those in ``bodies`` in place of the tape's. Any error: they say nothing.

    A contract that is listed no more is as it was, and closed: nothing is said of its face.
    """

    return READERS[tape.venue.name](tape, documents(tape, bodies))


def documents(tape: Tape, bodies: Mapping[Any, bytes]) -> Documents:
    """A tape's documents by path, those in ``bodies`` in place of its own."""

    def document(path: str, **params: str) -> Any:
        request = next(r for r in tape.replies if r.path == path and set(params.items()) <= set(r.params))
        return read(bodies.get(request, tape.replies[request].body))

    return document


def read(body: bytes) -> Any:
    """One document. What the program could just read must not be too deep for us, who are further down."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(2 * limit)
    try:
        return json.loads(body, parse_float=str, object_pairs_hook=_once)
    finally:
        sys.setrecursionlimit(limit)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key that is there twice says two things")
    return dict(pairs)


def figures_of(reading: AccountReading, tape: Tape) -> Figures:
    """The same figures as the program understood them."""
    symbol = tape.venue.symbol
    position, quote = reading.position(symbol), reading.quote(symbol)
    face = reading.leg_facts(symbol).instrument.face.value
    return {
        "contracts": Fraction(position.contracts.value),
        "entry": Fraction(position.entry.value) if position.entry else Fraction(0),
        "mark": Fraction(quote.mark.value),
        "index": Fraction(quote.index.value) if quote.index else Fraction(0),
        "bid": Fraction(quote.bids[0][0].value) if quote.bids else Fraction(0),
        "ask": Fraction(quote.asks[0][0].value) if quote.asks else Fraction(0),
        "funding": Fraction(quote.funding.rate),
        "face": Fraction(face),
        "fee": Fraction(reading.leg_facts(symbol).taker_fee),
        "coins": sum((Fraction(w.coins.value) for w in reading.wallets if w.id.asset == "BTC"), Fraction(0)),
        "profit": sum(
            (Fraction(w.unrealized.value) for w in reading.wallets if w.id.asset == "BTC"), Fraction(0)
        ),
        "orders": sum(
            (Fraction(o.contracts.value) for o in reading.orders if o.symbol == symbol), Fraction(0)
        ),
    }


def _bybit(tape: Tape, document: Documents) -> Figures:
    native = tape.venue.native
    signs = {"Buy": 1, "Sell": -1, "": 0, "None": 0}
    rows = document("position/list", symbol=native)["result"]["list"]
    sides = [(number(r["size"]) * signs[r["side"]], r["avgPrice"]) for r in rows if r["symbol"] == native]
    ticker = only(document("market/tickers")["result"]["list"], symbol=native)
    book = document("market/orderbook")["result"]
    pot = only(document("account/wallet-balance")["result"]["list"][0]["coin"], coin="BTC")
    fee = only(document("account/fee-rate")["result"]["list"], symbol=native)
    resting = document("order/realtime", limit="50")["result"]["list"]
    over = {"Filled", "Cancelled", "PartiallyFilledCanceled", "Rejected", "Deactivated"}
    return {
        "contracts": total(size for size, _ in sides),
        "entry": entry_of(sides),
        "mark": number(ticker["markPrice"]),
        "index": number(ticker["indexPrice"] or 0),
        "bid": best(book["b"]),
        "ask": best(book["a"]),
        "funding": number(ticker["fundingRate"]),
        "face": Fraction(1),
        "fee": number(fee["takerFeeRate"]),
        "coins": number(pot["walletBalance"])
        - number(pot["spotBorrow"])
        - number(pot["bonus"])
        - number(pot["accruedInterest"]),
        "profit": number(pot["unrealisedPnl"]),
        "orders": total(
            number(row["leavesQty"]) * signs[row["side"]]
            for row in resting
            if row["symbol"] == native and row["orderStatus"] not in over
        ),
    }


def _binance(tape: Tape, document: Documents) -> Figures:
    native = tape.venue.native
    rows = document("dapi/v1/positionRisk")
    sides = [(number(r["positionAmt"]), r["entryPrice"]) for r in rows if r["symbol"] == native]
    premium = only(document("dapi/v1/premiumIndex"), symbol=native)
    book = document("dapi/v1/depth")
    pot = only(document("dapi/v1/account")["assets"], asset="BTC")
    spot = only(document("api/v3/account")["balances"], asset="BTC")
    listed = [row for row in document("dapi/v1/exchangeInfo")["symbols"] if row["symbol"] == native]
    signs, over = {"BUY": 1, "SELL": -1}, {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"}
    return {
        "contracts": total(size for size, _ in sides),
        "entry": entry_of(sides),
        "mark": number(premium["markPrice"]),
        "index": number(premium["indexPrice"] or 0),
        "bid": best(book["bids"]),
        "ask": best(book["asks"]),
        "funding": number(premium["lastFundingRate"]),
        **({"face": number(listed[0]["contractSize"])} if listed else {}),
        "fee": number(document("dapi/v1/commissionRate")["takerCommissionRate"]),
        "coins": number(pot["walletBalance"]) + number(spot["free"]) + number(spot["locked"]),
        "profit": number(pot["unrealizedProfit"]),
        "orders": total(
            (number(row["origQty"]) - number(row["executedQty"])) * signs[row["side"]]
            for row in document("dapi/v1/openOrders")
            if row["symbol"] == native and row["status"] not in over
        ),
    }


def _okx(tape: Tape, document: Documents) -> Figures:
    native = tape.venue.native

    def data(path: str, **params: str) -> Any:
        return document(path, **params)["data"]

    rows, way = data("account/positions", instId=native), {"net": 1, "long": 1, "short": -1}
    shown = [row for row in rows if row["instId"] == native and number(row["pos"])]
    sides = [(number(row["pos"]) * way[row["posSide"]], row["avgPx"]) for row in shown]
    pot = only(data("account/balance")[0]["details"], ccy="BTC")
    instruments = data("public/instruments", instType="SWAP")
    listed = [row for row in instruments if row["instId"] == native and row["ctType"] == "inverse"]
    book, fee = only(data("market/books")), only(data("account/trade-fee"))
    group = listed[0].get("groupId") if listed else fee["feeGroup"][0]["groupId"]  # older replies have none
    own = only(fee["feeGroup"], groupId=group) if group and fee.get("feeGroup") else fee
    isolated = number(pot["isoEq"]) - number(pot["isoUpl"])
    signs = {"buy": 1, "sell": -1}
    return {
        "contracts": total(size for size, _ in sides),
        "entry": entry_of(sides),
        "mark": number(only(data("public/mark-price"), instId=native)["markPx"]),
        "index": number(only(data("market/index-tickers"))["idxPx"] or 0),
        "bid": best(book["bids"]),
        "ask": best(book["asks"]),
        "funding": number(only(data("public/funding-rate"), instId=native)["fundingRate"]),
        **({"face": number(listed[0]["ctVal"]) * number(listed[0]["ctMult"])} if listed else {}),
        "fee": -number(own["taker"]),
        "coins": number(pot["cashBal"])
        + isolated
        - number(pot["interest"] or 0)
        - number(pot["rewardBal"] or 0),
        "profit": number(pot["upl"]),
        "orders": total(
            (number(row["sz"]) - number(row["accFillSz"])) * signs[row["side"]]
            for row in data("trade/orders-pending")
            if row["instId"] == native and row["state"] in {"live", "partially_filled"}
        ),
    }


def code_in(tape: Tape, reply: Reply) -> str:
    """The code by which a reply to a write says what became of it; empty for a success."""
    document = read(reply.body)
    match tape.venue.name:
        case "bybit":
            code = str(document["retCode"])
        case "binance":
            code = str(document.get("code", "0")) if reply.status != 200 else "0"
        case _:
            code = str(document["code"])
            if code in {"1", "2"} and document.get("data"):  # its row says why
                code = str(document["data"][0].get("sCode", code))
    return "" if code == "0" else code


def moved_in(tape: Tape, reply: Reply) -> set[Fraction]:
    """The coins of all moves to or from an isolated margin that a reply shows."""
    document = read(reply.body)
    rows = document if tape.venue.name == "binance" else document["data"]
    return {abs(number(row["amount" if tape.venue.name == "binance" else "posBalChg"])) for row in rows}


def withdraws_in(tape: Tape, bodies: Mapping[Any, bytes]) -> bool:
    """Whether the key can take coins away."""
    document = documents(tape, bodies)
    match tape.venue.name:
        case "bybit":
            row = document("user/query-api")["result"]
            return "Withdraw" in row["permissions"]["Wallet"] and not row["readOnly"]
        case "binance":
            return bool(document("sapi/v1/account/apiRestrictions")["enableWithdrawals"])
        case _:
            return "withdraw" in document("account/config")["data"][0]["perm"].split(",")


def paid_in(tape: Tape, bodies: Mapping[Any, bytes]) -> tuple[Fraction, Fraction]:
    """Coins received and contracts traded by all that the ledger's replies show; each entry once."""
    rows: dict[str, tuple[Fraction, Fraction]] = {}
    for request, reply in tape.replies.items():
        if request.path in LEDGERS and "orderId" not in dict(request.params):
            body = bodies.get(request, reply.body)
            document = read(body)
            rows |= LEDGERS[request.path](document, tape.since + WEEK_MS)
    return total(coins for coins, _ in rows.values()), total(size for _, size in rows.values())


def _executions(document: Any, _: int) -> dict[str, tuple[Fraction, Fraction]]:
    return {
        row["execId"]: (
            -number(row["execFee"]),
            Fraction(0)
            if row["execType"] == "Funding"
            else number(row["execQty"]) * {"Buy": 1, "Sell": -1}[row["side"]],
        )
        for row in document["result"]["list"]
    }


def _trades(document: Any, end: int) -> dict[str, tuple[Fraction, Fraction]]:
    """Pages may go on beyond what was asked for."""
    signs = {"BUY": 1, "SELL": -1}
    return {
        f"trade {row['id']}": (-number(row["commission"]), number(row["qty"]) * signs[row["side"]])
        for row in document
        if int(row["time"]) < end
    }


def _income(document: Any, _: int) -> dict[str, tuple[Fraction, Fraction]]:
    return {f"income {row['tranId']}": (number(row["income"]), Fraction(0)) for row in document}


def _fills(document: Any, _: int) -> dict[str, tuple[Fraction, Fraction]]:
    signs = {"buy": 1, "sell": -1}
    return {
        row["billId"]: (number(row["fee"]), number(row["fillSz"]) * signs[row["side"]])
        for row in document["data"]
    }


def _bills(document: Any, _: int) -> dict[str, tuple[Fraction, Fraction]]:
    return {row["billId"]: (number(row["pnl"]), Fraction(0)) for row in document["data"]}


LEDGERS: Mapping[str, Callable[[Any, int], dict[str, tuple[Fraction, Fraction]]]] = {
    "execution/list": _executions,
    "dapi/v1/userTrades": _trades,
    "dapi/v1/income": _income,
    "trade/fills": _fills,
    "account/bills": _bills,
}

READERS: Mapping[str, Callable[[Tape, Documents], Figures]] = {
    "bybit": _bybit,
    "binance": _binance,
    "okx": _okx,
}


def number(value: Any) -> Fraction:
    return Fraction(str(value))


def total(numbers: Any) -> Fraction:
    return sum(numbers, Fraction(0))


def entry_of(sides: list[tuple[Fraction, Any]]) -> Fraction:
    """The average price of the larger side."""
    return number(max(sides, key=lambda side: abs(side[0]))[1] or 0) if sides else Fraction(0)


def best(levels: Any) -> Fraction:
    return number(levels[0][0]) if levels else Fraction(0)


def only(rows: Any, **wanted: str) -> Any:
    """The one row in which these fields say this."""
    (row,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return row
