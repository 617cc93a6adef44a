"""Coins between our own wallets: the hedge only reduces until both show them, and a failure is told."""

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.transfers import FINAL, TransferStage
from hedgebot.risk import transfers
from hedgebot.risk.transfers import RECENT_MS
from tests.builders import transfer, view

DONE, REJECTED, ABSENT = TransferStage.DONE, TransferStage.REJECTED, TransferStage.ABSENT


def test_none_is_content() -> None:
    found = transfers.check(view())
    assert (found.permission, found.alarms) == (Permission.ANY, False)


@pytest.mark.parametrize("stage", [stage for stage in TransferStage if stage not in FINAL])
@pytest.mark.parametrize(("age_ms", "alarms"), [(60_000, False), (60_001, True), (-5, False)])
def test_an_unresolved_one_leaves_reductions(stage: TransferStage, age_ms: int, *, alarms: bool) -> None:
    found = transfers.check(view(transfers=(transfer(stage=DONE), transfer(stage=stage, age_ms=age_ms))))
    assert (found.permission, found.alarms, found.measured) == (Permission.REDUCE_ONLY, alarms, "1")
    assert found.reason.startswith("the move of 0.1 BTC from spot to margin on main is not in both yet, ")


@pytest.mark.parametrize("stage", [REJECTED, ABSENT])
@pytest.mark.parametrize(("age_ms", "alarms"), [(RECENT_MS - 1, True), (RECENT_MS, False)])
def test_a_failed_one_is_told_for_a_while(stage: TransferStage, age_ms: int, *, alarms: bool) -> None:
    found = transfers.check(view(transfers=(transfer(stage=stage, age_ms=age_ms, outcome="its own words"),)))
    assert (found.permission, found.alarms) == (Permission.ANY, alarms)
    assert ("its own words" in found.reason) == alarms


def test_one_on_an_account_that_is_ours_no_more_is_told_and_restrains_nothing() -> None:
    found = transfers.check(view(transfers=(transfer(account="old"),)))
    assert (found.permission, found.alarms) == (Permission.ANY, True)
    assert found.reason.endswith("on old is unresolved, and this hedge does not have that account any more")
    assert "accounts.old" in found.next_step
    beside = transfers.check(view(transfers=(transfer(account="old"), transfer(number=2))))
    assert beside.permission is Permission.REDUCE_ONLY
