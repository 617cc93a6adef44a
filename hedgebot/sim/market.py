"""Prices over time: a path for each coin, and from it index, mark, last price and the order book.

    index = path · (1 + index_error)      what the exchange believes the coin is worth
    mark  = index · (1 + basis)           what margin, profit and funding are taken at
    book  around path · (1 + basis)       where orders trade

A wrong index therefore moves the mark and liquidates, while the book still trades at the true price.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Protocol

from hedgebot.sim.contract import Contract
from hedgebot.sim.matching import Book, Shape, best_prices
from hedgebot.sim.money import ONE, ZERO, exact, rounded

Number = str | int | Fraction
SPOT_SPREAD = Fraction(1, 50_000)
PUBLISHED = Fraction(1, 100)  # mark and index are published, and used, to the cent


class Path(Protocol):
    """A number over time: a price, or a basis."""

    def at(self, at_ms: int) -> Fraction: ...

    def turns(self, start_ms: int, end_ms: int) -> Sequence[int]:
        """Instants after ``start_ms`` up to ``end_ms`` between which the path only rises or only falls."""
        ...


class _Points:
    """Points in time, sorted; before the first and after the last the path stays level."""

    def __init__(self, points: Sequence[tuple[int, Number]]) -> None:
        if not points:
            raise ValueError("a path needs at least one point")
        ordered = sorted((at_ms, exact(value)) for at_ms, value in points)
        self._times = [at_ms for at_ms, _ in ordered]
        self._values = [value for _, value in ordered]

    def turns(self, start_ms: int, end_ms: int) -> Sequence[int]:
        return self._times[bisect_right(self._times, start_ms) : bisect_right(self._times, end_ms)]


class Steps(_Points):
    """Jumps to each value at its time and stays there."""

    def at(self, at_ms: int) -> Fraction:
        return self._values[max(bisect_right(self._times, at_ms) - 1, 0)]


class Lines(_Points):
    """Straight lines from point to point."""

    def at(self, at_ms: int) -> Fraction:
        after = bisect_right(self._times, at_ms)
        if after == 0 or after == len(self._times):
            return self._values[max(after - 1, 0)]
        start, end = self._times[after - 1], self._times[after]
        low, high = self._values[after - 1], self._values[after]
        return low + (high - low) * Fraction(at_ms - start, end - start)


class Curve:
    """Any function of time, looked at every ``every_ms``."""

    def __init__(self, function: Callable[[int], Fraction], every_ms: int = 60_000) -> None:
        self._function = function
        self._every_ms = every_ms

    def at(self, at_ms: int) -> Fraction:
        return self._function(at_ms)

    def turns(self, start_ms: int, end_ms: int) -> Sequence[int]:
        first = (start_ms // self._every_ms + 1) * self._every_ms
        return range(first, end_ms + 1, self._every_ms)


def level(value: Number) -> Steps:
    """A path that never moves."""
    return Steps([(0, value)])


NONE = level(0)
USUAL_FUNDING = level("0.0001")
USUAL_SHAPE = Shape()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Where one contract's prices come from; ``funding`` is the rate of an interval (+ pays the short)."""

    path: Path
    basis: Path = NONE
    index_error: Path = NONE
    funding: Path = USUAL_FUNDING
    shape: Shape = USUAL_SHAPE

    def turns(self, start_ms: int, end_ms: int) -> set[int]:
        paths = (self.path, self.basis, self.index_error)
        return {at_ms for path in paths for at_ms in path.turns(start_ms, end_ms)}


class Quote:
    """One contract's prices at one instant; ``middle`` is the centre of its book, not published."""

    def __init__(self, contract: Contract, feed: Feed, at_ms: int) -> None:
        worth, basis, error = feed.path.at(at_ms), feed.basis.at(at_ms), feed.index_error.at(at_ms)
        self._contract = contract
        self._feed = feed
        self.index = rounded(worth * (ONE + error) if error else worth, PUBLISHED)
        self.mark = rounded(self.index * (ONE + basis), PUBLISHED) if basis else self.index
        self.middle = worth * (ONE + basis) if basis else worth

    @cached_property
    def last(self) -> Fraction:
        return min(max(rounded(self.middle, self._contract.tick), self.bid), self.ask)

    @property
    def bid(self) -> Fraction:
        return self._best[0]

    @property
    def ask(self) -> Fraction:
        return self._best[1]

    @cached_property
    def _best(self) -> tuple[Fraction, Fraction]:
        return best_prices(self._contract, self.middle, self._feed.shape)


class Market:
    """The feeds of all contracts by symbol. Stable coins are worth a dollar."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = dict(feeds)
        self._quotes: dict[tuple[str, int], Quote] = {}

    def feed(self, symbol: str) -> Feed:
        return self._feeds[symbol]

    def change(self, symbol: str, feed: Feed) -> None:
        """Put another feed in place of a symbol's own, or list a new one."""
        self._feeds[symbol] = feed
        self._quotes.clear()

    def price(self, symbol: str, at_ms: int) -> Fraction:
        """What the coin is truly worth, in dollars."""
        return self._feeds[symbol].path.at(at_ms)

    def spot(self, symbol: str, at_ms: int) -> tuple[Fraction, Fraction]:
        """Best bid and best offer for the coin itself, around what it is worth."""
        worth = self.price(symbol, at_ms)
        return worth * (ONE - SPOT_SPREAD / 2), worth * (ONE + SPOT_SPREAD / 2)

    def quote(self, contract: Contract, at_ms: int) -> Quote:
        key = (contract.symbol, at_ms)
        quote = self._quotes.get(key)
        if quote is None:
            if len(self._quotes) > 64:
                self._quotes.clear()
            quote = self._quotes[key] = Quote(contract, self._feeds[contract.symbol], at_ms)
        return quote

    def book(self, contract: Contract, at_ms: int) -> Book:
        return Book(contract, self.quote(contract, at_ms).middle, self._feeds[contract.symbol].shape)

    def funding_rate(self, symbol: str, at_ms: int) -> Fraction:
        return self._feeds[symbol].funding.at(at_ms)


def thinned(feed: Feed, fraction: Number) -> Feed:
    """The same feed with this fraction of its depth left (0: an empty book)."""
    left = exact(fraction)
    levels = feed.shape.levels if left > ZERO else 0
    return replace(feed, shape=replace(feed.shape, contracts=feed.shape.contracts * left, levels=levels))
