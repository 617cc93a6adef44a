"""At which price the shorts of one margin pool are liquidated (money.md, "Liquidation").

Three figures exist for a leg: the exchange's and two of ours, with maintenance taken at mark and
at entry. The lowest price counts. "Never" and "unknown" are figures too, and are not the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from hedgebot.domain.inverse import Short
from hedgebot.domain.units import ONE, ZERO, Coin, Price, Usd


class NoFigure(Enum):
    """Why a liquidation figure is not a price."""

    NEVER = "never"
    UNKNOWN = "unknown"


Figure = Price | NoFigure


@dataclass(frozen=True, slots=True)
class PooledShort:
    """A short with the rates that its exchange maintains it at."""

    short: Short
    maintenance: Decimal
    closing_fee: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class MarginPool:
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
        kept = sum(
            (
                (ONE - (p.maintenance + p.closing_fee) / (ONE - self.haircut)) * p.short.short.value
                for p in self.shorts
            ),
            ZERO,
        )
        sold = sum((p.short.sold.value for p in self.shorts), ZERO)
        return self._factor(kept, sold - self.margin.value)

    def factor_at_entry(self) -> Decimal | None:
        """``k = (C/P + sum(Q)) / (sum((1 + m) * sold) - M)``."""
        short = sum((p.short.short.value for p in self.shorts), ZERO)
        owed = sum(((ONE + p.maintenance) * p.short.sold.value for p in self.shorts), ZERO)
        return self._factor(short, owed - self.margin.value)

    def figures(self, mark: Price) -> tuple[Figure, Figure]:
        """Both of our figures for the leg whose mark is given: at mark, at entry."""
        return _figure(self.factor_at_mark(), mark), _figure(self.factor_at_entry(), mark)

    def _factor(self, kept: Decimal, uncovered: Decimal) -> Decimal | None:
        if uncovered <= ZERO or not self.shorts:
            return None
        reference = self.shorts[0].short.mark
        return max(ZERO, (self.other.at(reference).value + kept) / uncovered)


def _figure(factor: Decimal | None, mark: Price) -> Figure:
    if factor is None:
        return NoFigure.NEVER
    return mark * factor if factor > ZERO else mark


def reported(price: Price | None, mark: Price, ours: Iterable[Figure]) -> Figure:
    """The exchange's figure; none given means "never" only while ours are all beyond twice the mark."""
    if price is not None:
        return price
    near = (f is NoFigure.UNKNOWN or (isinstance(f, Price) and f <= mark * Decimal(2)) for f in ours)
    return NoFigure.UNKNOWN if any(near) else NoFigure.NEVER


def worst(figures: Iterable[Figure]) -> Figure:
    """The lowest price; unknowns are skipped while one figure is known."""
    known = [figure for figure in figures if figure is not NoFigure.UNKNOWN]
    prices = [figure for figure in known if isinstance(figure, Price)]
    if prices:
        return min(prices)
    return NoFigure.NEVER if known else NoFigure.UNKNOWN
