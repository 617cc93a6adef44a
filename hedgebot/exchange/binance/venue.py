"""What Binance is: its hosts, limits, endpoints, the form of its replies, and what its codes mean.

Spot and COIN-M are two APIs with a host and a quota each; codes are shared, but for meanings that only
spot trading has. Client order ids are unique among open orders alone: an id that was used before is taken
again, so nothing but sending once keeps an order from being placed twice.

Sources: Binance's COIN-M and wallet documentation (error codes, HTTP return codes, request weights).
"""

import re
from collections.abc import Mapping

from hedgebot.domain.units import Millis
from hedgebot.exchange.client import Endpoint, Venue
from hedgebot.exchange.convert import Fields, strict_json
from hedgebot.exchange.fates import Answer, Codes, Operation
from hedgebot.exchange.wire import Reply

SPOT_TIME = Endpoint("api/v3/time", "publicGetTime")
SPOT_ACCOUNT = Endpoint("api/v3/account", "privateGetAccount", weight=20)
SPOT_TICKER = Endpoint("api/v3/ticker/bookTicker", "publicGetTickerBookTicker", weight=2)
ACCOUNT_INFO = Endpoint("sapi/v1/account/info", "sapiGetAccountInfo")
KEY = Endpoint("sapi/v1/account/apiRestrictions", "sapiGetAccountApiRestrictions")
TRANSFER = Endpoint("sapi/v1/asset/transfer (move)", "sapiPostAssetTransfer")
TRANSFERS = Endpoint("sapi/v1/asset/transfer", "sapiGetAssetTransfer")

TIME = Endpoint("dapi/v1/time", "dapiPublicGetTime")
INSTRUMENTS = Endpoint("dapi/v1/exchangeInfo", "dapiPublicGetExchangeInfo")
PREMIUM = Endpoint("dapi/v1/premiumIndex", "dapiPublicGetPremiumIndex", weight=10)
ORDER_BOOK = Endpoint("dapi/v1/depth", "dapiPublicGetDepth", weight=2)
CANDLES = Endpoint("dapi/v1/klines", "dapiPublicGetKlines", weight=5)
FUNDING_INFO = Endpoint("dapi/v1/fundingInfo", "dapiPublicGetFundingInfo")
FUNDING_RATES = Endpoint("dapi/v1/fundingRate", "dapiPublicGetFundingRate")
ACCOUNT = Endpoint("dapi/v1/account", "dapiPrivateGetAccount", weight=5)
POSITIONS = Endpoint("dapi/v1/positionRisk", "dapiPrivateGetPositionRisk")
POSITION_MODE = Endpoint("dapi/v1/positionSide/dual", "dapiPrivateGetPositionSideDual", weight=30)
BRACKETS = Endpoint("dapi/v2/leverageBracket", "dapiPrivateV2GetLeverageBracket")
FEE_RATE = Endpoint("dapi/v1/commissionRate", "dapiPrivateGetCommissionRate", weight=20)
ORDERS = Endpoint("dapi/v1/openOrders", "dapiPrivateGetOpenOrders")
ORDER = Endpoint("dapi/v1/order", "dapiPrivateGetOrder")
ORDER_HISTORY = Endpoint("dapi/v1/allOrders", "dapiPrivateGetAllOrders", weight=20)
TRADES = Endpoint("dapi/v1/userTrades", "dapiPrivateGetUserTrades", weight=20)
INCOME = Endpoint("dapi/v1/income", "dapiPrivateGetIncome", weight=20)
PLACE = Endpoint("dapi/v1/order (place)", "dapiPrivatePostOrder")
CANCEL = Endpoint("dapi/v1/order (cancel)", "dapiPrivateDeleteOrder")
SET_LEVERAGE = Endpoint("dapi/v1/leverage", "dapiPrivatePostLeverage")
SET_MARGIN_MODE = Endpoint("dapi/v1/marginType", "dapiPrivatePostMarginType")
MOVE_MARGIN = Endpoint("dapi/v1/positionMargin", "dapiPrivatePostPositionMargin")
MARGIN_HISTORY = Endpoint("dapi/v1/positionMargin/history", "dapiPrivateGetPositionMarginHistory")

