"""Exact numbers and how they are written."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.sim.money import ceil_to, exact, fixed, floor_to, is_multiple, rounded, short

numbers = st.fractions(-(10**9), 10**9)
units = st.sampled_from([Fraction(1, 100), Fraction(1, 2), Fraction(5), Fraction(1, 10**8)])


@given(numbers, units)
def test_rounding_stays_on_the_unit_and_within_half_of_it(value: Fraction, unit: Fraction) -> None:
    assert floor_to(value, unit) <= value <= ceil_to(value, unit)
    assert ceil_to(value, unit) - floor_to(value, unit) in (0, unit)
    assert abs(rounded(value, unit) - value) <= unit / 2
    assert all(is_multiple(f(value, unit), unit) for f in (rounded, floor_to, ceil_to))


@given(numbers, st.integers(0, 10))
def test_fixed_decimals_are_what_decimal_writes(value: Fraction, places: int) -> None:
    with localcontext() as context:
        context.prec = 60
        written = Decimal(fixed(value, places))
        exactly = Decimal(value.numerator) / Decimal(value.denominator)
        assert written == exactly.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 2), "0.5"),
        (Fraction(0), "0"),
        (Fraction(100), "100"),
        (Fraction(-1, 10**9), "0"),
        (Fraction(1, 3), "0.33333333"),
        (Fraction(-2, 3), "-0.66666667"),
    ],
)
def test_short_text_has_no_trailing_zeros_and_no_negative_zero(value: Fraction, text: str) -> None:
    assert short(value) == text


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError):
        exact(cast("Fraction", 0.1))
