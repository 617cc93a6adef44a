"""A tiny exact ledger of one pot and one short, in fractions: what fills, fees and flows really do.

It is written from the exchanges' own rules and shares no arithmetic with ``hedgebot``: a wrong formula
would agree with itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.market import Level, Quote
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Contracts
from tests.builders import instrument, leg, snapshot

Fill = tuple[Fraction, Fraction]
"""Dollars (negative: sold) at a price."""


@dataclass(frozen=True)
class Ledger:
    """``coins`` in the pot without open profit; ``usd`` dollars short, sold for ``sold`` coins."""

    coins: Fraction
    usd: Fraction = Fraction(0)
    sold: Fraction = Fraction(0)
    fee: Fraction = Fraction(5, 10_000)

    def after(self, fills: Iterable[Fill]) -> "Ledger":
        state = self
        for usd, price in fills:
            state = state._sell(-usd, price) if usd < 0 else state._buy_back(usd, price)
        return state

    def _sell(self, usd: Fraction, price: Fraction) -> "Ledger":
        sold = usd / price
        return replace(self, coins=self.coins - sold * self.fee, usd=self.usd + usd, sold=self.sold + sold)

    def _buy_back(self, usd: Fraction, price: Fraction) -> "Ledger":
        """The part bought back takes its share of the coins sold along; the difference is realised."""
        assert usd <= self.usd, "bought past flat"
        bought, share = usd / price, self.sold * usd / self.usd
        coins = self.coins + bought - share - bought * self.fee
        return replace(self, coins=coins, usd=self.usd - usd, sold=self.sold - share)

    def realised(self, price: Fraction) -> "Ledger":
        """The short settled at ``price``: all its open profit in the pot, its entry there (no fee)."""
        coins = self.coins + self.usd / price - self.sold
        return replace(self, coins=coins, sold=self.usd / price)

    def dollars(self, price: Fraction) -> Fraction:
        """What everything is worth at ``price``: the pot, plus what the short gained."""
        return (self.coins + self.usd / price - self.sold) * price

    def net(self) -> Fraction:
        """Coins that still move with the price."""
        return self.coins - self.sold

    def seen(self, mark: Decimal, contract: Instrument | None = None, book: Quote | None = None) -> Snapshot:
        """The snapshot that an exchange would show of it."""
        contract = contract or instrument()
        size = self.usd / Fraction(contract.face.value)
        entry = decimal(self.usd / self.sold) if self.sold else mark
        short = leg(
            -decimal(size), entry=entry, mark=mark, contract=contract, fee=str(decimal(self.fee)), book=book
        )
        return snapshot(short, coins=decimal(self.coins))


def decimal(value: Fraction) -> Decimal:
    """To 28 digits, as precisely as any exchange tells it."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def fills(contracts: Contracts, levels: Iterable[Level], face: Decimal) -> list[Fill]:
    """What an order of ``contracts`` gets from the levels of a book, best first."""
    sign = 1 if contracts.value > 0 else -1
    left, got = abs(Fraction(contracts.value)), list[Fill]()
    for price, size in levels:
        taken = min(left, Fraction(size.value))
        if taken:
            got.append((sign * taken * Fraction(face), Fraction(price.value)))
        left -= taken
    return got
