"""What the ratio follows speaks, or somebody hears that it does not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.policy import DAY_MS, HOUR_MS, After, External, Policies, Signal, Steps, Window
from hedgebot.domain.records import Followed, Memory
from hedgebot.domain.signals import Measured, Signals, Told, Wanted
from hedgebot.domain.units import Millis
from hedgebot.risk.policy import check
from tests.builders import NOW, hedge, view

D = Decimal
STEPS = Steps(Signal.VOLATILITY, 30 * DAY_MS, ((D("0.6"), D(1)),), D("0.05"))
EXTERNAL = External(3_600_000, After.KEEP)
EXPIRED = "it was written 3601 s ago, and is good for 3600 s"
WINDOW = Window(Millis(NOW - DAY_MS), Millis(NOW + DAY_MS), D(1))


def market(hours: float, problem: str = "") -> Told[Measured]:
    return Told(Measured(D("0.5123"), Millis(NOW - int(hours * HOUR_MS))), problem, asked=True)


def word(seconds: int, problem: str = "") -> Told[Wanted]:
    return Told(Wanted(D("0.7"), Millis(NOW - seconds * 1000)), problem, asked=True)


@pytest.mark.parametrize(
    ("policies", "signals", "measured", "limit", "says", "alarms"),
    [
        (None, Signals(), "fixed", "", "no policy moves the ratio", False),
        (Policies(STEPS), Signals(market(1)), "volatility 0.5123", "steps at 0.6", "steps wants 0.25", False),
        (Policies(STEPS), Signals(market(2)), "volatility 0.5123", "steps at 0.6", "steps wants 0.25", False),
        (
            Policies(STEPS),
            Signals(market(2.01, "no answer")),
            "volatility unknown",
            "steps at 0.6",
            "the volatility is not known, the last target is kept: its last bar ended 2.0 h ago: no answer",
            True,
        ),
        (
            Policies(STEPS),
            Signals(Told(None, "main: 3 of 721 bars are missing", asked=True)),
            "volatility unknown",
            "steps at 0.6",
            "the volatility is not known, the last target is kept: main: 3 of 721 bars are missing",
            True,
        ),
        (
            Policies(external=EXTERNAL),
            Signals(wanted=word(3600)),
            "external 0.7",
            "good for 3600 s",
            "steps wants 0.25",
            False,
        ),
        (
            Policies(external=EXTERNAL),
            Signals(wanted=word(3601)),
            "external unknown",
            "good for 3600 s",
            f"no external ratio, the last target is kept: {EXPIRED}",
            True,
        ),
        (
            Policies(external=replace(EXTERNAL, after=After.RETURN)),
            Signals(wanted=word(3601, "HTTP 500")),
            "external unknown",
            "good for 3600 s",
            f"no external ratio, what holds without it is taken: {EXPIRED}: HTTP 500",
            True,
        ),
        (
            Policies(external=replace(EXTERNAL, after=After.RETURN)),
            Signals(wanted=Told(None, "no file", asked=True)),
            "external unknown",
            "good for 3600 s",
            "no external ratio, the last target is kept: no file",
            True,
        ),
        (
            Policies(external=EXTERNAL),
            Signals(wanted=word(10, "HTTP 500")),
            "external 0.7",
            "good for 3600 s",
            "the external ratio holds for now, but: HTTP 500",
            True,
        ),
        (
            Policies(STEPS, windows=(WINDOW,)),
            Signals(market(1)),
            "volatility 0.5123, schedule",
            "steps at 0.6, next turn 2026-11-22T06:00:00Z",
            "steps wants 0.25",
            False,
        ),
    ],
)
def test_check(
    policies: Policies | None, signals: Signals, measured: str, limit: str, says: str, alarms: bool
) -> None:
    memory = Memory(policy=Followed(wanted=D("0.25"), by="steps"))
    found = check(view(memory=memory, hedge=hedge(policies=policies), signals=signals))
    assert (found.measured, found.limit, found.reason, found.alarms) == (measured, limit, says, alarms)
    assert found.permission is Permission.ANY, "a target that is kept forbids nothing"


@pytest.mark.parametrize(("seconds", "alarms"), [(119, False), (120, True)])
@pytest.mark.parametrize("policies", [Policies(STEPS), Policies(external=EXTERNAL)])
def test_what_was_not_read_yet_is_no_alarm_right_after_the_start(
    policies: Policies, seconds: int, alarms: bool
) -> None:
    started = Millis(NOW - seconds * 1000)
    found = check(view(hedge=hedge(policies=policies), started_at=started))
    assert ("not read yet" in found.reason, found.alarms) == (True, alarms)
