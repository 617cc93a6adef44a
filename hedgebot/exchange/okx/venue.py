"""What OKX is: its host, limits, endpoints, the form of its replies, and what its codes mean.

Sources: OKX's v5 documentation (error codes, rate limits) and ccxt's error table.
"""

import re

from hedgebot.domain.units import Millis
from hedgebot.exchange.client import Endpoint, Quota, Venue
from hedgebot.exchange.convert import Fields, strict_json
from hedgebot.exchange.fates import Answer, Codes, Operation
from hedgebot.exchange.wire import Reply

SWAP, FUTURES = "SWAP", "FUTURES"


def _per_two_seconds(requests: int) -> Quota:
    """Half may go out at once and the other half over two seconds, so that no two seconds hold more."""
    return Quota(requests / 2, requests / 4)


TIME = Endpoint("public/time", "publicGetPublicTime", _per_two_seconds(10))
INSTRUMENTS = Endpoint("public/instruments", "publicGetPublicInstruments", _per_two_seconds(20))
TIERS = Endpoint("public/position-tiers", "publicGetPublicPositionTiers", _per_two_seconds(10))
MARK_PRICE = Endpoint("public/mark-price", "publicGetPublicMarkPrice", _per_two_seconds(10))
FUNDING_RATE = Endpoint("public/funding-rate", "publicGetPublicFundingRate", _per_two_seconds(10))
INDEX = Endpoint("market/index-tickers", "publicGetMarketIndexTickers", _per_two_seconds(20))
SPOT_TICKER = Endpoint("market/ticker", "publicGetMarketTicker", _per_two_seconds(20))
BOOKS = Endpoint("market/books", "publicGetMarketBooks", _per_two_seconds(40))
CANDLES = Endpoint("market/candles", "publicGetMarketCandles", _per_two_seconds(40))
CONFIG = Endpoint("account/config", "privateGetAccountConfig", _per_two_seconds(5))
FEE = Endpoint("account/trade-fee", "privateGetAccountTradeFee", _per_two_seconds(5))
BALANCE = Endpoint("account/balance", "privateGetAccountBalance", _per_two_seconds(10))
POSITIONS = Endpoint("account/positions", "privateGetAccountPositions", _per_two_seconds(10))
LEVERAGE = Endpoint("account/leverage-info", "privateGetAccountLeverageInfo", _per_two_seconds(20))
BILLS = Endpoint("account/bills", "privateGetAccountBills", _per_two_seconds(10))
BILLS_ARCHIVE = Endpoint("account/bills-archive", "privateGetAccountBillsArchive", _per_two_seconds(5))
FILLS = Endpoint("trade/fills", "privateGetTradeFills", _per_two_seconds(60))
FILLS_HISTORY = Endpoint("trade/fills-history", "privateGetTradeFillsHistory", _per_two_seconds(10))
ORDER = Endpoint("trade/order", "privateGetTradeOrder", _per_two_seconds(60))
PENDING = Endpoint("trade/orders-pending", "privateGetTradeOrdersPending", _per_two_seconds(60))
HISTORY = Endpoint("trade/orders-history", "privateGetTradeOrdersHistory", _per_two_seconds(40))
PLACE = Endpoint("trade/order (POST)", "privatePostTradeOrder", _per_two_seconds(60))
CANCEL = Endpoint("trade/cancel-order", "privatePostTradeCancelOrder", _per_two_seconds(60))
SET_LEVERAGE = Endpoint("account/set-leverage", "privatePostAccountSetLeverage", _per_two_seconds(20))
MOVE_MARGIN = Endpoint(
    "account/position/margin-balance", "privatePostAccountPositionMarginBalance", _per_two_seconds(20)
)

