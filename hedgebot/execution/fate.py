"""What a reply, a look-up and a snapshot prove about an order. Pure."""

from dataclasses import dataclass, replace

from hedgebot.domain.account import Position, Sighting
from hedgebot.domain.orders import Fate, Intent, OrderState, Outcome, Stage
from hedgebot.domain.units import Millis

LOOKS = 3
"""How many look-ups must agree that an order is not there."""

ENDPOINTS = 2
"""How many endpoints each of them must have asked."""

LONG_PAST_MS = 3_600_000
"""How old an order must be to be over together with its contract: the longest arrival window."""


@dataclass(frozen=True, slots=True)
class Search:
    """Our look for an order whose fate is not known. ``since`` is the monotonic instant at which this
    process learned of it: an order found in the journal at a start is searched for from then on."""

    since: float
    absences: int = 0


def after_reply(intent: Intent, outcome: Outcome, at: Millis) -> Intent:
    """The intent once the reply to its request is in."""
    stage = {Fate.ACCEPTED: Stage.ACCEPTED, Fate.REJECTED: Stage.REJECTED, Fate.UNKNOWN: Stage.UNKNOWN}
    moved = intent.moved(stage[outcome.fate])
    return replace(moved, order_id=outcome.order_id, outcome=outcome.reason, updated_at=at)


def after_sighting(intent: Intent, state: OrderState) -> Intent:
    """The intent once the exchange has shown its order. An open one is accepted, no more."""
    if not state.over:
        return (
            intent
            if intent.stage is Stage.ACCEPTED
            else replace(intent.moved(Stage.ACCEPTED), order_id=state.order_id)
        )
    if state.rejected and not state.filled:
        outcome = f"rejected by the exchange: {state.why}" if state.why else "rejected by the exchange"
        return replace(intent.moved(Stage.REJECTED), outcome=outcome, updated_at=state.updated_at)
    stage = Stage.FILLED if state.filled else Stage.CLOSED
    return replace(
        intent.moved(stage),
        order_id=state.order_id,
        filled=state.filled,
        average=state.average,
        fee=state.fee,
        outcome="filled"
        if state.filled == intent.request.contracts
        else "filled in part"
        if state.filled
        else "unfilled",
        updated_at=state.updated_at,
    )


def after_absence(search: Search, sighting: Sighting, asked_at: float, settle_after: float) -> Search:
    """One more look-up without the order; it counts only if begun after the arrival window."""
    counts = asked_at - search.since > settle_after and len(set(sighting.asked)) >= ENDPOINTS
    return replace(search, absences=search.absences + 1) if counts else search


def unlisted(
    intent: Intent, search: Search, asked_at: float, settle_after: float, at: Millis
) -> Intent | None:
    """The intent as over, its contract being listed no more, or None while it may still arrive there.

    What it did nobody tells any more, and no position is left that it could have changed.
    """
    if asked_at - search.since <= settle_after or at - intent.written_at <= LONG_PAST_MS:
        return None
    return replace(intent.moved(Stage.ABSENT), outcome="its contract is listed no more", updated_at=at)


def absent(intent: Intent, search: Search, at: Millis) -> Intent | None:
    """The intent as certainly absent, or None while that is not certain."""
    if search.absences < LOOKS:
        return None
    return replace(intent.moved(Stage.ABSENT), outcome="never arrived", updated_at=at)


def visible(intent: Intent, position: Position) -> bool:
    """Whether a position shows the intent's fill: by its size, or because it changed at or after it."""
    return position.contracts == intent.expected or position.updated_at >= intent.updated_at
