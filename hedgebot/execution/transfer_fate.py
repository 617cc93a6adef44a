"""What a reply, a look-up and a snapshot prove about a transfer. Pure."""

from dataclasses import replace
from enum import Enum

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import (
    Pockets,
    TransferIntent,
    TransferSighting,
    TransferStage,
    TransferState,
)
from hedgebot.domain.units import Millis
from hedgebot.execution.fate import Search

LOST = 3600.0
"""Seconds after which a transfer that failed, or that no history knows, is over whatever its pockets show."""

GIVEN_UP = 86_400.0
"""Seconds after which one is given up that is still on its way, or of which nothing could be heard."""


class Word(Enum):
    """What an exchange's history says of a transfer; ``UNTOLD`` where it keeps none of such moves."""

    NOTHING = "nothing"
    UNTOLD = "untold"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    ABSENT = "absent"


STAGES = {
    Fate.ACCEPTED: TransferStage.ACCEPTED,
    Fate.REJECTED: TransferStage.REJECTED,
    Fate.UNKNOWN: TransferStage.UNKNOWN,
}


def after_reply(intent: TransferIntent, outcome: Outcome, at: Millis) -> TransferIntent:
    """The transfer once the reply to its request is in. Accepted is not yet arrived."""
    moved = intent.moved(STAGES[outcome.fate])
    return replace(moved, transfer_id=outcome.order_id, outcome=outcome.reason, updated_at=at)


def after_sighting(intent: TransferIntent, state: TransferState, at: Millis) -> TransferIntent:
    """The transfer once the exchange's history has shown it; what became of it, only the pockets tell."""
    if intent.stage is TransferStage.ACCEPTED:
        return intent
    moved = intent.moved(TransferStage.ACCEPTED)
    return replace(moved, transfer_id=state.transfer_id, outcome="in the history", updated_at=at)


def after_absence(search: Search, sighting: TransferSighting, asked_at: float, settle_after: float) -> Search:
    """One more look-up without the transfer; it counts only if begun after the arrival window."""
    counts = asked_at - search.since > settle_after and bool(sighting.asked)
    return replace(search, absences=search.absences + 1) if counts else search


def after_snapshot(
    intent: TransferIntent, word: Word, now: Pockets | None, waited: float, settle_after: float, at: Millis
) -> TransferIntent:
    """The transfer once a snapshot, which shows its pockets as they are ``now`` (None: not at all), agrees
    with what the history says of it, or has not for too long: ``waited`` seconds since that said so.

    Gone it is only where both pockets too are without it. Other changes may hide a move: what the history
    has said for much longer than wallets lag and orders travel is believed. Without a history the pockets
    alone tell: by then it is in them, or was never made.

    Until it ends its coins count once, wherever they are (``TransferIntent.missing``), after that each wallet
    as it shows: what left and never arrived is held no more, what both show is held twice. So one on its way
    is given up only after a day of alarms, and never made again: what is needed then is decided anew.
    """
    left, arrived = now is not None and intent.left(now), now is not None and intent.arrived(now)
    late, lost = waited > 2 * settle_after, waited > LOST
    accepted, reserved = (intent.stage is stage for stage in (TransferStage.ACCEPTED, TransferStage.RESERVED))
    match word:
        case Word.FAILED if not left or (arrived and late) or lost:
            end = TransferStage.REJECTED, "failed on the exchange"
        case Word.DONE if (left and arrived) or late:
            end = TransferStage.DONE, "in both pockets" if arrived else "overdue"
        case Word.NOTHING | Word.UNTOLD | Word.ABSENT if left and arrived and not reserved:
            end = TransferStage.DONE, "in both pockets"
        case Word.UNTOLD if late and (left or arrived or accepted):
            end = TransferStage.DONE, "overdue"
        case Word.ABSENT if accepted and lost:
            end = TransferStage.REJECTED, "accepted, but never made"
        case Word.UNTOLD if late:
            end = TransferStage.ABSENT, "never arrived"
        case Word.ABSENT if not accepted and (lost or not (left or arrived)):
            end = TransferStage.ABSENT, "never arrived"
        case Word.PENDING | Word.NOTHING if waited > GIVEN_UP:
            end = (
                TransferStage.DONE if arrived else TransferStage.REJECTED,
                "given up: its end cannot be known",
            )
        case _:
            return intent
    return replace(intent.moved(end[0]), outcome=end[1], updated_at=at)
