"""OKX's perpetuals as the simulated exchange trades them, and the rules of the house."""

from fractions import Fraction

from hedgebot.sim.contract import Contract, ladder
from hedgebot.sim.truth import Rules

RULES = Rules(client_ids="open", ids="counted", pools="coin", hedge_mode_offered=True)
"""A client id is free again once its order is over; each coin backs its own contracts (futures mode)."""

BTC_TIERS = ladder(
    [
        (50, "0.004", "0.01", 100),
        (150, "0.005", "0.0125", 80),
        (300, "0.01", "0.02", 50),
        (1000, "0.02", "0.04", 25),
    ]
)
ETH_TIERS = ladder([(500, "0.004", "0.01", 100), (3000, "0.01", "0.02", 50), (10_000, "0.02", "0.04", 25)])
BNB_TIERS = ladder([(400_000, "0.01", "0.02", 50), (2_000_000, "0.02", "0.04", 25)])
"""By what positions are worth in tether."""


def btc_usd_swap() -> Contract:
    """Bitcoin against the dollar, 100 dollars a contract."""
    return Contract(
        symbol="BTC-USD-SWAP",
        base="BTC",
        settle="BTC",
        face=Fraction(100),
        tick=Fraction(1, 10),
        price_places=1,
        min_price=Fraction(1, 10),
        max_price=Fraction(10_000_000),
        max_qty=Fraction(100_000_000),
        max_market_qty=Fraction(30_000),
        taker=Fraction(5, 10_000),
        maker=Fraction(2, 10_000),
        tiers=BTC_TIERS,
        launch_ms=1_535_424_203_000,
    )


def eth_usd_swap() -> Contract:
    """Ether against the dollar, 10 dollars a contract."""
    return Contract(
        symbol="ETH-USD-SWAP",
        base="ETH",
        settle="ETH",
        face=Fraction(10),
        tick=Fraction(1, 100),
        price_places=2,
        min_price=Fraction(1, 100),
        max_price=Fraction(1_000_000),
        max_qty=Fraction(100_000_000),
        max_market_qty=Fraction(50_000),
        taker=Fraction(5, 10_000),
        maker=Fraction(2, 10_000),
        tiers=ETH_TIERS,
        launch_ms=1_611_916_828_000,
    )


def bnb_usdt_swap() -> Contract:
    """BNB against the dollar, a hundredth of a coin a contract and margined in tether."""
    return Contract(
        symbol="BNB-USDT-SWAP",
        base="BNB",
        settle="USDT",
        linear=True,
        face=Fraction(1, 100),
        tick=Fraction(1, 10),
        price_places=1,
        min_price=Fraction(1, 10),
        max_price=Fraction(1_000_000),
        max_qty=Fraction(100_000_000),
        max_market_qty=Fraction(50_000),
        taker=Fraction(5, 10_000),
        maker=Fraction(2, 10_000),
        tiers=BNB_TIERS,
        launch_ms=1_611_916_828_000,
    )
