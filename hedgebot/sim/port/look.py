"""What one reading sees: parts of an account, each as old as its read lags; and exact numbers in decimals."""

from decimal import Decimal
from fractions import Fraction

from hedgebot.sim.exchange import SimulatedExchange, View


class Look:
    """One reading of an account. Parts that are of one instant share one view."""

    def __init__(self, exchange: SimulatedExchange, account: str) -> None:
        self._exchange = exchange
        self._account = account
        self._views: dict[int, View] = {}

    def at(self, read: str) -> int:
        """The instant that a read shows."""
        return self._exchange.as_of(read)

    def view(self, read: str) -> View:
        at_ms = self._exchange.as_of(read)
        if at_ms not in self._views:
            self._views[at_ms] = self._exchange.view_at(self._account, at_ms)
        return self._views[at_ms]


def decimal(value: Fraction, places: int) -> Decimal:
    """``value`` with as many decimals as its exchange writes, halves away from zero."""
    numerator, denominator = value.numerator, value.denominator
    if denominator == 1:
        return Decimal(numerator)
    scaled = (2 * abs(numerator) * 10**places + denominator) // (2 * denominator)
    return Decimal(scaled if numerator >= 0 else -scaled).scaleb(-places)
