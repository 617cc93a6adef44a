"""A failing plan becomes the least that still fails."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.campaign.__main__ import command_of
from tests.campaign.draw import drawn
from tests.campaign.plan import Plan
from tests.campaign.shrink import ddmin, smallest


@pytest.mark.parametrize("needed", [(), (3,), (0, 19), (2, 3, 5, 7, 11), tuple(range(20))])
def test_nothing_is_kept_that_is_not_needed(needed: tuple[int, ...]) -> None:
    def fails(items: Sequence[int]) -> bool:
        return set(needed) <= set(items)

    assert ddmin(range(20), fails) == list(needed)


def test_one_of_two_alternatives_is_enough() -> None:
    assert len(ddmin(range(16), lambda items: 4 in items or 12 in items)) == 1


def test_troubles_are_dropped_and_time_is_cut_and_the_command_says_so() -> None:
    plan = next(plan for plan in map(drawn, range(1, 50)) if len(plan.troubles) > 8)
    first, second = plan.troubles[1], plan.troubles[4]

    def fails(smaller: Plan) -> bool:
        return {first.number, second.number} <= {trouble.number for trouble in smaller.troubles}

    small = smallest(plan, fails)
    assert [trouble.number for trouble in small.troubles] == [first.number, second.number]
    assert second.at < small.quiet_at <= second.at + plan.quiet_at / 5
    assert small.end - small.quiet_at == pytest.approx(plan.end - plan.quiet_at)
    assert f"replay {plan.seed} --only {first.number},{second.number} --until" in command_of(small)


def test_what_is_random_of_a_trouble_stays_when_others_are_dropped() -> None:
    plan = next(plan for plan in map(drawn, range(1, 50)) if len(plan.troubles) > 2)
    kept = plan.troubles[-1]
    assert plan.only([kept.number]).troubles == (kept,)
    assert plan.cut(kept.at + 0.001).troubles[-1] == replace(kept, until=min(kept.until, kept.at + 0.001))