CREDENTIALS = {
    "-1002": "not authorized for this request",
    "-1011": "this address may not use the route",
    "-1022": "the signature is refused",
    "-2008": "the key is not known",
    "-2014": "this is no key",
    "-2015": "the key, its permissions or our address are refused",
    "-2017": "the keys of this account are locked",
}
PASSING = {
    "-1000": "unknown error",
    "-1001": "internal error",
    "-1004": "the server is busy",
    "-1006": "unexpected reply within the exchange",
    "-1007": "time-out within the exchange",
    "-1008": "overloaded",
    "-1021": "outside the time window",
}
THROTTLED = {"-1003": "too many requests", "-1015": "too many orders"}
REFUSED = {
    **THROTTLED,
    "-1014": "unsupported combination of parameters",
    "-1020": "not supported",
    "-1021": "outside the time window",
    "-1100": "illegal characters in a parameter",
    "-1101": "too many parameters",
    "-1102": "a parameter is missing or malformed",
    "-1103": "a parameter is not known",
    "-1104": "a parameter was not read",
    "-1105": "a parameter is empty",
    "-1106": "a parameter is not required",
    "-1108": "no such coin",
    "-1109": "no such account",
    "-1111": "too many decimals",
    "-1121": "no such contract",
    "-1128": "parameters that do not go together",
    "-1130": "a parameter is not valid",
    "-4188": "outside the matching engine's time window",
}
ORDER_REJECTED = {
    "-1013": "a filter refuses the order",
    "-1114": "no time in force may be named",
    "-1115": "no such time in force",
    "-1116": "no such order type",
    "-1117": "no such side",
    "-2018": "balance too small",
    "-2019": "margin too small",
    "-2020": "cannot be filled",
    "-2021": "would trigger at once",
    "-2022": "nothing to reduce",
    "-2023": "the account is being liquidated",
    "-2024": "position too small",
    "-2025": "too many open orders",
    "-2026": "this type cannot be reduce-only",
    "-2027": "beyond the position limit at this leverage",
    "-2028": "margin too small for this leverage",
    "-4001": "price below zero",
    "-4002": "price above the highest allowed",
    "-4003": "quantity below zero",
    "-4004": "quantity below the smallest allowed",
    "-4005": "quantity above the largest allowed",
    "-4013": "price below the lowest allowed",
    "-4014": "price off the tick",
    "-4015": "the client id is not valid",
    "-4016": "price too far above mark",
    "-4022": "the contract is not open for this",
    "-4023": "quantity off the step",
    "-4024": "price too far below mark",
    "-4060": "no such position side",
    "-4061": "the position side does not fit the position mode",
    "-4062": "improper reduce-only",
    "-4089": "this account may only reduce",
    "-4090": "this account may not place orders now",
    "-4112": "reduce-only would turn the position",
    "-4113": "the best price is too far from mark",
    "-4140": "the contract opens no positions now",
    "-4141": "the contract is closed",
    "-4164": "order value too small",
    "-4178": "order value too small",
    "-4192": "cooling-off period",
    "-4196": "limit orders only",
    "-5021": "could not be filled at once",
    "-5022": "post-only would have taken",
}
CANCEL_REJECTED = {"-2011": "no such open order", "-2013": "no such order"}
LEVERAGE_REJECTED = {
    "-2018": "balance too small",
    "-2019": "margin too small",
    "-2027": "beyond the position limit at this leverage",
    "-2028": "margin too small for this leverage",
    "-4028": "no such leverage",
    "-4150": "not to be lowered while an isolated position is open",
    "-4194": "this leverage needs a verified identity",
    "-4195": "this leverage needs an older account",
    "-4200": "this leverage needs an older account",
    "-4201": "not at this leverage in this region",
    "-4202": "beyond the leverage of adjusted position limits",
}
MARGIN_MODE_REJECTED = {
    "-4047": "not while an order is open",
    "-4048": "not while a position is open",
}
TRANSFER_REJECTED = {
    "-5001": "amounts as small as this are not moved",
    "-5002": "balance too small",
    "-5003": "none of this coin is there",
    "-5007": "no amount",
    "-5011": "the COIN-M account is not open",
    "-5013": "balance too small",
    "-9000": "nothing may leave",
}
MARGIN_REJECTED = {
    "-2018": "balance too small",
    "-2019": "margin too small",
    "-4049": "the position is not isolated",
    "-4050": "cross balance too small",
    "-4051": "isolated balance too small",
    "-4054": "there is no position",
    "-4055": "no amount",
}
CODES = Codes(
    credentials=CREDENTIALS,
    passing=PASSING,
    refused=REFUSED,
    rejected={
        Operation.PLACE: ORDER_REJECTED,
        Operation.CANCEL: CANCEL_REJECTED,
        Operation.LEVERAGE: LEVERAGE_REJECTED,
        Operation.MARGIN_MODE: MARGIN_MODE_REJECTED,
        Operation.TRANSFER: TRANSFER_REJECTED,
        Operation.MARGIN: MARGIN_REJECTED,
    },
    already={Operation.MARGIN_MODE: {"-4046": "this margin mode is set already"}},
    absent={"-2013": "no such order"},
)

