"""Every planted bug is found: its rule, the first seed that finds it, and in how many seconds of its life.
``python -m tests.campaign planted`` searches anew.
"""

import pytest

from tests.campaign.draw import drawn
from tests.campaign.planted import BUGS
from tests.campaign.seeds import attempt

FIRST = {
    "an unknown order is sent again under a new id": ("S5", 1, 422),
    "an unknown order is sent again under its own id": ("S2", 1, 422),
    "an unknown order counts as rejected": ("S2", 1, 433),
    "the first not-found is believed": ("S2", 1, 3791),
    "the rest of an order is sent, whatever the position": ("S3", 11, 3542),
    "a failed read is an empty one": ("S3", 75, 1032),
    "a reading from before the last order is decided on": ("S5", 1, 3301),
    "unrealised profit is left out of the sale, and counted as coins": ("S3", 2, 130),
    "a fall of the coins held is believed at once": ("S3", 1, 3844),
    "another daemon's orders are overlooked": ("R9", 4, 52),
    "an older opener of the journal may still write": ("S1", 8, 15303),
    "an order's intent is not on the disk before it leaves": ("S2", 15, 34),
    "an order leaves though its intent could not be written": ("S1", 14, 334),
    "nothing counts what was sent within an hour and a day": ("S4", 19, 159),
    "a read has no deadline": ("L3", 1, 1255),
    "the secret is in a line of the log": ("S8", 1, 2),
}


@pytest.mark.parametrize(("name", "rule", "seed", "until"), [(name, *found) for name, found in FIRST.items()])
def test_the_judge_sees_each_planted_bug(name: str, rule: str, seed: int, until: int) -> None:
    with BUGS[name]():
        outcome = attempt(drawn(seed).cut(until))
    assert rule in {violation.rule for violation in outcome.violations}


@pytest.mark.parametrize(("seed", "until"), sorted({found[1:] for found in FIRST.values()}))
def test_without_it_there_is_nothing_to_see(seed: int, until: int) -> None:
    assert attempt(drawn(seed).cut(until)).violations == ()
