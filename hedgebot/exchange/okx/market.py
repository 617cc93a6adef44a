"""OKX's words for contracts and prices, converted: instruments, margin tiers, fees, marks, books, funding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedgebot.domain.account import Tier
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.market import NO_FUNDING, Funding, Quote
from hedgebot.domain.signals import Candle
from hedgebot.domain.units import ONE, Coin, Contracts, Price, Usd
from hedgebot.errors import UnlistedError
from hedgebot.exchange import candles as bars
from hedgebot.exchange.convert import MOST_FEE, Fields, OrderBook
from hedgebot.exchange.ending import ends_at, suffix
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.venue import FUTURES, SWAP

INVERSE, LINEAR, STABLE = "inverse", "linear", "USDT"
TYPES = {INVERSE: True, LINEAR: False}
KINDS = {SWAP: True, FUTURES: False}
STATES = {
    "live": True,
    "suspend": False,
    "rebase": False,
    "post_only": False,
    "preopen": False,
    "test": False,
    "settling": False,
}
BOOK_COLUMNS = 4  # price, size, one out of use, number of orders
BARS = {3_600_000: "1H", 86_400_000: "1Dutc"}
BAR_COLUMNS = 9
HOUR_MS = 3_600_000
LATE_MS = 60_000
"""A ticker that is older says nothing of now."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract with what only OKX says of it. ``group`` is the group of its fees."""

    instrument: Instrument
    perpetual: bool
    family: str
    group: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All coin-margined contracts that are listed, by either name, and the names of the other contracts.

    Where a leg is one, perpetual contracts in tether are among the former: ``linear``.
    """

    by_symbol: Mapping[str, Contract]
    by_native: Mapping[str, Contract]
    others: frozenset[str]
    linear: bool = False

    @classmethod
    def of(cls, contracts: Iterable[Contract], others: Iterable[str], *, linear: bool) -> "Listing":
        found = tuple(contracts)
        every = [c.instrument for c in found if c.perpetual and c.instrument.tradable]
        inverse = {i.asset: i.symbol for i in every if not i.linear}
        listed = [_told(c, inverse.get(c.instrument.asset, "")) for c in found]
        return cls(
            {c.instrument.symbol: c for c in listed},
            {c.instrument.native: c for c in listed},
            frozenset(others),
            linear,
        )

    def named(self, symbol: str) -> Contract:
        """The contract of a unified symbol. Raises ``UnlistedError``."""
        if symbol not in self.by_symbol:
            raise UnlistedError(f"okx lists no contract {symbol}", "Check the leg's symbol")
        return self.by_symbol[symbol]

    def of_row(self, row: Fields) -> Instrument | None:
        """The contract that a row is about; None for one of the others.

        Raises ``ConversionError`` for one that is not listed.
        """
        if row.text("instId") in self.others:
            return None
        return row.word("instId", self.by_native).instrument


def candles(answer: Answer, bar_ms: int, now_ms: int) -> list[Candle]:
    """A contract's bars that have ended, newest first; ``market/candles`` does not name the contract."""
    return bars.candles(answer.result, answer.where, width=BAR_COLUMNS, bar_ms=bar_ms, now_ms=now_ms)


def spot_price(answer: Answer, native: str, now_ms: int) -> Price:
    """The middle of a spot market, from ``market/ticker``, which says when that was."""
    row = one_row(answer)
    row.expect("instId", native)
    if now_ms - row.millis("ts") > LATE_MS:
        raise row.wrong("ts", f"is more than {LATE_MS // 1000} s ago")
    return row.middle("bidPx", "askPx")


def rows(answer: Answer) -> list[Fields]:
    """The rows that a successful answer consists of. Raises ``ConversionError``."""
    return Fields({"data": answer.result}, answer.where).rows("data")


def one_row(answer: Answer) -> Fields:
    """The only row of an answer. Raises ``ConversionError`` for more or none."""
    found = rows(answer)
    if len(found) != 1:
        raise Fields({}, answer.where).wrong("data", f"has {len(found)} rows instead of one")
    return found[0]


def _told(contract: Contract, inverse: str) -> Contract:
    """A linear contract that says which inverse one is listed besides."""
    if not contract.instrument.linear:
        return contract
    return replace(contract, instrument=replace(contract.instrument, instead=inverse))


def listing(answers: Iterable[Answer], *, linear: bool = False) -> Listing:
    """The contracts of all answers of ``public/instruments``; those in tether only if ``linear``."""
    found: dict[str, Contract] = {}
    others: set[str] = set()
    for answer in answers:
        for row in rows(answer):
            native = row.name("instId")
            if native in found or native in others:
                raise row.wrong("instId", "is listed twice")
            if row.word("ctType", TYPES):
                found[native] = _inverse(row)
            elif linear and row.text("settleCcy") == STABLE and row.text("instType") == SWAP:
                found[native] = _linear(row)
            else:
                others.add(native)
    return Listing.of(found.values(), others, linear=linear)


def _inverse(row: Fields) -> Contract:
    """One contract. Its face is told: 100 dollars for Bitcoin, 10 for the rest, times a multiplier of one."""
    coin, family = row.name("settleCcy"), _family(row)
    row.expect("ctValCcy", "USD")
    if not (family.startswith(f"{coin}-USD") and row.name("instId").startswith(f"{family}-")):
        raise row.wrong("settleCcy", f"is {coin}, yet the contract is {row.name('instId')}, of {family}")
    return _contract(row, coin, family, f"{coin}/USD:{coin}", Usd(_face(row)))


