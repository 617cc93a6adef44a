"""Nothing is decided while an order of ours may still do something, or its fill is not visible yet."""

from dataclasses import replace

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.orders import FINAL, UNSETTLED, Stage
from hedgebot.domain.units import Millis
from hedgebot.risk.in_flight import check
from tests.builders import NOW, client_id, hedge, intent, view


def test_nothing_on_its_way() -> None:
    found = check(view())
    assert (found.permission, found.measured, found.alarms) == (Permission.ANY, "0", False)


@pytest.mark.parametrize("stage", sorted(UNSETTLED))
def test_an_order_of_unknown_fate_holds_everything(stage: Stage) -> None:
    found = check(view(open=(intent(stage=stage, age_ms=4_000),)))
    assert found.permission is Permission.NONE
    assert found.reason == f"order {client_id()} is unresolved, 4 s old"


def test_a_fill_that_is_not_visible_yet_does_too() -> None:
    found = check(view(open=(intent(stage=Stage.FILLED, filled=-59_970),)))
    assert found.permission is Permission.NONE
    assert "filled -59970 contracts that the position does not show yet" in found.reason


@pytest.mark.parametrize(("age_ms", "alarms"), [(0, False), (60_000, False), (60_001, True)])
def test_an_order_older_than_two_arrival_windows_alarms(age_ms: int, alarms: bool) -> None:
    assert check(view(open=(intent(age_ms=age_ms),))).alarms is alarms


def test_a_wall_clock_that_stepped_back_makes_no_negative_age() -> None:
    assert ", 0 s old" in check(view(open=(intent(),), at=Millis(NOW - 90_000))).reason


def test_all_of_them_are_counted_and_the_oldest_is_named() -> None:
    found = check(view(open=(intent(number=1), intent(number=2))))
    assert found.measured == "2"
    assert client_id(1) in found.reason


def test_only_an_order_whose_story_is_over_is_no_longer_open() -> None:
    assert set(Stage) - FINAL == UNSETTLED | {Stage.FILLED}


@pytest.mark.parametrize(
    ("left_ms", "permission"), [(23_000, Permission.NONE), (1, Permission.NONE), (0, Permission.ANY)]
)
def test_a_journal_in_the_place_of_a_lost_one_waits_for_the_orders_of_that(
    left_ms: int, permission: Permission
) -> None:
    found = check(view(started_at=Millis(NOW + left_ms)))
    assert (found.permission, found.alarms) == (permission, False)
    if left_ms:
        assert f"may still arrive, for {left_ms / 1000:.0f} s" in found.reason


GONE = replace(intent(), request=replace(intent().request, account="old"))


@pytest.mark.parametrize(
    ("started_ms_ago", "permission"),
    [(30_000, Permission.NONE), (30_001, Permission.ANY)],  # it may be an account of ours by another name
)
def test_an_order_on_an_account_that_is_ours_no_more_is_told_and_blocks_only_while_it_may_arrive(
    started_ms_ago: int, permission: Permission
) -> None:
    found = check(view(hedge=hedge(settle_after=30.0), open=(GONE,), started_at=Millis(NOW - started_ms_ago)))
    assert found.permission is permission
    if permission is Permission.ANY:
        assert found.alarms
        assert "on old, which this hedge does not have any more, is unresolved" in found.reason
        assert "accounts.old" in found.next_step


def test_beside_one_that_is_gone_another_order_holds_everything() -> None:
    found = check(view(open=(GONE, intent(number=2))))
    assert found.permission is Permission.NONE
    assert client_id(2) in found.reason
