"""Arithmetic of inverse (coin-margined) shorts. Sources: design.md section 2 and the exchanges' pages.

``N`` is the notional in USD, ``P`` the mark, ``E`` the average price of the trades. Everything is
exact or a ``Decimal`` quotient of 28 digits: whoever floors one to a lot rounds it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.derived import Derived
from hedgebot.domain.units import ONE, ZERO, Coin, Price, Usd


def average_entry(fills: Sequence[tuple[Usd, Price]]) -> Price:
    """Average price of several sales: harmonic, ``sum(N) / sum(N / P)``."""
    notional = sum((usd.value for usd, _ in fills), ZERO)
    coins = sum((usd.at(price).value for usd, price in fills), ZERO)
    return Price(notional / coins)


def funding_received(notional: Usd, mark: Price, rate: Decimal) -> Coin:
    """Coins one funding interval pays to the short, ``Q * rate``; negative when the short pays."""
    return notional.at(mark) * rate


@dataclass(frozen=True)
class Short:
    """One open short in coins. A flat leg has no ``entry`` and no notional."""

    notional: Usd
    entry: Price | None
    mark: Price

    def __post_init__(self) -> None:
        if self.notional.value < ZERO or (self.entry is None and self.notional):
            raise ValueError("a short has a notional of zero or more, and an entry unless it is flat")

    @Derived
    def sold(self) -> Coin:
        """Coins sold at the average entry, ``N / E``."""
        return Coin.zero() if self.entry is None else self.notional.at(self.entry)

    @Derived
    def short(self) -> Coin:
        """Its size at mark, ``Q = N / P``."""
        return self.notional.at(self.mark)

    @property
    def worth(self) -> Coin:
        """Its size at mark in the coin that it settles in: the hedged one."""
        return self.short

    @Derived
    def unrealized(self) -> Coin:
        """``U = Q - sold``: coins of profit at mark, positive once the price fell."""
        return self.short - self.sold


@dataclass(frozen=True, slots=True)
class Gap:
    """What separates a hedge from its target: all that sizing needs, in coins and dollars a coin."""

    held: Decimal
    sold: Decimal
    target: Decimal

    @property
    def coins(self) -> Decimal:
        """``r * held - sold``: positive when more must be sold."""
        return self.target * max(self.held, ZERO) - self.sold

    def to_sell(self, price: Price, fee: Decimal) -> Decimal:
        """USD to sell, ``gap * P / (1 + r * fee)``."""
        return self.coins / self.closed_by_selling(price, fee)

    def to_buy(self, price: Price, entry: Price, fee: Decimal) -> Decimal:
        """USD to buy back, ``-gap / (r * (1 - fee) / P + (1 - r) / E)``."""
        return -self.coins / self.closed_by_buying(price, entry, fee)

    def closed_by_selling(self, price: Price, fee: Decimal) -> Decimal:
        """Coins of the gap that each USD sold closes: the fee itself lowers what is held."""
        return (ONE + self.target * fee) / price.value

    def closed_by_buying(self, price: Price, entry: Price, fee: Decimal) -> Decimal:
        """Coins of the gap that each USD bought back closes.

        The profit that this realises joins what is held, so the target moves on the way there.
        """
        return self.target * (ONE - fee) / price.value + (ONE - self.target) / entry.value
