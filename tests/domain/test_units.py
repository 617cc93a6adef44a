"""Units cannot be mixed by mistake, and numbers are written as people read them."""

from collections.abc import Callable
from decimal import ROUND_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.units import Coin, Contracts, Price, Quantity, Usd, plain

DECIMALS = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=8)


def test_same_units_add_and_divide_to_a_plain_number() -> None:
    assert Coin.of("0.5") + Coin.of("0.25") == Coin.of("0.75")
    assert -(Usd.of(3) - Usd.of(1)) == Usd.of(-2)
    assert Coin.of(1) / Coin.of(4) == Decimal("0.25")
    assert Coin.of(1) / Decimal(4) == Coin.of("0.25")
    assert sum((Coin.of(n) for n in range(4)), Coin.zero()) == Coin.of(6)


ANYTHING: Any = Usd.of(1)  # as a caller without a type checker would pass it
MIXES: dict[str, Callable[[], object]] = {
    "coins plus dollars": lambda: Coin.of(1) + ANYTHING,
    "coins less dollars": lambda: Coin.of(1) - ANYTHING,
    "coins over dollars": lambda: Coin.of(1) / ANYTHING,
    "coins below dollars": lambda: Coin.of(1) < ANYTHING,
    "coins times dollars": lambda: Coin.of(1) * ANYTHING,
    "contracts plus dollars": lambda: Contracts.of(1) + ANYTHING,
}


@pytest.mark.parametrize("mix", MIXES)
def test_different_units_do_not_mix(mix: str) -> None:
    with pytest.raises(TypeError):
        MIXES[mix]()


def test_equal_numbers_of_different_units_are_not_equal() -> None:
    assert len({Coin.of(1), Usd.of(1), Contracts.of(1), Price.of(1)}) == 4


def test_dollars_and_coins_meet_only_at_a_price() -> None:
    assert Coin.of("0.5").at(Price.of(60_000)) == Usd.of(30_000)
    assert Usd.of(30_000).at(Price.of(60_000)) == Coin.of("0.5")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "sNaN"])
@pytest.mark.parametrize("unit", [Coin, Usd, Contracts, Price])
def test_an_amount_is_finite(unit: type[Quantity], text: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        unit.of(text)


@pytest.mark.parametrize("text", ["0", "-0.5", "-0"])
def test_a_price_is_above_zero(text: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Price.of(text)


@pytest.mark.parametrize(
    ("amount", "true"), [("0", False), ("-0.0", False), ("0.00000001", True), ("-1", True)]
)
def test_zero_is_false(amount: str, true: bool) -> None:
    assert bool(Coin.of(amount)) is true


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+5", "100000"),
        ("1.500", "1.5"),
        ("-0.00", "0"),
        ("1E-15", "0"),
        ("0.1234567890125", "0.123456789012"),
        ("-0.0000000000019", "-0.000000000002"),
        ("60000", "60000"),
        ("100", "100"),
    ],
)
def test_plain_writes_no_exponent_and_no_trailing_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


def test_plain_rounds_alike_whatever_rounding_a_library_has_set() -> None:
    with localcontext(rounding=ROUND_UP):
        assert plain(Decimal("0.1234567890121")) == "0.123456789012"


@given(DECIMALS)
def test_plain_loses_nothing_that_fits(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert text != "-0"


@given(DECIMALS, DECIMALS)
def test_adding_and_taking_away_again_is_exact(one: Decimal, other: Decimal) -> None:
    assert Coin(one) + Coin(other) - Coin(other) == Coin(one)
