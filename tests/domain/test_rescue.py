"""Coins, or contracts, that bring liquidation to where it should be: checked by doing what they say."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.inverse import Short
from hedgebot.domain.liquidation import MarginPool, PooledShort
from hedgebot.domain.rescue import missing, to_buy_back, to_sell
from hedgebot.domain.units import Coin, Price, Usd

FEE = Decimal("0.0005")
ROUNDING = Decimal("1e-12")

marks = st.decimals("40000", "300000", places=1)
leverages = st.decimals("1.2", "50", places=2)
factors = st.decimals("1.15", "3", places=3)
rates = st.sampled_from([Decimal("0.004"), Decimal("0.01"), Decimal("0.05")])


def pooled(mark: Decimal, leverage: Decimal, rate: Decimal) -> tuple[MarginPool, PooledShort]:
    """60,000 dollars sold at 60,000, on a margin of ``1 / leverage`` coins."""
    short = PooledShort(Short(Usd.of(60_000), Price.of(60_000), Price(mark)), rate, FEE)
    return MarginPool((short,), Coin(1 / leverage)), short


def nearest(pool: MarginPool) -> Decimal | None:
    """Where liquidation lies, as a factor of the mark; None where nowhere."""
    found = [f for f in (pool.factor_at_mark(), pool.factor_at_entry()) if f is not None]
    return min(found, default=None)


def bought(pool: MarginPool, coins: Decimal, spare: Decimal) -> MarginPool:
    """The pool once that many coins were bought back at mark (negative: sold), the loss and the fee paid."""
    [(short, rate, fee)] = pool.shorts
    part = coins / short.short.value
    if coins > 0:
        loss, usd = (short.sold.value - short.short.value) * part, short.notional.value * (1 - part)
        entry = short.entry
    else:
        loss, usd = Decimal(0), short.notional.value * (1 - part)
        sold = short.sold.value - coins
        entry = Price(usd / sold)
    after = Short(Usd(usd), entry, short.mark)
    margin = pool.margin.value + spare - loss - abs(coins) * fee
    return MarginPool((PooledShort(after, rate, fee),), Coin(margin))


@given(mark=marks, leverage=leverages, factor=factors, rate=rates)
def test_with_the_missing_coins_liquidation_lies_where_it_should(
    mark: Decimal, leverage: Decimal, factor: Decimal, rate: Decimal
) -> None:
    pool, _ = pooled(mark, leverage, rate)
    coins = missing(pool, factor)
    after = nearest(pool._replace(margin=Coin(pool.margin.value + coins)))
    assert after is None or abs(after - factor) < ROUNDING
    assert (coins <= 0) == ((nearest(pool) or factor) >= factor)


@settings(max_examples=50)
@given(mark=marks, leverage=leverages, factor=factors, rate=rates, spare=st.decimals("0", "0.2", places=3))
def test_a_purchase_leads_there_and_not_further(
    mark: Decimal, leverage: Decimal, factor: Decimal, rate: Decimal, spare: Decimal
) -> None:
    pool, short = pooled(mark, leverage, rate)
    coins = to_buy_back(pool, short, factor, spare)
    if not 0 < coins < short.short.short.value * Decimal("0.99"):
        return  # most draws, of which ``assume`` would make a failed health check now and then
    after = nearest(bought(pool, coins, spare))
    assert after is not None
    assert abs(after - factor) < ROUNDING * 1000


@settings(max_examples=50)
@given(mark=marks, leverage=leverages, factor=factors, rate=rates)
def test_a_sale_leads_there_and_not_further(
    mark: Decimal, leverage: Decimal, factor: Decimal, rate: Decimal
) -> None:
    pool, short = pooled(mark, leverage, rate)
    coins = to_sell(pool, short, factor, Decimal(0))
    if coins <= Decimal("0.0001"):
        return
    after = nearest(bought(pool, -coins, Decimal(0)))
    assert after is not None
    assert abs(after - factor) < ROUNDING * 1000


def test_what_lies_far_enough_needs_nothing() -> None:
    pool, short = pooled(Decimal(60_000), Decimal(2), Decimal("0.005"))
    assert missing(pool, Decimal("1.3")) < 0
    assert to_buy_back(pool, short, Decimal("1.3"), Decimal(0)) < 0


@pytest.mark.parametrize(("spare", "coins"), [("0", Fraction(1, 2)), ("0.5", Fraction(0))])
def test_by_hand(spare: str, coins: Fraction) -> None:
    """1 coin sold at 60,000 and 120,000 now: half a coin is short, half a coin of profit lost, 0.5 behind it.

    At g = 2, without rates and fees: K = 0.5, O - M = 0.5, and x = (2 * 0.5 - 0.5) / (2 - 1).
    """
    short = PooledShort(Short(Usd.of(60_000), Price.of(60_000), Price.of(120_000)), Decimal(0))
    pool = MarginPool((short,), Coin.of("0.5"))
    assert max(to_buy_back(pool, short, Decimal(2), Decimal(spare)), Decimal(0)) == coins


@pytest.mark.parametrize("factor", ["1.4", "2.5"])
@pytest.mark.parametrize("mark", [95_000, 105_000])
@pytest.mark.parametrize(
    ("rate", "fee", "haircut"), [("0.005", "0.05", "0"), ("0.05", "0.0005", "0.4"), ("0.2", "0.1", "0.1")]
)
def test_whatever_fee_and_haircut_are(factor: str, mark: int, rate: str, fee: str, haircut: str) -> None:
    """Where a figure at mark is the nearer one, and where that at entry is."""
    sold = Short(Usd.of(60_000), Price.of(60_000), Price.of(mark))
    short = PooledShort(sold, Decimal(rate), Decimal(fee))
    pool = MarginPool((short,), Coin.of("0.5"), haircut=Decimal(haircut))
    coins = to_buy_back(pool, short, Decimal(factor), Decimal("0.01"))
    assert 0 < coins < sold.short.value
    after = nearest(bought(pool, coins, Decimal("0.01"))._replace(haircut=Decimal(haircut)))
    assert after is not None
    assert abs(after - Decimal(factor)) < ROUNDING
