"""The gap between a hedge and its target, and what an order closes of it."""

from decimal import Decimal

import pytest

from hedgebot.domain.inverse import Gap
from tests.builders import price

D = Decimal


def gap(held: str, sold: str, target: str) -> Gap:
    return Gap(D(held), D(sold), D(target))


@pytest.mark.parametrize(
    ("what", "coins"),
    [
        (gap("1", "0", "1"), "1"),
        (gap("1", "0.5", "0.2"), "-0.3"),
        (gap("1", "1", "1"), "0"),
        (gap("0", "0.5", "1"), "-0.5"),
        (gap("-1", "0.5", "1"), "-0.5"),  # what is owed asks for no long
    ],
)
def test_the_gap_in_coins_is_positive_when_more_must_be_sold(what: Gap, coins: str) -> None:
    assert what.coins == D(coins)


FEE = D("0.0005")


@pytest.mark.parametrize(("target", "dollars"), [("1", "59970.014993"), ("0.5", "29992.501875"), ("0", "0")])
def test_a_sale_leaves_room_for_its_own_fee(target: str, dollars: str) -> None:
    """The fee itself lowers what is held, and with it the target."""
    assert gap("1", "0", target).to_sell(price(60_000), FEE).quantize(D("1e-6")) == D(dollars)


@pytest.mark.parametrize(
    ("target", "mark", "dollars"),
    [
        ("0", 20_000, 40_000),  # all: half a coin sold at 80,000
        ("0.2", 20_000, 15_000),
        ("0.2", 80_000, 24_000),
        ("0.5", 20_000, 0),
    ],
)
def test_a_purchase_counts_the_profit_that_it_realises(target: str, mark: int, dollars: int) -> None:
    found = gap("1", "0.5", target).to_buy(price(mark), price(80_000), D(0))
    assert found.quantize(D("1e-12")) == dollars
