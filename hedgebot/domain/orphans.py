"""Shorts that the journal knows and that no leg of the config is any more: kept, told, never traded."""

from collections.abc import Iterator, Mapping, Set

from hedgebot.domain.dated import configured
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.records import Memory
from hedgebot.domain.units import Contracts

Orphans = tuple[tuple[str, Contracts], ...]
"""Contracts by leg name, as ``Memory`` has them."""


def orphans(hedges: Mapping[str, Hedge], memories: Mapping[str, Memory]) -> dict[str, Orphans]:
    """What each hedge has to look after: its own lost legs, and those of hedges that are gone.

    Of the latter the first hedge of the same coin takes care, or else the first there is.
    """
    found: dict[str, dict[str, Contracts]] = {name: {} for name in hedges}
    legs = {leg.name for hedge in hedges.values() for leg in configured(hedge)}
    for name, leg, contracts in lost(legs, memories):
        found[next(carers(name, leg, hedges))][leg] = contracts
    return {name: tuple(each.items()) for name, each in found.items()}


def lost(legs: Set[str], memories: Mapping[str, Memory]) -> Iterator[tuple[str, str, Contracts]]:
    """Hedge, leg and contracts of each short that is in none of the configured ``legs``.

    A dated leg is any contract of its series: it moves on from one to the next.
    """
    kinds = {kind(leg) for leg in legs}
    for name, memory in memories.items():
        for leg, contracts in (*memory.orphans, *memory.contracts):
            if contracts and kind(leg) not in kinds:
                yield name, leg, contracts


def kind(leg: str) -> str:
    """A leg's name without the date of its contract: what stays of it from one contract to the next."""
    return "".join(leg.partition("-")[:2])


def carers(name: str, leg: str, hedges: Mapping[str, Hedge]) -> Iterator[str]:
    """Who may look after a lost leg of the hedge ``name``, the best first."""
    if name in hedges:
        yield name
    coin = leg.partition(":")[2].partition("/")[0]
    yield from (each.name for each in hedges.values() if each.asset == coin)
    yield from hedges
