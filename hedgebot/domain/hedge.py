"""What the operator asked for: one hedge's definition, as the pure stages see it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.account import Needs
from hedgebot.domain.funding import Budget
from hedgebot.domain.instrument import settled_in
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.policy import Policies
from hedgebot.domain.units import ONE, ZERO, Coin, Usd

BEYOND = Decimal("1.5")
"""How many times the distance of ``warn`` a transfer to the margin restores, and one from it leaves."""


@dataclass(frozen=True, slots=True)
class LegPolicy:
    """A contract to be short in. Unnamed settings are taken as the account has them.

    Its share of what the hedge sells is its ``weight`` over those of all its legs.
    """

    account: str
    symbol: str
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    weight: Decimal = ONE

    @property
    def name(self) -> str:
        return f"{self.account}:{self.symbol}"


class LegDown(StrEnum):
    """What becomes of the sales that are a leg's share while nothing can be sold there."""

    WAIT = "wait"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what the bot may do; see the README's table for each."""

    slippage: Decimal
    orders_per_hour: int
    turnover_per_day: Decimal
    corrections_per_hour: int
    jump: Decimal
    max_order: Usd | None = None


@dataclass(frozen=True, slots=True)
class Roll:
    """A dated leg moves to the next contract ``before_ms`` before its own ends, in so many ``slices``."""

    before_ms: int = 3 * 86_400_000
    slices: int = 5


@dataclass(frozen=True, slots=True)
class CollateralPolicy:
    """How the legs' collateral is looked after. A leg's leverage is kept below ``max_leverage`` where one is
    named, and always so far that ``liquidation.warn`` lies below its liquidation; below ``min_leverage``,
    where one is named, coins leave its margin. With ``home_when_unwound`` all of them do at the end.
    """

    enabled: bool = True
    max_leverage: Decimal | None = None
    min_leverage: Decimal | None = None
    home_when_unwound: bool = False

    def warning(self, warn: Decimal, *, linear: bool = False) -> Decimal:
        """The distance within which coins move to a leg; leverage ``l`` is liquidated ``1/(l - 1)`` away, of
        a linear leg ``1/l``."""
        if self.max_leverage is None:
            return warn
        return max(warn, ONE / (self.max_leverage - (ZERO if linear else ONE)))

    def restored(self, warn: Decimal) -> Decimal:
        """The leverage at which they leave it."""
        return ONE + ONE / (BEYOND * self.warning(warn))


@dataclass(frozen=True, slots=True)
class Hedge:
    """One asset, the places it is held in and the legs it is short in.

    ``policies`` move the ratio; None where nothing but an operator does. ``funding`` is its budget, and
    ``basis_max`` how far a mark may be from its index and from the spot price, where there is such a bound.
    ``if_leg_down`` says whether other legs sell what a leg that is down should.
    """

    name: str
    asset: str
    ratio: Decimal
    band: Decimal
    min_ratio: Decimal
    max_ratio: Decimal
    spot_accounts: tuple[str, ...]
    outside: tuple[tuple[str, Coin], ...]
    legs: tuple[LegPolicy, ...]
    limits: Limits
    liquidation_warn: Decimal
    liquidation_act: Decimal
    settle_after: float
    collateral: CollateralPolicy = CollateralPolicy()
    policies: Policies | None = None
    funding: Budget | None = None
    basis_max: Decimal | None = None
    if_leg_down: LegDown = LegDown.WAIT
    roll: Roll = Roll()

    @property
    def warning(self) -> Decimal:
        """The distance to liquidation within which coins move to a leg."""
        return self.collateral.warning(self.liquidation_warn)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account it needs, each once, legs first."""
        return tuple(dict.fromkeys([leg.account for leg in self.legs] + list(self.spot_accounts)))

    def needs(self, account: str) -> Needs:
        legs = [leg for leg in self.legs if leg.account == account]
        modes = frozenset((leg.symbol, leg.margin_mode) for leg in legs if leg.margin_mode)
        coins = frozenset({self.asset, *(settled_in(leg.symbol) or self.asset for leg in legs)})
        return Needs(frozenset(leg.symbol for leg in legs), coins, modes)
