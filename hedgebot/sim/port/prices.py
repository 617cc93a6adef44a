"""Quotes: marks, index, funding and the book of one contract, each as old as its own read."""

from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from hedgebot.domain.market import NO_FUNDING, Funding, Level, Quote
from hedgebot.domain.units import Contracts, Millis, Price
from hedgebot.sim.contract import Contract
from hedgebot.sim.market import Market
from hedgebot.sim.matching import Book, Side
from hedgebot.sim.port.look import decimal

BOOK_LEVELS = 50
PLACES = 8  # enough for prices: marks and index are published to the cent, levels lie on ticks


class Instants(NamedTuple):
    """What the parts of a quote are as of."""

    marked: int
    indexed: int
    funded: int
    drawn: int


Ladder = tuple[Level, ...]


class Prices:
    """Tells quotes; rates have so many ``places``. A book whose middle has not moved is drawn once."""

    def __init__(self, market: Market, places: int) -> None:
        self._market = market
        self._places = places
        self._drawn: dict[str, tuple[Book, Ladder, Ladder]] = {}

    def quote(
        self, symbol: str, contract: Contract, at: Instants, told_at: int, hours: Decimal | None
    ) -> Quote:
        """``told_at`` is the instant that the exchange itself gives, ``hours`` the length of an interval."""
        bids, asks = self._ladders(contract, at.drawn)
        return Quote(
            symbol=symbol,
            mark=Price(decimal(self._market.quote(contract, at.marked).mark, PLACES)),
            index=Price(decimal(self._market.quote(contract, at.indexed).index, PLACES)),
            bids=bids,
            asks=asks,
            funding=self._funding(contract, at.funded, hours) if contract.perpetual else NO_FUNDING,
            at=Millis(told_at),
        )

    def _funding(self, contract: Contract, at_ms: int, hours: Decimal | None) -> Funding:
        settles = next_funding(contract, at_ms)
        rate = self._market.funding_rate(contract.symbol, settles)
        return Funding(decimal(rate, self._places), hours, Millis(settles))

    def _ladders(self, contract: Contract, at_ms: int) -> tuple[Ladder, Ladder]:
        book = self._market.book(contract, at_ms)
        drawn = self._drawn.get(contract.symbol)
        if drawn is None or drawn[0] != book:
            bids, asks = (_ladder(book, side) for side in (Side.SELL, Side.BUY))
            drawn = self._drawn[contract.symbol] = (book, bids, asks)
        return drawn[1], drawn[2]


def next_funding(contract: Contract, at_ms: int) -> int:
    """When the running interval is settled."""
    every = contract.funding_interval_ms
    return (at_ms // every + 1) * every


def _ladder(book: Book, side: Side) -> Ladder:
    """What an order of ``side`` would meet."""
    tick = decimal(book.contract.tick, PLACES)
    rungs = []
    drawn: tuple[Fraction, Contracts] | None = None
    for ticks, size in islice(book.rungs(side), BOOK_LEVELS):
        if drawn is None or size is not drawn[0]:  # most books are even: one size is made once
            drawn = size, Contracts(decimal(size, PLACES))
        rungs.append((Price(ticks * tick), drawn[1]))
    return tuple(rungs)
