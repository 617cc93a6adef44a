"""Exposure: each coin counted once and in one role, profit never counted as held, no price in what is net."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.linear import LinearPool
from hedgebot.domain.units import Coin, Price, Usd
from tests.builders import (
    DATED,
    LINEAR,
    coin,
    hedged,
    instrument,
    leg,
    position,
    price,
    quote,
    snapshot,
    wallet,
)

COINS = st.decimals("-5", "100", places=8)
PRICES = st.decimals("100", "1000000", places=2)


@given(COINS, COINS, COINS, st.integers(0, 10**7), PRICES, PRICES)
def test_the_roles_of_an_accounts_coins_sum_to_its_equity(
    spot: Decimal, collateral: Decimal, outside: Decimal, size: int, entry: Decimal, mark: Decimal
) -> None:
    """Equity is what the wallets hold with their open profit; nothing else is counted, and nothing twice."""
    seen = snapshot(leg(-size, entry=entry, mark=mark), coins=collateral, spot=spot, outside=outside)
    found = seen.exposure
    equity = sum((w.coins + w.unrealized for w in (*seen.spot_wallets, *seen.margin_wallets)), Coin.zero())
    assert abs(found.spot + found.collateral + found.unrealized - (equity + coin(outside))).value < Decimal(
        "1e-18"
    )


@given(COINS, st.integers(1, 10**7), PRICES, PRICES, PRICES)
def test_there_is_no_price_in_the_net_exposure(
    collateral: Decimal, size: int, entry: Decimal, one: Decimal, other: Decimal
) -> None:
    seen = [snapshot(leg(-size, entry=entry, mark=mark), coins=collateral).exposure for mark in (one, other)]
    assert seen[0].net == seen[1].net
    assert seen[0].ratio == seen[1].ratio
    for each in seen:  # X - Q, computed the other way round, is the same
        assert abs(each.exposure - each.short - each.net).value < Decimal("1e-18")


def test_a_wallet_is_counted_once_however_many_legs_it_margins() -> None:
    legs = [leg(-1_000, contract=instrument(symbol)) for symbol in ("BTC/USD:BTC", DATED)]
    assert snapshot(*legs, coins=1, spot="0.5", outside="0.25").exposure.held == coin("1.75")


def test_each_leg_is_measured_at_its_own_mark() -> None:
    legs = leg(-30_000, mark=60_000), leg(-30_000, mark=50_000, contract=instrument(DATED))
    assert snapshot(*legs).exposure.short == coin("1.1")


def test_coins_owed_make_collateral_negative() -> None:
    assert snapshot(leg(), coins="-0.3", spot=1).exposure.held == coin("0.7")


def test_dollars_that_back_a_position_are_no_coins() -> None:
    assert snapshot(leg(-60_000), coins=0, dollars=30_000, spot=1).exposure.held == coin(1)


@pytest.mark.parametrize(("held", "ratio"), [("1", "0.5"), ("0.25", "2"), ("0", None), ("-1", None)])
def test_ratio_is_sold_over_held_and_none_where_nothing_is_held(held: str, ratio: str | None) -> None:
    found = snapshot(leg(-30_000), coins=held).exposure.ratio
    assert found == (None if ratio is None else Decimal(ratio))


def test_a_long_counts_as_nothing_sold() -> None:
    seen = hedged(30_000, mark=30_000).exposure
    assert (seen.sold, seen.short, seen.unrealized) == (Coin.zero(),) * 3


def test_only_a_short_has_an_entry_to_reckon_with() -> None:
    [long] = snapshot(leg(100)).legs
    [flat] = snapshot(leg(0)).legs
    left = replace(flat, position=replace(flat.position, entry=price(60_000)))  # that of the last position
    assert (long.short.entry, left.short.entry) == (None, None)


def test_dollars_of_other_collateral_stand_behind_a_linear_leg_too() -> None:
    seen = snapshot(leg(-1_000, contract=instrument(LINEAR, face="0.001")), coins=0, stable=50_000)
    [short] = seen.legs
    backed = replace(short, wallet=replace(short.wallet, other_margin=Usd.of(7_000)))
    pool = replace(seen, legs=(backed,)).pools[short.name]
    assert isinstance(pool, LinearPool)
    assert pool.dollars == 57_000


def test_profit_of_a_linear_leg_is_no_coins() -> None:
    short = leg(-1_500, entry=60_000, mark=30_000, contract=instrument(LINEAR, face="0.001"))
    seen = snapshot(short, coins=0, spot=2)
    assert (seen.exposure.sold, seen.exposure.short, seen.exposure.unrealized) == (
        coin("1.5"), coin("1.5"), Coin.zero(),
    )  # fmt: skip
    assert (seen.exposure.exposure, seen.exposure.net) == (coin(2), coin("0.5"))


def test_the_mark_of_a_position_comes_from_its_own_reply() -> None:
    shown = replace(leg(-1), quote=quote(60_600))
    blank = replace(shown, position=replace(position(), mark=None))
    assert (shown.mark, blank.mark) == (price(60_000), price(60_600))


def test_value_is_what_is_left_at_mark() -> None:
    assert hedged(-60_000, mark=30_000).value.value == 60_000
    assert hedged(0, mark=30_000).value.value == 30_000


def test_legs_are_found_by_name() -> None:
    seen = snapshot(leg(-1), leg(-2, contract=instrument(DATED)))
    assert seen.leg(f"main:{DATED}") is seen.legs[1]


def test_an_open_position_without_an_entry_or_a_mark_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="an entry and a mark"):
        replace(position(-1), entry=None)
    with pytest.raises(ValueError, match="an entry and a mark"):
        replace(position(-1), mark=None)
    assert replace(position(0), mark=None).entry is None


def test_wallets_of_tests_show_what_their_positions_do() -> None:
    short = position(-60_000, mark=30_000)
    assert wallet(1, [short]).unrealized == short.unrealized == coin(1)
    assert Price.of(60_000) == short.entry