SAYS_NO = frozenset({400, 401, 418, 429})  # statuses whose codes are believed; behind 5xx an order may stand
RETRY_AFTER = "Retry-After"
UNTIL = re.compile(rb"until ([0-9]{13})\b")
DIGITS = re.compile(r"[0-9]{1,9}")
WAITS_UNTOLD = {429: 60.0, 418: 120.0, 403: 60.0}
"""Seconds: weights are counted by the minute, bans begin at two, and the firewall does not say."""
LONGEST_WAIT = 3 * 86_400.0  # the longest ban


def answer(reply: Reply, where: str) -> Answer:
    """The document of a reply, or its error. Raises ``ConversionError`` for anything that is neither."""
    if reply.status != 200 and reply.status not in SAYS_NO:
        raise Fields({}, where).wrong("status", f"is HTTP {reply.status}")
    document = strict_json(reply.body, where)
    if reply.status == 200:
        return Answer(True, "", "", _clock(document, where), _result(document, where), where)
    error = Fields(document, where)
    return Answer(False, _code(error), error.text("msg"), None, None, where)


def _result(document: object, where: str) -> object:
    """A success, which is a list or an object; an error in its place proves nothing."""
    if isinstance(document, list):
        return document
    fields = Fields(document, where)
    if fields.has("code") and fields.value("code") != 200:
        raise fields.wrong("code", "is an error's, though the status is HTTP 200")
    return document


def _code(error: Fields) -> str:
    code = error.value("code")
    if type(code) is not int or code >= 0:
        raise error.wrong("code", f"is {code!r}, not an error's number")
    return str(code)


def _clock(document: object, where: str) -> Millis | None:
    """The exchange's clock, which only replies about the time tell.

    ``exchangeInfo`` has a ``serverTime`` too: a recorded one was a day old.
    """
    if isinstance(document, Mapping) and document.keys() == {"serverTime"}:
        return Fields(document, where).millis("serverTime")
    return None


def pause(reply: Reply, _said: Answer | None, now_ms: int | None) -> float | None:
    """Seconds for which Binance wants no requests; None if it does not mind. A ban is obeyed to its end."""
    untold = WAITS_UNTOLD.get(reply.status)
    if untold is None:
        return None
    told = reply.headers.get(RETRY_AFTER, "")
    waits = [float(told)] if DIGITS.fullmatch(told) else []
    if now_ms is not None and (until := UNTIL.search(reply.body)):
        waits.append((int(until.group(1)) - now_ms) / 1000)
    return min(max(waits), LONGEST_WAIT) if waits and max(waits) > 0 else untold


SPOT = Venue(
    name="binance",
    hosts=frozenset({"api.binance.com"}),
    sandbox_hosts=frozenset({"demo-api.binance.com"}),
    capacity=600,  # a weight of 6000 a minute from one address; several accounts may share it
    rate=90,
    codes=CODES,
    answer=answer,
    pause=pause,
)
COIN_M = Venue(
    name="binance",
    hosts=frozenset({"dapi.binance.com"}),
    sandbox_hosts=frozenset({"demo-dapi.binance.com"}),
    capacity=300,  # a weight of 2400 a minute
    rate=35,
    codes=CODES,
    answer=answer,
    pause=pause,
)
