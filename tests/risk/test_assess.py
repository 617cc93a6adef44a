"""All guards together: one finding each, also when content, and none that adds risk."""

from dataclasses import replace
from pathlib import Path

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.orders import Stage
from hedgebot.domain.snapshot import Blind
from hedgebot.risk import GUARDS, assess, clock
from tests.builders import NOW, hedged, intent, view

ORDER = [
    "coherence", "outage", "in_flight", "transfers", "account_mode", "foreign", "jump", "collateral",
    "liquidation", "limits", "drift", "clock", "key", "policy", "funding", "basis", "expiry",
]  # fmt: skip


def test_every_guard_says_what_it_found_also_when_content() -> None:
    assessment, _ = assess(view())
    assert [finding.guard for finding in assessment.findings] == ORDER
    assert assessment.permission is Permission.ANY
    assert all(f.reason and f.measured and not f.alarms for f in assessment.findings)


def test_one_file_a_guard(root: Path) -> None:
    files = {path.stem for path in (root / "hedgebot" / "risk").glob("*.py")}
    assert set(ORDER) <= files
    assert len(GUARDS) == len(ORDER) - 1, "coherence comes before all"


def test_a_blind_cycle_shows_what_needs_no_snapshot() -> None:
    seen = view(Blind("btc", NOW, ("no answer",)), open=(intent(stage=Stage.UNKNOWN),))
    assessment, _ = assess(seen)
    assert [finding.guard for finding in assessment.findings] == ["coherence", "in_flight", "key"]
    assert (assessment.blind, assessment.permission) == (True, Permission.NONE)
    assert assessment.why() == "no answer"


def test_a_guard_that_asks_a_blind_view_for_its_snapshot_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no snapshot in a blind cycle"):
        clock.check(view(Blind("btc", NOW, ())))


def test_the_guards_see_the_memory_of_this_snapshot() -> None:
    """A jump holds orders in the very cycle that shows it."""
    _, memory = assess(view(hedged(mark=60_000)))
    assessment, _ = assess(view(hedged(mark=30_000), memory))
    jump = next(finding for finding in assessment.findings if finding.guard == "jump")
    assert jump.permission is Permission.NONE


@pytest.mark.parametrize(
    ("offset_ms", "alarms"), [(0, False), (2_000, False), (-2_000, False), (2_001, True), (-2_001, True)]
)
def test_clocks_that_disagree_are_told_and_restrain_nothing(offset_ms: int, alarms: bool) -> None:
    found = clock.check(view(replace(hedged(), offset_ms=offset_ms)))
    assert (found.permission, found.alarms, found.measured) == (Permission.ANY, alarms, f"{offset_ms} ms")
