"""What one contract is: the specification that sizes, rounds and bounds every order."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property

from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price, Usd


def settled_in(symbol: str) -> str:
    """The coin that a contract's margin, profit and funding are paid in, from its unified name."""
    return symbol.partition(":")[2].partition("-")[0]


def is_dated(symbol: str) -> bool:
    """Whether a unified symbol names a contract that ends."""
    return "-" in symbol.partition(":")[2]


def perpetual_of(symbol: str) -> str:
    """The symbol of the perpetual contract beside a dated one; a perpetual one's own."""
    return symbol.partition("-")[0]


@dataclass(frozen=True)
class Instrument:
    """An inverse perpetual: ``contracts * face`` dollars, margined and settled in the coin.

    Of a linear one, used only where no inverse one exists, ``face`` is in coins.
    ``symbol`` is ccxt's unified name (``BTC/USD:BTC``), ``native`` the exchange's own (``BTCUSD``).
    ``ends_at`` is when it is delivered; a perpetual one has an end only once it is to be delisted.
    Orders that open are worth ``min_value`` at least. ``instead`` is the inverse contract that the exchange
    lists besides a linear one.
    """

    symbol: str
    native: str
    asset: str
    face: Usd | Coin
    lot: Contracts
    tick: Decimal
    min_order: Contracts
    max_order: Contracts
    tradable: bool = True
    ends_at: Millis | None = None
    min_value: Usd = Usd(ZERO)
    instead: str = ""

    @property
    def linear(self) -> bool:
        """Whether it is margined and settled in a stable coin."""
        return isinstance(self.face, Coin)

    @property
    def settle(self) -> str:
        """The coin of its margin, profit and funding."""
        return settled_in(self.symbol)

    def least(self, price: Price) -> Contracts:
        """The fewest contracts that an order at ``price`` may open, in whole lots."""
        if not self.min_value:
            return self.min_order
        lots = self.min_value / self.dollars(self.lot, price)
        return max(self.min_order, self.lot * lots.to_integral_value(ROUND_CEILING))

    def notional(self, contracts: Contracts) -> Usd:
        """Dollars of ``contracts`` of an inverse contract, without a sign; no price is in it."""
        if isinstance(self.face, Coin):
            raise TypeError(f"{self.symbol} is linear: its dollars depend on the price")
        return self.face * abs(contracts.value)

    def dollars(self, contracts: Contracts, mark: Price) -> Usd:
        """Dollars of ``contracts`` of any contract, without a sign."""
        if isinstance(self.face, Coin):
            return (self.face * abs(contracts.value)).at(mark)
        return self.notional(contracts)

    def worth(self, contracts: Contracts, price: Price) -> Coin:
        """``contracts`` at ``price`` in the coin that they settle in, without a sign."""
        dollars = self.dollars(contracts, price)
        return Coin(dollars.value) if self.linear else dollars.at(price)

    def round_price(self, price: Price, *, up: bool) -> Price:
        """The nearest price on the tick grid at or above (``up``) or at or below ``price``."""
        steps = (price.value / self.tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
        return Price(max(steps, Decimal(1)) * self.tick)

    @cached_property
    def spec(self) -> str:
        """What sizes depend on: a change of this text means a different contract."""
        unit = self.asset if isinstance(self.face, Coin) else "USD"
        return f"{self.native}: {self.face} {unit} a contract, lots of {self.lot}"
