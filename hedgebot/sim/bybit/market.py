"""Public endpoints: time, prices, book, funding rates and bars."""

from fractions import Fraction
from itertools import islice

from hedgebot.sim.bars import bars
from hedgebot.sim.bybit.session import CATEGORIES, Session
from hedgebot.sim.bybit.wire import ApiError, Json, Params, coins, price, ratio
from hedgebot.sim.contract import HOUR_MS, Contract
from hedgebot.sim.matching import Book, Side

DAY_MS = 86_400_000
OPEN_INTEREST = Fraction(240_113_967)
NOT_SIMULATED: Json = {
    "openInterest": coins(OPEN_INTEREST),
    "turnover24h": "115.6907",
    "volume24h": "13713832.0000",
    "predictedDeliveryPrice": "",
    "basisRate": "",
    "basisRateYear": "",
    "basis": "",
    "deliveryFeeRate": "",
    "preOpenPrice": "",
    "preQty": "",
    "curPreListingPhase": "",
    "fundingCap": "0.005",
}
BARS = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720}


def server_time(session: Session, _params: Params) -> Json:
    now = session.now_ms()
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


def tickers(session: Session, params: Params) -> Json:
    category = params.category()
    at_ms = session.exchange.as_of("ticker")
    if category in CATEGORIES:
        return listed_only(category, [_ticker(session, c, at_ms) for c in session.contracts(params)])
    if category == "spot":
        symbol = params.text("symbol")
        bases = {f"{c.base}USDT": c for c in session.exchange.truth.contracts.values()}
        chosen = {s: c for s, c in bases.items() if symbol in ("", s)}
        return listed_only(category, [_spot_ticker(session, s, c, at_ms) for s, c in chosen.items()])
    return listed_only(category, [])


def listed_only(category: str, rows: list[Json]) -> Json:
    """The frame of a list that has no pages."""
    return {"category": category, "list": rows}


def _ticker(session: Session, contract: Contract, at_ms: int) -> Json:
    market, places = session.exchange.truth.market, contract.price_places
    quote, book = market.quote(contract, at_ms), market.book(contract, at_ms)
    bid, ask = next(book.offers(Side.SELL), None), next(book.offers(Side.BUY), None)
    day, hour = market.price(contract.symbol, at_ms - DAY_MS), market.price(contract.symbol, at_ms - HOUR_MS)
    return {
        **NOT_SIMULATED,
        **_funding(session, contract, at_ms),
        "symbol": contract.symbol,
        "lastPrice": price(quote.last, places),
        "indexPrice": price(quote.index, 2),
        "markPrice": price(quote.mark, 2),
        "prevPrice24h": price(day, places),
        "price24hPcnt": price(quote.last / day - 1, 6),
        "highPrice24h": price(max(day, hour, quote.last), places),
        "lowPrice24h": price(min(day, hour, quote.last), places),
        "prevPrice1h": price(hour, places),
        "openInterestValue": price(contract.coins(OPEN_INTEREST, quote.mark), 2),
        "deliveryTime": str(contract.delivery_ms),
        "ask1Size": coins(ask.contracts) if ask else "",
        "bid1Price": price(bid.price, places) if bid else "",
        "ask1Price": price(ask.price, places) if ask else "",
        "bid1Size": coins(bid.contracts) if bid else "",
    }


def _funding(session: Session, contract: Contract, at_ms: int) -> Json:
    """Rate and time of the next settlement; empty for a dated contract."""
    if not contract.perpetual:
        return {"fundingRate": "", "nextFundingTime": "0", "fundingIntervalHour": ""}
    every = contract.funding_interval_ms
    settles = (at_ms // every + 1) * every
    rate = session.exchange.truth.market.funding_rate(contract.symbol, settles)
    return {
        "fundingRate": ratio(rate),
        "nextFundingTime": str(settles),
        "fundingIntervalHour": str(max(every // HOUR_MS, 1)),
    }


def _spot_ticker(session: Session, symbol: str, contract: Contract, at_ms: int) -> Json:
    market = session.exchange.truth.market
    bid, ask = market.spot(contract.symbol, at_ms)
    text = price(market.price(contract.symbol, at_ms), 2)
    return {
        "symbol": symbol,
        "bid1Price": coins(bid),
        "bid1Size": "2",
        "ask1Price": coins(ask),
        "ask1Size": "2",
        "lastPrice": text,
        "prevPrice24h": text,
        "price24hPcnt": "0",
        "highPrice24h": text,
        "lowPrice24h": text,
        "turnover24h": "243765620.65899866",
        "volume24h": "11801.27771",
        "usdIndexPrice": text,
    }


def orderbook(session: Session, params: Params) -> Json:
    contract = session.contract(params.required("symbol"), params.category(*CATEGORIES))
    limit = params.integer("limit", 25)
    if not 1 <= limit <= 1000:
        raise ApiError(10001, "params error: limit invalid")
    at_ms = session.exchange.as_of("book")
    book = session.exchange.truth.market.book(contract, at_ms)
    bids, asks = (_levels(book, side, limit) for side in (Side.SELL, Side.BUY))
    return {
        "s": contract.symbol,
        "a": asks,
        "b": bids,
        "ts": at_ms,
        "u": at_ms,
        "seq": at_ms,
        "cts": at_ms,
    }


def _levels(book: Book, side: Side, limit: int) -> list[list[str]]:
    """Price and size of the levels that an order of ``side`` would meet."""
    size, text, places = None, "", book.contract.price_places
    rows = []
    for level in islice(book.offers(side), limit):
        if level.contracts is not size:  # most books are even: one size is written once
            size, text = level.contracts, coins(level.contracts)
        rows.append([price(level.price, places), text])
    return rows


def funding_history(session: Session, params: Params) -> Json:
    category = params.category(*CATEGORIES)
    contract = session.contract(params.required("symbol"), category)
    session.exchange.advance()
    start, end = params.integer("startTime", 0), params.integer("endTime", session.now_ms())
    if start and not params.text("endTime"):
        raise ApiError(10001, "params error: endTime is required with startTime")
    settled = session.exchange.truth.funding.get(contract.symbol, [])
    rows = [
        {"symbol": contract.symbol, "fundingRate": ratio(rate), "fundingRateTimestamp": str(at_ms)}
        for at_ms, rate in reversed(settled)
        if start <= at_ms <= end
    ]
    return listed_only(category, rows[: params.integer("limit", 200)])


def kline(session: Session, params: Params) -> Json:
    """Bars of the true price; volumes are not simulated."""
    category = params.category(*CATEGORIES)
    contract = session.contract(params.required("symbol"), category)
    interval = params.required("interval")
    width = DAY_MS if interval == "D" else BARS.get(interval, 0) * 60_000
    if not width:
        raise ApiError(10001, "params error: interval invalid")
    now = session.now_ms()
    end = min(params.integer("end", now), now)
    count = min(params.integer("limit", 200), 1000)
    start = max(params.integer("start", 0), end - (count - 1) * width) // width * width
    market, places = session.exchange.truth.market, contract.price_places
    rows = [
        [str(bar.start), *(price(value, places) for value in bar[1:]), "0", "0"]
        for bar in bars(market, contract, width, start, end, now)
    ]
    return {"symbol": contract.symbol, "category": category, "list": rows[::-1]}
