"""What a reply, a look-up and a snapshot prove about a collateral move of 0.1 coins, from 0.4 to 0.6."""

import pytest

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import Pockets, TransferSighting, TransferStage, TransferState
from hedgebot.domain.units import Millis
from hedgebot.execution.fate import Search
from hedgebot.execution.transfer_fate import (
    GIVEN_UP,
    LOST,
    Word,
    after_absence,
    after_reply,
    after_sighting,
    after_snapshot,
)
from tests.builders import NOW, coin, transfer

LATER = Millis(NOW + 500)
WINDOW = 30.0
RESERVED, ACCEPTED, UNKNOWN, DONE, REJECTED, ABSENT = TransferStage
NOWHERE, GONE, THERE, BOTH = (
    Pockets(coin("0.4"), coin("0.6")),
    Pockets(coin("0.3"), coin("0.6")),
    Pockets(coin("0.4"), coin("0.7")),
    Pockets(coin("0.3"), coin("0.7")),
)


@pytest.mark.parametrize(
    ("fate", "stage"), [(Fate.ACCEPTED, ACCEPTED), (Fate.REJECTED, REJECTED), (Fate.UNKNOWN, UNKNOWN)]
)
def test_a_reply_moves_a_reserved_transfer(fate: Fate, stage: TransferStage) -> None:
    after = after_reply(transfer(), Outcome(fate, "its own words", "7"), LATER)
    assert (after.stage, after.outcome, after.transfer_id, after.updated_at) == (
        stage, "its own words", "7", LATER,
    )  # fmt: skip


@pytest.mark.parametrize("stage", [RESERVED, UNKNOWN, ACCEPTED])
@pytest.mark.parametrize("failed", [False, True])
def test_one_that_the_history_shows_has_arrived_at_the_exchange_and_no_more(
    stage: TransferStage, *, failed: bool
) -> None:
    state = TransferState("7", over=True, failed=failed, at=LATER)
    after = after_sighting(transfer(stage=stage), state, LATER)
    assert after.stage is ACCEPTED
    if stage is not ACCEPTED:
        assert (after.transfer_id, after.outcome, after.updated_at) == ("7", "in the history", LATER)


@pytest.mark.parametrize(
    ("asked_at", "asked", "counts"), [(30.1, ("history",), 1), (30.0, ("history",), 0), (31, (), 0)]
)
def test_a_look_counts_after_the_arrival_window(asked_at: float, asked: tuple[str, ...], counts: int) -> None:
    sighting = TransferSighting(None, asked)
    assert after_absence(Search(0), sighting, asked_at, WINDOW).absences == counts
    later = after_absence(Search(1_000, absences=4), sighting, 1_000 + asked_at, WINDOW)
    assert later.absences == 4 + counts


