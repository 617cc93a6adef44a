"""What the journal keeps besides orders: commands, what a hedge remembers, one record a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hedgebot.domain.forced import Forced
from hedgebot.domain.units import Coin, Contracts, Millis, Price

Json = Mapping[str, Any]


class State(StrEnum):
    """A hedge in one word."""

    STARTING = "starting"
    HEDGED = "hedged"
    ADJUSTING = "adjusting"
    DRIFTING = "drifting"
    BLIND = "blind"
    PAUSED = "paused"
    HALTED = "halted"
    UNWINDING = "unwinding"
    UNWOUND = "unwound"


class Verb(StrEnum):
    """What an operator can order; ``UNWOUND`` is the daemon's own note that an unwind ended."""

    PAUSE = "pause"
    RESUME = "resume"
    RATIO = "ratio"
    UNWIND = "unwind"
    UNWOUND = "unwound"


@dataclass(frozen=True, slots=True)
class Command:
    """One order of an operator. ``ratio`` is None for the config file's own, or where there is none."""

    hedge: str
    verb: Verb
    ratio: Decimal | None
    who: str
    at: Millis


@dataclass(frozen=True, slots=True)
class Control:
    """What all commands so far amount to, for one hedge."""

    paused: bool = False
    ratio: Decimal | None = None
    unwind_to: Decimal | None = None
    unwound: bool = False

    def after(self, command: Command) -> "Control":
        """The control once ``command`` holds. ``resume`` ends a pause and an unwound state."""
        match command.verb:
            case Verb.PAUSE:
                return Control(True, self.ratio, self.unwind_to, self.unwound)
            case Verb.RESUME:
                return Control(False, self.ratio)
            case Verb.RATIO:
                return Control(self.paused, command.ratio, self.unwind_to, self.unwound)
            case Verb.UNWIND:
                return Control(False, self.ratio, command.ratio)
            case Verb.UNWOUND:
                return Control(False, self.ratio, self.unwind_to, True)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reading not yet believed: how many snapshots agree on it, since which monotonic instant."""

    value: Decimal
    count: int
    since: float


@dataclass(frozen=True, slots=True)
class Followed:
    """Where the ratio policies left off: the ratio that they wanted last, and which of them.

    ``step`` is how many steps the signal has climbed, ``ended`` the end of a schedule that was unwound for,
    and ``over_budget`` whether funding cost too much and has not become cheap enough since.
    """

    wanted: Decimal | None = None
    by: str = ""
    step: int | None = None
    ended: Millis = Millis(0)
    over_budget: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What one hedge carries from cycle to cycle, and (but for its doubts) over a restart.

    ``held`` is the last one believed, ``contracts`` the positions last seen or expected, by leg name, and
    ``updated`` when the exchange says that it last changed each, the latest seen, never later than then.
    ``target`` is the last one decided on and ``reached`` whether the hedge has been there since.
    ``disturbed`` marks a position changed by somebody else and not yet corrected, ``rival`` an order of
    another instance (forgotten at a restart, like the doubts). ``specs`` pins each leg's contract. The
    funding and fee sums are coins since ``since``, counted up to ``ledger_at``. ``policy`` is where the ratio
    policies left off; ``forced`` is what an exchange last closed by force, of each leg and kind.
    """

    held: Coin | None = None
    fall: Doubt | None = None
    marks: tuple[tuple[str, Price], ...] = ()
    moved: Doubt | None = None
    contracts: tuple[tuple[str, Contracts], ...] = ()
    updated: tuple[tuple[str, Millis], ...] = ()
    target: Decimal | None = None
    reached: bool = True
    disturbed: bool = False
    rival: str = ""
    specs: tuple[tuple[str, str], ...] = ()
    funding_received: Coin = Coin.zero()
    funding_paid: Coin = Coin.zero()
    fees: Coin = Coin.zero()
    ledger_at: Millis = Millis(0)
    since: Millis = Millis(0)
    policy: Followed = Followed()
    forced: tuple[Forced, ...] = ()

    def after(self, target: Decimal, *, hedged: bool) -> "Memory":
        """The memory once a cycle decided on ``target``, which the hedge has reached or not.

        A disturbance is over when nothing is left to correct.
        """
        same = self.target is None or self.target == target
        reached = hedged or (same and self.reached)
        return replace(self, target=target, reached=reached, disturbed=self.disturbed and not hedged)


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """One cycle of one hedge: what was seen, concluded, intended and done. ``body`` is its status."""

    hedge: str
    at: Millis
    state: State
    reason: str
    acted: bool
    body: Json
    memory: Memory
