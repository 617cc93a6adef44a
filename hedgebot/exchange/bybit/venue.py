"""What Bybit is: its hosts, limits, endpoints, the form of its replies, and what its codes mean.

Sources: Bybit's v5 documentation (error codes, rate limits, enum definitions) and ccxt's error table.
"""

import re
from typing import NamedTuple

from hedgebot.domain.instrument import Instrument, settled_in
from hedgebot.exchange.client import Endpoint, Venue
from hedgebot.exchange.convert import Fields, strict_json
from hedgebot.exchange.fates import Answer, Codes, Operation
from hedgebot.exchange.wire import Reply

INVERSE, LINEAR, SPOT = "inverse", "linear", "spot"

INSTRUMENTS = Endpoint("market/instruments-info", "publicGetV5MarketInstrumentsInfo")
RISK_LIMITS = Endpoint("market/risk-limit", "publicGetV5MarketRiskLimit")
TICKERS = Endpoint("market/tickers", "publicGetV5MarketTickers")
ORDER_BOOK = Endpoint("market/orderbook", "publicGetV5MarketOrderbook")
CANDLES = Endpoint("market/kline", "publicGetV5MarketKline")
ACCOUNT = Endpoint("account/info", "privateGetV5AccountInfo")
FEE_RATE = Endpoint("account/fee-rate", "privateGetV5AccountFeeRate")
KEY = Endpoint("user/query-api", "privateGetV5UserQueryApi")
WALLET = Endpoint("account/wallet-balance", "privateGetV5AccountWalletBalance")
POSITIONS = Endpoint("position/list", "privateGetV5PositionList")
ORDERS = Endpoint("order/realtime", "privateGetV5OrderRealtime")
ORDER_HISTORY = Endpoint("order/history", "privateGetV5OrderHistory")
EXECUTIONS = Endpoint("execution/list", "privateGetV5ExecutionList")
PLACE = Endpoint("order/create", "privatePostV5OrderCreate")
CANCEL = Endpoint("order/cancel", "privatePostV5OrderCancel")
SET_LEVERAGE = Endpoint("position/set-leverage", "privatePostV5PositionSetLeverage")
MOVE_MARGIN = Endpoint("position/add-margin", "privatePostV5PositionAddMargin")


def category(symbol: str) -> str:
    """The part of Bybit that a contract belongs to, from its unified name."""
    return INVERSE if settled_in(symbol) == symbol.partition("/")[0] else LINEAR


def scope(contract: Instrument) -> dict[str, object]:
    """What names one contract in a request."""
    return {"category": category(contract.symbol), "symbol": contract.native}


class Kind(NamedTuple):
    """All contracts that are margined alike; without ``settles`` in whatever they settle in."""

    category: str
    settles: str = ""

    @property
    def params(self) -> dict[str, str]:
        """What names them in a request."""
        return {"category": self.category} | ({"settleCoin": self.settles} if self.settles else {})


def kind(contract: Instrument) -> Kind:
    """The contracts that share a contract's kind of margin."""
    found = category(contract.symbol)
    return Kind(found, settled_in(contract.symbol) if found == LINEAR else "")


