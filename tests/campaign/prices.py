"""Where prices go in a seeded world, and how troubles bend them."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from hedgebot.sim.market import Lines, Path

DAY = 86_400.0
POINTS = 160
FURTHEST = 6.0
"""A walk stays within this factor of its start."""


def walk(rng: Random, seconds: float) -> tuple[tuple[float, int], ...]:
    """A random walk of whole dollars with crashes, rallies and jumps: (seconds, dollars)."""
    start = price = rng.choice((20_000, 60_000, 100_000))
    daily = rng.choice((0.0, 0.02, 0.05, 0.15))
    step = seconds / POINTS
    points = [(0.0, start)]
    for number in range(1, POINTS + 1):
        at, before = number * step, price
        price = round(price * math.exp(rng.gauss(0, daily * math.sqrt(step / DAY))))
        if rng.random() < 1.5 / POINTS:  # a crash or a rally over one step
            price = round(price * rng.choice((0.6, 0.75, 0.85, 1.15, 1.3, 1.6)))
        elif rng.random() < 0.7 / POINTS:  # the same in an instant
            points.append((at - 0.001, before))
            price = round(price * rng.choice((0.7, 0.9, 1.1, 1.4)))
        price = min(max(price, round(start / FURTHEST)), round(start * FURTHEST))
        points.append((at, price))
    return tuple(points)


def lines(points: Sequence[tuple[float, int]], start_ms: int) -> Lines:
    """The exchange's path through points of a plan."""
    return Lines([(start_ms + round(at * 1000), Fraction(price)) for at, price in points])


class Bent:
    """A path times a factor during a stretch of time."""

    def __init__(self, path: Path, factor: Fraction, since_ms: int, until_ms: int) -> None:
        self._path = path
        self._factor = factor
        self._turns = [since_ms, until_ms - 1, until_ms]

    def at(self, at_ms: int) -> Fraction:
        bent = self._turns[0] <= at_ms < self._turns[-1]
        return self._path.at(at_ms) * self._factor if bent else self._path.at(at_ms)

    def turns(self, start_ms: int, end_ms: int) -> list[int]:
        own = self._turns[bisect_right(self._turns, start_ms) : bisect_right(self._turns, end_ms)]
        return sorted({*self._path.turns(start_ms, end_ms), *own})
