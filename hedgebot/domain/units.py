"""Units as types: coins, dollars, contracts and prices cannot be mixed by mistake.

All wrap an exact ``Decimal``. Adding needs the same unit on both sides; dividing two of the same
unit gives a plain ``Decimal``. Dollars become coins only at a named price, and contracts become
dollars only through an ``Instrument``.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NewType, Self, overload

Millis = NewType("Millis", int)
"""Wall-clock time: milliseconds since the epoch, UTC."""

ZERO = Decimal(0)
ONE = Decimal(1)
WIDE = Context(prec=100)
"""For rounding whatever an exchange says: with the usual 28 digits a large number has none left behind the
point, which ``quantize`` takes for an error."""


_set = object.__setattr__


@dataclass(frozen=True, slots=True, order=True, init=False)
class Quantity:
    """A finite amount of one unit."""

    value: Decimal

    def __init__(self, value: Decimal) -> None:
        # By hand, because a decision makes some dozens of these and the generated one takes twice as long.
        if not value.is_finite():
            raise ValueError(f"{type(self).__name__} must be finite, not {value}")
        _set(self, "value", value)

    @classmethod
    def of(cls, value: str | int | Decimal) -> Self:
        return cls(Decimal(value))

    @classmethod
    def zero(cls) -> Self:
        return cls(ZERO)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.value + _same(self, other))

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.value - _same(self, other))

    def __neg__(self) -> Self:
        return type(self)(-self.value)

    def __abs__(self) -> Self:
        return type(self)(abs(self.value))

    def __mul__(self, factor: Decimal) -> Self:
        return type(self)(self.value * factor)

    @overload
    def __truediv__(self, other: Self) -> Decimal: ...

    @overload
    def __truediv__(self, other: Decimal) -> Self: ...

    def __truediv__(self, other: Self | Decimal) -> Self | Decimal:
        if isinstance(other, Decimal):
            return type(self)(self.value / other)
        return self.value / _same(self, other)

    def __bool__(self) -> bool:
        return self.value != ZERO

    def __str__(self) -> str:
        return plain(self.value)


class Coin(Quantity):
    """Coins of the hedge's asset."""

    __slots__ = ()

    def at(self, price: "Price") -> "Usd":
        return Usd(self.value * price.value)


class Usd(Quantity):
    """US dollars."""

    __slots__ = ()

    def at(self, price: "Price") -> Coin:
        return Coin(self.value / price.value)


class Contracts(Quantity):
    """Contracts of one instrument; a short is negative."""

    __slots__ = ()


class Price(Quantity):
    """Dollars for one coin; always above zero."""

    __slots__ = ()

    def __init__(self, value: Decimal) -> None:
        if not (value.is_finite() and value > ZERO):
            raise ValueError(f"a price must be finite and above zero, not {value}")
        _set(self, "value", value)


def plain(value: Decimal, places: int = 12) -> str:
    """``value`` without exponent or trailing zeros, rounded to ``places`` decimals, as people read it."""
    text = f"{value:f}"
    if len(text.partition(".")[2]) > places:
        # Libraries change the process's rounding at their import: it is named here.
        text = f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, WIDE):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _same(left: Quantity, right: Quantity) -> Decimal:
    if type(left) is not type(right):
        raise TypeError(f"{type(left).__name__} and {type(right).__name__} do not mix")
    return right.value
