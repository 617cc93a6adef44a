"""Tables that anybody can check by hand, to the cent: a price moves, and what each part is then worth."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from hedgebot.domain.snapshot import Exposure
from hedgebot.domain.units import Coin, Price, Usd
from tests.builders import Number, leg, price, snapshot

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Position:
    """Coins bought at ``entry`` dollars, a share ``ratio`` of them sold short there. No fees, no funding."""

    coins: Decimal
    entry: Price
    ratio: Decimal

    def at(self, mark: Price) -> Exposure:
        contracts = self.coins * self.ratio * self.entry.value
        short = leg(-contracts, entry=self.entry.value, mark=mark.value)
        return snapshot(short, coins=self.coins).exposure

    def spot_pnl(self, mark: Price) -> Usd:
        held = self.at(mark).held
        return held.at(mark) - held.at(self.entry)

    def futures_pnl(self, mark: Price) -> Usd:
        return self.at(mark).unrealized.at(mark)

    def value(self, mark: Price) -> Usd:
        return self.at(mark).exposure.at(mark)


def position(coins: Number, entry: Number, ratio: str = "1") -> Position:
    return Position(Decimal(coins), price(entry), Decimal(ratio))


def cents(usd: Usd) -> Decimal:
    return usd.value.quantize(CENT)


@pytest.mark.parametrize(
    ("coins", "entry", "mark", "spot", "futures"),
    [
        (1, 50_000, 65_000, "15000.00", "-15000.00"),
        (1, 50_000, 40_000, "-10000.00", "10000.00"),
        (1, 60_000, 48_000, "-12000.00", "12000.00"),
        (1, 60_000, 72_000, "12000.00", "-12000.00"),
        (5, 60_000, 54_000, "-30000.00", "30000.00"),
        (5, 60_000, 66_000, "30000.00", "-30000.00"),
    ],
)
def test_fully_hedged_what_spot_loses_futures_gain(
    coins: int, entry: int, mark: int, spot: str, futures: str
) -> None:
    coins_hedged = position(coins, entry)
    assert cents(coins_hedged.spot_pnl(price(mark))) == Decimal(spot)
    assert cents(coins_hedged.futures_pnl(price(mark))) == Decimal(futures)
    assert cents(coins_hedged.value(price(mark))) == coins * entry


def test_half_hedged_loses_half() -> None:
    ether = position(10, 2_000, "0.5")
    before, after = ether.value(price(2_000)), ether.value(price(1_600))
    assert after / before - 1 == Decimal("-0.1")


@pytest.mark.parametrize(("ratio", "low"), [("0", 80_000), ("0.5", 90_000), ("1", 100_000)])
def test_fall_of_a_fifth_and_full_recovery(ratio: str, low: int) -> None:
    bitcoin = position(2, 50_000, ratio)
    assert [cents(bitcoin.value(price(mark))) for mark in (50_000, 40_000, 50_000)] == [100_000, low, 100_000]


def test_ratio_is_sold_over_held_and_not_the_other_way_round() -> None:
    assert position(10, 2_000, "0.5").at(price(2_000)).ratio == Decimal("0.5")


@pytest.mark.parametrize("mark", ["1", "599.5", "30000", "123456.5", "6000000"])
def test_no_price_is_in_the_net_exposure(mark: str) -> None:
    assert position(1, 60_000, "0.7").at(price(mark)).net == Coin.of("0.3")
