"""Has the bot done as much as it may? Orders an hour, turnover a day, corrections against somebody."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.orders import Intent, Stage
from hedgebot.domain.records import Memory
from hedgebot.risk.limits import check
from tests.builders import LIMITS, Number, hedge, hedged, intent, snapshot, view

ANY, REDUCE_ONLY, NONE = Permission
HOUR, DAY = 3_600_000, 86_400_000


def judged(*recent: Intent, disturbed: bool = False) -> Finding:
    """At most 3 orders an hour, 2 corrections an hour, 3 times the 60,000 dollars a day."""
    limits = replace(LIMITS, orders_per_hour=3, corrections_per_hour=2)
    found = check(
        view(hedged(-60_000), Memory(disturbed=disturbed), hedge=hedge(limits=limits), recent=recent)
    )
    assert found.alarms is (found.permission is not ANY)
    return found


def done(filled: Number = -1, age_ms: int = 0, *, correction: bool = False, number: int = 1) -> Intent:
    return intent(-100_000, Stage.CLOSED, filled=filled, age_ms=age_ms, correction=correction, number=number)


class TestOrders:
    @pytest.mark.parametrize(
        ("recent", "permission"),
        [
            ([], ANY),
            ([done()] * 2, ANY),
            ([done()] * 3, REDUCE_ONLY),
            ([done(age_ms=HOUR - 1)] * 3, REDUCE_ONLY),
            ([done(age_ms=HOUR)] * 3, ANY),
            ([done(), done(), intent(stage=Stage.REJECTED)], ANY),  # what was refused was none
            ([done(), done(), intent(-1, stage=Stage.UNKNOWN)], REDUCE_ONLY),
        ],
    )
    def test_orders_an_hour(self, recent: list[Intent], permission: Permission) -> None:
        assert judged(*recent).permission is permission


def refused(*ages_ms: int, contracts: int = -1) -> list[Intent]:
    return [intent(contracts, Stage.REJECTED, age_ms=age_ms) for age_ms in ages_ms]


class TestRefusals:
    @pytest.mark.parametrize(
        ("recent", "permission"),
        [
            (refused(0), ANY),  # once: what was wrong has been read again
            (refused(5_000, 0), REDUCE_ONLY),
            (refused(20_000, 14_999), REDUCE_ONLY),
            (refused(20_000, 15_000), ANY),
            (refused(60_000, 50_000, 29_999), REDUCE_ONLY),
            (refused(60_000, 50_000, 30_000), ANY),
            (refused(*[HOUR] * 90, 59_999), REDUCE_ONLY),
            (refused(*[HOUR] * 90, 60_000), ANY),
            (refused(5_000, -1), ANY),  # the clock was set back
            ([*refused(9_000, 5_000), done()], ANY),
            ([*refused(5_000), done(age_ms=4_000), *refused(0)], ANY),
            (refused(5_000, 0, contracts=1), ANY),  # purchases are never held back
            ([*refused(5_000), *refused(0, contracts=1)], ANY),
        ],
    )
    def test_what_is_refused_again_and_again_is_tried_less_and_less_often(
        self, recent: list[Intent], permission: Permission
    ) -> None:
        assert judged(*recent).permission is permission

    def test_it_says_what_the_exchange_said_and_when_it_tries_again(self) -> None:
        last = replace(refused(5_000)[0], outcome="code 110007: not enough margin")
        found = judged(*refused(9_000), last)
        assert found.reason == (
            "the last order was refused (code 110007: not enough margin): the next one in 10 s"
        )


class TestTurnover:
    @pytest.mark.parametrize(
        ("recent", "permission"),
        [
            ([done(-179_999)], ANY),
            ([done(-180_000)], REDUCE_ONLY),
            ([done(-100_000), done(-80_000)], REDUCE_ONLY),  # sales and purchases alike
            ([done(-180_000, age_ms=DAY - 1)], REDUCE_ONLY),
            ([done(-180_000, age_ms=DAY)], ANY),
            ([intent(-180_000, Stage.UNKNOWN)], REDUCE_ONLY),  # what may still fill counts whole
            ([intent(-180_000, Stage.RESERVED)], REDUCE_ONLY),
            ([intent(-180_000, Stage.ABSENT)], ANY),
            ([intent(-180_000, Stage.REJECTED)], ANY),
            ([intent(-180_000, Stage.FILLED, filled=-1)], ANY),
            ([intent(-180_000, Stage.CLOSED, filled=-180_000, symbol="ETH/USD:ETH")], ANY),  # no leg any more
        ],
    )
    def test_dollars_a_day(self, recent: list[Intent], permission: Permission) -> None:
        assert judged(*recent).permission is permission

    def test_the_first_order_is_never_forbidden_by_its_own_size(self) -> None:
        assert judged().permission is ANY
        assert judged().measured == "0 orders, 0 USD"

    def test_where_nothing_is_left_only_reductions_are(self) -> None:
        lost = hedged(-60_000, mark=120_000, coins="0.2")
        assert lost.value.value < 0
        assert check(view(lost, recent=(done(),))).permission is REDUCE_ONLY
        assert check(view(lost)).permission is ANY


class TestCorrections:
    @pytest.mark.parametrize(
        ("recent", "disturbed", "permission"),
        [
            ([done(correction=True)], True, ANY),
            ([done(correction=True)] * 2, True, NONE),
            ([done(correction=True, age_ms=HOUR)] * 2, True, ANY),
            ([done(correction=True)] * 2, False, ANY),  # nobody disturbs now: deposits are followed
            ([done()] * 2, True, ANY),  # those were no corrections
        ],
    )
    def test_corrections_an_hour(self, recent: list[Intent], disturbed: bool, permission: Permission) -> None:
        assert judged(*recent, disturbed=disturbed).permission is permission

    def test_a_fight_is_ended_before_the_hour_is_full(self) -> None:
        found = judged(*[done(correction=True)] * 3, disturbed=True)
        assert (found.permission, found.next_step) == (NONE, "Find out who else trades this account")


def test_limits_are_those_of_the_config() -> None:
    found = hedge(limits=replace(LIMITS, turnover_per_day=Decimal(1)))
    assert check(view(snapshot(), hedge=found, recent=(done(-60_000),))).permission is REDUCE_ONLY
