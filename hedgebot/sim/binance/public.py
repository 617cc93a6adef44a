"""COIN-M's public endpoints: time, contracts, marks, the book, funding."""

from itertools import islice
from typing import Any

from hedgebot.sim.bars import bars
from hedgebot.sim.binance.session import Session, pair
from hedgebot.sim.binance.wire import ApiError, Document, Json, Params, coins, mark, number, price
from hedgebot.sim.contract import HOUR_MS, Contract
from hedgebot.sim.matching import Book, Side
from hedgebot.sim.money import ONE

FAR_FUTURE_MS = 4_133_404_800_000  # when perpetuals are said to be delivered
BARS = {"1m": 60_000, "1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": 24 * HOUR_MS}
NO_TRADES = ("0", 0, "0", "0", "0")
DEPTHS = {5, 10, 20, 50, 100, 500, 1000}
STATUSES = {"Trading": "TRADING", "PreLaunch": "PENDING_TRADING", "Closed": "CLOSE"}
USUAL_INTERVAL_MS = 8 * HOUR_MS
DAY_MS = 24 * HOUR_MS
RATE_LIMITS: list[Json] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
]
UNCHANGING: Json = {
    "maintMarginPercent": "2.5000",
    "requiredMarginPercent": "5.0000",
    "quoteAsset": "USD",
    "quantityPrecision": 0,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "equalQtyPrecision": 4,
    "maxMoveOrderLimit": 10000,
    "triggerProtect": "0.0500",
    "underlyingType": "COIN",
    "underlyingSubType": [],
    "orderTypes": [
        "LIMIT",
        "MARKET",
        "STOP",
        "STOP_MARKET",
        "TAKE_PROFIT",
        "TAKE_PROFIT_MARKET",
        "TRAILING_STOP_MARKET",
    ],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    "liquidationFee": "0.015000",
    "marketTakeBound": "0.05",
}


def ping(_session: Session, _params: Params) -> Json:
    return {}


def server_time(session: Session, _params: Params) -> Json:
    return {"serverTime": session.now_ms()}


def exchange_info(session: Session, _params: Params) -> Json:
    """All contracts. Its ``serverTime`` is not the time: a recorded one was a day old."""
    return {
        "timezone": "UTC",
        "serverTime": session.now_ms() - DAY_MS,
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": [_instrument(c) for c in session.exchange.truth.contracts.values() if not c.delivered],
    }


def _instrument(contract: Contract) -> Json:
    return {
        **UNCHANGING,
        "symbol": contract.symbol,
        "pair": pair(contract),
        "contractType": "PERPETUAL" if contract.perpetual else "CURRENT_QUARTER",
        "deliveryDate": contract.delivery_ms or FAR_FUTURE_MS,
        "onboardDate": contract.launch_ms,
        "contractStatus": STATUSES.get(contract.status, contract.status),
        "contractSize": int(contract.face),
        "marginAsset": contract.settle,
        "baseAsset": contract.base,
        "pricePrecision": contract.price_places,
        "filters": _filters(contract),
    }


def _filters(contract: Contract) -> list[Json]:
    lots = {"stepSize": number(contract.qty_step), "minQty": number(contract.min_qty)}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": number(contract.min_price),
            "maxPrice": number(contract.max_price),
            "tickSize": number(contract.tick),
        },
        {"filterType": "LOT_SIZE", **lots, "maxQty": number(contract.max_qty)},
        {"filterType": "MARKET_LOT_SIZE", **lots, "maxQty": number(contract.max_market_qty)},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 20},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierDown": price(ONE - contract.band, 4),
            "multiplierUp": price(ONE + contract.band, 4),
            "multiplierDecimal": "4",
        },
    ]


def premium_index(session: Session, params: Params) -> Document:
    at_ms = session.exchange.as_of("ticker")
    return [_premium(session, contract, at_ms) for contract in session.contracts(params)]