CREDENTIALS = {
    "10003": "the key is not valid here",
    "10004": "the signature is refused",
    "10005": "the key lacks a permission",
    "10007": "the key is not known",
    "10010": "the key is bound to other addresses",
    "33004": "the key has expired",
}
PASSING = {
    "10000": "time-out within the exchange",
    "10002": "outside the time window",
    "10016": "error within the exchange",
    "170007": "time-out within the exchange",
}
THROTTLED = {"10006": "too many requests", "10018": "too many requests from this address"}
OVERLOADED = {"429": "the trading service is overloaded", "10429": "system protection"}
REFUSED = {
    **THROTTLED,
    "10001": "a parameter is wrong",
    "10002": "outside the time window",
    "10008": "the account is banned",
    "10009": "not available in this region",
    "10017": "no such path",
    "10024": "compliance rules",
    "10027": "trading is banned",
    "10028": "only for unified accounts",
    "10029": "the key may not use this contract",
    "100028": "not for unified accounts",
}
ORDER_REJECTED = {
    "30208": "price above the highest allowed",
    "30209": "price below the lowest allowed",
    "30228": "being delisted: no new positions",
    "110003": "price out of range",
    "110004": "wallet balance too small",
    "110005": "the position is being liquidated or reduced",
    "110006": "the coins do not cover the margin",
    "110007": "available balance too small",
    "110012": "available balance too small",
    "110016": "beyond the risk limit",
    "110017": "nothing to reduce",
    "110020": "too many open orders",
    "110021": "open-interest limit",
    "110023": "this contract may only be reduced",
    "110032": "illegal order",
    "110040": "would liquidate at once",
    "110042": "before delivery: reductions only",
    "110044": "available margin too small",
    "110045": "wallet balance too small",
    "110051": "available balance too small at the lowest price",
    "110052": "available balance too small at this price",
    "110053": "available balance too small at the highest price",
    "110063": "settlement in progress",
    "110066": "trading is not allowed now",
    "110067": "not for unified accounts",
    "110068": "leveraged trading is not allowed",
    "110069": "lending customers may not trade",
    "110074": "the contract is not live",
    "110080": "institutional loan is being liquidated",
    "110085": "risk limit has changed: choose a supported one",
    "110086": "leverage above what the risk limit allows",
    "110087": "leverage above what the loan allows",
    "110089": "beyond the highest risk limit",
    "110090": "beyond the position limit at this leverage",
    "110094": "order value too small",
    "110101": "the coin must be switched on as collateral",
    "110102": "inverse contracts are closed to this account",
    "110104": "loan limit: no new inverse positions",
    "110105": "loan limit: no inverse trading",
    "110106": "loan limit: contract not on the list",
    "110107": "loan limit: leverage too high",
    "110120": "price below the limit",
    "110121": "price above the limit",
    "110123": "trading terms not accepted",
    "110124": "cooling-off period",
    "110125": "trading terms of this contract not accepted",
    "110131": "loan limit: margin",
    "110132": "not available in this region",
    "170346": "the coin is no collateral here",
}
CANCEL_REJECTED = {
    "110001": "no such order",
    "110008": "the order is over",
    "110010": "the order was cancelled before",
    "110019": "illegal order id",
}
LEVERAGE_REJECTED = {
    "110011": "would liquidate at once",
    "110012": "available balance too small",
    "110013": "not allowed by the risk limit",
    "110036": "leverage belongs to the account in cross margin",
    "110038": "no leverage in portfolio margin",
    "110044": "available margin too small",
    "110046": "would liquidate at once",
    "110086": "leverage above what the risk limit allows",
    "110087": "leverage above what the loan allows",
    "110090": "beyond the position limit at this leverage",
}
MARGIN_REJECTED = {
    "110005": "the position is being liquidated or reduced",
    "110007": "available balance too small",
    "110011": "would liquidate at once",
    "110012": "available balance too small",
    "110014": "available balance too small",
    "110015": "the position is in cross margin",
    "110027": "it would change nothing",
    "110033": "there is no open position",
    "110034": "there is no position",
    "110044": "available margin too small",
    "110045": "wallet balance too small",
    "110046": "would liquidate at once",
    "110063": "settlement in progress",
    "110074": "the contract is not live",
    "110078": "more than the position can spare",
}
CODES = Codes(
    credentials=CREDENTIALS,
    passing=PASSING,
    refused=REFUSED,
    rejected={
        Operation.PLACE: ORDER_REJECTED,
        Operation.CANCEL: CANCEL_REJECTED,
        Operation.LEVERAGE: LEVERAGE_REJECTED,
        Operation.MARGIN: MARGIN_REJECTED,
    },
    already={Operation.LEVERAGE: {"110043": "this leverage is set already"}},
)

BAN = 600.0  # seconds; "403, access too frequent": leave the address alone for at least ten minutes
LONGEST_WAIT = 600.0
RESET_AT = "X-Bapi-Limit-Reset-Timestamp"
WAIT_UNTOLD = 1.0  # quotas are counted by the second
DIGITS = re.compile(r"[0-9]{1,15}")


def answer(reply: Reply, where: str) -> Answer:
    """The envelope of a v5 reply. Raises ``ConversionError`` for anything that is not exactly one."""
    envelope = Fields(_document(reply, where), where)
    code = envelope.value("retCode")
    if type(code) is not int:
        raise envelope.wrong("retCode", f"is {code!r}, not a number")
    return Answer(
        ok=code == 0,
        code=str(code),
        message=envelope.text("retMsg"),
        at=envelope.millis("time") if envelope.has("time") else None,
        result=envelope.value("result") if code == 0 else None,
        where=where,
    )


def _document(reply: Reply, where: str) -> object:
    if reply.status != 200:
        raise Fields({}, where).wrong("status", f"is HTTP {reply.status}")
    return strict_json(reply.body, where)


def pause(reply: Reply, said: Answer | None, now_ms: int | None) -> float | None:
    """Seconds for which Bybit wants no requests; None if it does not mind."""
    if reply.status == 403 and b"too frequent" in reply.body.lower():
        return BAN
    if reply.status == 429:
        return _seconds(reply.headers.get("Retry-After", ""), 1.0) or WAIT_UNTOLD
    if said is not None and said.code in THROTTLED:
        reset_at = reply.headers.get(RESET_AT, "")
        left = 0 if now_ms is None or not DIGITS.fullmatch(reset_at) else int(reset_at) - now_ms
        return min(left / 1000, LONGEST_WAIT) if left > 0 else WAIT_UNTOLD
    return WAIT_UNTOLD if said is not None and said.code in OVERLOADED else None


def _seconds(text: str, unit: float) -> float:
    return min(int(text) * unit, LONGEST_WAIT) if DIGITS.fullmatch(text) else 0.0


VENUE = Venue(
    name="bybit",
    hosts=frozenset({"api.bybit.com"}),
    sandbox_hosts=frozenset({"api-testnet.bybit.com"}),
    capacity=60,  # 600 requests in any 5 seconds from one address; several accounts may share it
    rate=50,
    codes=CODES,
    answer=answer,
    pause=pause,
)
