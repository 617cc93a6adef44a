"""At which price a pool of shorts is liquidated: both families, the exchange's figure, and which counts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.inverse import Short
from hedgebot.domain.liquidation import Figure, MarginPool, NoFigure, PooledShort, reported, worst
from hedgebot.domain.units import Coin, Price, Usd
from tests.builders import Number, price

NEVER, UNKNOWN = NoFigure.NEVER, NoFigure.UNKNOWN
MARK = price(60_000)


def pool(
    margin: Number, usd: Number = 60_000, rate: str = "0.005", fee: str = "0", **others: Decimal | Usd
) -> MarginPool:
    """One short of ``usd`` dollars, entered and marked at 60,000."""
    short = PooledShort(Short(Usd.of(usd), MARK, MARK), Decimal(rate), Decimal(fee))
    haircut, other = others.get("haircut", Decimal(0)), others.get("other", Usd.zero())
    assert isinstance(haircut, Decimal)
    assert isinstance(other, Usd)
    return MarginPool((short,), Coin.of(margin), other, haircut)


def shown(figures: tuple[Figure, ...]) -> tuple[str, ...]:
    return tuple(f"{f.value:.2f}" if isinstance(f, Price) else f.value for f in figures)


@pytest.mark.parametrize(
    ("margin", "at_mark", "at_entry"),
    [
        ("0.1", "66333.33", "66298.34"),  # 10x: +10.56 % and +10.50 %
        ("0.5", "119400.00", "118811.88"),  # 2x: +99.0 % and +98.02 %
        ("0.9", "597000.00", "571428.57"),
        ("1", "never", "12000000.00"),  # 1x: 200 times the entry at a maintenance rate of 0.5 %
        ("1.0049", "never", "600000000.00"),
        ("1.005", "never", "never"),
        ("5", "never", "never"),
        ("0", "59700.00", "59701.49"),
    ],
)
def test_both_families_at_a_maintenance_rate_of_half_a_percent(
    margin: str, at_mark: str, at_entry: str
) -> None:
    assert shown(pool(margin).figures(MARK)) == (at_mark, at_entry)


def test_closing_fee_counts_where_maintenance_is_taken_at_mark_only() -> None:
    at_mark, at_entry = pool("0.5", fee="0.0005").figures(MARK)
    assert at_mark == price(60_000) * (Decimal("0.9945") / Decimal("0.5"))
    assert at_entry == pool("0.5").figures(MARK)[1]


def test_haircut_on_the_coin_brings_liquidation_nearer() -> None:
    at_mark, _ = pool("0.5", rate="0.009", haircut=Decimal("0.1")).figures(MARK)
    assert at_mark == price(118_800)  # as if the rate were 0.009 / 0.9


def test_dollars_behind_the_positions_move_liquidation_away() -> None:
    at_mark, at_entry = pool("0.5", other=Usd.of(30_000)).figures(MARK)
    assert shown((at_mark, at_entry)) == ("179400.00", "178217.82")


def test_debts_in_dollars_bring_it_nearer_and_never_below_zero() -> None:
    assert shown(pool("0.5", other=Usd.of(-15_000)).figures(MARK)) == ("89400.00", "89108.91")
    assert pool("0.5", other=Usd.of(-(10**9))).factor_at_mark() == 0


def test_a_pool_that_is_beyond_saving_is_liquidated_at_its_mark() -> None:
    assert pool("0.5", other=Usd.of(-(10**9))).figures(MARK) == (MARK, MARK)


@pytest.mark.parametrize("margin", ["0.1", "0.5", "1.2"])
def test_a_pool_of_several_shorts_is_liquidated_where_one_of_their_size_would_be(margin: str) -> None:
    third = pool(0, 20_000).shorts[0]
    several = MarginPool((third,) * 3, Coin.of(margin))
    assert shown(several.figures(MARK)) == shown(pool(margin).figures(MARK))


def test_a_pool_without_shorts_is_never_liquidated() -> None:
    assert MarginPool((), Coin.of(1)).figures(MARK) == (NEVER, NEVER)


@given(
    margin=st.decimals("0.01", "0.99", places=4),
    marked=st.integers(1_000, 1_000_000),
    rate=st.decimals("0.001", "0.1", places=4),
)
def test_at_the_price_found_equity_is_the_maintenance_margin(
    margin: Decimal, marked: int, rate: Decimal
) -> None:
    short = Short(Usd.of(60_000), price(60_000), price(marked))
    found = MarginPool((PooledShort(short, rate),), Coin(margin)).figures(short.mark)
    for figure, maintained_at in zip(found, ("mark", "entry"), strict=True):
        assert isinstance(figure, Price)
        then = Short(short.notional, short.entry, figure)
        equity = Coin(margin) + then.unrealized
        owed = (then.short if maintained_at == "mark" else then.sold) * rate
        assert abs(equity - owed).value < Decimal("1e-20")


@given(st.decimals("0.1", "3", places=3), st.decimals("0.1", "3", places=3))
def test_more_margin_never_brings_liquidation_nearer(one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))
    for few, many in zip(pool(less).figures(MARK), pool(more).figures(MARK), strict=True):
        assert many is NEVER or (isinstance(few, Price) and isinstance(many, Price) and few <= many)


@pytest.mark.parametrize(
    ("told", "ours", "figure"),
    [
        (90_000, (price(99_000),), price(90_000)),
        (None, (NEVER, NEVER), NEVER),
        (None, (NEVER, price(120_001)), NEVER),
        (None, (NEVER, price(120_000)), UNKNOWN),  # ours are not beyond twice the mark
        (None, (price(119_000), NEVER), UNKNOWN),
        (None, (UNKNOWN,), UNKNOWN),
        (None, (), NEVER),
    ],
)
def test_no_figure_from_the_exchange_means_never_only_while_ours_are_far(
    told: int | None, ours: tuple[Figure, ...], figure: Figure
) -> None:
    assert reported(None if told is None else price(told), MARK, ours) == figure


@pytest.mark.parametrize(
    ("figures", "counts"),
    [
        ((price(70_000), price(69_000), NEVER), price(69_000)),
        ((UNKNOWN, price(70_000), NEVER), price(70_000)),
        ((UNKNOWN, NEVER), NEVER),
        ((UNKNOWN, UNKNOWN), UNKNOWN),
        ((NEVER, NEVER, NEVER), NEVER),
        ((), UNKNOWN),
    ],
)
def test_the_lowest_price_counts_and_unknowns_are_skipped(
    figures: tuple[Figure, ...], counts: Figure
) -> None:
    assert worst(figures) == counts
