"""Funding is told each cycle, and measured against its budget where there is one."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.funding import Action, Budget, Paid
from hedgebot.domain.market import Funding
from hedgebot.domain.records import Followed, Memory
from hedgebot.domain.signals import Signals, Told
from hedgebot.domain.units import Coin, Millis
from hedgebot.risk.funding import check
from tests.builders import LEG, NOW, hedge, leg, policy, quote, snapshot, view

D = Decimal
WEEK = 7 * 86_400_000
BUDGET = Budget(D("0.3"), (WEEK,), Action.ALARM, D("0.5"))


def cost(share: str, hours_old: float = 0) -> Signals:
    """A week that cost so much a year of one coin's exposure."""
    coins = Coin(D(share) * 7 / 365)
    return Signals(
        funding=Told(Paid(((WEEK, coins),), Millis(NOW - int(hours_old * 3_600_000))), "", asked=True)
    )


def found(
    signals: Signals, action: Action = Action.ALARM, before: bool = False, started: int = NOW - 3_600_000
) -> Finding:
    memory = Memory(policy=Followed(over_budget=before))
    policy = hedge(funding=replace(BUDGET, action=action))
    return check(view(memory=memory, hedge=policy, signals=signals, started_at=Millis(started)))


class TestWithoutABudget:
    @pytest.mark.parametrize(
        ("funding", "measured", "says"),
        [
            (
                Funding(D("0.0001"), D(8), Millis(NOW)),
                "0.0001",
                f"{LEG} receives 11.0% a year at the rate of these 8 h, next on 2026-11-21T06:00:00Z",
            ),
            (
                Funding(D("-0.0005"), D(4), None),
                "-0.0005",
                f"{LEG} pays 109.5% a year at the rate of these 4 h, at a time not known",
            ),
            (
                Funding(D("-0.0005"), None, None),
                "-0.0005",
                f"{LEG}: for how long its funding rate runs is not known",
            ),
        ],
    )
    def test_the_running_rate_is_told(self, funding: Funding, measured: str, says: str) -> None:
        finding = check(view(snapshot(leg(book=quote(funding=funding)))))
        assert (finding.measured, finding.reason) == (measured, says)
        assert (finding.permission, finding.alarms) == (Permission.ANY, False)

    def test_of_several_legs_the_dearest_is_told(self) -> None:
        dear = leg(book=quote(funding=Funding(D("-0.001"), D(8), None)), policy=policy(account="second"))
        assert check(view(snapshot(leg(), dear))).measured == "-0.001"


class TestAgainstTheBudget:
    @pytest.mark.parametrize(
        ("share", "before", "measured", "alarms"),
        [
            ("-0.1", False, "-10.0% over 7 d", False),
            ("0.3", False, "30.0% over 7 d", False),  # just inside
            ("0.3001", False, "30.0% over 7 d", True),
            ("0.1", True, "10.0% over 7 d", True),  # cheaper, and not yet cheap enough
        ],
    )
    def test_is_measured(self, share: str, before: bool, measured: str, alarms: bool) -> None:
        finding = found(cost(share), before=before)
        assert (finding.measured, finding.limit, finding.alarms) == (measured, "30.0% a year", alarms)
        assert finding.permission is Permission.ANY, "nothing is unhedged by a guard"

    @pytest.mark.parametrize(
        ("action", "says"),
        [
            (Action.ALARM, "nothing is done about it"),
            (Action.FLOOR, "the ratio is held at 0.5 or below until it is cheap again"),
            (Action.UNWIND, "the hedge is unwound"),
        ],
    )
    def test_what_is_done_is_said(self, action: Action, says: str) -> None:
        assert says in found(cost("0.4"), action).reason

    @pytest.mark.parametrize(
        ("signals", "says"),
        [
            (
                Signals(funding=Told(None, "no answer", asked=True)),
                "what funding cost is not known: no answer",
            ),
            (cost("0.1", hours_old=3.1), "the ledger was last read 3.1 h ago"),
        ],
    )
    def test_what_is_not_known_is_an_alarm_and_not_nothing(self, signals: Signals, says: str) -> None:
        finding = found(signals)
        assert says in finding.reason
        assert (finding.measured, finding.alarms) == ("unknown", True)

    @pytest.mark.parametrize(("seconds", "alarms"), [(119, False), (120, True)])
    def test_but_not_right_after_the_start(self, seconds: int, alarms: bool) -> None:
        assert found(Signals(), started=NOW - seconds * 1000).alarms is alarms
