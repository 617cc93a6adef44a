"""Contracts: what is traded, in which steps, at which fees, and the margin that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgebot.sim.money import ONE, ZERO, exact

HOUR_MS = 3_600_000
FOREVER = Fraction(10) ** 18


@dataclass(frozen=True, slots=True)
class Tier:
    """Margin rates for positions worth up to ``up_to`` coins (of a linear contract: dollars).

    Maintenance margin is ``value · maintenance − deduction``; the deduction keeps it continuous where
    one tier ends and the next begins.
    """

    up_to: Fraction
    maintenance: Fraction
    initial: Fraction
    max_leverage: Fraction
    deduction: Fraction = ZERO


def ladder(steps: Sequence[tuple[str | int, str, str, str | int]]) -> tuple[Tier, ...]:
    """Tiers from rows of (coins up to, maintenance rate, initial rate, maximal leverage), lowest first."""
    tiers: list[Tier] = []
    for up_to, maintenance, initial, leverage in steps:
        rate = exact(maintenance)
        last = tiers[-1] if tiers else Tier(ZERO, rate, ZERO, ZERO)
        deduction = last.deduction + last.up_to * (rate - last.maintenance)
        tiers.append(Tier(exact(up_to), rate, exact(initial), exact(leverage), deduction))
    return tuple(tiers)


BTC_TIERS = ladder(
    [
        (150, "0.005", "0.01", 100),
        (300, "0.01", "0.015", 66),
        (450, "0.015", "0.02", 50),
        (600, "0.02", "0.025", 40),
        (1500, "0.05", "0.055", 18),
    ]
)
ETH_TIERS = ladder(
    [
        (3000, "0.01", "0.02", 50),
        (6000, "0.015", "0.025", 40),
        (15000, "0.03", "0.04", 25),
    ]
)
SOLUSDT_TIERS = ladder(
    [
        (500_000, "0.01", "0.02", 50),
        (2_000_000, "0.015", "0.025", 40),
        (5_000_000, "0.03", "0.04", 25),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """An inverse contract: ``face`` dollars each, margin and profit in ``settle`` coins. Of a ``linear`` one
    ``face`` is in coins of ``base``, and the ``settle`` coin is a stable one.

    Rates are fractions (0.00055 is 5.5 basis points); ``band`` is how far from mark a price may lie;
    a dated contract has ``delivery_ms`` above zero and no funding, and once ``delivered`` it is no longer
    listed. ``fee_in_margin``: whether initial and maintenance margin hold back the fee of closing.
    """

    symbol: str
    base: str
    settle: str
    linear: bool = False
    face: Fraction = ONE
    tick: Fraction = Fraction(1, 2)
    price_places: int = 2
    min_price: Fraction = Fraction(1, 2)
    max_price: Fraction = Fraction(1_999_999)
    qty_step: Fraction = ONE
    min_qty: Fraction = ONE
    max_qty: Fraction = Fraction(25_000_000)
    max_market_qty: Fraction = Fraction(5_000_000)
    min_notional: Fraction = ZERO
    max_leverage: Fraction = Fraction(100)
    leverage_step: Fraction = Fraction(1, 100)
    taker: Fraction = Fraction(55, 100_000)
    maker: Fraction = Fraction(20, 100_000)
    fee_in_margin: bool = True
    band: Fraction = Fraction(5, 100)
    tiers: tuple[Tier, ...] = BTC_TIERS
    funding_interval_ms: int = 8 * HOUR_MS
    status: str = "Trading"
    launch_ms: int = 1_542_153_600_000
    delivery_ms: int = 0
    delivered: bool = False

    @property
    def perpetual(self) -> bool:
        return self.delivery_ms == 0

    @property
    def closing_fee(self) -> Fraction:
        """The rate that margins hold back for closing."""
        return self.taker if self.fee_in_margin else ZERO

    def coins(self, contracts: Fraction, price: Fraction) -> Fraction:
        """What ``contracts`` (either sign) are worth at ``price``, in ``settle`` coins, always positive."""
        size = abs(contracts) * self.face
        return size * price if self.linear else size / price

    def price(self, contracts: Fraction, coins: Fraction) -> Fraction:
        """The price at which ``contracts`` (either sign) are worth so many ``settle`` coins."""
        size = abs(contracts) * self.face
        return coins / size if self.linear else size / coins

    def gains(self, contracts: Fraction) -> bool:
        """Whether a position gains, and by as much, when it is worth more ``settle`` coins."""
        return (contracts > 0) is self.linear

    def dollars(self, contracts: Fraction, price: Fraction) -> Fraction:
        """Dollars of ``contracts`` (either sign), always positive."""
        return abs(contracts) * self.face * (price if self.linear else ONE)

    def tier(self, value: Fraction) -> Tier:
        """The tier of a position worth ``value`` coins; beyond the last one its rates go on."""
        return next((tier for tier in self.tiers if value <= tier.up_to), self.tiers[-1])

    def maintenance(self, value: Fraction) -> Fraction:
        """Maintenance margin in coins of a position worth ``value`` coins."""
        tier = self.tier(value)
        return value * tier.maintenance - tier.deduction


def btcusd() -> Contract:
    """Bitcoin against the dollar, one dollar a contract, as Bybit lists it."""
    return Contract(symbol="BTCUSD", base="BTC", settle="BTC")


def ethusd() -> Contract:
    """Ether against the dollar, one dollar a contract, as Bybit lists it."""
    return Contract(
        symbol="ETHUSD",
        base="ETH",
        settle="ETH",
        tick=Fraction(1, 20),
        min_price=Fraction(1, 20),
        max_price=Fraction(199_999),
        max_leverage=Fraction(50),
        tiers=ETH_TIERS,
    )


def solusdt() -> Contract:
    """Solana against the dollar, a tenth of a coin at least and margined in tether, as Bybit lists it."""
    return Contract(
        symbol="SOLUSDT",
        base="SOL",
        settle="USDT",
        linear=True,
        tick=Fraction(1, 100),
        min_price=Fraction(1, 100),
        max_price=Fraction(19_999),
        qty_step=Fraction(1, 10),
        min_qty=Fraction(1, 10),
        max_qty=Fraction(79_770),
        max_market_qty=Fraction(15_950),
        min_notional=Fraction(5),
        tiers=SOLUSDT_TIERS,
    )
