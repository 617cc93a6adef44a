"""What a hedge remembers of one coherent snapshot, and what it does not believe yet."""

from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.records import Doubt, Memory
from hedgebot.domain.units import Coin, Contracts, Price
from hedgebot.risk.view import View

SNAPSHOTS = 3
"""How many agreeing snapshots make a jump believable."""

FALL_SECONDS = 30.0
"""How long, at least, a large fall of the coins held must last."""

AGREE = Decimal("0.01")
"""How far apart two readings of the same fallen holding may be."""


def remember(view: View) -> Memory:
    """The memory after this snapshot: beliefs renewed, doubts counted, disturbances noted."""
    memory, legs, jump = view.memory, view.snapshot.legs, view.hedge.limits.jump
    held, fall = _coins(memory, view.snapshot.exposure.held, view.now, jump)
    mark, moved = _price(memory, legs[0].name, view.snapshot.mark, view.now, jump)
    pinned = dict(memory.specs)
    return replace(
        memory,
        held=held,
        fall=fall,
        marks=((legs[0].name, mark),),
        moved=moved,
        disturbed=memory.disturbed or disturbed(view),
        contracts=tuple((leg.name, leg.position.contracts) for leg in legs),
        specs=tuple((leg.name, pinned.get(leg.name, leg.facts.instrument.spec)) for leg in legs),
        since=memory.since or view.at,
        ledger_at=memory.ledger_at or view.at,
    )


def _coins(memory: Memory, held: Coin, now: float, jump: Decimal) -> tuple[Coin, Doubt | None]:
    """The coins believed, and what is doubted: a rise, or a fall up to ``jump``, is believed at once."""
    believed, fall = memory.held, memory.fall
    if believed is None or believed - held <= abs(believed) * jump:
        return held, None
    size = max(abs(believed), abs(held))
    if fall is None or abs(held.value - fall.value) > AGREE * size.value:
        return believed, Doubt(held.value, 1, now)
    if fall.count + 1 >= SNAPSHOTS and now - fall.since >= FALL_SECONDS:
        return held, None
    return believed, replace(fall, count=fall.count + 1)


def _price(memory: Memory, leg: str, mark: Price, now: float, jump: Decimal) -> tuple[Price, Doubt | None]:
    """The mark believed, and what is doubted: a step beyond ``jump`` takes two more snapshots."""
    believed, moved = dict(memory.marks).get(leg), memory.moved
    if believed is None or abs(mark / believed - 1) <= jump:
        return mark, None
    if moved is None or abs(mark.value / moved.value - 1) > jump:
        return believed, Doubt(mark.value, 1, now)
    if moved.count + 1 >= SNAPSHOTS:
        return mark, None
    return believed, Doubt(mark.value, moved.count + 1, moved.since)


def disturbed(view: View) -> bool:
    """Whether a leg's position is neither the last one seen nor what our own fills made of it."""
    busy = {intent.request.leg for intent in view.open}
    settled = {name: contracts for name, contracts in expected(view) if name not in busy}
    legs = view.snapshot.legs
    return any(leg.position.contracts != settled.get(leg.name, leg.position.contracts) for leg in legs)


def expected(view: View) -> tuple[tuple[str, Contracts], ...]:
    """Each leg's position as last seen, or as our orders that ended since then have made it."""
    ours = {intent.request.leg: intent.expected for intent in view.closed}
    return tuple((dict(view.memory.contracts) | ours).items())