def _linear(row: Fields) -> Contract:
    """One contract in tether, whose face is so many coins."""
    coin, family = row.name("ctValCcy"), _family(row)
    if family != f"{coin}-{STABLE}" or row.name("instId") != f"{family}-{SWAP}":
        raise row.wrong("ctValCcy", f"is {coin}, yet the contract is {row.name('instId')}, of {family}")
    return _contract(row, coin, family, f"{coin}/{STABLE}:{STABLE}", Coin(_face(row)))


def _family(row: Fields) -> str:
    return row.name("instFamily" if row.has("instFamily") else "uly")


def _face(row: Fields) -> Decimal:
    return row.positive("ctVal") * row.positive("ctMult")


def _contract(row: Fields, coin: str, family: str, symbol: str, face: Usd | Coin) -> Contract:
    perpetual = row.word("instType", KINDS)
    ends = ends_at(row, "expTime", perpetual=perpetual)
    instrument = Instrument(
        symbol=f"{symbol}{suffix(ends, perpetual=perpetual)}",
        native=row.name("instId"),
        asset=coin,
        face=face,
        lot=Contracts(row.positive("lotSz")),
        tick=row.positive("tickSz"),
        min_order=Contracts(row.positive("minSz")),
        max_order=Contracts(row.positive("maxLmtSz")),
        tradable=row.word("state", STATES),
        ends_at=ends,
    )
    group = row.text("groupId") if row.has("groupId") else ""
    return Contract(instrument, perpetual, family, group)


@dataclass(frozen=True, slots=True)
class ContractTier:
    """A maintenance rate, and the largest position in contracts that it is for."""

    limit: Contracts
    maintenance: Decimal


def tiers(answer: Answer, contract: Contract) -> tuple[ContractTier, ...]:
    """Maintenance rates by number of contracts, from ``public/position-tiers``, lowest first."""
    found: list[ContractTier] = []
    for row in rows(answer):
        row.expect("instFamily", contract.family)
        rate = row.positive("mmr")
        if rate >= ONE:
            raise row.wrong("mmr", "is the whole position or more")
        found.append(ContractTier(Contracts(row.positive("maxSz")), rate))
    found.sort(key=lambda tier: tier.limit)
    if not found or len({tier.limit for tier in found}) != len(found):
        raise Fields({}, answer.where).wrong("data", f"has no clear margin tiers for {contract.family}")
    return tuple(found)


def in_coins(tiers: Iterable[ContractTier], contract: Contract, mark: Price) -> tuple[Tier, ...]:
    """The same tiers by worth at a mark, in the coin of settlement: they are counted in contracts."""
    instrument = contract.instrument
    return tuple(Tier(instrument.worth(tier.limit, mark), tier.maintenance) for tier in tiers)


def taker_fee(answer: Answer, contract: Contract) -> Decimal:
    """The rate that an order which takes liquidity costs us, from ``account/trade-fee``: told as negative."""
    row = one_row(answer)
    groups = row.rows("feeGroup") if row.has("feeGroup") else []
    own = [group for group in groups if group.text("groupId") == contract.group]
    if contract.group and groups and len(own) != 1:
        raise row.wrong("feeGroup", f"has {len(own)} fees for group {contract.group!r} instead of one")
    untold = "takerU" if contract.instrument.linear else "taker"
    return -(own[0].rate("taker", MOST_FEE) if own else row.rate(untold, MOST_FEE))


@dataclass(frozen=True, slots=True)
class Prices:
    """What was answered about one contract's market; its order book, the longest part, is converted.

    A dated contract has no ``funding``.
    """

    mark: Answer
    index: Answer
    funding: Answer | None
    book: OrderBook


def order_book(answer: Answer) -> OrderBook:
    """A contract's bids and offers."""
    return one_row(answer).order_book("bids", "asks", "ts", BOOK_COLUMNS)


def quote(prices: Prices, contract: Contract) -> Quote:
    """One reading of a contract's market, as old as the oldest of its parts."""
    instrument, book = contract.instrument, prices.book
    mark, index = one_row(prices.mark), one_row(prices.index)
    mark.expect("instId", instrument.native)
    index.expect("instId", contract.family)
    return Quote(
        symbol=instrument.symbol,
        mark=mark.price("markPx"),
        index=index.price_or_blank("idxPx"),
        bids=book.bids,
        asks=book.asks,
        funding=NO_FUNDING if prices.funding is None else _funding(one_row(prices.funding), instrument),
        at=min(mark.millis("ts"), index.millis("ts"), book.at),
    )


def _funding(row: Fields, instrument: Instrument) -> Funding:
    """The running interval's funding, settled at ``fundingTime``; its length is the step to the one after."""
    row.expect("instId", instrument.native)
    rate = row.rate("fundingRate")
    settles = row.millis("fundingTime")
    if not row.has("nextFundingTime") or row.blank("nextFundingTime"):
        return Funding(rate, None, settles)
    length = row.millis("nextFundingTime") - settles
    if length <= 0:
        raise row.wrong("nextFundingTime", "is not after fundingTime")
    return Funding(rate, Decimal(length) / HOUR_MS, settles)