def _premium(session: Session, contract: Contract, at_ms: int) -> Json:
    quote = session.exchange.truth.market.quote(contract, at_ms)
    return {
        "symbol": contract.symbol,
        "pair": pair(contract),
        "markPrice": mark(quote.mark),
        "indexPrice": mark(quote.index),
        "estimatedSettlePrice": mark(quote.index),
        **_funding(session, contract, at_ms),
        "time": at_ms,
    }


def _funding(session: Session, contract: Contract, at_ms: int) -> Json:
    """The running interval's; empty for a dated contract. Its name notwithstanding, the rate is the next."""
    if not contract.perpetual:
        return {"lastFundingRate": "", "interestRate": "", "nextFundingTime": 0}
    every = contract.funding_interval_ms
    settles = (at_ms // every + 1) * every
    rate = session.exchange.truth.market.funding_rate(contract.symbol, settles)
    return {"lastFundingRate": coins(rate), "interestRate": "0.00010000", "nextFundingTime": settles}


def depth(session: Session, params: Params) -> Json:
    contract = session.contract(params.required("symbol"))
    limit = params.integer("limit", 500)
    if limit not in DEPTHS:
        raise ApiError(-4021, f"{limit} is not valid depth limit.")
    at_ms = session.exchange.as_of("book")
    book = session.exchange.truth.market.book(contract, at_ms)
    return {
        "lastUpdateId": at_ms,
        "E": at_ms,
        "T": at_ms,
        "symbol": contract.symbol,
        "pair": pair(contract),
        "bids": _levels(book, Side.SELL, limit),
        "asks": _levels(book, Side.BUY, limit),
    }


def _levels(book: Book, side: Side, limit: int) -> list[list[str]]:
    """Price and size of the levels that an order of ``side`` would meet."""
    places = book.contract.price_places
    levels = islice(book.offers(side), limit)
    return [[price(level.price, places), number(level.contracts)] for level in levels]


def klines(session: Session, params: Params) -> Document:
    """Bars, oldest first: from a start, or the newest."""
    contract = session.contract(params.required("symbol"))
    width = BARS.get(params.required("interval"), 0)
    if not width:
        raise ApiError(-1120, "Invalid interval.")
    now, limit = session.now_ms(), params.limit(500, 1500)
    end = min(params.integer("endTime", now), now)
    start = params.integer("startTime", end - limit * width + 1)
    market, places = session.exchange.truth.market, contract.price_places
    return [
        [bar.start, *(price(value, places) for value in bar[1:]), "0", bar.start + width - 1, *NO_TRADES]
        for bar in islice(bars(market, contract, width, start, end, now), limit)
    ]


def funding_info(session: Session, _params: Params) -> Document:
    """Only contracts whose interval or bounds were ever adjusted are listed here."""
    if not session.options.listed_intervals:
        return []
    return [_interval(c) for c in session.exchange.truth.contracts.values() if c.perpetual]


def _interval(contract: Contract) -> Json:
    return {
        "symbol": contract.symbol,
        "adjustedFundingRateCap": "0.02500000",
        "adjustedFundingRateFloor": "-0.02500000",
        "fundingIntervalHours": max(contract.funding_interval_ms // HOUR_MS, 1),
        "disclaimer": False,
    }


def funding_rates(session: Session, params: Params) -> Document:
    """Settlements, oldest first; before the first of the simulation they are told as they would have been."""
    contract = session.contract(params.required("symbol"))
    if not contract.perpetual:
        return []
    now, every = session.exchange.advance(), contract.funding_interval_ms
    limit = params.limit(100, 1000)
    end = min(params.integer("endTime", now), now)
    start = max(params.integer("startTime", 0), end - limit * every + 1)
    settled = range(-(-start // every) * every, end + 1, every)
    return [_settlement(session, contract, at_ms) for at_ms in settled]


def _settlement(session: Session, contract: Contract, at_ms: int) -> dict[str, Any]:
    market = session.exchange.truth.market
    return {
        "symbol": contract.symbol,
        "fundingTime": at_ms,
        "fundingRate": coins(market.funding_rate(contract.symbol, at_ms)),
        "markPrice": mark(market.quote(contract, at_ms).mark),
    }