@pytest.mark.parametrize(
    ("stage", "word", "now", "waited", "after"),
    [
        (ACCEPTED, Word.NOTHING, BOTH, 0, DONE),
        (UNKNOWN, Word.NOTHING, BOTH, 0, DONE),
        (RESERVED, Word.NOTHING, BOTH, 0, RESERVED),  # found at a start: the history is asked first
        (ACCEPTED, Word.NOTHING, GONE, 9999, ACCEPTED),
        (ACCEPTED, Word.PENDING, GONE, 2400, ACCEPTED),  # forty minutes on its way
        (ACCEPTED, Word.PENDING, BOTH, 0, ACCEPTED),
        (ACCEPTED, Word.DONE, GONE, 60, ACCEPTED),  # the wallets lag
        (ACCEPTED, Word.DONE, GONE, 61, DONE),  # something else must hide it
        (ACCEPTED, Word.DONE, None, 61, DONE),
        (ACCEPTED, Word.DONE, None, 60, ACCEPTED),
        (ACCEPTED, Word.DONE, BOTH, 0, DONE),
        (ACCEPTED, Word.PENDING, GONE, GIVEN_UP, ACCEPTED),
        (ACCEPTED, Word.PENDING, GONE, GIVEN_UP + 1, REJECTED),  # its coins are held no more
        (ACCEPTED, Word.PENDING, NOWHERE, GIVEN_UP + 1, REJECTED),
        (ACCEPTED, Word.PENDING, BOTH, GIVEN_UP + 1, DONE),
        (ACCEPTED, Word.NOTHING, None, GIVEN_UP, ACCEPTED),  # no history could be read
        (ACCEPTED, Word.NOTHING, None, GIVEN_UP + 1, REJECTED),
        (UNKNOWN, Word.NOTHING, GONE, GIVEN_UP + 1, REJECTED),
        (RESERVED, Word.NOTHING, THERE, GIVEN_UP + 1, DONE),
        (ACCEPTED, Word.FAILED, GONE, LOST, ACCEPTED),  # its coins are not back yet
        (ACCEPTED, Word.FAILED, GONE, LOST + 1, REJECTED),  # they went elsewhere
        (ACCEPTED, Word.FAILED, BOTH, 60, ACCEPTED),
        (ACCEPTED, Word.FAILED, BOTH, 61, REJECTED),  # nothing is on its way: somebody moved as much by hand
        (ACCEPTED, Word.FAILED, NOWHERE, 0, REJECTED),
        (ACCEPTED, Word.FAILED, None, 0, REJECTED),
        (ACCEPTED, Word.ABSENT, NOWHERE, LOST, ACCEPTED),  # the exchange had said so
        (ACCEPTED, Word.ABSENT, NOWHERE, LOST + 1, REJECTED),
        (ACCEPTED, Word.ABSENT, GONE, LOST + 1, REJECTED),
        (ACCEPTED, Word.ABSENT, BOTH, 0, DONE),
        (UNKNOWN, Word.ABSENT, BOTH, 0, DONE),
        (UNKNOWN, Word.ABSENT, NOWHERE, 0, ABSENT),
        (RESERVED, Word.ABSENT, NOWHERE, 0, ABSENT),
        (UNKNOWN, Word.ABSENT, GONE, LOST, UNKNOWN),  # a pocket says otherwise
        (UNKNOWN, Word.ABSENT, GONE, LOST + 1, ABSENT),
        (UNKNOWN, Word.ABSENT, None, 0, ABSENT),
        (ACCEPTED, Word.UNTOLD, BOTH, 0, DONE),
        (UNKNOWN, Word.UNTOLD, BOTH, 0, DONE),
        (RESERVED, Word.UNTOLD, BOTH, 60, RESERVED),  # may have been so before it was sent
        (RESERVED, Word.UNTOLD, BOTH, 61, DONE),
        (RESERVED, Word.UNTOLD, NOWHERE, 60, RESERVED),  # it may still arrive, or a reading lag
        (RESERVED, Word.UNTOLD, NOWHERE, 61, ABSENT),
        (UNKNOWN, Word.UNTOLD, NOWHERE, 60, UNKNOWN),
        (UNKNOWN, Word.UNTOLD, NOWHERE, 61, ABSENT),
        (UNKNOWN, Word.UNTOLD, None, 61, ABSENT),
        (UNKNOWN, Word.UNTOLD, GONE, 60, UNKNOWN),
        (UNKNOWN, Word.UNTOLD, GONE, 61, DONE),  # half is evidence enough: it is made at once, or not at all
        (UNKNOWN, Word.UNTOLD, THERE, 61, DONE),
        (ACCEPTED, Word.UNTOLD, NOWHERE, 60, ACCEPTED),
        (ACCEPTED, Word.UNTOLD, NOWHERE, 61, DONE),  # the exchange said so; something else must hide it
        (ACCEPTED, Word.UNTOLD, None, 61, DONE),
    ],
)
def test_a_snapshot_ends_it_where_the_history_agrees(
    stage: TransferStage, word: Word, now: Pockets | None, waited: float, after: TransferStage
) -> None:
    found = after_snapshot(transfer(stage=stage), word, now, waited, WINDOW, LATER)
    assert found.stage is after
    assert (found.updated_at == LATER) == (after is not stage)


@pytest.mark.parametrize(
    ("stage", "word", "now", "waited", "outcome"),
    [
        (ACCEPTED, Word.DONE, BOTH, 0, "in both pockets"),
        (ACCEPTED, Word.DONE, THERE, 61, "in both pockets"),
        (ACCEPTED, Word.DONE, GONE, 61, "overdue"),
        (UNKNOWN, Word.NOTHING, BOTH, 0, "in both pockets"),
        (ACCEPTED, Word.UNTOLD, NOWHERE, 61, "overdue"),
        (UNKNOWN, Word.UNTOLD, NOWHERE, 61, "never arrived"),
        (UNKNOWN, Word.ABSENT, NOWHERE, 0, "never arrived"),
        (ACCEPTED, Word.ABSENT, NOWHERE, LOST + 1, "accepted, but never made"),
        (ACCEPTED, Word.FAILED, NOWHERE, 0, "failed on the exchange"),
        (ACCEPTED, Word.PENDING, GONE, GIVEN_UP + 1, "given up: its end cannot be known"),
    ],
)
def test_its_end_is_said(stage: TransferStage, word: Word, now: Pockets, waited: float, outcome: str) -> None:
    assert after_snapshot(transfer(stage=stage), word, now, waited, WINDOW, LATER).outcome == outcome
