"""Cycle records: those that matter stay for ever, all others for a while, and both are small.

Consecutive records of a hedge differ in a few figures, so each is packed with the hedge's last kept
record, its base, as the dictionary (RFC 1950, "preset dictionary"; here raw deflate). Seals chain
the same way, record to base, so that removing expired records breaks neither.
"""

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hedgebot.domain.records import CycleRecord, Memory, State
from hedgebot.domain.units import Millis
from hedgebot.journal.chain import damaged, seal
from hedgebot.journal.codec import decode, dump, encode

EXPIRE_AT_ONCE = 1000
INSERT = "INSERT INTO cycles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
REMEMBER = "INSERT OR REPLACE INTO memories VALUES (?, ?, ?, ?, ?)"
WITH_BASE = """
    SELECT before.seal, base.*, one.* FROM cycles AS one
    LEFT JOIN cycles AS base ON base.number = one.base
    LEFT JOIN cycles AS before ON before.number = base.base
"""
COLUMNS = 9
RECENT = f"{WITH_BASE} WHERE one.hedge = ? ORDER BY one.number DESC LIMIT ?"
ONE = f"{WITH_BASE} WHERE one.number = ?"
NEXT = "SELECT number FROM cycles WHERE hedge = ? AND number >= ? ORDER BY number LIMIT 1"
OLDEST = "SELECT number FROM cycles WHERE keep = 0 AND at >= ? ORDER BY at LIMIT 1"
PROBES = 1000
"""Records looked at of a hedge's past, the more recent the denser."""

KEPT = """
    WITH RECURSIVE kept (number, base, at) AS (
        SELECT number, base, at FROM cycles
        WHERE number = (SELECT base FROM memories WHERE hedge = :hedge) AND at >= :since
        UNION ALL
        SELECT earlier.number, earlier.base, earlier.at FROM cycles AS earlier
        JOIN kept ON earlier.number = kept.base WHERE earlier.at >= :since)
    SELECT number FROM kept LIMIT :most
"""
EXPIRE = """
    DELETE FROM cycles WHERE number IN (
        SELECT number FROM cycles
        WHERE keep = 0 AND at < ? AND number NOT IN (SELECT newest FROM memories) ORDER BY at LIMIT ?)
"""


@dataclass(frozen=True, slots=True)
class PastCycle:
    """A cycle's record as the journal keeps it; what the hedge remembered then is not kept."""

    number: int
    hedge: str
    at: Millis
    state: State
    reason: str
    acted: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """A kept record, as those after it need it."""

    number: int | None
    text: bytes
    seal: bytes


NO_BASE = Base(None, b"", b"")


class Cycles:
    """Appends records; remembers the bases it has unpacked."""

    def __init__(self) -> None:
        self._bases: dict[str, Base] = {}

    def append(self, db: sqlite3.Connection, record: CycleRecord, *, keep: bool) -> int:
        """Write a record and the hedge's memory; return its number. Acts and first records are kept too."""
        base = self._base(db, record.hedge)
        keep = keep or record.acted or base is NO_BASE
        (number,) = db.execute("SELECT coalesce(max(number), 0) + 1 FROM cycles").fetchone()
        text = dump({"reason": record.reason, "body": dict(record.body)}).encode()
        body = pack(text, b"" if keep else base.text)
        facts = (record.hedge, record.at, record.state.value, int(record.acted), int(keep))
        row = (number, *facts, base.number, body)
        mark = seal(base.seal, *row)
        db.execute(INSERT, (*row, mark))
        memory = (record.hedge, number, number if keep else base.number, encode(_lasting(record.memory)))
        db.execute(REMEMBER, (*memory, seal(mark, *memory)))
        return int(number)

    def _base(self, db: sqlite3.Connection, hedge: str) -> Base:
        found = db.execute("SELECT base FROM memories WHERE hedge = ?", (hedge,)).fetchone()
        if found is None:
            return NO_BASE
        if hedge not in self._bases or self._bases[hedge].number != found[0]:
            self._bases[hedge] = _load(db, found[0])
        return self._bases[hedge]


def recent(db: sqlite3.Connection, hedge: str, count: int) -> tuple[PastCycle, ...]:
    """The last ``count`` records of a hedge, newest first."""
    return tuple(_unpacked(row) for row in db.execute(RECENT, (hedge, count)))


