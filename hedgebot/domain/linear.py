"""Arithmetic of linear (stable-coin-margined) shorts, used only where no inverse contract exists.

Their profit is paid in the stable coin and never becomes coins: ``U`` is zero here by definition,
and what is sold is simply what is short (design.md section 2).
"""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.units import ZERO, Coin, Contracts, Price, Usd


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


def liquidation_price(margin: Decimal, coins: Coin, entry: Price, maintenance: Decimal) -> Price:
    """``(M + n*s*E) / (n*s*(1 + m))`` with ``M`` in the stable coin and ``n*s`` coins short."""
    return Price((margin + coins.value * entry.value) / (coins.value * (1 + maintenance)))