CREDENTIALS = {
    "50030": "the key lacks a permission",
    "50035": "the key has to be bound to addresses for this",
    "50100": "the key is frozen",
    "50101": "the key belongs to the other environment: real and demo trading have keys of their own",
    "50103": "there is no key",
    "50104": "there is no passphrase",
    "50105": "the passphrase is wrong",
    "50106": "there is no signature",
    "50110": "the key is bound to other addresses",
    "50111": "the key is not valid here",
    "50113": "the signature is refused",
    "50114": "the key is refused",
    "50119": "the key does not exist",
    "50120": "the key lacks a permission",
    "50121": "not from this address",
}
PASSING = {
    "50001": "out of service for the moment",
    "50004": "time-out within the exchange",
    "50013": "the exchange is busy",
    "50026": "error within the exchange",
    "50102": "outside the time window",
    "51054": "time-out within the exchange",
}
THROTTLED = {
    "50011": "too many requests",
    "50040": "too many requests",
    "50061": "too many orders of this account",
}
REFUSED = {
    **THROTTLED,
    "50000": "the request has no body",
    "50002": "the request is no JSON",
    "50005": "this endpoint is out of use",
    "50006": "the request has the wrong content type",
    "50007": "the user is blocked",
    "50008": "the user does not exist",
    "50009": "the account is frozen",
    "50012": "the account's status does not allow it",
    "50014": "a parameter is empty",
    "50015": "a parameter is missing",
    "50016": "two parameters contradict each other",
    "50017": "the position is frozen by auto-deleveraging",
    "50018": "the coin is frozen by auto-deleveraging",
    "50019": "the account is frozen by auto-deleveraging",
    "50020": "the position is frozen by a liquidation",
    "50021": "the coin is frozen by a liquidation",
    "50022": "the account is frozen by a liquidation",
    "50023": "funding is being settled",
    "50024": "two parameters exclude each other",
    "50027": "the account may not trade",
    "50028": "the order cannot be taken",
    "50029": "risk control holds the account",
    "50032": "this coin may not be traded by the account",
    "50033": "this contract may not be traded by the account",
    "50038": "not in demo trading",
    "50041": "the user is not on the list",
    "50046": "temporarily out of use",
    "50051": "not allowed in this region",
    "50052": "this coin is not allowed in this region",
    "50059": "the exchange wants more steps of the account's owner",
    "50060": "the exchange wants the owner's identity",
    "50062": "out of use",
    "50102": "outside the time window",
    "50107": "there is no time stamp",
    "50112": "the time stamp is wrong",
    "50115": "wrong method",
    "51000": "a parameter is wrong",
    "51001": "no such contract",
    "51009": "orders of this account are blocked",
    "51010": "not in this account mode",
    "51015": "the contract is of another kind",
    "51024": "the trading account is blocked",
}
ORDER_REJECTED = {
    "50036": "it arrived after its time",
    "50037": "it arrived after its time",
    "50072": "isolated margin is not offered in this account mode",
    "51004": "beyond the position limit at this leverage",
    "51005": "more than the largest order",
    "51006": "the price is beyond the limits",
    "51007": "less than one contract",
    "51008": "the coins do not cover the margin",
    "51020": "less than the smallest order",
    "51021": "not listed yet",
    "51022": "the contract is suspended",
    "51023": "there is no position",
    "51025": "too many orders",
    "51027": "the contract has expired",
    "51028": "the contract is being delivered",
    "51029": "the contract is being settled",
    "51030": "funding is being settled",
    "51031": "the price is out of range for closing",
    "51032": "the position is being closed at market",
    "51037": "only orders that lower the risk",
    "51041": "portfolio margin knows one-way mode only",
    "51043": "there is no isolated position",
    "51087": "the coin is being delisted",
    "51101": "more than the largest order",
    "51102": "too many open orders in this contract",
    "51103": "too many open orders in this family",
    "51104": "too many contracts in open orders of this family",
    "51105": "beyond the position limit of this contract",
    "51106": "beyond the position limit of this family",
    "51107": "beyond the position limit of this family",
    "51109": "nothing is on offer",
    "51112": "more than there is to close",
    "51116": "the price is beyond the limits",
    "51117": "too many open orders that close",
    "51119": "the balance does not cover it",
    "51120": "less than the smallest order",
    "51121": "no whole number of lots",
    "51122": "below the lowest price",
    "51124": "limit orders only during the auction",
    "51127": "nothing is available",
    "51131": "the balance does not cover it",
    "51134": "there is not so much to close",
    "51135": "the price is above the limit",
    "51136": "the price is below the limit",
    "51137": "the price is above the limit",
    "51138": "the price is below the limit",
    "51148": "it could turn the position",
    "51150": "too many decimals",
    "51155": "not allowed in this region",
    "51169": "nothing to reduce",
    "51170": "it would not reduce",
    "51174": "too many open orders",
    "51185": "more than the largest order",
    "51186": "leverage above the platform's limit",
    "51187": "beyond the platform's position limit",
    "51203": "more than the largest order",
    "51204": "there is no price",
    "51205": "nothing to reduce",
    "51206": "another order that reduces stands in the way",
}
CANCEL_REJECTED = {
    "51400": "it is over, or there is no such order",
    "51401": "it was cancelled before",
    "51402": "it is over",
    "51410": "it is being cancelled, or settled",
    "51503": "it is over",
    "51603": "there is no such order",
}
LEVERAGE_REJECTED = {
    "51039": "no leverage in portfolio margin",
    "59000": "there are open positions or orders",
    "59100": "there are open positions",
    "59101": "there are open orders in isolated margin",
    "59102": "above the highest leverage",
    "59103": "the margin does not cover it",
    "59104": "beyond the position limit at this leverage",
    "59105": "below the lowest leverage",
    "59106": "the margin does not cover it",
    "59107": "there are open orders in cross margin",
    "59108": "the margin does not cover it",
    "59109": "the margin does not cover it",
    "59112": "there are open orders",
}
MARGIN_REJECTED = {
    "51023": "there is no position",
    "51043": "there is no isolated position",
    "59200": "the balance does not cover it",
    "59201": "the balance is below zero",
    "59300": "there is no position",
    "59301": "more than may be added or taken",
    "59302": "an order that closes stands in the way",
    "59303": "available margin too small",
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
    absent={"51603": "there is no such order"},
)

