"""Searches beside the campaign: each planted bug by seeds, and every point at which the daemon can die."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.campaign.crash_points import WAYS, Walked, walk
from tests.campaign.draw import drawn
from tests.campaign.planted import BUGS
from tests.campaign.pools import spread
from tests.campaign.seeds import MEMORY, attempt

MOST = 200
"""Seeds within which every planted bug has to be found."""

A_WORKERS_LIFE = 20
"""Ways that a process walks before it is replaced."""

Found = tuple[str, int | None, str]
"""A bug, the first seed that finds it and what the judge said; None where none does."""


def found(name: str) -> Found:
    """Play seeds with a bug planted until the judge sees it."""
    for seed in range(1, MOST + 1):
        with BUGS[name]():
            outcome = attempt(drawn(seed))
        if outcome.violations:
            return name, seed, str(outcome.violations[0])
    return name, None, ""


def every_bug(jobs: int) -> Iterator[Found]:
    """Search for each planted bug."""
    yield from spread(found, tuple(BUGS), jobs, life=len(BUGS))


def walked(number: int) -> Walked:
    """Walk one of ``WAYS``."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="crash-", dir=place) as folder:
        return walk(WAYS[number], Path(folder))


def every_point(jobs: int, part: int = 1) -> Iterator[Walked]:
    """Walk every way, or every ``part``-th."""
    yield from spread(walked, range(0, len(WAYS), part), jobs, A_WORKERS_LIFE)
