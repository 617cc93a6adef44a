"""How many coins, or how much less short, bring a pool's liquidation to a factor ``g`` of the mark.

With what is kept ``K`` and owed ``O`` by either figure (``MarginPool.at_mark``, ``at_entry``) and the margin
``M``, liquidation lies at ``K / (O - M)`` times the mark. So ``O - M - K/g`` coins are missing. Buying ``x``
coins back at mark takes ``a*x`` from ``K`` and ``b*x`` from ``O - M``: of what is owed ``x`` goes at its
entry and its loss is paid from the margin, with the fee. Selling ``x`` does the contrary.

Behind a linear leg stand dollars, and dollars are what is missing or to spare: ``LinearPool`` reckons them.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.linear import LinearPool
from hedgebot.domain.liquidation import MarginPool, PooledShort
from hedgebot.domain.units import ONE


class _Side(NamedTuple):
    """One of the two figures: what it keeps, what it owes, and both for a coin of the short at its prices."""

    kept: Decimal
    owed: Decimal
    each_kept: Decimal
    bought: Decimal
    sold: Decimal


def missing(pool: MarginPool | LinearPool, factor: Decimal) -> Decimal:
    """Coins of margin without which liquidation lies nearer than at ``factor``; below zero: too many."""
    if isinstance(pool, LinearPool):
        return pool.missing(factor)
    needed = [owed - kept / factor for kept, owed in (pool.at_mark(), pool.at_entry())]
    return max(needed) - pool.margin.value


def to_buy_back(pool: MarginPool | LinearPool, leg: PooledShort, factor: Decimal, spare: Decimal) -> Decimal:
    """Coins of ``leg``'s short to buy back at mark, once ``spare`` coins more stand behind the rest.

    ``factor`` is above 1.1. Below zero where nothing needs to be.
    """
    if isinstance(pool, LinearPool):
        return pool.to_buy_back(factor, spare)
    margin = pool.margin.value + spare
    return max(
        (factor * (side.owed - margin) - side.kept) / (factor * side.bought - side.each_kept)
        for side in _sides(pool, leg)
    )


def to_sell(pool: MarginPool | LinearPool, leg: PooledShort, factor: Decimal, spare: Decimal) -> Decimal:
    """Coins more that ``leg`` may sell at mark with ``spare`` coins more behind it; below zero: none."""
    if isinstance(pool, LinearPool):
        return pool.to_sell(factor, spare)
    margin = pool.margin.value + spare
    return min(
        (side.kept - factor * (side.owed - margin)) / (factor * side.sold - side.each_kept)
        for side in _sides(pool, leg)
    )


def _sides(pool: MarginPool, leg: PooledShort) -> Iterator[_Side]:
    short, maintenance, fee = leg
    dearer = short.sold.value / short.short.value if short.notional else ONE
    kept = ONE - (maintenance + fee) / (ONE - pool.haircut)
    yield _Side(*pool.at_mark(), kept, ONE - fee, ONE + fee)
    yield _Side(*pool.at_entry(), ONE, ONE - fee + maintenance * dearer, ONE + fee + maintenance)
