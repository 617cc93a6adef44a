"""Plays seeds, in this process or in several, and says of each what came of it."""

import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.campaign.draw import drawn
from tests.campaign.judge import Violation
from tests.campaign.life import Outcome, play
from tests.campaign.plan import Plan
from tests.campaign.pools import spread
from tests.campaign.tally import Tally

MEMORY = Path("/dev/shm")
"""Where journals lie, if there is such a place: their every write waits for the disk."""

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a fault of the harness, or of what it plays, looks like."""

A_WORKERS_LIFE = 150
"""Seeds that a process plays before it is replaced."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a seed, ``cpu`` in seconds of this process."""

    seed: int
    violations: tuple[str, ...]
    tally: Tally
    digest: str
    cpu: float


def attempt(plan: Plan, *, keep: bool = False) -> Outcome:
    """Play a plan in a folder that is gone afterwards. What the harness itself raises is a violation too."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="campaign-", dir=place) as folder:
        try:
            return play(plan, Path(folder), keep=keep)
        except FAULTS:
            what = traceback.format_exc(limit=-6)
            return Outcome(plan, (Violation("crash", 0.0, what),), Tally(), "", ())


def one(seed: int) -> Result:
    """Play a seed."""
    began = time.process_time()
    outcome = attempt(drawn(seed))
    violations = tuple(map(str, outcome.violations))
    return Result(seed, violations, outcome.tally, outcome.digest, time.process_time() - began)


def every(seeds: Sequence[int], jobs: int, stop: Callable[[], bool] = lambda: False) -> Iterator[Result]:
    """Play seeds in so many processes, until all are played or ``stop`` says so."""
    if jobs <= 1:
        for seed in seeds:
            if stop():
                return
            yield one(seed)
        return
    for result in spread(one, seeds, jobs, A_WORKERS_LIFE):
        yield result
        if stop():
            return
