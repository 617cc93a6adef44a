"""What a hedge remembers of one coherent snapshot, and what it does not believe yet."""

from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.readings import agreed_time
from hedgebot.domain.records import Doubt, Memory
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import ONE, Coin, Contracts, Millis, Price
from hedgebot.risk.view import View

SNAPSHOTS = 3
"""How many agreeing snapshots make a jump believable."""

FALL_SECONDS = 30.0
"""How long, at least, a large fall of the coins held must last."""

AGREE = Decimal("0.01")
"""How far apart two readings of the same fallen holding may be."""


def remember(view: View) -> Memory:
    """The memory after this snapshot: beliefs renewed, doubts counted, disturbances noted."""
    memory, snapshot, jump = view.memory, view.snapshot, view.hedge.limits.jump
    held, fall = _coins(memory, snapshot.exposure.held, view.now, jump)
    first = snapshot.legs[0].name
    mark, moved = _price(memory, first, snapshot.mark, view.now, jump)
    legs, pinned = [(leg.name, leg) for leg in snapshot.legs], dict(memory.specs)
    seen, nothing, now = dict(memory.updated), Millis(0), Millis(view.at + snapshot.offset_ms)
    return Memory(  # by hand: ``replace`` takes twice as long
        held=held,
        fall=fall,
        marks=((first, mark),),
        moved=moved,
        disturbed=memory.disturbed or disturbed(view),
        contracts=tuple([(name, leg.position.contracts) for name, leg in legs]),
        updated=tuple(
            [(name, min(now, max(seen.get(name, nothing), leg.position.updated_at))) for name, leg in legs]
        ),
        specs=tuple([(name, pinned.get(name, leg.facts.instrument.spec)) for name, leg in legs]),
        since=memory.since or view.at,
        ledger_at=memory.ledger_at or agreed_time(snapshot),
        target=memory.target,
        reached=memory.reached,
        rival=memory.rival,
        funding_received=memory.funding_received,
        funding_paid=memory.funding_paid,
        fees=memory.fees,
        policy=memory.policy,
        forced=memory.forced,
        orphans=_orphans(memory, snapshot) if memory.orphans else (),
    )


def _orphans(memory: Memory, snapshot: Snapshot) -> tuple[tuple[str, Contracts], ...]:
    """Those that are no leg again and that the exchange, where it is still read, does not show flat."""
    legs = {leg.name for leg in snapshot.legs}
    read = {reading.account for reading in snapshot.readings if reading.dead is None}
    open_now = {f"{account}:{position.symbol}" for account, position in snapshot.others}
    return tuple(
        [
            (name, size)
            for name, size in memory.orphans
            if name not in legs and (name in open_now or name.partition(":")[0] not in read)
        ]
    )


def _coins(memory: Memory, held: Coin, now: float, jump: Decimal) -> tuple[Coin, Doubt | None]:
    """The coins believed, and what is doubted: a rise, or a fall up to ``jump``, is believed at once."""
    believed, fall = memory.held, memory.fall
    if believed is None or believed.value - held.value <= abs(believed.value) * jump:
        return held, None
    size = max(abs(believed.value), abs(held.value))
    if fall is None or abs(held.value - fall.value) > AGREE * size:
        return believed, Doubt(held.value, 1, now)
    if fall.count + 1 >= SNAPSHOTS and now - fall.since >= FALL_SECONDS:
        return held, None
    return believed, replace(fall, count=fall.count + 1)


def _price(memory: Memory, leg: str, mark: Price, now: float, jump: Decimal) -> tuple[Price, Doubt | None]:
    """The mark believed, and what is doubted: a step beyond ``jump`` takes two more snapshots."""
    believed, moved = dict(memory.marks).get(leg), memory.moved
    if believed is None or abs(mark.value / believed.value - ONE) <= jump:
        return mark, None
    if moved is None or abs(mark.value / moved.value - ONE) > jump:
        return believed, Doubt(mark.value, 1, now)
    if moved.count + 1 >= SNAPSHOTS:
        return mark, None
    return believed, Doubt(mark.value, moved.count + 1, moved.since)


def changed(view: View) -> list[str]:
    """The legs whose position is neither the last one seen nor what our own fills made of it."""
    known = expected(view)
    return [
        leg.name
        for leg in view.snapshot.living
        if leg.name in known and leg.position.contracts != known[leg.name]
    ]


def disturbed(view: View) -> bool:
    """Whether somebody else changed a leg's position, and not perhaps an order of ours under way."""
    legs = changed(view)
    return bool(legs) and not {intent.request.leg for intent in view.open}.issuperset(legs)


def expected(view: View) -> dict[str, Contracts]:
    """Each leg's position as last seen, or as our orders that filled and ended since then have made it."""
    known = dict(view.memory.contracts)
    for intent in view.closed:
        if intent.filled:  # it was sent before what was seen last
            known[intent.request.leg] = intent.expected
    return known
