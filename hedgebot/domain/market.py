"""Prices of one contract: marks, index, the book, funding."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.units import ZERO, Contracts, Millis, Price

Level = tuple[Price, Contracts]


@dataclass(frozen=True, slots=True)
class Funding:
    """The rate of the running interval; a positive rate pays the short."""

    rate: Decimal
    interval_hours: Decimal | None
    next_at: Millis | None


NO_FUNDING = Funding(ZERO, None, None)
"""A dated contract's."""


@dataclass(frozen=True, slots=True)
class Quote:
    """One reading of a contract's market. ``bids`` and ``asks`` start at the best price; ``index`` is None
    where the exchange has none."""

    symbol: str
    mark: Price
    index: Price | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    funding: Funding
    at: Millis

    def fill_price(self, contracts: Contracts) -> Price | None:
        """Average price at which ``contracts`` (negative sells) would fill; None if the book is too thin.

        The average of inverse contracts is harmonic (``inverse.average_entry``).
        """
        levels = self.bids if contracts.value < ZERO else self.asks
        left, coins = abs(contracts.value), ZERO
        for price, size in levels:
            taken = min(left, size.value)
            coins += taken / price.value
            left -= taken
            if left == ZERO:
                return Price(abs(contracts.value) / coins)
        return None

    def depth(self, contracts: Contracts, worst: Price) -> Contracts:
        """How many of ``contracts`` (same sign) the book fills no worse than ``worst``."""
        if contracts.value < ZERO:
            return max(contracts, -_within(level for level in self.bids if level[0] >= worst))
        return min(contracts, _within(level for level in self.asks if level[0] <= worst))


def _within(levels: Iterable[Level]) -> Contracts:
    return Contracts(sum((size.value for _, size in levels), ZERO))
