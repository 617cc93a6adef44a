"""The SQLite file beneath the journal: opened carefully, used in whole transactions, errors in our words.

Everything here blocks and runs on the journal's one thread.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from typing import TypeVar

from hedgebot.errors import JournalError
from hedgebot.journal import schema
from hedgebot.journal.chain import START_ANEW

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What trouble with the file looks like; the last is damaged text, also inside SQLite's own messages."""

BUSY_SECONDS = 2.0
HEADER_BYTES = 100
SYNCED = "PRAGMA synchronous = FULL"  # a commit is on the disk when it returns
NOTED = "PRAGMA synchronous = NORMAL"  # it is with the system, and on the disk with the next synced one
PRAGMAS = (
    SYNCED,
    "PRAGMA foreign_keys = ON",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA wal_autocheckpoint = 0",  # ``checkpoint`` is called between orders, never within one
)
NEXT_STEPS = {
    sqlite3.SQLITE_FULL: "Free space on its disk: trading goes on by itself once it can be written",
    sqlite3.SQLITE_BUSY: "Another program holds it locked: end that program",
    sqlite3.SQLITE_NOTADB: "Name another file in store.url, or, if this was the journal: " + START_ANEW,
    sqlite3.SQLITE_CORRUPT: START_ANEW,
    sqlite3.SQLITE_CANTOPEN: "See that its folder exists and that this user may write there",
    sqlite3.SQLITE_READONLY: "See that this user may write the file and its folder",
    sqlite3.SQLITE_IOERR: "Check the disk and the system's log: trading goes on by itself once it works",
}
KEEPS_CONNECTION = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY})


class Database:
    """One file and one connection to it, opened anew after an error that may have spoilt it.

    ``path`` is absolute. Every one of ``FAILURES`` leaves as a ``JournalError``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)

    def open(self) -> None:
        """Create the file where there is none; refuse one that is foreign or newer."""
        try:
            self._path = self._path.resolve()  # SQLite keeps the other files beside the real one
            self._refuse_remains()
            self._path.touch(mode=0o600)
            db = self._connected()
            if schema.is_blank(db, self._path):
                schema.create(db)
            schema.upgrade(db)
            self._keep_private()
        except FAILURES as cause:
            self.close()
            raise failure(self._path, cause) from cause
        except JournalError:
            self.close()
            raise

    def read(self, work: Work[T]) -> T:
        """``work``'s result from one consistent view."""
        return self._transact("BEGIN", work)

    def write(self, work: Work[T]) -> T:
        """Do all of ``work``, durably, or nothing."""
        return self._transact("BEGIN IMMEDIATE", self._unmoved(work))

    def note(self, work: Work[T]) -> T:
        """Do all of ``work`` or nothing, on the disk with the next ``write`` at the latest.

        It outlives a crash of the process at once, one of the machine only then. A cycle's record needs no
        more, and the order after it waits for the disk once (sqlite.org/pragma.html, "synchronous").
        """
        return self._transact("BEGIN IMMEDIATE", self._unmoved(work), commit=NOTED)

    def checkpoint(self) -> None:
        """Move what was written from the -wal file into the database, so that it does not grow for ever."""
        with suppress(sqlite3.Error):  # nothing is lost: it stays in the -wal file until the next time
            self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _unmoved(self, work: Work[T]) -> Work[T]:
        def guarded(db: sqlite3.Connection) -> T:
            if self._file != _identity(self._path):
                raise JournalError(f"{self._path} was replaced while in use", "Restart the daemon")
            return work(db)

        return guarded

    def _transact(self, begin: str, work: Work[T], commit: str = "") -> T:
        try:
            db = self._connected()
            db.execute(commit or SYNCED)
            db.execute(begin)
            try:
                result = work(db)
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
        except FAILURES as cause:
            if _code(cause) not in KEEPS_CONNECTION:
                with suppress(sqlite3.Error):
                    self.close()
            raise failure(self._path, cause) from cause
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
            self._file = _identity(self._path)
        return self._connection

    def _refuse_remains(self) -> None:
        """SQLite takes an emptied file for a new one and throws its -wal away, with the orders in it."""
        size, log = (
            file.stat().st_size if file.exists() else 0 for file in (self._path, self._beside("-wal"))
        )
        if size < HEADER_BYTES and (size or log):
            raise JournalError(f"{self._path} was cut short", START_ANEW)

    def _keep_private(self) -> None:
        for file in (self._path, self._beside("-wal"), self._beside("-shm")):
            if file.exists():
                file.chmod(0o600)

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to an existing journal or blank file. Raises ``sqlite3.Error``, ``JournalError``."""
    db = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,  # a virtual loop calls from its own thread; never two at a time
    )
    try:
        schema.is_blank(db, path)  # before anything is written to what may not be ours
        db.execute("PRAGMA journal_mode = WAL")
        for pragma in PRAGMAS:
            db.execute(pragma)
    except BaseException:
        db.close()
        raise
    return db


def failure(path: Path, cause: Exception) -> JournalError:
    """What happened to the journal, as its reader can use it."""
    step = NEXT_STEPS.get(_code(cause), "See the system's log")
    return JournalError(f"the journal {path} cannot be used: {cause}", step)


def _code(cause: Exception) -> int:
    """SQLite's primary result code, or the one that says the same; 0 where there is none."""
    if isinstance(cause, OSError):
        return sqlite3.SQLITE_FULL if cause.errno == ENOSPC else sqlite3.SQLITE_CANTOPEN
    if isinstance(cause, UnicodeDecodeError) or "Could not decode to UTF-8" in str(cause):
        return sqlite3.SQLITE_CORRUPT  # damaged text; Python's own error, which has no code
    return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
