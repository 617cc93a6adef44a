"""Public endpoints about prices: time, marks, index, book, funding, bounds."""

from fractions import Fraction
from itertools import islice

from hedgebot.sim.bars import Bar, bars
from hedgebot.sim.contract import Contract
from hedgebot.sim.matching import Book, Side
from hedgebot.sim.money import ONE, ceil_to, floor_to
from hedgebot.sim.okx.session import Session, inst_family, inst_type
from hedgebot.sim.okx.wire import ApiError, Json, Params, num, parameter, price

DAY_MS = 86_400_000
BARS = {"1m": 60_000, "1H": 3_600_000, "4H": 4 * 3_600_000, "1Dutc": DAY_MS}
REMEMBERED = 1440
Rows = list[list[str]]


def system_time(session: Session, _params: Params) -> list[Json]:
    return [{"ts": str(session.now_ms())}]


def mark_price(session: Session, params: Params) -> list[Json]:
    if not params.text("instId"):
        params.required("instType")
    at_ms = session.exchange.as_of("ticker")
    market = session.exchange.truth.market
    return [
        {
            "instId": contract.symbol,
            "instType": inst_type(contract),
            "markPx": price(market.quote(contract, at_ms).mark, 2),
            "ts": str(at_ms),
        }
        for contract in session.contracts(params)
    ]


def index_tickers(session: Session, params: Params) -> list[Json]:
    """One index for each coin against the dollar."""
    name, at_ms = params.required("instId"), session.exchange.as_of("ticker")
    market = session.exchange.truth.market
    contract = next((c for c in session.contracts(Params({})) if inst_family(c) == name), None)
    if contract is None:
        raise ApiError(51014, "Index doesn't exist.")
    index, day = market.quote(contract, at_ms).index, market.price(contract.symbol, at_ms - DAY_MS)
    past = price(day, 2)
    return [
        {
            "instId": name,
            "idxPx": price(index, 2),
            "high24h": price(max(index, day), 2),
            "low24h": price(min(index, day), 2),
            "open24h": past,
            "sodUtc0": past,
            "sodUtc8": past,
            "ts": str(at_ms),
        }
    ]


def ticker(session: Session, params: Params) -> list[Json]:
    """The spot market of a coin against tether; those of contracts are not simulated."""
    name = params.required("instId")
    contract = next((c for c in session.contracts(Params({})) if f"{c.base}-USDT" == name), None)
    if contract is None:
        raise ApiError(51001, "Instrument ID, Instrument ID code or Spread ID doesn't exist.")
    at_ms, market = session.exchange.as_of("ticker"), session.exchange.truth.market
    bid, ask = market.spot(contract.symbol, at_ms)
    last, past = (price(market.price(contract.symbol, at), 2) for at in (at_ms, at_ms - DAY_MS))
    return [
        {
            "instType": "SPOT",
            "instId": name,
            "last": last,
            "lastSz": "0.01",
            "askPx": num(ask),
            "askSz": "2",
            "bidPx": num(bid),
            "bidSz": "2",
            "open24h": past,
            "high24h": last,
            "low24h": last,
            "volCcy24h": "243765620.65",
            "vol24h": "11801.27",
            "sodUtc0": past,
            "sodUtc8": past,
            "ts": str(at_ms),
        }
    ]


def candles(session: Session, params: Params) -> Rows:
    """Bars by UTC, newest first: those that start before ``after``, or the newest of all."""
    contract = session.contract(params.required("instId"))
    width = BARS.get(params.text("bar", "1m"), 0)
    if not width:
        raise parameter("bar")
    now, limit = session.now_ms(), min(params.integer("limit", 100), 300)
    end = min(params.integer("after", now + 1) - 1, now)
    oldest = now // width * width - (REMEMBERED - 1) * width
    start = max(end // width * width - (limit - 1) * width, oldest)
    market, places = session.exchange.truth.market, contract.price_places
    found = bars(market, contract, width, start, end, now)
    rows = [
        [str(bar.start), *(price(value, places) for value in bar[1:]), "0", "0", "0", _ended(bar, width, now)]
        for bar in found
    ]
    return rows[::-1]


def _ended(bar: Bar, width: int, now: int) -> str:
    return "1" if bar.start + width <= now else "0"


def books(session: Session, params: Params) -> list[Json]:
    contract = session.contract(params.required("instId"))
    depth = params.integer("sz", 1)
    if not 1 <= depth <= 400:
        raise parameter("sz")
    at_ms = session.exchange.as_of("book")
    book = session.exchange.truth.market.book(contract, at_ms)
    asks, bids = (_levels(book, side, depth) for side in (Side.BUY, Side.SELL))
    return [{"asks": asks, "bids": bids, "ts": str(at_ms), "seqId": at_ms}]


def _levels(book: Book, side: Side, depth: int) -> list[list[str]]:
    """Price, size, a column out of use, and the number of orders: what an order of ``side`` would meet."""
    places = book.contract.price_places
    return [[price(o.price, places), num(o.contracts), "0", "1"] for o in islice(book.offers(side), depth)]


def funding_rate(session: Session, params: Params) -> list[Json]:
    contract = session.contract(params.required("instId"))
    if not contract.perpetual:
        raise parameter("instId")
    at_ms, every = session.exchange.as_of("ticker"), contract.funding_interval_ms
    settles = (at_ms // every + 1) * every
    settled = session.exchange.truth.funding.get(contract.symbol, [])
    return [
        {
            "formulaType": "noRate",
            "fundingRate": num(session.exchange.truth.market.funding_rate(contract.symbol, settles)),
            "fundingTime": str(settles),
            "impactValue": "",
            "instId": contract.symbol,
            "instType": inst_type(contract),
            "interestRate": "",
            "maxFundingRate": "0.00375",
            "method": "current_period",
            "minFundingRate": "-0.00375",
            "nextFundingRate": "",
            "nextFundingTime": str(settles + every),
            "premium": "0",
            "settFundingRate": num(settled[-1][1]) if settled else "0",
            "settState": "settled",
            "ts": str(at_ms),
        }
    ]


def funding_rate_history(session: Session, params: Params) -> list[Json]:
    contract = session.contract(params.required("instId"))
    session.exchange.advance()
    settled = session.exchange.truth.funding.get(contract.symbol, [])
    rows = [
        {
            "formulaType": "noRate",
            "fundingRate": num(rate),
            "fundingTime": str(at_ms),
            "instId": contract.symbol,
            "instType": inst_type(contract),
            "method": "current_period",
            "realizedRate": num(rate),
        }
        for at_ms, rate in reversed(settled)
    ]
    return rows[: params.integer("limit", 400)]


def price_limit(session: Session, params: Params) -> list[Json]:
    contract = session.contract(params.required("instId"))
    session.exchange.advance()
    lowest, highest = bounds(session, contract)
    return [
        {
            "instType": inst_type(contract),
            "instId": contract.symbol,
            "buyLmt": price(highest, contract.price_places),
            "sellLmt": price(lowest, contract.price_places),
            "ts": str(session.now_ms()),
            "enabled": True,
        }
    ]


def bounds(session: Session, contract: Contract) -> tuple[Fraction, Fraction]:
    """The lowest price for a sale and the highest for a purchase."""
    mark = session.exchange.truth.quote(contract.symbol).mark
    lowest = ceil_to(mark * (ONE - contract.band), contract.tick)
    return lowest, floor_to(mark * (ONE + contract.band), contract.tick)
