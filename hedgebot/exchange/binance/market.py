"""Binance's words for contracts and prices, converted: instruments, tiers, fees, marks, books, funding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.account import Tier
from hedgebot.domain.instrument import Instrument, is_dated
from hedgebot.domain.market import NO_FUNDING, Funding, Quote
from hedgebot.domain.signals import Candle
from hedgebot.domain.units import ONE, Coin, Contracts, Price, Usd
from hedgebot.errors import ConversionError, ReadError, UnlistedError
from hedgebot.exchange import candles as bars
from hedgebot.exchange.convert import MOST_FEE, Fields, OrderBook
from hedgebot.exchange.ending import ends_at, suffix
from hedgebot.exchange.fates import Answer

FACES = {"BTC": Usd(Decimal(100))}
USUAL_FACE = Usd(Decimal(10))
"""What a contract is worth, by its coin; one that says otherwise is not what hedges were made for."""

PERPETUAL, DATED = True, False
KINDS = {
    "PERPETUAL": PERPETUAL,
    "PERPETUAL_DELIVERING": PERPETUAL,
    "PERPETUAL DELIVERING": PERPETUAL,
    "CURRENT_MONTH": DATED,
    "NEXT_MONTH": DATED,
    "CURRENT_QUARTER": DATED,
    "NEXT_QUARTER": DATED,
    "CURRENT_QUARTER_DELIVERING": DATED,
    "CURRENT_QUARTER DELIVERING": DATED,
    "NEXT_QUARTER_DELIVERING": DATED,
    "NEXT_QUARTER DELIVERING": DATED,
    "": DATED,  # listed, and not yet given a place in the calendar
}
STATUSES = {
    "TRADING": True,
    "PENDING_TRADING": False,
    "PRE_DELIVERING": False,
    "DELIVERING": False,
    "DELIVERED": False,
    "PRE_SETTLE": False,
    "SETTLING": False,
    "CLOSE": False,
}
INTERVALS = {3_600_000: "1h", 86_400_000: "1d"}
BAR_COLUMNS = 12
HOUR_MS = 3_600_000
JITTER_MS = 60_000  # settlements are booked a moment late


@dataclass(frozen=True, slots=True)
class Listing:
    """All COIN-M contracts that are listed, by either name."""

    by_symbol: Mapping[str, Instrument]
    by_native: Mapping[str, Instrument]

    @classmethod
    def of(cls, instruments: Iterable[Instrument]) -> "Listing":
        listed = tuple(instruments)
        return cls({i.symbol: i for i in listed}, {i.native: i for i in listed})

    def named(self, symbol: str) -> Instrument:
        """The contract of a unified symbol. Raises ``ReadError``, also for one of a size of its own."""
        instrument = self.by_symbol.get(symbol)
        if instrument is None:
            raise UnlistedError(f"binance lists no coin-margined contract {symbol}", "Check the leg's symbol")
        expected = FACES.get(instrument.asset, USUAL_FACE)
        if instrument.face != expected:
            raise ReadError(
                f"binance: a contract of {symbol} is {instrument.face} USD instead of {expected}",
                "Nothing is traded in it until a new version knows why",
            )
        return instrument

    def of_row(self, row: Fields) -> Instrument:
        """The contract that a row is about. Raises ``ConversionError`` for one that is not listed."""
        return row.word("symbol", self.by_native)


def instruments(answer: Answer) -> Listing:
    """The contracts of ``exchangeInfo``."""
    rows = answer.fields.rows("symbols")
    listed = [_instrument(row) for row in rows]
    if len({i.native for i in listed}) != len(listed) or len({i.symbol for i in listed}) != len(listed):
        raise answer.fields.wrong("symbols", "lists a contract twice")
    return Listing.of(listed)


def _instrument(row: Fields) -> Instrument:
    base = row.name("baseAsset")
    row.expect("quoteAsset", "USD")
    row.expect("marginAsset", base)
    if not row.name("symbol").startswith(f"{base}USD_"):
        raise row.wrong("symbol", f"is {row.name('symbol')}, no contract of {base}")
    filters = {entry.name("filterType"): entry for entry in row.rows("filters")}
    missing = [name for name in ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE") if name not in filters]
    if missing:
        raise row.wrong("filters", f"has no {missing[0]}")
    lots, market = filters["LOT_SIZE"], filters["MARKET_LOT_SIZE"]
    perpetual = row.word("contractType", KINDS)
    ends = ends_at(row, "deliveryDate", perpetual=perpetual)
    return Instrument(
        symbol=f"{base}/USD:{base}{suffix(ends, perpetual=perpetual)}",
        native=row.name("symbol"),
        asset=base,
        face=Usd(row.positive("contractSize")),
        lot=Contracts(lots.positive("stepSize")),
        tick=filters["PRICE_FILTER"].positive("tickSize"),
        min_order=Contracts(lots.positive("minQty")),
        max_order=min(Contracts(lots.positive("maxQty")), Contracts(market.positive("maxQty"))),
        tradable=row.word("contractStatus", STATUSES),
        ends_at=ends,
    )


def tiers(answer: Answer, native: str) -> tuple[Tier, ...]:
    """Maintenance rates by notional in coins, from ``leverageBracket``, lowest first.

    A coefficient of one's own below one narrows the brackets; whether they already show a wider one is not
    documented, so that one is left out.
    """
    row = one_row(answer, native)
    own = min(row.positive("notionalCoef"), ONE) if row.has("notionalCoef") else ONE
    found: list[Tier] = []
    for bracket in row.rows("brackets"):
        rate = bracket.positive("maintMarginRatio")
        if rate >= ONE:
            raise bracket.wrong("maintMarginRatio", "is the whole position or more")
        found.append(Tier(Coin(bracket.positive("qtyCap") * own), rate))
    found.sort(key=lambda tier: tier.limit)
    if not found or len({tier.limit for tier in found}) != len(found):
        raise row.wrong("brackets", f"are no clear margin tiers for {native}")
    return tuple(found)


def taker_fee(answer: Answer, native: str) -> Decimal:
    """The rate that an order which takes liquidity costs us, from ``commissionRate``."""
    row = answer.fields
    row.expect("symbol", native)
    return row.rate("takerCommissionRate", MOST_FEE)


def funding_hours(info: Answer, history: Answer, native: str) -> Decimal | None:
    """Hours between two fundings of a contract: ``fundingInfo`` lists those that were ever adjusted.

    Of any other the last two settlements tell; None where there were none, or they do not.
    """
    for row in rows(info):
        if row.name("symbol") == native:
            return row.positive("fundingIntervalHours")
    times = [row.millis("fundingTime") for row in rows(history)]
    if len(times) < 2:
        return None
    hours, late = divmod(abs(times[-1] - times[-2]) + JITTER_MS, HOUR_MS)
    return Decimal(hours) if hours and late <= 2 * JITTER_MS else None


def order_book(answer: Answer, instrument: Instrument) -> OrderBook:
    """A contract's bids and offers."""
    answer.fields.expect("symbol", instrument.native)
    return answer.fields.order_book("bids", "asks", at="E")


