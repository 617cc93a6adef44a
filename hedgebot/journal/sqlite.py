"""The journal port on one SQLite file.

Writes go through one thread, so they have one order; each is on the disk when it returns. What a
record, an intent or a command is made of is ``intents``, ``cycles`` and ``chain``.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Self, TypeVar

from hedgebot.domain.orders import Intent
from hedgebot.domain.records import Command, CycleRecord, Memory
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis
from hedgebot.errors import JournalError
from hedgebot.journal import cycles, intents, schema, transfers
from hedgebot.journal.chain import Chain
from hedgebot.journal.codec import decode, encode
from hedgebot.journal.cycles import Cycles, PastCycle
from hedgebot.journal.database import Database, Work
from hedgebot.ports import Clock

T = TypeVar("T")

INSTANCE_BITS, EPOCH_BITS, NUMBER_BITS = 20, 15, 28
HOUSEKEEPING_EVERY = 20
"""Records between checkpoints. After one the log beside the file is written over: to grow it takes a synced
commit half as long again."""

STARTS = Chain(
    "starts",
    newest="SELECT id, seal FROM starts ORDER BY id DESC LIMIT 1",
    insert="INSERT INTO starts VALUES (?, ?, ?, ?, ?)",
    select="SELECT * FROM starts ORDER BY id",
)
COMMANDS = Chain(
    "commands",
    newest="SELECT id, seal FROM commands ORDER BY id DESC LIMIT 1",
    insert="INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?)",
    select="SELECT * FROM commands ORDER BY id",
)


class SqliteJournal:
    """``hedgebot.ports.Journal``, and besides it ``recent`` and ``verify``.

    Of two journals open on one file only the younger can write: the older one's daemon lost its
    lease, or was asleep, and must not send anything more.
    """

    def __init__(self, path: Path, clock: Clock, keep: timedelta) -> None:
        """Not yet usable: ``SqliteJournal.open`` makes one that is."""
        self._database = Database(path.absolute())
        self._clock = clock
        self._keep = keep
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._cycles = Cycles()
        self._records = 0
        self._closed = False
        self._start = self._instance = self._epoch = self._number = 0
        self._waits = 0.0

    @classmethod
    async def open(
        cls, path: Path, *, clock: Clock, rng: Random, keep: timedelta, settle: float = 0.0
    ) -> Self:
        """Open or create the journal and count this start. Only for the daemon that holds the lease.

        ``rng`` draws the instance of a new journal; ``keep`` is how long unchanged cycles stay. ``settle``
        is given where a daemon was here before: the seconds in which, if the journal is new and that one's
        lost, an order of that may still arrive.
        Raises ``JournalError`` for a file that is foreign, newer, damaged or cannot be written.
        """
        journal = cls(path, clock, keep)
        try:
            await journal._run(lambda: journal._begin(rng, settle))
        except BaseException:
            journal._executor.shutdown(wait=False)
            raise
        return journal

    @property
    def instance(self) -> int:
        return self._instance

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def waits(self) -> float:
        """Seconds from the opening in which an order of a lost journal, whose place this took, may arrive."""
        return self._waits

    async def next_intent(self) -> int:
        """One above all numbers written or given so far; a number's reservation is what keeps it."""
        if self._number + 1 >= 1 << NUMBER_BITS:
            raise JournalError("all intent numbers of this journal are used", "Start a new journal")
        self._number += 1
        return self._number

    async def reserve(self, intent: Intent, record: CycleRecord | None = None) -> int:
        def work(db: sqlite3.Connection) -> int:
            number = 0 if record is None else self._cycles.append(db, record, keep=True)
            intents.reserve(db, intent)
            return number

        return await self._write(work)

    async def resolve(self, intent: Intent) -> None:
        await self._write(lambda db: intents.resolve(db, intent))

    async def open_intents(self) -> tuple[Intent, ...]:
        return await self._read(intents.unresolved)

    async def intents_since(self, at: Millis) -> tuple[Intent, ...]:
        return await self._read(lambda db: intents.since(db, at))

    async def reserve_transfer(self, intent: TransferIntent, record: CycleRecord | None = None) -> int:
        def work(db: sqlite3.Connection) -> int:
            number = 0 if record is None else self._cycles.append(db, record, keep=True)
            transfers.reserve(db, intent)
            return number

        return await self._write(work)

    async def resolve_transfer(self, intent: TransferIntent) -> None:
        await self._write(lambda db: transfers.resolve(db, intent))

    async def open_transfers(self) -> tuple[TransferIntent, ...]:
        return await self._read(transfers.unresolved)

    async def transfers_since(self, at: Millis) -> tuple[TransferIntent, ...]:
        return await self._read(lambda db: transfers.since(db, at))

    async def record(self, record: CycleRecord, *, keep: bool) -> int:
        return await self._run(lambda: self._record(record, keep=keep))

    async def recent(self, hedge: str, count: int) -> tuple[PastCycle, ...]:
        """The last ``count`` cycles of a hedge, newest first."""
        return await self._read(lambda db: cycles.recent(db, hedge, count))

    async def past(self, hedge: str, since: Millis) -> tuple[PastCycle, ...]:
        """A sample of a hedge's cycles since an instant, oldest first: every recent change, and others."""
        return await self._read(lambda db: cycles.past(db, hedge, since))

    async def command(self, command: Command) -> None:
        fields = command.hedge, command.verb.value, command.at
        await self._write(lambda db: COMMANDS.append(db, *fields, encode(command)))

    async def commands(self) -> tuple[Command, ...]:
        """All commands, oldest first."""
        query = "SELECT body FROM commands ORDER BY id"
        return await self._read(lambda db: tuple(decode(Command, body) for (body,) in db.execute(query)))

    async def memory(self, hedge: str) -> Memory | None:
        return await self._read(lambda db: cycles.memory(db, hedge))

    async def memories(self) -> dict[str, Memory]:
        """What every hedge remembered last, also of those that are not configured any more."""
        return await self._read(cycles.memories)

    async def verify(self) -> None:
        """Check everything; takes seconds. Raises ``JournalError`` at the first that is not as written."""
        await self._read(_verify_history)
        await self._read(_verify_cycles)

    async def close(self) -> None:
        if not self._closed:
            await self._run(self._database.close)
            self._closed = True
            self._executor.shutdown(wait=False)

    def _begin(self, rng: Random, settle: float) -> None:
        self._database.open()
        try:
            self._database.read(_verify_history)
            numbers = self._database.read(intents.last_number), self._database.read(transfers.last_number)
            self._number = max(numbers)
            self._database.write(lambda db: self._count_start(db, rng, settle))
            self._database.checkpoint()
        except BaseException:
            self._database.close()
            raise

    def _count_start(self, db: sqlite3.Connection, rng: Random, settle: float) -> None:
        """Write this start down. A new journal's is dated ``settle`` seconds later, so that a daemon which
        ends before that waits for the rest of it when it starts again."""
        now = self._clock.now_ms()
        last = db.execute("SELECT instance, epoch FROM starts ORDER BY id DESC LIMIT 1").fetchone()
        if last and last[1] + 1 < 1 << EPOCH_BITS:
            self._instance, self._epoch = last[0], last[1] + 1
        else:
            self._instance, self._epoch = rng.getrandbits(INSTANCE_BITS), 0
        at = now if last else now + round(settle * 1000)
        self._start = STARTS.append(db, self._instance, self._epoch, at)
        (first,) = db.execute("SELECT at FROM starts ORDER BY id LIMIT 1").fetchone()
        self._waits = max(0.0, min(settle, (first - now) / 1000))  # the wall clock may have stepped

    def _record(self, record: CycleRecord, *, keep: bool) -> int:
        self._records += 1
        tidy = self._records % HOUSEKEEPING_EVERY == 0

        def work(db: sqlite3.Connection) -> int:
            number = self._cycles.append(db, record, keep=keep)
            if tidy:
                kept_ms = self._keep // timedelta(milliseconds=1)
                cycles.expire(db, Millis(self._clock.now_ms() - kept_ms))
            return number

        number = self._database.note(self._fenced(work))
        if tidy:
            self._database.checkpoint()
        return number

    def _fenced(self, work: Work[T]) -> Work[T]:
        def fenced(db: sqlite3.Connection) -> T:
            (newest,) = db.execute("SELECT max(id) FROM starts").fetchone()
            if newest != self._start:
                raise JournalError("another daemon has opened this journal since", "Stop one of the two")
            return work(db)

        return fenced

    async def _read(self, work: Work[T]) -> T:
        return await self._run(lambda: self._database.read(work))

    async def _write(self, work: Work[T]) -> T:
        return await self._run(lambda: self._database.write(self._fenced(work)))

    async def _run(self, job: Callable[[], T]) -> T:
        if self._closed:
            raise JournalError("the journal is closed", "Start the daemon again")
        return await asyncio.get_running_loop().run_in_executor(self._executor, job)


def _verify_history(db: sqlite3.Connection) -> None:
    """Check all that decisions rest on. Raises ``JournalError``."""
    schema.check_definitions(db)
    schema.check(db, *schema.DECISIVE)
    for chain in (STARTS, COMMANDS):
        for _ in chain.rows(db):
            pass
    intents.verify(db)
    transfers.verify(db)
    cycles.verify_memories(db)


def _verify_cycles(db: sqlite3.Connection) -> None:
    schema.check(db, "cycles")
    cycles.verify(db)
