"""The order book: at which price an order fills, and how much of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.inverse import average_entry
from hedgebot.domain.units import Contracts, Usd
from tests.builders import contracts, levels, price, quote

BOOK = quote(
    bids=levels((59_990, 1_000), (59_000, 2_000), (50_000, 10_000)),
    asks=levels((60_010, 500), (61_000, 500)),
)


@pytest.mark.parametrize(
    ("order", "fill"),
    [
        (-1_000, "59990"),
        (500, "60010"),
        (1, "60010"),
        (-13_001, None),
        (1_001, None),
    ],
)
def test_fill_price(order: int, fill: str | None) -> None:
    found = BOOK.fill_price(contracts(order))
    assert (None if found is None else str(found)) == fill


def test_fill_price_over_several_levels_is_the_harmonic_average() -> None:
    expected = average_entry([(Usd.of(1_000), price(59_990)), (Usd.of(2_000), price(59_000))])
    assert str(BOOK.fill_price(contracts(-3_000))) == str(expected) == "59326.349312772377"


@pytest.mark.parametrize(
    ("order", "worst", "depth"),
    [
        (-500, 59_990, -500),
        (-1_500, 59_990, -1_000),
        (-9_999, 58_000, -3_000),
        (-9_999, 60_000, 0),
        (200, 60_010, 200),
        (999, 60_500, 500),
        (999, 60_000, 0),
    ],
)
def test_depth_is_what_fills_no_worse_than_a_price(order: int, worst: int, depth: int) -> None:
    assert BOOK.depth(contracts(order), price(worst)) == contracts(depth)


@pytest.mark.parametrize("order", [-1, 1])
def test_an_empty_side_fills_nothing(order: int) -> None:
    empty = quote(bids=(), asks=())
    assert empty.fill_price(contracts(order)) is None
    assert empty.depth(contracts(order), price(60_000)) == Contracts.zero()


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**4)), min_size=1, max_size=6),
    st.integers(1, 10**4),
)
def test_a_fill_is_never_outside_the_prices_of_its_levels(raw: list[tuple[int, int]], order: int) -> None:
    bids = levels(*sorted(raw, reverse=True))
    fill = quote(bids=bids).fill_price(contracts(-order))
    if order > sum(size for _, size in raw):
        assert fill is None
    else:
        best, worst = bids[0][0], bids[-1][0]
        slack = Decimal("1e-20")
        assert fill is not None
        assert worst * (1 - slack) <= fill <= best * (1 + slack)
