"""Which legs trade a gap, and how much of it each: by weight, over those that can be reached.

Only the total is held to the band. A sale goes to the leg furthest below its share, a purchase to the one
furthest above: all of it, or, where legs lie on several accounts, so much that the leg has its share, if what
is then left is beyond the band by itself and so follows in the next cycle. Legs are never traded merely to
bring them to their shares, and what is less than a lot of each is not split.

A dead leg keeps what it has. Its part of a sale waits, or goes to the others once it has been dead for a
while, as the config says; a purchase goes to the others anyway. What an unresolved order there may have done
counts as done for what would repeat it, and as not done for what would make up for it.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.decision import Target
from hedgebot.domain.hedge import Hedge, LegDown
from hedgebot.domain.inverse import Gap
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.status import iso
from hedgebot.domain.units import ZERO

PATIENCE = 60.0
"""Seconds that a leg must have been dead before others sell its share: most outages are shorter."""


class Part(NamedTuple):
    """What a leg may trade of a gap. ``beyond``: more than belongs to its share, if nothing else can."""

    leg: Leg
    gap: Gap
    beyond: bool = False


def parts(hedge: Hedge, snapshot: Snapshot, gap: Gap, target: Target) -> Iterator[Part]:
    """The legs that may trade, the first choice first, each with its part of the gap."""
    if len(snapshot.legs) == 1:
        yield Part(snapshot.legs[0], gap)
        return
    certain, selling = _certain(snapshot, gap), gap.coins >= ZERO
    bounded = selling and waiting(hedge, snapshot)
    sharing = snapshot.legs if bounded else snapshot.living
    alone = sum([leg.short.sold.value for leg in snapshot.living], certain)
    rooms = _rooms(sharing, gap.sold + gap.coins if bounded else alone)
    spread = len({leg.policy.account for leg in snapshot.living}) > 1
    least = max(ZERO if target.exact else hedge.band * gap.held, sum([_lot(leg) for leg in snapshot.living]))
    rooms.sort(key=lambda each: each[0], reverse=selling)
    for room, leg in rooms:
        share = min(room, certain) if selling else max(room, certain)
        split = spread and abs(certain - share) > least
        part = share if bounded or split else certain
        if part and (part > ZERO) is selling and (leg.policy.weight if selling else leg.short.notional):
            yield Part(leg, closing(part, gap))
    if certain and spread and not bounded:
        whole = closing(certain, gap)
        yield from [Part(leg, whole, beyond=True) for _, leg in rooms if leg.policy.weight or not selling]


def waiting(hedge: Hedge, snapshot: Snapshot) -> bool:
    """Whether what a dead leg should sell waits for it."""
    dead = [leg.dead for leg in snapshot.legs if leg.dead is not None]
    fresh = any(snapshot.ended - outage.seen < PATIENCE for outage in dead)
    return bool(dead) and (fresh or hedge.if_leg_down is LegDown.WAIT)


def told(snapshot: Snapshot) -> str:
    """What is assumed of the dead legs, in words; empty where none is."""
    dead = {leg.policy.account: leg.dead for leg in snapshot.legs if leg.dead is not None}
    words = [f"{account} counts as last confirmed, {iso(dead[account].since)}" for account in dead]
    orders = snapshot.doubtful.orders
    if orders:
        words.append(f"order {orders[0]} there may be filled, and is not repeated elsewhere")
    return "; ".join(words)


def _certain(snapshot: Snapshot, gap: Gap) -> Decimal:
    """The coins of the gap that are to be traded whatever became of unresolved orders on dead legs."""
    if gap.coins >= ZERO:
        return max(gap.coins - snapshot.doubtful.sold, ZERO)
    return min(gap.coins + snapshot.doubtful.bought, ZERO)


def _rooms(sharing: tuple[Leg, ...], total: Decimal) -> list[tuple[Decimal, Leg]]:
    """What separates each living leg from its share of the coins sold in ``total`` by all that share them."""
    weights = sum([leg.policy.weight for leg in sharing], ZERO)
    each = total / weights if weights else ZERO
    rooms = ((each * leg.policy.weight - leg.short.sold.value, leg) for leg in sharing)
    return [(room, leg) for room, leg in rooms if leg.dead is None]


def _lot(leg: Leg) -> Decimal:
    """A lot in coins."""
    instrument = leg.facts.instrument
    return instrument.dollars(instrument.lot, leg.mark).at(leg.mark).value


def closing(part: Decimal, gap: Gap) -> Gap:
    """``gap`` made as small, or as large, as ``part`` of it."""
    return Gap(gap.held, gap.target * max(gap.held, ZERO) - part, gap.target)
