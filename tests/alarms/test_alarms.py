"""What is told of a hedge's alarms, cycle by cycle: each tuple below is (seconds, what the record shows)."""

from collections.abc import Sequence
from typing import Any

import pytest

from hedgebot.alarms import CALM, PATIENCE, REPEAT, Alarms, Notice
from hedgebot.domain.records import CycleRecord, Memory, State
from hedgebot.domain.units import Millis

FINE: tuple[str, ...] = ()
Shown = Sequence[str]


def record(*shown: str, hedge: str = "btc", state: State = State.HEDGED) -> CycleRecord:
    """A cycle whose findings are ``guard:permission``, all alarming, after those that are content: a blind
    one has few. Those that end in ``!`` are critical."""
    content = ["clock"] if any(each.startswith("coherence") for each in shown) else ["coherence", "clock"]
    findings: list[dict[str, Any]] = [_finding(each, "any", alarm=False) for each in content]
    findings += [_finding(*each.split(":"), alarm=True) for each in shown]
    return CycleRecord(hedge, Millis(1_000), state, "a reason", False, {"findings": findings}, Memory())


def _finding(guard: str, permission: str, *, alarm: bool) -> dict[str, Any]:
    return {
        "guard": guard,
        "permission": permission.rstrip("!"),
        "measured": "1",
        "limit": "0",
        "reason": f"{guard} has a reason",
        "next_step": "do this",
        "alarm": alarm,
        "critical": permission.endswith("!"),
    }


def told(*cycles: tuple[float, Shown]) -> list[tuple[float, str, str, str]]:
    alarms = Alarms()
    return [
        (now, notice.code, notice.severity.value, notice.turn.value)
        for now, shown in cycles
        for notice in alarms.after(record(*shown), now)
    ]


@pytest.mark.parametrize(
    ("cycles", "expected"),
    [
        pytest.param([(0, FINE), (5, FINE)], [], id="nothing to tell"),
        pytest.param(
            [(0, ["liquidation:any"])],
            [(0, "liquidation", "warning", "raised")],
            id="told at once, a warning",
        ),
        pytest.param(
            [(0, ["foreign:none"])],
            [(0, "foreign", "critical", "raised")],
            id="what stops trading is critical",
        ),
        pytest.param(
            [(0, ["limits:any"]), (5, ["limits:any"]), (REPEAT - 1, ["limits:any"])],
            [(0, "limits", "warning", "raised")],
            id="told once while it lasts",
        ),
        pytest.param(
            [(0, ["limits:any"]), (REPEAT, ["limits:any"]), (REPEAT + 5, ["limits:any"])],
            [(0, "limits", "warning", "raised"), (REPEAT, "limits", "warning", "lasting")],
            id="told again after hours",
        ),
        pytest.param(
            [(0, ["foreign:any"]), (5, ["foreign:none"]), (10, ["foreign:any"]), (15, ["foreign:none"])],
            [(0, "foreign", "warning", "raised"), (5, "foreign", "critical", "raised")],
            id="told again when it becomes worse, not when it flickers",
        ),
        pytest.param(
            [(0, ["liquidation:any"]), (5, ["liquidation:any!"]), (10, ["liquidation:any!"])],
            [(0, "liquidation", "warning", "raised"), (5, "liquidation", "critical", "raised")],
            id="told again when what it warned of has happened",
        ),
        pytest.param(
            [(0, ["limits:any"]), (5, FINE), (CALM - 1, FINE), (CALM, FINE), (CALM + 5, FINE)],
            [(0, "limits", "warning", "raised"), (CALM, "limits", "warning", "resolved")],
            id="resolved once it stayed away",
        ),
        pytest.param(
            [(0, ["limits:any"]), (5, FINE), (10, ["limits:any"]), (CALM, FINE)],
            [(0, "limits", "warning", "raised")],
            id="one that flickers is told once",
        ),
        pytest.param(
            [(0, ["limits:any"]), (CALM, FINE), (CALM + 5, ["limits:any"])],
            [
                (0, "limits", "warning", "raised"),
                (CALM, "limits", "warning", "resolved"),
                (CALM + 5, "limits", "warning", "raised"),
            ],
            id="what comes back is a new alarm",
        ),
        pytest.param(
            [(0, ["coherence:none"]), (5, FINE), (100, FINE)], [], id="one read that failed wakes nobody"
        ),
        pytest.param(
            [(0, ["coherence:none"]), (PATIENCE, ["coherence:none"])],
            [(PATIENCE, "coherence", "critical", "raised")],
            id="blindness that lasts does",
        ),
        pytest.param(
            [
                (0, ["foreign:any"]),
                (5, ["coherence:none"]),
                (100, ["coherence:none"]),
                (105, ["foreign:any"]),
                (110, ["foreign:any"]),
            ],
            [(0, "foreign", "warning", "raised"), (100, "coherence", "critical", "raised")],
            id="who is blind does not know that something is over",
        ),
        pytest.param(
            [(0, ["foreign:any"]), (5, ["coherence:none"]), (15, ["coherence:none"]), (70, FINE), (75, FINE)],
            [(0, "foreign", "warning", "raised"), (75, "foreign", "warning", "resolved")],
            id="what blindness hid is over once it stayed away in sight",
        ),
        pytest.param(
            [(0, ["clock:any"]), (5, ["coherence:none"]), (65, ["coherence:none"])],
            [
                (0, "clock", "warning", "raised"),
                (65, "coherence", "critical", "raised"),
                (65, "clock", "warning", "resolved"),
            ],
            id="of what a blind cycle looks at it knows",
        ),
    ],
)
def test_each_alarm_is_told_when_somebody_needs_it(
    cycles: list[tuple[float, Shown]], expected: list[tuple[float, str, str, str]]
) -> None:
    assert told(*cycles) == expected


def test_blindness_is_told_within_a_minute() -> None:
    """Cycles may be as far apart as the time within which the health check wants one."""
    assert PATIENCE + 30 <= 60


def test_a_drift_that_lasts_is_told() -> None:
    alarms = Alarms()
    assert alarms.after(record(state=State.DRIFTING), 0) == ()
    (notice,) = alarms.after(record(state=State.DRIFTING), PATIENCE)
    assert (notice.code, notice.text) == ("drifting", "a reason")


def test_hedges_do_not_mix() -> None:
    alarms = Alarms()
    assert len(alarms.after(record("limits:any"), 0)) == 1
    assert len(alarms.after(record("limits:any", hedge="eth"), 1)) == 1
    assert alarms.after(record(hedge="eth"), 30) == ()


def test_a_message_says_everything_in_plain_json() -> None:
    (notice,) = Alarms().after(record("foreign:none"), 0)
    assert notice.body() == {
        "schema": 1,
        "hedge": "btc",
        "code": "foreign",
        "severity": "critical",
        "status": "raised",
        "text": "foreign has a reason",
        "next_step": "do this",
        "at": "1970-01-01T00:00:01Z",
    }


def test_what_is_resolved_asks_for_nothing() -> None:
    alarms = Alarms()
    alarms.after(record("limits:any"), 0)
    (notice,) = alarms.after(record(), CALM)
    assert isinstance(notice, Notice)
    assert notice.next_step == ""


def test_what_an_order_is_mending_alarms_nobody() -> None:
    assert Alarms().after(record("drift:any", state=State.ADJUSTING), 0) == ()
    assert len(Alarms().after(record("drift:any"), 0)) == 1
