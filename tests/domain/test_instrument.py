"""One contract: what it is worth, and its price grid."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.units import Coin, Price, Usd
from tests.builders import LINEAR, contracts, facts, instrument


@pytest.mark.parametrize("size", [3, -3])
def test_notional_has_no_sign_and_no_price(size: int) -> None:
    assert instrument(face=100).notional(contracts(size)) == Usd.of(300)


def test_dollars_of_a_linear_contract_depend_on_the_price() -> None:
    linear = instrument(LINEAR, face="0.001")
    assert linear.dollars(contracts(-500), Price.of(60_000)) == Usd.of(30_000)
    with pytest.raises(TypeError, match="linear"):
        linear.notional(contracts(1))


@pytest.mark.parametrize("mark", [1, 60_000])
def test_dollars_of_an_inverse_contract_do_not(mark: int) -> None:
    assert instrument(face=10).dollars(contracts(-5), Price.of(mark)) == Usd.of(50)


@pytest.mark.parametrize(
    ("price", "tick", "up", "rounded"),
    [
        ("60000.3", "0.5", False, "60000"),
        ("60000.3", "0.5", True, "60000.5"),
        ("60000.5", "0.5", True, "60000.5"),
        ("60000.5", "0.5", False, "60000.5"),
        ("0.000123", "0.00001", False, "0.00012"),
        ("0.2", "0.5", False, "0.5"),  # no price is zero: the lowest one is a tick
    ],
)
def test_prices_are_rounded_to_the_tick_on_the_asked_side(
    price: str, tick: str, up: bool, rounded: str
) -> None:
    assert instrument(tick=tick).round_price(Price.of(price), up=up) == Price.of(rounded)


def test_spec_changes_with_everything_that_sizes_depend_on() -> None:
    base = instrument()
    others = [
        instrument(face=10),
        instrument(lot=100),
        instrument(LINEAR, face=1),
        replace(base, native="XBTUSD"),
    ]
    assert base.spec == "BTCUSD: 1 USD a contract, lots of 1"
    assert len({base.spec, *(other.spec for other in others)}) == 5


def test_spec_does_not_change_with_limits_that_an_exchange_moves_from_time_to_time() -> None:
    assert instrument(min_order=5, max_order=10, tick="0.1", tradable=False).spec == instrument().spec


@pytest.mark.parametrize(
    ("coins", "rate"), [("0", "0.005"), ("150", "0.005"), ("150.1", "0.01"), ("999", "0.01")]
)
def test_maintenance_rate_is_that_of_the_tier_and_beyond_the_table_the_last(coins: str, rate: str) -> None:
    assert facts().maintenance(Coin.of(coins)) == Decimal(rate)


def test_a_contract_without_tiers_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="no margin tiers"):
        replace(facts(), tiers=())


def test_a_contract_is_worth_coins_of_what_it_settles_in() -> None:
    inverse, linear = instrument(face=100), instrument(LINEAR, face="0.001")
    assert (inverse.worth(contracts(-600), Price.of(60_000)), inverse.settle) == (Coin.of(1), "BTC")
    assert (linear.worth(contracts(-500), Price.of(60_000)), linear.settle) == (Coin.of(30_000), "USDT")


@pytest.mark.parametrize(
    ("min_value", "price", "least"),
    [("0", 100, 2), ("5", 100, 2), ("5", 20, 3), ("5", 10, 5), ("5", 3, 17)],
)
def test_an_order_is_worth_so_much_at_least(min_value: str, price: int, least: int) -> None:
    contract = replace(instrument(LINEAR, face="0.1", min_order=2), min_value=Usd.of(min_value))
    assert contract.least(Price.of(price)) == contracts(least)
