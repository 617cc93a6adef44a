"""An order book around a price, and what an incoming order takes from it.

The book is drawn from a ``Shape`` at every instant: makers refill it at once. A thin market is a
``Shape`` with few contracts on its levels, an empty one has no levels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from hedgebot.sim.contract import Contract
from hedgebot.sim.money import ONE, ceil_to, floor_to


class Side(Enum):
    """The side of an order."""

    BUY = "Buy"
    SELL = "Sell"

    @property
    def sign(self) -> int:
        """The sign that it gives to contracts."""
        return 1 if self is Side.BUY else -1


class Level(NamedTuple):
    """Contracts on offer at one price."""

    price: Fraction
    contracts: Fraction


@dataclass(frozen=True, slots=True)
class Shape:
    """How deep the market is.

    ``spread`` lies between best bid and best ask and ``gap`` between levels, both as fractions of the
    price; ``contracts`` stand on the first level, each further one holds ``growth`` times more.
    """

    spread: Fraction = Fraction(1, 50_000)
    gap: Fraction = Fraction(1, 10_000)
    levels: int = 25
    contracts: Fraction = Fraction(200_000)
    growth: Fraction = ONE


@dataclass(frozen=True, slots=True)
class Book:
    """What makers offer around a middle price; levels are drawn only as far as somebody looks."""

    contract: Contract
    middle: Fraction
    shape: Shape

    def offers(self, side: Side) -> Iterator[Level]:
        """What an order of ``side`` would meet, the best price first, on ticks and quantity steps."""
        tick = self.contract.tick
        for ticks, contracts in self.rungs(side):
            yield Level(Fraction(ticks * tick.numerator, tick.denominator), contracts)

    def rungs(self, side: Side) -> Iterator[tuple[int, Fraction]]:
        """The same with prices counted in ticks, which is cheaper where all of them are shown."""
        tick = self.contract.tick
        best = best_prices(self.contract, self.middle, self.shape)[0 if side is Side.SELL else 1]
        ticks = (best / tick).numerator
        step = max((self.middle * self.shape.gap) // tick, 1) * side.sign
        grows = self.shape.growth != ONE
        contracts = self.shape.contracts
        size = floor_to(contracts, self.contract.qty_step)
        for _ in range(self.shape.levels):
            if size and ticks > 0:
                yield ticks, size
            ticks += step
            if grows:
                contracts *= self.shape.growth
                size = floor_to(contracts, self.contract.qty_step)

    def take(self, side: Side, contracts: Fraction, limit: Fraction | None) -> list[Level]:
        """The levels, cut to size, that fill an order of ``side`` up to its ``limit`` price."""
        taken: list[Level] = []
        for level in self.offers(side):
            if contracts <= 0 or not reaches(side, limit, level.price):
                break
            size = min(contracts, level.contracts)
            taken.append(Level(level.price, size))
            contracts -= size
        return taken


def reaches(side: Side, limit: Fraction | None, price: Fraction) -> bool:
    """Whether an order of ``side`` with this ``limit`` (None: any price) trades at ``price``."""
    if limit is None:
        return True
    return price <= limit if side is Side.BUY else price >= limit


def best_prices(contract: Contract, middle: Fraction, shape: Shape) -> tuple[Fraction, Fraction]:
    """Best bid and best ask, at least one tick apart."""
    half = middle * shape.spread / 2
    bid = floor_to(middle - half, contract.tick)
    return bid, max(ceil_to(middle + half, contract.tick), bid + contract.tick)
