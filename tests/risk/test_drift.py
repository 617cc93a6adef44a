"""A drift that is small in coins held may be large against what is left of their value."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.snapshot import Snapshot
from hedgebot.risk.drift import check
from tests.builders import coin, hedged, view


@pytest.mark.parametrize(
    ("contracts", "mark", "measured", "alarms"),
    [
        (-60_000, 60_000, "0.0000", False),
        (-58_800, 60_000, "0.0200", False),
        (-56_400, 60_000, "0.0600", False),  # three bands of 0.02: the last that is quiet
        (-56_399, 60_000, "0.0600", True),
        (-58_800, 300_000, "0.0926", True),  # the same two hundredths, after a rally
    ],
)
def test_a_drift_is_measured_against_the_value_left(
    contracts: int, mark: int, measured: str, alarms: bool
) -> None:
    found = check(view(hedged(contracts, mark=mark)))
    assert (found.permission, found.measured, found.alarms) == (Permission.ANY, measured, alarms)


@pytest.mark.parametrize(
    ("seen", "measured", "alarms"),
    [
        (hedged(-60_000, coins="0.5", mark=120_000), "1.0000", True),  # half a coin held, half a coin lost
        (hedged(-60_000, coins="0.4", mark=120_000), "1.0000", True),
        (hedged(0, coins=0), "0.0000", False),
    ],
    ids=["nothing left", "less than nothing", "nothing held"],
)
def test_where_nothing_is_left_any_drift_is_all_of_it(seen: Snapshot, measured: str, alarms: bool) -> None:
    found = check(view(seen))
    assert (found.measured, found.alarms) == (measured, alarms)


def test_a_half_hedged_holding_is_not_adrift() -> None:
    seen = view(hedged(-30_000))
    found = check(replace(seen, memory=replace(seen.memory, target=Decimal("0.5"), held=coin(1))))
    assert (found.measured, found.alarms) == ("0.0000", False)
