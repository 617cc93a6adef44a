"""What somebody has to be told, and when: each alarm once as it is raised, again while it lasts, and once
when it is over. Pure; ``notify`` carries the notices out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hedgebot.domain.records import CycleRecord, State
from hedgebot.domain.status import iso
from hedgebot.domain.units import Millis

PATIENCE = 20.0
"""Seconds that what often passes by itself (a read that failed, a drift not yet traded) must last."""

CALM = 60.0
"""Seconds that an alarm must be gone to count as over; one that flickers is told once."""

REPEAT = 6 * 3600.0
"""Seconds after which an alarm that lasts is told again."""

DRIFT = "drift"
"""The guard of what is off target; it alarms nobody while an order is mending that."""

SIGHT = "coherence"
"""The guard without which nothing else is judged."""

DRIFTING = "drifting"
PASSING = {SIGHT, DRIFTING}
PREVENTS = "none"
"""The permission of a finding that stops all trading."""


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class Turn(StrEnum):
    """What became of an alarm."""

    RAISED = "raised"
    LASTING = "lasting"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. ``code`` is a guard's name, or the state that alarms by itself."""

    hedge: str
    code: str
    severity: Severity
    turn: Turn
    text: str
    next_step: str
    at: Millis

    def body(self) -> Mapping[str, object]:
        """The message as JSON values."""
        return {
            "schema": 1,
            "hedge": self.hedge,
            "code": self.code,
            "severity": self.severity.value,
            "status": self.turn.value,
            "text": self.text,
            "next_step": self.next_step,
            "at": iso(self.at),
        }


@dataclass(frozen=True, slots=True)
class _Standing:
    """An alarm between its first and its last sight, at monotonic instants; ``told`` is None before that."""

    notice: Notice
    since: float
    seen: float
    told: float | None = None


class Alarms:
    """The alarms that stand, of all hedges."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], _Standing] = {}

    def after(self, record: CycleRecord, now: float) -> tuple[Notice, ...]:
        """What to tell after a cycle that ended at the monotonic instant ``now``."""
        alarming = {notice.code: notice for notice in _alarming(record)}
        return (*self._raised(alarming, now), *self._resolved(record, alarming, now))

    def _raised(self, alarming: Mapping[str, Notice], now: float) -> Iterator[Notice]:
        for code, notice in alarming.items():
            key = notice.hedge, code
            old = self._standing.get(key, _Standing(notice, now, now))
            worse = notice.severity is Severity.CRITICAL and old.notice.severity is Severity.WARNING
            due = code not in PASSING or now - old.since >= PATIENCE
            if due and (old.told is None or worse):
                yield notice
            elif old.told is not None and now - old.told >= REPEAT:
                yield replace(notice, turn=Turn.LASTING)
            else:
                self._standing[key] = replace(old, notice=_worst(old.notice, notice), seen=now)
                continue
            self._standing[key] = _Standing(notice, old.since, now, now)

    def _resolved(self, record: CycleRecord, alarming: Mapping[str, Notice], now: float) -> Iterator[Notice]:
        for (hedge, code), old in list(self._standing.items()):
            if hedge != record.hedge or code in alarming:
                continue
            if old.told is not None and not _judges(record, code):
                self._standing[hedge, code] = replace(old, seen=now)
            elif old.told is None:
                del self._standing[hedge, code]
            elif now - old.seen >= CALM:
                del self._standing[hedge, code]
                yield replace(old.notice, turn=Turn.RESOLVED, next_step="", at=record.at)


def _alarming(record: CycleRecord) -> Iterator[Notice]:
    """Everything in a cycle's record that somebody should know."""
    if record.state is State.DRIFTING:
        yield Notice(
            record.hedge,
            DRIFTING,
            Severity.WARNING,
            Turn.RAISED,
            record.reason,
            "See the findings",
            record.at,
        )
    for finding in record.body["findings"]:
        mended = record.state is State.ADJUSTING and finding["guard"] == DRIFT
        if finding["alarm"] and not mended:
            grave = finding["critical"] or finding["permission"] == PREVENTS
            severity = Severity.CRITICAL if grave else Severity.WARNING
            text, step = finding["reason"], finding["next_step"]
            yield Notice(record.hedge, finding["guard"], severity, Turn.RAISED, text, step, record.at)


def _judges(record: CycleRecord, code: str) -> bool:
    """Whether a cycle's record can tell that an alarm is over: a blind one only of what it looked at."""
    findings = {finding["guard"]: finding for finding in record.body["findings"]}
    sighted = SIGHT in findings and findings[SIGHT]["permission"] != PREVENTS
    return sighted or code in findings


def _worst(told: Notice, seen: Notice) -> Notice:
    """What stands while nothing is told: the newest words, at the severity that was told."""
    return replace(seen, severity=max(told.severity, seen.severity, key=list(Severity).index))
