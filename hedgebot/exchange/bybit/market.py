"""Bybit's words for contracts and prices, converted: instruments, margin tiers, fees, tickers, books."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedgebot.domain.account import Tier
from hedgebot.domain.instrument import Instrument, is_dated
from hedgebot.domain.market import NO_FUNDING, Funding, Quote
from hedgebot.domain.signals import Candle
from hedgebot.domain.units import ONE, Coin, Contracts, Price, Usd
from hedgebot.errors import UnlistedError
from hedgebot.exchange import candles as bars
from hedgebot.exchange.bybit.venue import SPOT, category
from hedgebot.exchange.convert import MOST_FEE, Fields, OrderBook
from hedgebot.exchange.ending import ends_at, suffix
from hedgebot.exchange.fates import Answer

FACE = Usd(ONE)  # every inverse contract here is one dollar; ccxt reads the minimal order size as its size
LINEAR_FACE = Coin(ONE)  # sizes of linear contracts are in coins
PERPETUAL, DATED = "InversePerpetual", "InverseFutures"
KINDS = {PERPETUAL: True, DATED: False, "LinearPerpetual": True, "LinearFutures": False}
LINEAR = ("LinearPerpetual", "LinearFutures")
STATUSES = {"Trading": True, "PreLaunch": False, "Delivering": False, "Closed": False}
INTERVALS = {3_600_000: "60", 86_400_000: "D"}
BAR_COLUMNS = 7
PERCENT = Decimal(100)
RATE_ROUNDING = Decimal("0.05")  # 1/maxLeverage and initialMargin are rounded apart


@dataclass(frozen=True, slots=True)
class Listing:
    """All contracts that are listed, by either name; linear ones only where a leg is one."""

    by_symbol: Mapping[str, Instrument]
    by_native: Mapping[str, Instrument]

    @classmethod
    def of(cls, instruments: Iterable[Instrument]) -> "Listing":
        found = tuple(instruments)
        inverse = {i.asset: i.symbol for i in found if i.symbol == f"{i.asset}/USD:{i.asset}" and i.tradable}
        listed = [replace(i, instead=inverse.get(i.asset, "")) if i.linear else i for i in found]
        return cls({i.symbol: i for i in listed}, {i.native: i for i in listed})

    def named(self, symbol: str) -> Instrument:
        """The contract of a unified symbol. Raises ``UnlistedError``."""
        if symbol not in self.by_symbol:
            raise UnlistedError(f"bybit lists no contract {symbol}", "Check the leg's symbol")
        return self.by_symbol[symbol]

    def of_row(self, row: Fields) -> Instrument:
        """The contract that a row is about. Raises ``ConversionError`` for one that is not listed."""
        return row.word("symbol", self.by_native)


def instruments(pages: Iterable[Answer]) -> Listing:
    """The contracts of all pages of ``market/instruments-info``."""
    listed: dict[str, Instrument] = {}
    for page in pages:
        for row in page.fields.rows("list"):
            instrument = _instrument(row)
            if instrument.native in listed:
                raise row.wrong("symbol", "is listed twice")
            listed[instrument.native] = instrument
    return Listing.of(listed.values())


def _instrument(row: Fields) -> Instrument:
    base, native = row.name("baseCoin"), row.name("symbol")
    perpetual, linear = row.word("contractType", KINDS), row.text("contractType") in LINEAR
    quote = row.name("quoteCoin") if linear else "USD"
    row.expect("quoteCoin", quote)
    row.expect("settleCoin", settle := quote if linear else base)
    if not native.startswith(base if linear else f"{base}USD"):
        raise row.wrong("symbol", f"is {native}, no contract of {base}")
    lots = row.fields("lotSizeFilter")
    ends = ends_at(row, "deliveryTime", perpetual=perpetual)
    return Instrument(
        symbol=f"{base}/{quote}:{settle}{suffix(ends, perpetual=perpetual)}",
        native=native,
        asset=base,
        face=LINEAR_FACE if linear else FACE,
        lot=Contracts(lots.positive("qtyStep")),
        tick=row.fields("priceFilter").positive("tickSize"),
        min_order=Contracts(lots.positive("minOrderQty")),
        max_order=Contracts(lots.positive("maxOrderQty")),
        tradable=row.word("status", STATUSES),
        ends_at=ends,
        min_value=Usd(lots.not_negative("minNotionalValue")) if linear else Usd.zero(),
    )


def tiers(answer: Answer, native: str) -> tuple[Tier, ...]:
    """Maintenance rates by worth in the coin of settlement, from ``market/risk-limit``, lowest first."""
    found: list[Tier] = []
    for row in answer.fields.rows("list"):
        row.expect("symbol", native)
        rate = row.positive("maintenanceMargin") / _unit_of_rates(row)
        if rate >= ONE:
            raise row.wrong("maintenanceMargin", "is the whole position or more")
        found.append(Tier(Coin(row.positive("riskLimitValue")), rate))
    found.sort(key=lambda tier: tier.limit)
    if not found or len({tier.limit for tier in found}) != len(found):
        raise answer.fields.wrong("list", f"has no clear margin tiers for {native}")
    return tuple(found)


def _unit_of_rates(row: Fields) -> Decimal:
    """Rates come as percent or as fractions; the highest leverage, 1 / initial margin, tells which."""
    product = row.positive("initialMargin") * row.positive("maxLeverage")
    for unit in (ONE, PERCENT):
        if abs(product / unit - ONE) <= RATE_ROUNDING:
            return unit
    raise row.wrong("initialMargin", "does not belong to maxLeverage, as percent or as fraction")


def taker_fee(answer: Answer, native: str) -> Decimal:
    """The rate that an order which takes liquidity costs us, from ``account/fee-rate`` of all contracts."""
    rows = [row for row in answer.fields.rows("list") if row.name("symbol") == native]
    if len(rows) != 1:
        raise answer.fields.wrong("list", f"has {len(rows)} fees for {native} instead of one")
    return rows[0].rate("takerFeeRate", MOST_FEE)


def order_book(answer: Answer, instrument: Instrument) -> OrderBook:
    """A contract's bids and offers."""
    answer.fields.expect("s", instrument.native)
    return answer.fields.order_book("b", "a", at="ts")


