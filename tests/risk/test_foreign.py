"""Does somebody else act here?"""

from typing import Any

import pytest

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.records import Memory
from hedgebot.domain.units import Millis
from hedgebot.risk.foreign import check
from tests.builders import (
    DATED,
    INSTANCE,
    NOW,
    STARTED,
    client_id,
    hedged,
    instrument,
    leg,
    open_order,
    position,
    snapshot,
    view,
)

ANY, REDUCE_ONLY, NONE = Permission
OURS, THEIRS = client_id(), client_id(instance=INSTANCE + 1)


def judged(rival: str = "", **seen: Any) -> Finding:
    shown = snapshot(seen.pop("short", leg(-60_000)), **seen)
    found = check(view(shown, Memory(rival=rival)))
    assert found.halts is (found.permission is NONE)
    return found


def test_nobody_else() -> None:
    found = check(view(hedged()))
    assert (found.permission, found.measured, found.alarms) == (ANY, "0", False)


@pytest.mark.parametrize("size", [-5, 5])
def test_a_position_that_is_no_leg_permits_reductions_only(size: int) -> None:
    found = judged(others=[("main", position(size, contract=instrument(DATED)))])
    assert found.permission is REDUCE_ONLY
    assert found.reason == f"{size} contracts of {DATED} on main are in no leg"


@pytest.mark.parametrize(("size", "permission"), [(1, REDUCE_ONLY), (0, ANY), (-1, ANY)])
def test_a_long_in_a_leg_permits_reductions_only(size: int, permission: Permission) -> None:
    assert judged(short=leg(size)).permission is permission


@pytest.mark.parametrize(
    ("order_id", "alarms"), [("", True), ("my own order", True), ("x-1", True), (OURS, False)]
)
def test_an_order_that_is_not_ours_is_told_and_restrains_nothing(order_id: str, alarms: bool) -> None:
    found = judged(orders=[("main", open_order(client_id=order_id))])
    assert (found.permission, found.alarms) == (ANY, alarms)


@pytest.mark.parametrize(
    ("order_id", "created_at", "permission"),
    [
        (THEIRS, STARTED + 1, NONE),
        (THEIRS, STARTED, ANY),  # a leftover from before our start
        (THEIRS, STARTED - 1, ANY),
        (OURS, STARTED + 1, ANY),
        (OURS, STARTED - 1, ANY),
    ],
)
def test_an_order_of_another_hedgebot_that_was_created_while_we_run_halts(
    order_id: str, created_at: int, permission: Permission
) -> None:
    order = open_order(client_id=order_id, created_at=Millis(created_at))
    assert judged(orders=[("main", order)]).permission is permission


@pytest.mark.parametrize(
    ("rival", "permission"), [(THEIRS, NONE), ("", ANY), (OURS, ANY), ("not an id", ANY)]
)
def test_so_does_one_that_only_its_fill_betrayed(rival: str, permission: Permission) -> None:
    assert judged(rival).permission is permission


@pytest.mark.parametrize(
    ("offset_ms", "permission"), [(-5_000, NONE), (0, ANY), (5_000, ANY)], ids=["behind", "in step", "ahead"]
)
def test_our_start_is_meant_by_the_exchanges_clock(offset_ms: int, permission: Permission) -> None:
    order = open_order(client_id=THEIRS, created_at=Millis(STARTED - 1_000))
    assert judged(orders=[("main", order)], offset_ms=offset_ms).permission is permission


def test_of_equally_grave_ones_what_is_outside_the_legs_is_told() -> None:
    found = judged(short=leg(5), others=[("main", position(-5, contract=instrument(DATED)))])
    assert found.reason.startswith(f"-5 contracts of {DATED}")


def test_the_gravest_of_several_is_told() -> None:
    found = judged(
        short=leg(5),
        orders=[("main", open_order()), ("main", open_order(client_id=THEIRS, created_at=Millis(NOW)))],
    )
    assert (found.permission, found.measured) == (NONE, "3")
    assert "another hedgebot" in found.reason
