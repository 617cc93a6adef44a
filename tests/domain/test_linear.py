"""A short in a contract whose profit is paid in dollars: what may be one, and the dollars behind it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.linear import LinearPool, LinearShort
from hedgebot.domain.liquidation import PooledShort
from hedgebot.domain.rescue import missing, to_buy_back, to_sell
from hedgebot.domain.units import Price, Usd
from tests.builders import coin, contracts, price

AT = price(60_000)
FEE = Decimal("0.0005")
CLOSE = Decimal("1e-9")

marks = st.decimals("50", "250", places=2)
dollars = st.decimals("300", "3000", places=2)
factors = st.decimals("1.15", "3", places=3)
rates = st.sampled_from([Decimal("0.004"), Decimal("0.01"), Decimal("0.05")])


@pytest.mark.parametrize(("size", "entry"), [(0, None), (0, AT), (1, AT)])
def test_a_flat_one_needs_no_entry(size: int, entry: Price | None) -> None:
    assert LinearShort(contracts(size), coin("0.001"), entry, AT).sold == coin("0.001") * Decimal(size)


@pytest.mark.parametrize(("size", "entry"), [(1, None), (-1, AT), (-1, None)])
def test_an_open_one_does_and_none_is_negative(size: int, entry: Price | None) -> None:
    with pytest.raises(ValueError, match=r"^a short has contracts of zero or more, and an entry unless"):
        LinearShort(contracts(size), coin("0.001"), entry, AT)


def test_it_is_worth_dollars_and_wins_them_as_the_price_falls() -> None:
    short = LinearShort(contracts(100), coin("0.1"), price(100), price(80))
    assert (short.sold, short.short, short.unrealized) == (coin(10), coin(10), coin(0))
    assert (short.worth, short.profit) == (coin(800), Usd.of(200))


def test_a_flat_one_has_won_nothing() -> None:
    assert LinearShort(contracts(0), coin("0.1"), None, price(80)).profit == Usd.zero()


def pool(size: Decimal, entry: Decimal, mark: Decimal, behind: Decimal, rate: Decimal) -> LinearPool:
    short = LinearShort(contracts(size), coin("0.1"), Price(entry), Price(mark))
    return LinearPool(short, rate, FEE, behind)


def nearest(found: LinearPool) -> Decimal:
    """Where it is liquidated, as a factor of the mark."""
    return found.figures(found.short.mark)[0].value / found.short.mark.value


def traded(before: LinearPool, coins: Decimal, spare: Decimal) -> LinearPool:
    """The same once so many coins were bought back at mark (negative: sold), the loss and the fee paid."""
    short = before.short
    entry, mark = short.entry.value if short.entry else Decimal(0), short.mark.value
    left = short.sold.value - coins
    if coins > 0:
        paid = coins * (mark - entry)
    else:
        paid, entry = Decimal(0), (short.sold.value * entry - coins * mark) / left
    behind = before.dollars + spare - paid - abs(coins) * mark * FEE
    return pool(left * 10, entry, mark, behind, before.maintenance)


class TestADangerousOne:
    @given(mark=marks, behind=dollars, factor=factors, rate=rates)
    def test_lies_where_it_should_with_the_missing_dollars(
        self, mark: Decimal, behind: Decimal, factor: Decimal, rate: Decimal
    ) -> None:
        found = pool(Decimal(100), Decimal(100), mark, behind, rate)
        more = missing(found, factor)
        assert abs(nearest(found._replace(dollars=behind + more)) - factor) < CLOSE
        assert (more <= 0) == (nearest(found) >= factor)

    @given(mark=marks, behind=dollars, factor=factors, rate=rates)
    def test_and_once_enough_was_bought_back(
        self, mark: Decimal, behind: Decimal, factor: Decimal, rate: Decimal
    ) -> None:
        found = pool(Decimal(100), Decimal(100), mark, behind, rate)
        coins = to_buy_back(found, PooledShort(found.short, rate, FEE), factor, Decimal(50))
        if 0 < coins < 10:
            assert abs(nearest(traded(found, coins, Decimal(50))) - factor) < CLOSE
        assert (coins > 0) == (missing(found, factor) > 50)

    @given(mark=marks, behind=dollars, factor=factors, rate=rates)
    def test_and_with_what_more_may_be_sold(
        self, mark: Decimal, behind: Decimal, factor: Decimal, rate: Decimal
    ) -> None:
        found = pool(Decimal(100), Decimal(100), mark, behind, rate)
        coins = to_sell(found, PooledShort(found.short, rate, FEE), factor, Decimal(50))
        if coins > 0:
            assert abs(nearest(traded(found, -coins, Decimal(50))) - factor) < CLOSE
        assert (coins >= 0) == (missing(found, factor) <= 50)


def test_with_nothing_left_behind_it_it_is_liquidated_at_the_mark() -> None:
    assert pool(Decimal(100), Decimal(100), Decimal(80), Decimal(-1001), Decimal(0)).figures(price(80)) == (
        price(80),
    )
