"""The tables, and which files are ours.

``starts``, ``intents``, ``transfers``, ``commands`` and the kept ``cycles`` are history: never changed,
never removed. ``unresolved``, ``moving`` and ``memories`` are what follows from it, kept beside it in the
same transactions: the order that each leg waits for, the transfer that two pockets wait for, and what each
hedge remembers.
"""

import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from hedgebot.errors import JournalError
from hedgebot.journal.chain import START_ANEW
from hedgebot.journal.codec import NEWER

APPLICATION = int.from_bytes(b"hbjl")
VERSION = 2
COMMENT = re.compile(r"--.*")
DECISIVE = ("starts", "intents", "unresolved", "transfers", "moving", "commands", "memories")
"""The tables that decisions rest on, checked at every start; ``cycles`` is large and only read by people."""

TABLES = """
CREATE TABLE starts (
    id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, epoch INTEGER NOT NULL, at INTEGER NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE intents (              -- one row for each stage that an order reached
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, client_id TEXT NOT NULL, hedge TEXT NOT NULL,
    leg TEXT NOT NULL, stage TEXT NOT NULL, written_at INTEGER NOT NULL, body TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE UNIQUE INDEX intents_once ON intents (client_id) WHERE stage = 'reserved';
CREATE INDEX intents_since ON intents (written_at);
CREATE TABLE unresolved (           -- the primary key is the rule: one order at a time on a leg
    leg TEXT PRIMARY KEY, client_id TEXT NOT NULL UNIQUE,
    reserved INTEGER NOT NULL REFERENCES intents (id), latest INTEGER NOT NULL REFERENCES intents (id)
) WITHOUT ROWID;
CREATE TABLE commands (
    id INTEGER PRIMARY KEY, hedge TEXT NOT NULL, verb TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE TABLE cycles (               -- base: the hedge's last kept record before this one
    number INTEGER PRIMARY KEY, hedge TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
    acted INTEGER NOT NULL, keep INTEGER NOT NULL, base INTEGER, body BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX cycles_hedge ON cycles (hedge, number);
CREATE INDEX cycles_expiring ON cycles (at) WHERE keep = 0;
CREATE TABLE memories (
    hedge TEXT PRIMARY KEY, newest INTEGER NOT NULL REFERENCES cycles (number),
    base INTEGER NOT NULL REFERENCES cycles (number), body TEXT NOT NULL, seal BLOB NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER starts_stay BEFORE UPDATE ON starts BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER starts_last BEFORE DELETE ON starts BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER intents_stay BEFORE UPDATE ON intents BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER intents_last BEFORE DELETE ON intents BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER commands_stay BEFORE UPDATE ON commands BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER commands_last BEFORE DELETE ON commands BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER cycles_stay BEFORE UPDATE ON cycles BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER cycles_last BEFORE DELETE ON cycles WHEN OLD.keep
    BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""


TRANSFERS = """
CREATE TABLE transfers (            -- one row for each stage that a transfer reached
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, client_id TEXT NOT NULL, hedge TEXT NOT NULL,
    pair TEXT NOT NULL, stage TEXT NOT NULL, written_at INTEGER NOT NULL, body TEXT NOT NULL,
    seal BLOB NOT NULL
);
CREATE UNIQUE INDEX transfers_once ON transfers (client_id) WHERE stage = 'reserved';
CREATE TABLE moving (               -- the primary key is the rule: one transfer at a time between two pockets
    pair TEXT PRIMARY KEY, client_id TEXT NOT NULL UNIQUE,
    reserved INTEGER NOT NULL REFERENCES transfers (id), latest INTEGER NOT NULL REFERENCES transfers (id)
) WITHOUT ROWID;
CREATE TRIGGER transfers_stay BEFORE UPDATE ON transfers BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER transfers_last BEFORE DELETE ON transfers BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
"""Since schema 2."""


def is_blank(db: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is new. Raises ``JournalError`` for one that is not a journal, or a newer one."""
    application, version = _pragma(db, "PRAGMA application_id"), _pragma(db, "PRAGMA user_version")
    if application == version == 0 and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if application != APPLICATION:
        raise JournalError(f"{path} is a database of another program", "Name another file in store.url")
    if not 1 <= version <= VERSION:
        raise JournalError(f"{path} has schema {version}; this hedgebot knows schema {VERSION}", NEWER)
    return False


def create(db: sqlite3.Connection) -> None:
    """All tables at once or, after a crash, none: the header's marks are part of the transaction."""
    marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
    db.executescript(f"BEGIN IMMEDIATE; {marks} {TABLES} {TRANSFERS} COMMIT;")


def upgrade(db: sqlite3.Connection) -> None:
    """Give a journal of schema 1 what it lacks; after a crash it lacks all of it still."""
    if _pragma(db, "PRAGMA user_version") < VERSION:
        db.executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {VERSION}; {TRANSFERS} COMMIT;")


def has_transfers(db: sqlite3.Connection) -> bool:
    """Whether a file that is only read, and so not upgraded, keeps transfers."""
    return _pragma(db, "PRAGMA user_version") > 1


def check_definitions(db: sqlite3.Connection) -> None:
    """Make sure that everything is defined as it was created: a column of another name, or an index of other
    rows, is no damage to SQLite. What others added does not matter. Raises ``JournalError``."""
    wrong = _created() - _definitions(db)
    if wrong:
        names = ", ".join(sorted({repr(name) for name, _ in wrong}))
        raise JournalError(f"the journal's definitions are damaged ({names})", START_ANEW)


def _definitions(db: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    """The name and the words of everything that was created, without comments."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return frozenset((str(name), " ".join(COMMENT.sub("", str(sql)).split())) for name, sql in rows)


@cache
def _created() -> frozenset[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        create(db)
        return _definitions(db)


def check(db: sqlite3.Connection, *tables: str) -> None:
    """Have SQLite check the structure of tables and of their indexes. Raises ``JournalError``."""
    for table in tables:
        (verdict,) = db.execute(f"PRAGMA integrity_check({table})").fetchone()
        if verdict != "ok":
            raise JournalError(f"the journal's {table} are damaged ({verdict})", START_ANEW)


def _pragma(db: sqlite3.Connection, query: str) -> int:
    (value,) = db.execute(query).fetchone()
    return int(value)
