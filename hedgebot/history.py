"""What one hedge did and how it went, in memory: points for charts, and its last decisions with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol

from hedgebot.domain.records import State
from hedgebot.domain.series import HOUR, Body, Point, columns, moved, point, seen, thinned, tier, unseen
from hedgebot.domain.status import iso
from hedgebot.domain.units import ZERO, Millis

DECISIONS = 50
SHOWN = 400
"""Points in one answer, at most about; a screen is not much wider."""

TIDY_EVERY = 100


class Record(Protocol):
    """A cycle, just ended or out of the journal."""

    @property
    def at(self) -> Millis: ...

    @property
    def state(self) -> State: ...

    @property
    def reason(self) -> str: ...

    @property
    def acted(self) -> bool: ...

    @property
    def body(self) -> Mapping[str, Any]: ...


@dataclass
class History:
    """Fed with every cycle, oldest first. Holds some 1500 points, dense lately and sparse long ago.

    ``patience_ms`` is how long no cycle may end before the line of a chart is broken there.
    """

    patience_ms: int
    points: list[Point] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    last_act: dict[str, Any] | None = None
    _said: tuple[State, str] | None = None
    _seen: tuple[Body, Decimal] | None = None
    _untidy: int = 0

    def add(self, number: int, record: Record) -> None:
        """Take in the cycle with this number in the journal."""
        self._note(number, record)
        while self.points and self.points[-1].at >= record.at:
            self.points.pop()  # the clock stepped back: what it told before was wrong
        self.points.append(self._point(record))
        self._untidy += 1
        if self._untidy >= TIDY_EVERY:
            self._untidy = 0
            self.points = thinned(self.points, lambda each: tier(record.at - each.at))

    def told(self, hours: float) -> dict[str, Any]:
        """The last ``hours`` before the newest point: columns for charts, and the decisions, newest first."""
        newest = self.points[-1:]
        since = newest[0].at - round(hours * HOUR) if newest else 0
        recent = [each for each in self.points if each.at >= since]
        width = max(1, (newest[0].at - recent[0].at) // SHOWN) if newest else 1
        shown = thinned(recent[:-1], lambda _: width) + newest
        return {"series": columns(self._broken(shown, width)), "decisions": self.decisions[::-1]}

    def _note(self, number: int, record: Record) -> None:
        says = record.state, record.reason
        said, self._said = self._said, says
        if says == said and not record.acted:
            return
        decision = {
            "id": number,
            "at": iso(record.at),
            "state": record.state.value,
            "reason": record.reason,
            "acted": record.acted,
        }
        self.decisions = [*self.decisions[1 - DECISIONS :], decision]
        self.last_act = decision if record.acted else self.last_act

    def _point(self, record: Record) -> Point:
        body = record.body
        if not seen(iso(record.at), body):
            return unseen(record.at, body)
        deposited = ZERO if self._seen is None else self._seen[1] + moved(self._seen[0], body)
        self._seen = body, deposited
        return point(record.at, body, deposited)

    def _broken(self, points: list[Point], width: int) -> list[Point]:
        """With a point that saw nothing put into each gap, so that no chart bridges it."""
        if not points:
            return []
        newest, whole = points[-1].at, points[:1]
        for before, after in pairwise(points):
            usual = max(self.patience_ms, 3 * width, 3 * (tier(newest - before.at) or 0))
            if after.at - before.at > usual:
                whole.append(Point(Millis((before.at + after.at) // 2), before.target, before.band))
            whole.append(after)
        return whole
