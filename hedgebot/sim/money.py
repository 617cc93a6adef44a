"""Exact numbers: everything inside the simulator is a ``Fraction``; only replies are rounded.

Rounding happens in two places: the ledger may book to a smallest unit (``Rules.posting_unit``), and
a dialect writes a number with as many decimals as its exchange does.
"""

from fractions import Fraction

ZERO = Fraction(0)
ONE = Fraction(1)
COIN_PLACES = 8


def exact(value: str | int | Fraction) -> Fraction:
    """A number as written; a float is refused, since it is not the number that was written."""
    if isinstance(value, float):
        raise TypeError(f"write {value!r} as text, an int or a Fraction: a float is not exact")
    return value if isinstance(value, Fraction) else Fraction(value)


def rounded(value: Fraction, unit: Fraction) -> Fraction:
    """The multiple of ``unit`` nearest to ``value``, halves away from zero."""
    numerator, denominator = _ratio(value, unit)
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return _times(nearest if numerator >= 0 else -nearest, unit)


def floor_to(value: Fraction, unit: Fraction) -> Fraction:
    """The largest multiple of ``unit`` that is not above ``value``."""
    numerator, denominator = _ratio(value, unit)
    return _times(numerator // denominator, unit)


def ceil_to(value: Fraction, unit: Fraction) -> Fraction:
    """The smallest multiple of ``unit`` that is not below ``value``."""
    numerator, denominator = _ratio(value, unit)
    return _times(-(-numerator // denominator), unit)


def is_multiple(value: Fraction, unit: Fraction) -> bool:
    numerator, denominator = _ratio(value, unit)
    return numerator % denominator == 0


def fixed(value: Fraction, places: int) -> str:
    """``value`` with exactly ``places`` decimals: ``60000.50``."""
    denominator = value.denominator
    scaled = (2 * abs(value.numerator) * 10**places + denominator) // (2 * denominator)
    digits = str(scaled).rjust(places + 1, "0")
    sign = "-" if scaled and value.numerator < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def short(value: Fraction) -> str:
    """``value`` to at most eight decimals, without trailing zeros: ``0.5``, ``0``."""
    if value.denominator == 1:
        return str(value.numerator)
    return fixed(value, COIN_PLACES).rstrip("0").rstrip(".")


def _ratio(value: Fraction, unit: Fraction) -> tuple[int, int]:
    """``value / unit`` as two integers, not reduced: plain integers are several times faster here."""
    return value.numerator * unit.denominator, value.denominator * unit.numerator


def _times(count: int, unit: Fraction) -> Fraction:
    return Fraction(count * unit.numerator, unit.denominator)
