"""What the stages conclude: findings with permissions, and a plan with its reason.

``Assessment`` makes "was this checked?" a type: only ``planning`` turns one into a plan, and only a
plan reaches the executor.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from hedgebot.domain.hedge import LegPolicy
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.transfers import Pocket, Pockets
from hedgebot.domain.units import Coin, Contracts, Price, Usd


class Permission(IntEnum):
    """What may be done; the strictest finding wins."""

    ANY = 0
    REDUCE_ONLY = 1
    NONE = 2

    @property
    def label(self) -> str:
        return self.name.lower()


class Finding(NamedTuple):
    """What one guard measured, its limit, what it permits and why, in a sentence; also when content.

    ``blinds``: the snapshot cannot be trusted. ``halts``: a person has to mend something. ``critical``: an
    alarm that is told even where a lesser one of its guard was. A tuple, because each decision makes a dozen
    of them and a frozen dataclass takes four times as long to make.
    """

    guard: str
    permission: Permission
    measured: str
    limit: str
    reason: str
    next_step: str = ""
    blinds: bool = False
    halts: bool = False
    alarms: bool = False
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    findings: tuple[Finding, ...]

    @property
    def permission(self) -> Permission:
        return max((f.permission for f in self.findings), default=Permission.NONE)

    @property
    def blind(self) -> bool:
        return any(f.blinds for f in self.findings)

    @property
    def halted(self) -> bool:
        return any(f.halts for f in self.findings)

    def why(self) -> str:
        """The sentence of the strictest finding."""
        strictest = max(self.findings, key=lambda f: f.permission, default=None)
        return strictest.reason if strictest else "nothing was checked"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the ratio should be now, and whether the band applies on the way there."""

    ratio: Decimal
    reason: str
    exact: bool = False
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What an order is expected to cost, against the value it protects."""

    fee: Usd
    slippage: Usd
    protects: Usd


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """A signed number of contracts (negative sells) of one leg, no worse than ``limit``."""

    leg: LegPolicy
    contracts: Contracts
    limit: Price
    cost: Cost
    believed: Contracts
    margin_mode: MarginMode | None = None


@dataclass(frozen=True, slots=True)
class SetLeverage:
    leg: LegPolicy
    leverage: Decimal
    margin_mode: MarginMode | None = None


@dataclass(frozen=True, slots=True)
class PlannedTransfer:
    """At most ``coins`` from one pocket to another; ``showed`` is what both held when it was decided."""

    account: str
    coins: Coin
    source: Pocket
    target: Pocket
    symbol: str
    showed: Pockets


class Plan(NamedTuple):
    """What to do next, or nothing, always with its reason.

    A ``leverage`` is set first; the ``order`` follows once a snapshot shows it. A ``transfer`` stands alone.
    ``hedged`` says whether the hedge is where it should be (inside the band, or within one lot);
    ``forbidden`` that something would be done, were it permitted; ``rescues`` that it keeps a leg from
    liquidation, or would if it could; ``home`` that the margin of an unwound hedge is where it should be;
    ``rolls`` that the order takes the hedge off its target for a moment, to leave a contract.
    """

    reason: str
    hedged: bool
    target: Target
    order: PlannedOrder | None = None
    leverage: SetLeverage | None = None
    forbidden: bool = False
    transfer: PlannedTransfer | None = None
    rescues: bool = False
    home: bool = False
    rolls: bool = False

    @property
    def acts(self) -> bool:
        return self.order is not None or self.leverage is not None or self.transfer is not None
