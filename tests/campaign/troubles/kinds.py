"""What a class of trouble is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.campaign.plan import Config, Depth, Trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life

Strike = Callable[["Life", Trouble, Random], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a trouble is drawn for. ``window`` is how many seconds a request may be on its way."""

    depth: Depth
    venue: str
    config: Config

    @property
    def window(self) -> float:
        return min(self.config.settle_after / 2, 20.0)


Draw = Callable[[Random, Scope], tuple[float, Mapping[str, Any]]]
"""Draws how many seconds it lasts, and its figures."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of trouble. One that ``operates`` starts or stops processes: only one does at a time.
    ``chances`` is how many it has to be drawn for a plan: more where it seldom meets what it needs."""

    name: str
    draw: Draw
    strike: Strike
    depths: tuple[Depth, ...]
    venues: tuple[str, ...]
    operates: bool
    chances: int


KINDS: dict[str, Kind] = {}
BOTH: tuple[Depth, ...] = ("port", "http")
EVERY = ("bybit", "binance", "okx")


def at_once(_rng: Random, _scope: Scope) -> tuple[float, Mapping[str, Any]]:
    """It happens in an instant."""
    return 0.0, {}


def for_a_while(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    """It lasts from a few seconds to some twenty cycles."""
    return stretch(rng, scope), {}


def stretch(rng: Random, scope: Scope) -> float:
    """Seconds: from a few to some twenty cycles."""
    return round(rng.uniform(2, 20) + scope.config.interval * rng.choice((1, 3, 8, 20)) * rng.random(), 3)


def trouble(
    name: str,
    draw: Draw = at_once,
    *,
    depths: tuple[Depth, ...] = BOTH,
    venues: tuple[str, ...] = EVERY,
    operates: bool = False,
    chances: int = 1,
) -> Callable[[Strike], Strike]:
    """Make a function a class of trouble."""

    def enlist(strike: Strike) -> Strike:
        if name in KINDS:
            raise ValueError(f"there are two troubles called {name}")
        KINDS[name] = Kind(name, draw, strike, depths, venues, operates, chances)
        return strike

    return enlist
