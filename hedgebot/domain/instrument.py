"""What one contract is: the specification that sizes, rounds and bounds every order."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property

from hedgebot.domain.units import Coin, Contracts, Price, Usd


@dataclass(frozen=True)
class Instrument:
    """An inverse perpetual: ``contracts * face`` dollars, margined and settled in the coin.

    Of a linear one, used only where no inverse one exists, ``face`` is in coins.
    ``symbol`` is ccxt's unified name (``BTC/USD:BTC``), ``native`` the exchange's own (``BTCUSD``).
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

    def round_price(self, price: Price, *, up: bool) -> Price:
        """The nearest price on the tick grid at or above (``up``) or at or below ``price``."""
        steps = (price.value / self.tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
        return Price(max(steps, Decimal(1)) * self.tick)

    @cached_property
    def spec(self) -> str:
        """What sizes depend on: a change of this text means a different contract."""
        unit = self.asset if isinstance(self.face, Coin) else "USD"
        return f"{self.native}: {self.face} {unit} a contract, lots of {self.lot}"
