"""Bars of the true price, for every dialect; volumes are not simulated."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from hedgebot.sim.contract import Contract
from hedgebot.sim.market import Market


class Bar(NamedTuple):
    """Prices between ``start`` and just before the next bar's, or until now."""

    start: int
    open: Fraction
    high: Fraction
    low: Fraction
    close: Fraction


def bars(market: Market, contract: Contract, width: int, start: int, end: int, now: int) -> Iterator[Bar]:
    """The bars of ``width`` ms that start from ``start`` to ``end``, oldest first; the last one may run."""
    path = market.feed(contract.symbol).path
    for first in range(-(-start // width) * width, min(end, now) + 1, width):
        last = min(first + width - 1, now)
        prices = [path.at(at_ms) for at_ms in (first, *path.turns(first, last), last)]
        yield Bar(first, prices[0], max(prices), min(prices), prices[-1])
