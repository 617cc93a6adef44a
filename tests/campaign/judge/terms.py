"""What the operator asked for, as numbers, and what a breach of it looks like."""

from dataclasses import dataclass
from fractions import Fraction

PREFIX, DIGITS = "hb", 13
INSTANCE_SHIFT = 43
"""A client order id is ``hb`` and 13 base-36 digits of a number; from this bit on they are its instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Seconds, coins and dollars. ``symbol`` is the contract's name on the exchange, ``outside`` are coins
    that no exchange shows; ``ladder``: the legs' collateral is looked after, and below ``min_leverage``
    coins leave it; ``home``: at the end all do."""

    symbol: str
    ratio: Fraction
    band: Fraction
    least: Fraction
    most: Fraction
    leverage: Fraction
    margin_mode: str
    outside: Fraction
    interval: float
    deadline: float
    settle_after: float
    orders_per_hour: int
    turnover_per_day: Fraction
    max_order_usd: Fraction | None
    slippage: Fraction
    ladder: bool
    min_leverage: Fraction | None
    home: bool
    canaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken, when (seconds), and how."""

    rule: str
    at: float
    what: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.at:.3f} s: {self.what}"


def instance_of(client_id: str) -> int | None:
    """Which journal an order id belongs to; None for one that no hedgebot gave."""
    digits = client_id.removeprefix(PREFIX)
    if digits == client_id or len(digits) != DIGITS or not digits.isalnum() or not digits.isascii():
        return None
    return int(digits, 36) >> INSTANCE_SHIFT
