"""Collateral moves in the journal: each stage that one reached is a row, as with orders (``intents``)."""

import sqlite3
from dataclasses import replace
from functools import lru_cache

from hedgebot.domain.transfers import FINAL, TransferIntent, TransferStage
from hedgebot.domain.units import Millis
from hedgebot.errors import JournalError
from hedgebot.journal.chain import START_ANEW, Chain
from hedgebot.journal.codec import decode, encode

BUG = "Nothing was written. This is a bug: report it"
TRANSFERS = Chain(
    "transfers",
    newest="SELECT id, seal FROM transfers ORDER BY id DESC LIMIT 1",
    insert="INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    select="SELECT * FROM transfers ORDER BY id",
)


def reserve(db: sqlite3.Connection, intent: TransferIntent) -> None:
    """Write a new transfer down, unless another one between its pockets is unresolved."""
    request = intent.request
    if intent.stage is not TransferStage.RESERVED:
        raise JournalError(f"transfer {request.client_id} is {intent.stage} before it was written", BUG)
    waiting = db.execute("SELECT client_id FROM moving WHERE pair = ?", (request.pair,)).fetchone()
    if waiting:
        raise JournalError(
            f"{request.pair} still waits for transfer {waiting[0]}", "It has to be settled first"
        )
    used = "SELECT 1 FROM transfers WHERE client_id = ? AND stage = 'reserved'"
    if db.execute(used, (request.client_id,)).fetchone():
        raise JournalError(f"the id of transfer {request.client_id} was used before", BUG)
    row = _append(db, intent)
    db.execute("INSERT INTO moving VALUES (?, ?, ?, ?)", (request.pair, request.client_id, row, row))


def resolve(db: sqlite3.Connection, intent: TransferIntent) -> None:
    """Write a transfer's next stage down, if that is a legal move from the stored one."""
    query = "SELECT body FROM transfers JOIN moving ON id = latest WHERE moving.client_id = ?"
    found = db.execute(query, (intent.request.client_id,)).fetchone()
    if found is None:
        raise JournalError(f"transfer {intent.request.client_id} is not open in the journal", BUG)
    _check_move(_intent(found[0]), intent)
    row = _append(db, intent)
    if intent.stage in FINAL:
        db.execute("DELETE FROM moving WHERE pair = ?", (intent.request.pair,))
    else:
        db.execute("UPDATE moving SET latest = ? WHERE pair = ?", (row, intent.request.pair))


def unresolved(db: sqlite3.Connection) -> tuple[TransferIntent, ...]:
    """The transfers in no final stage, oldest first."""
    query = "SELECT body FROM transfers JOIN moving ON id = latest ORDER BY reserved"
    return tuple(_intent(body) for (body,) in db.execute(query))


def since(db: sqlite3.Connection, at: Millis) -> tuple[TransferIntent, ...]:
    """The transfers written at or after ``at`` as they are now, oldest first."""
    query = """
        SELECT body FROM transfers
        JOIN (SELECT min(id) AS reserved, max(id) AS latest FROM transfers
              WHERE written_at >= ? GROUP BY client_id)
        ON id = latest ORDER BY reserved
    """
    return tuple(_intent(body) for (body,) in db.execute(query, (at,)))


def last_number(db: sqlite3.Connection) -> int:
    """The highest intent number that a transfer has; 0 before the first."""
    (number,) = db.execute("SELECT coalesce(max(number), 0) FROM transfers").fetchone()
    return int(number)


def verify(db: sqlite3.Connection) -> None:
    """Check every row, and that the list of open ones follows from them. Raises ``JournalError``."""
    waiting: dict[object, tuple[object, ...]] = {}
    for row, _, client_id, _, pair, stage, *_ in TRANSFERS.rows(db):
        if stage in FINAL:
            waiting.pop(client_id, None)
        else:
            _, _, reserved, _ = waiting.get(client_id, (pair, client_id, row, row))
            waiting[client_id] = (pair, client_id, reserved, row)
    if set(waiting.values()) != set(db.execute("SELECT * FROM moving")):
        raise JournalError(
            "the journal's list of open transfers does not follow from its transfers", START_ANEW
        )


@lru_cache(maxsize=256)  # rows never change
def _intent(body: str) -> TransferIntent:
    return decode(TransferIntent, body)


def _append(db: sqlite3.Connection, intent: TransferIntent) -> int:
    return TRANSFERS.append(
        db,
        intent.number,
        intent.request.client_id,
        intent.hedge,
        intent.request.pair,
        intent.stage.value,
        intent.written_at,
        encode(intent),
    )


def _check_move(stored: TransferIntent, intent: TransferIntent) -> None:
    """Only what the exchange tells of a transfer may change, and its stage only as the table allows."""
    try:
        expected = replace(
            stored.moved(intent.stage),
            transfer_id=intent.transfer_id,
            outcome=intent.outcome,
            updated_at=intent.updated_at,
        )
    except ValueError as cause:
        raise JournalError(str(cause), BUG) from cause
    if expected != intent:
        raise JournalError(f"transfer {intent.request.client_id} is not the one that was reserved", BUG)