def past(db: sqlite3.Connection, hedge: str, since: Millis) -> tuple[PastCycle, ...]:
    """A sample of a hedge's records since an instant, oldest first.

    The newest kept ones are all there, and between them some others: the numbers looked for go back from the
    newest in quadratic steps, so that it takes no longer the more there are.
    """
    found = db.execute("SELECT newest FROM memories WHERE hedge = ?", (hedge,)).fetchone()
    if found is None:
        return ()
    kept = db.execute(KEPT, {"hedge": hedge, "since": since, "most": PROBES})
    numbers = {found[0], *(number for (number,) in kept)}
    oldest = db.execute(OLDEST, (since,)).fetchone()
    reach = max(0, found[0] - oldest[0]) if oldest else 0
    for number in {found[0] - reach * probe * probe // (PROBES * PROBES) for probe in range(PROBES + 1)}:
        numbers.update(db.execute(NEXT, (hedge, number)).fetchone() or ())
    rows = (db.execute(ONE, (number,)).fetchone() for number in sorted(numbers))
    return tuple(map(_unpacked, rows))


def memory(db: sqlite3.Connection, hedge: str) -> Memory | None:
    """What the hedge's newest record remembered; None before the first."""
    found = db.execute("SELECT body FROM memories WHERE hedge = ?", (hedge,)).fetchone()
    return decode(Memory, found[0]) if found else None


def memories(db: sqlite3.Connection) -> dict[str, Memory]:
    """What every hedge remembered that ever had a record, by its name."""
    rows = db.execute("SELECT hedge, body FROM memories ORDER BY hedge")
    return {hedge: decode(Memory, body) for hedge, body in rows}


def expire(db: sqlite3.Connection, before: Millis) -> None:
    """Remove a batch of the oldest records before ``before`` that need not stay; never a hedge's newest."""
    db.execute(EXPIRE, (before, EXPIRE_AT_ONCE))


def verify_memories(db: sqlite3.Connection) -> None:
    """Check what each hedge remembers against its newest record. Raises ``JournalError``."""
    joined = "SELECT memories.*, cycles.seal FROM memories LEFT JOIN cycles ON number = newest"
    for hedge, newest, base, body, mark, record in db.execute(joined):
        if record is None or mark != seal(record, hedge, newest, base, body):
            raise damaged("memories", hedge)


def verify(db: sqlite3.Connection) -> None:
    """Check every record against its base's seal. Raises ``JournalError``."""
    seals: dict[int | None, bytes] = {None: b""}
    for *row, mark in db.execute("SELECT * FROM cycles ORDER BY number"):
        number, *_, keep, base, _ = row
        if base not in seals or mark != seal(seals[base], *row):
            raise damaged("cycles", number)
        if keep:
            seals[number] = mark


def pack(text: bytes, dictionary: bytes) -> bytes:
    packer = zlib.compressobj(level=3, wbits=-15, zdict=dictionary)
    return packer.compress(text) + packer.flush()


def unpack(data: bytes, dictionary: bytes) -> bytes:
    """What ``pack`` was given. Raises ``zlib.error``."""
    unpacker = zlib.decompressobj(wbits=-15, zdict=dictionary)
    return unpacker.decompress(data) + unpacker.flush()


def _load(db: sqlite3.Connection, number: int) -> Base:
    body, mark = db.execute("SELECT body, seal FROM cycles WHERE number = ?", (number,)).fetchone()
    try:
        return Base(number, unpack(body, b""), mark)
    except zlib.error as cause:
        raise damaged("cycles", number) from cause


def _unpacked(row: Sequence[Any]) -> PastCycle:
    """A row of ``WITH_BASE``, checked against its seal and its base's. Raises ``JournalError``."""
    base, one = row[1 : 1 + COLUMNS], row[1 + COLUMNS :]
    number, hedge, at, state, acted, keep, _, body, _ = one
    _check(base, row[0])
    _check(one, base[-1])
    try:
        dictionary = b"" if keep else unpack(base[-2], b"")
        told = json.loads(unpack(body, dictionary))
        return PastCycle(number, hedge, at, State(state), told["reason"], bool(acted), told["body"])
    except (zlib.error, ValueError, LookupError, TypeError) as cause:
        raise damaged("cycles", number) from cause


def _check(row: Sequence[Any], base: bytes | None) -> None:
    if row[0] is not None and row[-1] != seal(base or b"", *row[:-1]):
        raise damaged("cycles", row[0])


def _lasting(memory: Memory) -> Memory:
    """Without what a restart ends: doubts, dated on a clock of the process, and a rival it was told of."""
    return replace(memory, fall=None, moved=None, rival="")
