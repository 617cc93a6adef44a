"""Orders in the journal: each stage that one reached is a row; the newest row is what it is now."""

import sqlite3
from dataclasses import replace
from functools import lru_cache

from hedgebot.domain.orders import FINAL, Intent, Stage
from hedgebot.domain.units import Millis
from hedgebot.errors import JournalError
from hedgebot.journal.chain import START_ANEW, Chain
from hedgebot.journal.codec import decode, encode

BUG = "Nothing was written. This is a bug: report it"
INTENTS = Chain(
    "intents",
    newest="SELECT id, seal FROM intents ORDER BY id DESC LIMIT 1",
    insert="INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    select="SELECT * FROM intents ORDER BY id",
)


def reserve(db: sqlite3.Connection, intent: Intent) -> None:
    """Write a new order down, unless its leg waits for another or its client order id was used before."""
    if intent.stage is not Stage.RESERVED:
        raise JournalError(f"{_name(intent)} is {intent.stage} before it was written", BUG)
    waiting = db.execute("SELECT client_id FROM unresolved WHERE leg = ?", (_leg(intent),)).fetchone()
    if waiting:
        raise JournalError(f"{_leg(intent)} still waits for order {waiting[0]}", "It has to be settled first")
    used = "SELECT 1 FROM intents WHERE client_id = ? AND stage = 'reserved'"
    if db.execute(used, (intent.request.client_id,)).fetchone():
        raise JournalError(f"the id of {_name(intent)} was used before", BUG)
    row = _append(db, intent)
    waits = (_leg(intent), intent.request.client_id, row, row)
    db.execute("INSERT INTO unresolved VALUES (?, ?, ?, ?)", waits)


def resolve(db: sqlite3.Connection, intent: Intent) -> None:
    """Write an order's next stage down, if that is a legal move from the stored one."""
    query = "SELECT body FROM intents JOIN unresolved ON id = latest WHERE unresolved.client_id = ?"
    found = db.execute(query, (intent.request.client_id,)).fetchone()
    if found is None:
        raise JournalError(f"{_name(intent)} is not open in the journal", BUG)
    _check_move(_intent(found[0]), intent)
    row = _append(db, intent)
    if intent.stage in FINAL:
        db.execute("DELETE FROM unresolved WHERE leg = ?", (_leg(intent),))
    else:
        db.execute("UPDATE unresolved SET latest = ? WHERE leg = ?", (row, _leg(intent)))


def unresolved(db: sqlite3.Connection) -> tuple[Intent, ...]:
    """The orders in no final stage, oldest first."""
    query = "SELECT body FROM intents JOIN unresolved ON id = latest ORDER BY reserved"
    return tuple(_intent(body) for (body,) in db.execute(query))


def since(db: sqlite3.Connection, at: Millis) -> tuple[Intent, ...]:
    """The orders written at or after ``at`` as they are now, oldest first."""
    query = """
        SELECT body FROM intents
        JOIN (SELECT min(id) AS reserved, max(id) AS latest FROM intents
              WHERE written_at >= ? GROUP BY client_id)
        ON id = latest ORDER BY reserved
    """
    return tuple(_intent(body) for (body,) in db.execute(query, (at,)))


def last_number(db: sqlite3.Connection) -> int:
    """The highest intent number ever written; 0 before the first."""
    (number,) = db.execute("SELECT coalesce(max(number), 0) FROM intents").fetchone()
    return int(number)


def verify(db: sqlite3.Connection) -> None:
    """Check every row, and that the list of open orders follows from them. Raises ``JournalError``."""
    waiting: dict[object, tuple[object, ...]] = {}
    for row, _, client_id, _, leg, stage, *_ in INTENTS.rows(db):
        if stage in FINAL:
            waiting.pop(client_id, None)
        else:
            _, _, reserved, _ = waiting.get(client_id, (leg, client_id, row, row))
            waiting[client_id] = (leg, client_id, reserved, row)
    if set(waiting.values()) != set(db.execute("SELECT * FROM unresolved")):
        raise JournalError("the journal's list of open orders does not follow from its orders", START_ANEW)


@lru_cache(maxsize=1024)  # rows never change, and the orders of the last day are asked for every cycle
def _intent(body: str) -> Intent:
    return decode(Intent, body)


def _append(db: sqlite3.Connection, intent: Intent) -> int:
    return INTENTS.append(
        db,
        intent.number,
        intent.request.client_id,
        intent.hedge,
        _leg(intent),
        intent.stage.value,
        intent.written_at,
        encode(intent),
    )


def _check_move(stored: Intent, intent: Intent) -> None:
    """Only what the exchange tells of an order may change, and its stage only as the table allows."""
    try:
        expected = replace(
            stored.moved(intent.stage),
            order_id=intent.order_id,
            filled=intent.filled,
            average=intent.average,
            fee=intent.fee,
            outcome=intent.outcome,
            updated_at=intent.updated_at,
        )
    except ValueError as cause:
        raise JournalError(str(cause), BUG) from cause
    if expected != intent:
        raise JournalError(f"{_name(intent)} is not the order that was reserved", BUG)


def _leg(intent: Intent) -> str:
    return f"{intent.request.account}:{intent.request.symbol}"


def _name(intent: Intent) -> str:
    return f"order {intent.request.client_id}"
