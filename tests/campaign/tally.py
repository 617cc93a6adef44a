"""What struck how often, which rare states were reached, and what all of it amounts to over many seeds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SOMETIMES = (
    "unknown outcome found filled",
    "unknown outcome found absent",
    "duplicate id answered",
    "order refused",
    "partial fill",
    "left-over cancelled",
    "adjusting",
    "drifting",
    "blind",
    "halted",
    "paused",
    "unwinding",
    "unwound",
    "key refused",
    "jump held",
    "price jump held",
    "large fall believed",
    "rival seen",
    "fence refused",
    "order limit reached",
    "correction limit reached",
    "turnover limit reached",
    "journal failed and recovered",
    "start refused",
    "liquidated",
    "deleveraged",
    "long seen",
    "funding paid",
    "order in flight at a kill",
    "order sent after a freeze",
    "leverage set",
    "coins added to a margin",
    "coins left a margin",
    "clock apart",
)
"""States that each campaign has to reach: one that is never reached is not tested."""

SELDOM = ("too late to send",)
"""States that hundreds of lives may miss: a process frozen for real reaches them (tests/processes)."""


@dataclass
class Tally:
    """One life's, or the sum of many."""

    hits: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)

    def reach(self, state: str) -> None:
        if state not in SOMETIMES + SELDOM:
            raise ValueError(f"{state!r} is not among the states to reach")
        self.reached[state] += 1

    def add(self, other: "Tally") -> None:
        self.hits.update(other.hits)
        self.reached.update(other.reached)
        self.figures.update(other.figures)

    def plain(self) -> dict[str, Any]:
        return {part: dict(sorted(getattr(self, part).items())) for part in ("hits", "reached", "figures")}

    @classmethod
    def read(cls, document: Mapping[str, Mapping[str, int]]) -> "Tally":
        return cls(*(Counter(document[part]) for part in ("hits", "reached", "figures")))

    def missing(self, kinds: Sequence[str], least: int) -> list[str]:
        """Troubles that struck too rarely, and states that were never reached."""
        rare = [f"{kind} struck {self.hits[kind]} times" for kind in kinds if self.hits[kind] < least]
        return rare + [f"never {state}" for state in SOMETIMES if not self.reached[state]]


def report(total: Tally, failed: int, seconds: float | None) -> Iterator[str]:
    """The figures of a campaign, for people."""
    figures = total.figures
    days = figures["seconds"] / 86_400
    yield (
        f"{figures['seeds']} seeds, {days:.1f} simulated days, {figures['cycles']} cycles,"
        f" {figures['orders']} orders, {sum(total.hits.values())} strikes of {len(total.hits)} troubles"
        + ("" if seconds is None else f", {seconds:.0f} s")
    )
    for part, counter in (("struck", total.hits), ("reached", total.reached)):
        yield f"{part}: " + ", ".join(f"{name} {count}" for name, count in counter.most_common())
    yield f"{failed} seeds with violations"
