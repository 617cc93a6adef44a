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
    """What an operator can order; ``UNWOUND`` is the daemon's own note that an unwind ended, ``HOME`` that
    its margin went home after that."""

    PAUSE = "pause"
    RESUME = "resume"
    RATIO = "ratio"
    UNWIND = "unwind"
    UNWOUND = "unwound"
    HOME = "home"


NOTES = frozenset({Verb.UNWOUND, Verb.HOME})
"""What nobody can order."""

POLICY = "hedgebot: "
"""How ``Command.who`` begins where a ratio policy ordered it, then says why; no user's name has a colon."""


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
    """What all commands so far amount to, for one hedge. ``home``: the margin of what was unwound is where it
    should be at the end."""

    paused: bool = False
    ratio: Decimal | None = None
    unwind_to: Decimal | None = None
    unwound: bool = False
    home: bool = False

    @property
    def free(self) -> bool:
        """Whether no word of an operator holds, so that a policy may have the hedge unwound."""
        return not self.paused and self.ratio is None and self.unwind_to is None

    def after(self, command: Command) -> "Control":
        """The control once ``command`` holds. ``resume`` ends a pause and an unwound state.

        An operator's word may reach the journal while the daemon writes one of its own, decided without it: a
        note counts only for the unwind that it ends, a policy's word only while no operator's holds.
        """
        match command.verb:
            case Verb.PAUSE:
                return replace(self, paused=True)
            case Verb.RESUME:
                return Control(False, self.ratio)
            case Verb.RATIO:
                return replace(self, ratio=command.ratio)
            case Verb.UNWIND if self.free or not command.who.startswith(POLICY):
                return Control(False, self.ratio, command.ratio)
            case Verb.UNWOUND | Verb.HOME if self.unwind_to == command.ratio:
                return replace(self, unwound=True, home=command.verb is Verb.HOME)
        return self


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
    and ``over_budget`` whether funding cost too much and has not become cheap enough since; ``moved`` whether
    the hedge is in dated contracts for that reason.
    """

    wanted: Decimal | None = None
    by: str = ""
    step: int | None = None
    ended: Millis = Millis(0)
    over_budget: bool = False
    moved: bool = False


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
    ``orphans`` are the shorts, by leg name, of legs and hedges that are not configured any more.
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
    orphans: tuple[tuple[str, Contracts], ...] = ()

    def after(self, target: Decimal, *, hedged: bool, rolls: bool = False) -> "Memory":
        """The memory once a cycle decided on ``target``, which the hedge has reached, or not, or leaves
        because it rolls.

        A disturbance is over when nothing is left to correct.
        """
        same = self.target is None or self.target == target
        reached = not rolls and (hedged or (same and self.reached))
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