def candles(answer: Answer, instrument: Instrument, bar_ms: int, now_ms: int) -> tuple[Candle, ...]:
    """A contract's bars that have ended, oldest first, from ``market/kline``, which has the newest first."""
    answer.fields.expect("symbol", instrument.native)
    rows, where = answer.fields.items("list"), f"{answer.fields.where}.list"
    found = bars.candles(rows, where, width=BAR_COLUMNS, bar_ms=bar_ms, now_ms=now_ms)
    return tuple(found[::-1])


def quote(ticker: Answer, book: OrderBook, instrument: Instrument) -> Quote:
    """One reading of a contract's market, as old as the older of its two parts."""
    row = one_row(ticker, instrument)
    return Quote(
        symbol=instrument.symbol,
        mark=row.price("markPrice"),
        index=row.price_or_blank("indexPrice"),
        bids=book.bids,
        asks=book.asks,
        funding=NO_FUNDING if is_dated(instrument.symbol) else _funding(row),
        at=min(book.at, ticker.at) if ticker.at else book.at,
    )


def spot_price(answer: Answer, native: str) -> Price:
    """The middle of a spot market, from ``market/tickers``."""
    answer.fields.expect("category", SPOT)
    rows = answer.fields.rows("list")
    if len(rows) != 1:
        raise answer.fields.wrong("list", f"has {len(rows)} rows instead of one")
    rows[0].expect("symbol", native)
    return rows[0].middle("bid1Price", "ask1Price")


def _funding(row: Fields) -> Funding:
    """The running interval's funding; a reply that does not know its length leaves it unknown."""
    rate = row.rate("fundingRate")
    hours = row.positive_or_blank("fundingIntervalHour") if row.has("fundingIntervalHour") else None
    return Funding(rate, hours, row.millis("nextFundingTime") or None)


def one_row(answer: Answer, instrument: Instrument) -> Fields:
    """The only row of an answer about one contract. Raises ``ConversionError`` for more, fewer or another."""
    result = answer.fields
    if result.has("category"):
        result.expect("category", category(instrument.symbol))
    rows = result.rows("list")
    if len(rows) != 1:
        raise result.wrong("list", f"has {len(rows)} rows instead of one")
    rows[0].expect("symbol", instrument.native)
    return rows[0]
