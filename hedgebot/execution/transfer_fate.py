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
"""Seconds after which a transfer that no history knows is given up, whatever happened to its pockets."""


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

    Gone it is only where both pockets too are without it. Other changes may hide a move: once the history
    has called it done, or unknown, for much longer than wallets lag and orders travel, that is believed.
    Without a history the pockets alone tell: by then it is in them, or was never made.
    """
    left, arrived = now is not None and intent.left(now), now is not None and intent.arrived(now)
    late = waited > 2 * settle_after
    match word:
        case Word.FAILED if not left:
            return _ended(intent, TransferStage.REJECTED, "failed on the exchange", at)
        case Word.DONE if (left and arrived) or late:
            return _ended(intent, TransferStage.DONE, "in both pockets" if arrived else "overdue", at)
        case Word.NOTHING | Word.UNTOLD if left and arrived and intent.stage is not TransferStage.RESERVED:
            return _ended(intent, TransferStage.DONE, "in both pockets", at)
        case Word.UNTOLD if late:
            made = left or arrived or intent.stage is TransferStage.ACCEPTED
            stage = TransferStage.DONE if made else TransferStage.ABSENT
            return _ended(intent, stage, "overdue" if made else "never arrived", at)
        case Word.ABSENT if (not left and not arrived) or waited > LOST:
            return _ended(intent, TransferStage.ABSENT, "never arrived", at)
        case _:
            return intent


def _ended(intent: TransferIntent, stage: TransferStage, outcome: str, at: Millis) -> TransferIntent:
    return replace(intent.moved(stage), outcome=outcome, updated_at=at)
