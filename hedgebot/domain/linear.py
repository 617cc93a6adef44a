"""Arithmetic of linear (stable-coin-margined) shorts, used only where no inverse contract exists.

Their profit is paid in the stable coin and never becomes coins: ``U`` is zero here by definition,
and what is sold is simply what is short (design.md section 2). A stable coin counts as a dollar.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.units import ONE, ZERO, Coin, Contracts, Price, Usd


@dataclass(frozen=True, slots=True)
class LinearShort:
    """``contracts`` (a positive number here) of ``size`` coins each. A flat leg has no ``entry``."""

    contracts: Contracts
    size: Coin
    entry: Price | None
    mark: Price

    def __post_init__(self) -> None:
        if self.contracts.value < ZERO or (self.entry is None and self.contracts):
            raise ValueError("a short has contracts of zero or more, and an entry unless it is flat")

    @property
    def notional(self) -> Usd:
        """Dollars at mark."""
        return self.sold.at(self.mark)

    @property
    def worth(self) -> Coin:
        """Its size at mark in the coin that it settles in: the stable one."""
        return Coin(self.notional.value)

    @property
    def profit(self) -> Usd:
        """The stable coin's unrealised profit, ``n*s*(E - P)``."""
        return self.sold.at(self.entry) - self.notional if self.entry else Usd.zero()

    @property
    def sold(self) -> Coin:
        return self.size * self.contracts.value

    @property
    def short(self) -> Coin:
        return self.sold

    @property
    def unrealized(self) -> Coin:
        return Coin.zero()


class LinearPool(NamedTuple):
    """A linear short and the dollars behind it, without its own unrealised profit: its isolated margin, or
    the stable coin's wallet and what else stands behind that."""

    short: LinearShort
    maintenance: Decimal
    closing_fee: Decimal
    dollars: Decimal

    def figures(self, mark: Price) -> tuple[Price]:
        """``(M + n*s*E) / (n*s*(1 + m))``; the mark where nothing is left."""
        price = self._kept() / (self.short.short.value * (ONE + self.maintenance))
        return (Price(price) if price > ZERO else mark,)

    def missing(self, factor: Decimal) -> Decimal:
        """Dollars without which liquidation lies nearer than at ``factor`` times the mark; below zero: too
        many."""
        return self._needed(factor) * self.short.short.value - self._kept()

    def to_buy_back(self, factor: Decimal, spare: Decimal) -> Decimal:
        """Coins to buy back at mark, once ``spare`` dollars more stand behind the rest: what a coin needs no
        longer, less its price and fee."""
        each = self._needed(factor) - self.short.mark.value * (ONE + self.closing_fee)
        return (self.missing(factor) - spare) / each

    def to_sell(self, factor: Decimal, spare: Decimal) -> Decimal:
        """Coins more that may be sold at mark with ``spare`` dollars more behind it; below zero: none."""
        each = self._needed(factor) - self.short.mark.value * (ONE - self.closing_fee)
        return (spare - self.missing(factor)) / each

    def _needed(self, factor: Decimal) -> Decimal:
        """Dollars that a coin of the short needs behind it at ``factor`` times the mark: price and margin."""
        return factor * self.short.mark.value * (ONE + self.maintenance)

    def _kept(self) -> Decimal:
        """``M + n*s*E``."""
        entry = self.short.entry
        return self.dollars + (self.short.short.at(entry).value if entry else ZERO)
