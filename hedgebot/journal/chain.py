"""Append-only tables whose rows each carry a checksum chained to the row before.

A row edited, lost from the middle or put out of order no longer matches. This finds accidents
(torn writes, bad disks, careless edits); it has no key and stops no forger.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from hedgebot.errors import JournalError

Field = int | str | bytes | None
START_ANEW = (
    "Stop the daemon, move the journal with its -wal and -shm files aside and start again: "
    "a new journal settles from what the exchange shows"
)


def seal(previous: bytes, *fields: Field) -> bytes:
    """The checksum (16 bytes) of a row's fields that follows the row sealed with ``previous``."""
    text = "\n".join(map(ascii, fields))
    return blake2b(previous + text.encode(), digest_size=16).digest()


def damaged(table: str, row: object) -> JournalError:
    return JournalError(f"row {row} of the journal's {table} does not match its checksum", START_ANEW)


@dataclass(frozen=True, slots=True)
class Chain:
    """A table whose first column is ``id`` (1, 2, 3 …) and whose last is ``seal``; rows stay for ever."""

    table: str
    newest: str
    insert: str
    select: str

    def append(self, db: sqlite3.Connection, *fields: Field) -> int:
        """Add a row of ``fields`` and return its id."""
        last, previous = db.execute(self.newest).fetchone() or (0, b"")
        row = int(last) + 1
        db.execute(self.insert, (row, *fields, seal(previous, row, *fields)))
        return row

    def rows(self, db: sqlite3.Connection) -> Iterator[tuple[Field, ...]]:
        """All rows, oldest first, without their seals, each verified. Raises ``JournalError``."""
        previous = b""
        for *fields, mark in db.execute(self.select):
            if mark != seal(previous, *fields):
                raise damaged(self.table, fields[0])
            yield tuple(fields)
            previous = mark