def quote(premium: Answer, book: OrderBook, instrument: Instrument, hours: Decimal | None) -> Quote:
    """One reading of a contract's market, as old as the older of its two parts."""
    row, dated = one_row(premium, instrument.native), is_dated(instrument.symbol)
    at, next_at = row.millis("time"), row.millis("nextFundingTime") or None
    if hours is not None and next_at is not None and next_at - at > hours * HOUR_MS + JITTER_MS:
        hours = None  # the interval has changed since it was read
    return Quote(
        symbol=instrument.symbol,
        mark=row.price("markPrice"),
        index=row.price_or_blank("indexPrice"),
        bids=book.bids,
        asks=book.asks,
        funding=NO_FUNDING if dated else Funding(row.rate("lastFundingRate"), hours, next_at),
        at=min(at, book.at),
    )


def candles(answer: Answer, bar_ms: int, now_ms: int) -> tuple[Candle, ...]:
    """A contract's bars that have ended, oldest first; ``klines`` does not name the contract."""
    found = bars.candles(answer.result, answer.where, width=BAR_COLUMNS, bar_ms=bar_ms, now_ms=now_ms)
    return tuple(found)


def spot_price(answer: Answer, native: str) -> Price:
    """The middle of a spot market, from ``ticker/bookTicker``, which does not say when that was."""
    row = answer.fields
    row.expect("symbol", native)
    return row.middle("bidPrice", "askPrice")


def rows(answer: Answer) -> list[Fields]:
    """The rows of an answer that is a list. Raises ``ConversionError`` for one that is none."""
    if not isinstance(answer.result, list):
        raise ConversionError(answer.where, "is no list")
    return [Fields(row, f"{answer.where}[{i}]") for i, row in enumerate(answer.result)]


def one_row(answer: Answer, native: str) -> Fields:
    """The only row of an answer about one contract. Raises ``ConversionError`` for more, fewer or another."""
    found = rows(answer)
    if len(found) != 1:
        raise ConversionError(answer.where, f"has {len(found)} rows instead of one")
    found[0].expect("symbol", native)
    return found[0]
