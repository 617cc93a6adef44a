"""At which price the shorts of one margin pool are liquidated (money.md, "Liquidation").

Three figures exist for a leg: the exchange's and two of ours, with maintenance taken at mark and
at entry. The lowest price counts. "Never" and "unknown" are figures too, and are not the same.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from hedgebot.domain.inverse import Short
from hedgebot.domain.linear import LinearShort
from hedgebot.domain.units import ONE, ZERO, Coin, Price, Usd


class NoFigure(Enum):
    """Why a liquidation figure is not a price."""

    NEVER = "never"
    UNKNOWN = "unknown"


Figure = Price | NoFigure


class PooledShort(NamedTuple):
    """A short with the rates that its exchange maintains it at."""

    short: Short | LinearShort
    maintenance: Decimal
    closing_fee: Decimal = ZERO


class MarginPool(NamedTuple):
    """Shorts that are liquidated together: one isolated leg, or all legs of a cross-margined wallet.

    ``margin`` is in coins without unrealised PnL; ``other`` is further collateral in USD after its
    haircut; ``haircut`` is the one on the coin itself. Prices in a pool move by one factor ``k``.
    """

    shorts: tuple[PooledShort, ...]
    margin: Coin
    other: Usd = Usd(ZERO)
    haircut: Decimal = ZERO

    def factor_at_mark(self) -> Decimal | None:
        """``k = (C/P + sum((1 - m - f) * Q)) / (sum(sold) - M)``; None where ``M >= sum(sold)``."""
        return self._factor(*self.at_mark())

    def factor_at_entry(self) -> Decimal | None:
        """``k = (C/P + sum(Q)) / (sum((1 + m) * sold) - M)``."""
        return self._factor(*self.at_entry())

    def at_mark(self) -> tuple[Decimal, Decimal]:
        """``C/P + sum((1 - m - f) * Q)`` and ``sum(sold)``, in coins: what is kept, and what is owed."""
        kept, owed = self._beside(), ZERO
        for short, maintenance, fee in self.shorts:
            kept += (ONE - (maintenance + fee) / (ONE - self.haircut)) * short.short.value
            owed += short.sold.value
        return kept, owed

    def at_entry(self) -> tuple[Decimal, Decimal]:
        """``C/P + sum(Q)`` and ``sum((1 + m) * sold)``, in coins."""
        kept, owed = self._beside(), ZERO
        for short, maintenance, _ in self.shorts:
            kept += short.short.value
            owed += (ONE + maintenance) * short.sold.value
        return kept, owed

    def figures(self, mark: Price) -> tuple[Figure, Figure]:
        """Both of our figures for the leg whose mark is given: at mark, at entry."""
        return _figure(self.factor_at_mark(), mark), _figure(self.factor_at_entry(), mark)

    def _factor(self, kept: Decimal, owed: Decimal) -> Decimal | None:
        uncovered = owed - self.margin.value
        return max(ZERO, kept / uncovered) if uncovered > ZERO and self.shorts else None

    def _beside(self) -> Decimal:
        """Other collateral, in coins at mark."""
        return self.other.value / self.shorts[0].short.mark.value if self.other and self.shorts else ZERO


def _figure(factor: Decimal | None, mark: Price) -> Figure:
    if factor is None:
        return NoFigure.NEVER
    return mark * factor if factor > ZERO else mark


def reported(price: Price | None, mark: Price, ours: Iterable[Figure]) -> Figure:
    """The exchange's figure; none given means "never" only while ours are all beyond twice the mark."""
    if price is not None:
        return price
    for figure in ours:
        if figure is NoFigure.UNKNOWN or (isinstance(figure, Price) and figure.value <= 2 * mark.value):
            return NoFigure.UNKNOWN
    return NoFigure.NEVER


def worst(figures: Collection[Figure]) -> Figure:
    """The lowest price; unknowns are skipped while one figure is known."""
    prices = [figure for figure in figures if isinstance(figure, Price)]
    if prices:
        return min(prices)
    return NoFigure.NEVER if NoFigure.NEVER in figures else NoFigure.UNKNOWN