READABLE = frozenset({200, 400, 401, 429})
"""The statuses whose body is an answer: those that OKX documents for codes that refuse. No 5xx is."""

FAILED, PARTLY = "1", "2"
WAIT_UNTOLD = 2.0  # seconds; quotas are counted over two
LONGEST_WAIT = 600.0
DIGITS = re.compile(r"[0-9]{1,6}")


def answer(reply: Reply, where: str) -> Answer:
    """The envelope of a v5 reply. Raises ``ConversionError`` for anything that is not exactly one.

    Where a write failed it is the code of its row that tells why.
    """
    if reply.status not in READABLE:
        raise Fields({}, where).wrong("status", f"is HTTP {reply.status}")
    envelope = Fields(strict_json(reply.body, where), where)
    code, message = envelope.digits("code"), envelope.text("msg")
    if code == "0" and reply.status != 200:
        raise envelope.wrong("code", f"is 0 in an answer with HTTP {reply.status}")
    if code in (FAILED, PARTLY):
        code, message = _of_the_row(envelope) or (code, message)
    return Answer(
        ok=code == "0",
        code=code,
        message=message,
        at=_made_at(envelope),
        result=envelope.value("data") if code == "0" else None,
        where=where,
    )


def _of_the_row(envelope: Fields) -> tuple[str, str] | None:
    """Code and words of the only order in a reply that says that it failed; None where it shows none."""
    rows = envelope.rows("data")
    if not rows:
        return None
    if len(rows) > 1 or rows[0].name("sCode") == "0":
        raise envelope.wrong("data", "does not tell which one order failed, and why")
    return rows[0].digits("sCode"), rows[0].text("sMsg")


def _made_at(envelope: Fields) -> Millis | None:
    """The exchange's clock: order replies tell when they left, and one endpoint tells nothing else."""
    if envelope.has("outTime"):
        return Millis(envelope.integer("outTime") // 1000)
    if envelope.value("code") == "0" and isinstance(envelope.value("data"), list):
        match envelope.items("data"):
            case [{"ts": _, **others}] if not others:
                return envelope.rows("data")[0].millis("ts")
    return None


def pause(reply: Reply, said: Answer | None, _now_ms: int | None) -> float | None:
    """Seconds for which OKX wants no requests; None if it does not mind."""
    if reply.status == 429 and DIGITS.fullmatch(wait := reply.headers.get("Retry-After", "")):
        return min(max(float(wait), WAIT_UNTOLD), LONGEST_WAIT)
    throttled = said is not None and said.code in THROTTLED
    return WAIT_UNTOLD if throttled or reply.status == 429 else None


VENUE = Venue(
    name="okx",
    hosts=frozenset({"www.okx.com"}),
    sandbox_hosts=frozenset({"www.okx.com"}),  # demo trading is told by a header
    capacity=5,
    rate=2,
    codes=CODES,
    answer=answer,
    pause=pause,
)
