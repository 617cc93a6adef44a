"""What a reply, a look-up and a snapshot prove about a transfer. Pure."""

from dataclasses import replace

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import Pockets, TransferIntent, TransferStage, TransferState
from hedgebot.domain.units import Millis

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


def absent(intent: TransferIntent, at: Millis) -> TransferIntent:
    return replace(intent.moved(TransferStage.ABSENT), outcome="never arrived", updated_at=at)


def after_snapshot(
    intent: TransferIntent, now: Pockets | None, at: Millis, *, failed: bool, overdue: bool
) -> TransferIntent:
    """The transfer once a snapshot shows its coins where they belong, or has not for too long.

    ``failed`` is what the history says; ``overdue`` that it has said the contrary for longer than a wallet
    may lag, so that other changes of the pockets must hide it. ``now`` is None where they are not shown.
    """
    if intent.stage is TransferStage.RESERVED:
        return intent
    if failed and (now is None or not intent.left(now)):
        return _ended(intent, TransferStage.REJECTED, "failed on the exchange", at)
    if overdue or (now is not None and not failed and intent.left(now) and intent.arrived(now)):
        return _ended(intent, TransferStage.DONE, "both pockets show it" if not overdue else "overdue", at)
    return intent


def _ended(intent: TransferIntent, stage: TransferStage, outcome: str, at: Millis) -> TransferIntent:
    return replace(intent.moved(stage), outcome=outcome, updated_at=at)
