"""Permissions: the strictest finding wins, and says why."""

import pytest

from hedgebot.domain.decision import Assessment, Finding, Permission, Plan
from tests.builders import to

ANY, REDUCE_ONLY, NONE = Permission


def finding(permission: Permission, reason: str = "") -> Finding:
    return Finding("test", permission, "", "", reason)


@pytest.mark.parametrize(
    ("findings", "wins"),
    [
        ([ANY], ANY),
        ([ANY, REDUCE_ONLY, ANY], REDUCE_ONLY),
        ([REDUCE_ONLY, NONE, ANY], NONE),
        ([], NONE),
    ],
)
def test_the_strictest_finding_wins(findings: list[Permission], wins: Permission) -> None:
    assert Assessment(tuple(map(finding, findings))).permission is wins


def test_the_strictest_finding_says_why() -> None:
    found = Assessment((finding(ANY, "fine"), finding(NONE, "bad"), finding(REDUCE_ONLY, "so so")))
    assert found.why() == "bad"


def test_where_nothing_was_checked_nothing_is_permitted() -> None:
    assert Assessment(()).why() == "nothing was checked"


def test_one_finding_is_enough_to_blind_or_halt() -> None:
    calm = finding(ANY)
    assert Assessment((calm, calm._replace(blinds=True))).blind
    assert Assessment((calm, calm._replace(halts=True))).halted
    assert not Assessment((calm,)).blind
    assert not Assessment((calm,)).halted


@pytest.mark.parametrize(
    ("permission", "label"), [(ANY, "any"), (REDUCE_ONLY, "reduce_only"), (NONE, "none")]
)
def test_permissions_are_ordered_and_named(permission: Permission, label: str) -> None:
    assert permission.label == label
    assert ANY < REDUCE_ONLY < NONE


def test_a_plan_without_an_order_does_nothing() -> None:
    assert not Plan("inside the band", True, to(1)).acts
