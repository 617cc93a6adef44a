"""Which margin a leg of a snapshot stands on: its own, its wallet's, or one that is not known."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain import margin
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import Coin, Price
from tests.builders import DATED, LINEAR, Number, coin, hedged, instrument, leg, price, snapshot


def isolated(size: Number, own: Number) -> Leg:
    return leg(size, mode=MarginMode.ISOLATED, margin=coin(own), fee="0")


def crossed(size: Number, symbol: str = "BTC/USD:BTC") -> Leg:
    return leg(size, contract=instrument(symbol), fee="0")


def test_an_isolated_leg_stands_on_its_own_margin() -> None:
    seen = snapshot(isolated(-60_000, "0.5"), coins=5)
    assert margin.pool(seen, seen.legs[0]).margin == coin("0.5")
    assert margin.leverage(seen, seen.legs[0]) == 2


def test_legs_in_cross_stand_together_on_their_wallet() -> None:
    seen = snapshot(crossed(-30_000), crossed(-30_000, DATED), coins=1)
    for each in seen.legs:
        pooled = margin.pool(seen, each)
        assert (len(pooled.shorts), pooled.margin) == (2, coin(1))
        assert pooled.shorts[0].short is each.short, "its own mark comes first"
        assert margin.leverage(seen, each) == 1


def test_margin_of_isolated_legs_does_not_back_the_others_of_the_wallet() -> None:
    bound = leg(-10_000, contract=instrument(DATED), margin=coin("0.4"))
    seen = snapshot(crossed(-30_000), bound, coins=1)
    assert margin.pool(seen, seen.legs[0]).margin == coin("0.6")
    assert len(margin.pool(seen, seen.legs[0]).shorts) == 1


def test_leverage_is_taken_at_mark_with_open_profit() -> None:
    seen = hedged(-60_000, mark=30_000, coins=1)
    assert margin.leverage(seen, seen.legs[0]) == 1, "Q 2, M 1, U 1"


def test_dollars_behind_the_positions_lower_the_leverage() -> None:
    seen = snapshot(leg(-60_000), coins="0.5", dollars=30_000)
    assert margin.leverage(seen, seen.legs[0]) == 1


@pytest.mark.parametrize(
    ("size", "coins", "mark"),
    [(0, 1, 60_000), (-60_000, "0", 60_000), (-60_000, "0.5", 120_000), (-60_000, "0.3", 120_000)],
    ids=["flat", "no margin", "all lost", "more than all lost"],
)
def test_leverage_is_none_where_there_is_nothing_to_divide(size: int, coins: str, mark: int) -> None:
    seen = hedged(size, coins=coins, mark=mark)
    assert margin.leverage(seen, seen.legs[0]) is None


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (None, 118_811),
        (110_000, 110_000),
        (119_000, 118_811),  # ours at entry is lower
        (150_000, 118_811),
    ],
)
def test_the_lowest_of_three_figures_counts(told: int | None, counts: int) -> None:
    short = isolated(-60_000, "0.5")
    figure = None if told is None else price(told)
    seen = snapshot(replace(short, position=replace(short.position, liquidation=figure)))
    found = margin.liquidation(seen, seen.legs[0])
    assert isinstance(found, Price)
    assert int(found.value) == counts
    assert margin.distance(seen, seen.legs[0]) == found / price(60_000) - 1


@pytest.mark.parametrize("size", [0, 500])
def test_a_leg_that_is_not_short_is_never_liquidated_upwards(size: int) -> None:
    seen = hedged(size)
    assert margin.distance(seen, seen.legs[0]) is NoFigure.NEVER


def test_an_isolated_leg_whose_margin_is_not_shown_is_as_near_as_the_exchange_says() -> None:
    blank = leg(-60_000, mode=MarginMode.ISOLATED)
    seen = snapshot(blank, coins=5)
    assert margin.liquidation(seen, seen.legs[0]) is NoFigure.UNKNOWN
    told = snapshot(leg(-60_000, mode=MarginMode.ISOLATED, liquidation=price(90_000)), coins=5)
    assert margin.liquidation(told, told.legs[0]) == price(90_000)


LINEAR_CONTRACT = instrument(LINEAR, face="0.001")


def test_a_linear_leg_is_liquidated_by_its_own_formula() -> None:
    short = leg(-1_000, contract=LINEAR_CONTRACT, margin=coin(30_000), maintenance="0.005")
    seen = snapshot(short, coins=5, stable=90_000)
    found = margin.liquidation(seen, seen.legs[0])
    assert found == Price(Decimal(90_000) / Decimal("1.005"))  # (M + n*s*E) / (n*s*(1 + m))
    assert margin.leverage(seen, seen.legs[0]) == 2


@pytest.mark.parametrize(("stable", "price_of_it"), [(30_000, "90000"), (0, "60000"), (-60_000, None)])
def test_in_cross_the_stable_coins_of_its_wallet_back_it_and_coins_do_not(
    stable: int, price_of_it: str | None
) -> None:
    legs = leg(-1_000, contract=LINEAR_CONTRACT, maintenance="0"), leg(-30_000)
    seen = snapshot(*legs, coins=5, stable=stable)
    assert margin.liquidation(seen, seen.legs[0]) == price(price_of_it or 60_000)
    assert margin.leverage(seen, seen.legs[0]) == (2 if stable > 0 else None)
    assert len(margin.pool(seen, seen.legs[1]).shorts) == 1
    with pytest.raises(TypeError, match=r"^main:BTC/USDT:USDT is linear: no coins margin it$"):
        margin.pool(seen, seen.legs[0])


def test_what_other_positions_of_a_stable_wallet_bind_and_have_lost_does_not_back_a_linear_leg() -> None:
    seen = snapshot(leg(-1_000, contract=LINEAR_CONTRACT, maintenance="0"), stable=50_000)
    [short] = seen.legs
    bound = replace(short.wallet, position_margin=coin(45_000), unrealized=coin(-5_000))
    shared = replace(seen, legs=(replace(short, wallet=bound),))
    assert margin.liquidation(shared, shared.legs[0]) == price(90_000)  # 50,000 - 15,000 - 5,000 behind it


def test_an_isolated_linear_leg_whose_margin_is_not_shown_is_as_near_as_the_exchange_says() -> None:
    seen = snapshot(leg(-1_000, contract=LINEAR_CONTRACT, mode=MarginMode.ISOLATED), stable=50_000)
    assert margin.liquidation(seen, seen.legs[0]) is NoFigure.UNKNOWN


def test_a_bigger_position_is_maintained_at_the_rate_of_its_tier() -> None:
    seen = hedged(-200 * 60_000, coins=400)
    (pooled,) = margin.pool(seen, seen.legs[0]).shorts
    assert (pooled.maintenance, pooled.closing_fee) == (Decimal("0.01"), Decimal("0.0005"))


def test_moving_coins_between_wallets_changes_neither_held_nor_net() -> None:
    before, after = snapshot(leg(-500), coins=1, spot=3), snapshot(leg(-500), coins=3, spot=1)
    assert before.exposure.held == after.exposure.held == Coin.of(4)
    assert before.exposure.net == after.exposure.net
