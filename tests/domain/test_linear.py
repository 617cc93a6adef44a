"""A short in a contract whose profit is paid in dollars: what may be one."""

from decimal import Decimal

import pytest

from hedgebot.domain.linear import LinearShort
from hedgebot.domain.units import Price
from tests.builders import coin, contracts, price

AT = price(60_000)


@pytest.mark.parametrize(("size", "entry"), [(0, None), (0, AT), (1, AT)])
def test_a_flat_one_needs_no_entry(size: int, entry: Price | None) -> None:
    assert LinearShort(contracts(size), coin("0.001"), entry, AT).sold == coin("0.001") * Decimal(size)


@pytest.mark.parametrize(("size", "entry"), [(1, None), (-1, AT), (-1, None)])
def test_an_open_one_does_and_none_is_negative(size: int, entry: Price | None) -> None:
    with pytest.raises(ValueError, match=r"^a short has contracts of zero or more, and an entry unless"):
        LinearShort(contracts(size), coin("0.001"), entry, AT)
