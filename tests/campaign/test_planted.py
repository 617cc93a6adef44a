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
}


def test_there_is_a_seed_for_every_bug() -> None:
    assert FIRST.keys() == BUGS.keys()
    assert all(seed <= 200 for _, seed in FIRST.values())


@pytest.mark.parametrize(("name", "rule", "seed"), [(name, *found) for name, found in FIRST.items()])
def test_the_judge_sees_each_planted_bug(name: str, rule: str, seed: int) -> None:
    with BUGS[name]():
        outcome = attempt(drawn(seed))
    assert rule in {violation.rule for violation in outcome.violations}


@pytest.mark.parametrize("seed", sorted({seed for _, seed in FIRST.values()}))
def test_without_it_there_is_nothing_to_see(seed: int) -> None:
    assert attempt(drawn(seed)).violations == ()
