"""Contracts and rules of Binance's COIN-M futures. Margin tiers are those of 2021, later ones are alike."""

from fractions import Fraction

from hedgebot.sim.contract import Contract, ladder
from hedgebot.sim.truth import Rules

SPOT, MARGIN = "spot", "margin"
"""The two wallets of an account; the second backs the contracts: open it as ``pot``."""

RULES = Rules(
    client_ids="open",
    ids="counted",
    pools="coin",
    default_leverage=Fraction(20),
    hedge_mode_offered=True,
)

BTC_TIERS = ladder(
    [
        (5, "0.004", "0.008", 125),
        (10, "0.005", "0.01", 100),
        (20, "0.01", "0.02", 50),
        (50, "0.025", "0.05", 20),
        (100, "0.05", "0.1", 10),
        (200, "0.1", "0.2", 5),
        (400, "0.125", "0.25", 4),
    ]
)
ETH_TIERS = ladder(
    [
        (75, "0.005", "0.01", 100),
        (150, "0.0065", "0.0133", 75),
        (300, "0.01", "0.02", 50),
        (1500, "0.02", "0.04", 25),
        (3000, "0.05", "0.1", 10),
        (6000, "0.1", "0.2", 5),
    ]
)


def btcusd_perp() -> Contract:
    """Bitcoin against the dollar, 100 dollars a contract."""
    return Contract(
        symbol="BTCUSD_PERP",
        base="BTC",
        settle="BTC",
        face=Fraction(100),
        tick=Fraction(1, 10),
        price_places=1,
        min_price=Fraction(1000),
        max_price=Fraction(1_000_000),
        max_qty=Fraction(1_000_000),
        max_market_qty=Fraction(100_000),
        max_leverage=Fraction(125),
        leverage_step=Fraction(1),
        taker=Fraction(5, 10_000),
        maker=Fraction(2, 10_000),
        fee_in_margin=False,
        tiers=BTC_TIERS,
        launch_ms=1_597_042_800_000,
    )


def ethusd_perp() -> Contract:
    """Ether against the dollar, 10 dollars a contract."""
    return Contract(
        symbol="ETHUSD_PERP",
        base="ETH",
        settle="ETH",
        face=Fraction(10),
        tick=Fraction(1, 100),
        min_price=Fraction(50),
        max_price=Fraction(100_000),
        max_qty=Fraction(1_000_000),
        max_market_qty=Fraction(100_000),
        max_leverage=Fraction(100),
        leverage_step=Fraction(1),
        taker=Fraction(5, 10_000),
        maker=Fraction(2, 10_000),
        fee_in_margin=False,
        tiers=ETH_TIERS,
        launch_ms=1_597_733_100_000,
    )
