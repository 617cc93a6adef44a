"""What the operator has ordered, as far as it can be in force."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

from tests.campaign.judge.terms import Terms


@dataclass(frozen=True, slots=True)
class Control:
    """Where the ratio is to be. ``still``: nothing is to be traded at all; ``reduces``: nothing sold."""

    target: Fraction
    still: bool = False
    reduces: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """All commands so far."""

    paused: bool = False
    ratio: Fraction | None = None
    unwind_to: Fraction | None = None
    unwound: bool = False

    def after(self, verb: str, ratio: Fraction | None) -> "Ordered":
        match verb:
            case "pause":
                return replace(self, paused=True)
            case "resume":
                return Ordered(ratio=self.ratio)
            case "ratio":
                return replace(self, ratio=ratio)
            case "unwind":
                return Ordered(ratio=self.ratio, unwind_to=ratio)
            case "unwound":
                return replace(self, paused=False, unwound=True)
            case "home":
                return self  # its margin went home: of no account here
        raise ValueError(f"no such command: {verb}")


@dataclass
class Controls:
    """What was in force when. A command that may have been taken or not leaves both possible."""

    terms: Terms
    _now: set[Ordered] = field(default_factory=lambda: {Ordered()})
    _then: list[tuple[float, frozenset[Ordered]]] = field(default_factory=list)

    def command(self, at: float, verb: str, ratio: Fraction | None, *, certain: bool) -> None:
        """A command was journalled, or, if that is not ``certain``, perhaps."""
        self._then.append((at, frozenset(self._now)))
        after = {ordered.after(verb, ratio) for ordered in self._now}
        self._now = after if certain else self._now | after

    def lose(self) -> None:
        """The journal was lost, or its last rows: any earlier state may be in force again."""
        self._now |= {Ordered()}.union(*(before for _, before in self._then))

    def since(self, at: float) -> tuple[Control, ...]:
        """All that may have been in force from then until now."""
        states = set(self._now).union(*(before for until, before in self._then if until >= at))
        return tuple({self._control(ordered) for ordered in states})

    def held_back(self, since: float) -> bool:
        """Whether nothing was to be traded all the time from then until now."""
        return all(control.still for control in self.since(since))

    @property
    def now(self) -> tuple[Control, ...]:
        return tuple({self._control(ordered) for ordered in self._now})

    def _control(self, ordered: Ordered) -> Control:
        still = ordered.paused or ordered.unwound
        if ordered.unwind_to is not None:
            return Control(ordered.unwind_to, still, reduces=True)
        wanted = self.terms.ratio if ordered.ratio is None else ordered.ratio
        return Control(min(max(wanted, self.terms.least), self.terms.most), still)
