"""Every planted bug is found. The seeds are the first that do; ``planted`` searches for them anew."""

import pytest

from tests.campaign.draw import drawn
from tests.campaign.planted import BUGS
from tests.campaign.seeds import attempt

FIRST = {
    "an unknown order is sent again under a new id": ("S5", 6),
    "an unknown order is sent again under its own id": ("S2", 6),
    "an unknown order counts as rejected": ("S2", 14),
    "the first not-found is believed": ("S2", 27),
    "the secret is in a line of the log": ("S8", 1),
    "unrealised profit is left out of the sale, and counted as coins": ("S3", 1),
    "another daemon's orders are overlooked": ("R9", 4),
    "nothing counts what was sent within an hour and a day": ("S4", 19),
    "a read has no deadline": ("L3", 1),
}


@pytest.mark.parametrize(("name", "rule", "seed"), [(name, *found) for name, found in FIRST.items()])
def test_the_judge_sees_each_planted_bug(name: str, rule: str, seed: int) -> None:
    with BUGS[name]():
        outcome = attempt(drawn(seed))
    assert rule in {violation.rule for violation in outcome.violations}


@pytest.mark.parametrize("seed", sorted({seed for _, seed in FIRST.values()}))
def test_without_it_there_is_nothing_to_see(seed: int) -> None:
    assert attempt(drawn(seed)).violations == ()
