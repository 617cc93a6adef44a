"""What the operator asked for: one hedge's definition, as the pure stages see it."""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.account import Needs
from hedgebot.domain.funding import Budget
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.policy import Policies
from hedgebot.domain.units import Coin, Usd


@dataclass(frozen=True, slots=True)
class LegPolicy:
    """A contract to be short in. Unnamed settings are taken as the account has them."""

    account: str
    symbol: str
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None

    @property
    def name(self) -> str:
        return f"{self.account}:{self.symbol}"


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
class CollateralPolicy:
    """How the legs' collateral is looked after. A leg's leverage is kept below ``max_leverage`` where one is
    named, and always so far that ``liquidation.warn`` lies below its liquidation."""

    enabled: bool = True
    max_leverage: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Hedge:
    """One asset, the places it is held in and the legs it is short in.

    ``policies`` move the ratio; None where nothing but an operator does. ``funding`` is its budget, and
    ``basis_max`` how far a mark may be from its index, where there is such a bound.
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

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account it needs, each once, legs first."""
        return tuple(dict.fromkeys([leg.account for leg in self.legs] + list(self.spot_accounts)))

    def needs(self, account: str) -> Needs:
        legs = [leg for leg in self.legs if leg.account == account]
        modes = frozenset((leg.symbol, leg.margin_mode) for leg in legs if leg.margin_mode)
        return Needs(frozenset(leg.symbol for leg in legs), frozenset({self.asset}), modes)
