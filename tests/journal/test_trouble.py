"""One writer that never blocks the loop, and that works again after whatever went wrong with the disk."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from blockbuster import BlockBuster

from hedgebot.domain.orders import Stage
from hedgebot.errors import JournalError
from hedgebot.journal import database
from hedgebot.journal.sqlite import STARTS, SqliteJournal
from tests.journal.support import (
    KEEP,
    NOW,
    InlineLoop,
    ManualClock,
    contents,
    cycle,
    open_sqlite,
    order,
    place,
    use,
)


class TestStarts:
    async def test_a_used_up_epoch_draws_a_new_instance(self, path: Path) -> None:
        journal = await open_sqlite(path)
        old, last = journal.instance, (1 << 15) - 1
        await journal._write(lambda db: STARTS.append(db, old, last, NOW))
        await journal.close()
        journal = await SqliteJournal.open(path, clock=ManualClock(), rng=Random(8), keep=KEEP)
        assert (journal.instance, journal.epoch) == (Random(8).getrandbits(20), 0)
        assert journal.instance != old
        await journal.close()

    @pytest.mark.parametrize(
        ("settle", "seconds", "again", "waits"),
        [
            (0, 0, 30, (0, 0)),  # nobody was here before: the first start of all
            (30, 0, 30, (30, 30)),
            (30, 12, 30, (30, 18)),  # ended while it waited, and started again
            (30, 30, 30, (30, 0)),
            (30, 86_400, 30, (30, 0)),
            (30, -86_400, 30, (30, 30)),  # the wall clock was set back
            (30, 12, 5, (30, 5)),  # a shorter time was configured meanwhile
        ],
    )
    async def test_a_journal_in_the_place_of_a_lost_one_waits_once(
        self,
        path: Path,
        clock: ManualClock,
        settle: float,
        seconds: int,
        again: float,
        waits: tuple[int, int],
    ) -> None:
        first = await open_sqlite(path, clock, settle=settle)
        await first.close()
        clock.ms += seconds * 1000
        second = await open_sqlite(path, clock, settle=again)
        assert [first.waits, second.waits] == [*waits]
        await second.verify()
        await second.close()

    async def test_numbers_end_before_they_outgrow_their_28_bits(self, path: Path) -> None:
        journal = await open_sqlite(path)
        await journal.reserve(order((1 << 28) - 2))
        await journal.close()
        journal = await open_sqlite(path)
        assert await journal.next_intent() == (1 << 28) - 1
        with pytest.raises(JournalError, match="all intent numbers"):
            await journal.next_intent()
        await journal.close()

    async def test_only_the_younger_of_two_can_write(self, path: Path) -> None:
        older = await open_sqlite(path)
        await older.reserve(order(1))
        younger = await open_sqlite(path)
        for refused in (older.reserve(order(2, symbol="ETH/USD:ETH")), older.record(cycle(), keep=True)):
            with pytest.raises(
                JournalError, match=r"another daemon has opened this journal since\. Stop one"
            ):
                await refused
        await younger.resolve(order(1).moved(Stage.ACCEPTED))
        assert await older.open_intents() == (order(1).moved(Stage.ACCEPTED),)
        await older.close()
        await younger.close()


class TestTrouble:
    async def test_a_full_disk_refuses_orders_and_recovers_by_itself(self, path: Path) -> None:
        journal = await open_sqlite(path)
        await use(journal, 1)
        db = journal._database._connected()
        db.execute("PRAGMA max_page_count = 1")  # SQLite takes the file's present size instead
        long = cycle(body={"text": [str(n) for n in range(20_000)]})
        with pytest.raises(
            JournalError, match=r"is full.* Free space on its disk: trading goes on by itself"
        ):
            await journal.record(long, keep=True)
        assert await journal.open_intents() == ()
        assert len(await journal.recent("btc", 9)) == 1
        db.execute("PRAGMA max_page_count = 1000000")
        await journal.record(long, keep=True)
        await use(journal, 2)
        await journal.verify()
        await journal.close()

    async def test_a_lock_held_by_another_program_is_named(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
        journal = await open_sqlite(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(
                JournalError, match=r"locked.* Another program holds it locked: end that program"
            ):
                await journal.reserve(order(1))
            assert await journal.open_intents() == ()
        await use(journal, 1)
        await journal.close()

    async def test_a_file_moved_away_is_noticed_before_anything_is_written_to_it(self, path: Path) -> None:
        journal = await open_sqlite(path)
        away = path.with_name("away.db")
        move(path, away)
        for _ in range(2):
            with pytest.raises(JournalError, match="cannot be used"):
                await journal.reserve(order(1))
        move(away, path)
        await use(journal, 1)
        await journal.close()

    async def test_another_file_in_its_place_is_noticed(self, path: Path) -> None:
        journal = await open_sqlite(path)
        copy = contents(path)
        move(path, path.with_name("away.db"))
        place(path, *copy)
        with pytest.raises(JournalError, match=r"replaced while in use\. Restart the daemon"):
            await journal.reserve(order(1))
        await journal.close()

    async def test_a_spoilt_connection_is_opened_anew(self, path: Path) -> None:
        journal = await open_sqlite(path)
        journal._database._connected().execute("PRAGMA query_only = ON")
        with pytest.raises(JournalError, match="readonly"):
            await journal.reserve(order(1))
        await use(journal, 1)
        await journal.close()

    async def test_a_write_that_nobody_waits_for_is_done_wholly_or_not_at_all(self, path: Path) -> None:
        journal = await open_sqlite(path)
        writing = asyncio.create_task(journal.reserve(order(1)))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await journal.open_intents() in {(), (order(1),)}
        await journal.reserve(order(2, symbol="ETH/USD:ETH"))
        await journal.verify()
        await journal.close()


class TestLoops:
    async def test_the_event_loop_is_never_blocked(self, path: Path, never_blocks: BlockBuster) -> None:
        journal = await open_sqlite(path)
        await use(journal, await journal.next_intent())
        await journal.close()

    def test_a_virtual_loop_runs_everything_inline(self, path: Path) -> None:
        async def scenario() -> None:
            journal = await open_sqlite(path)
            await use(journal, 1)
            with pytest.raises(JournalError, match="used before"):
                await journal.reserve(order(1))
            await journal.close()

        with asyncio.Runner(loop_factory=InlineLoop) as runner:
            runner.run(scenario())


def move(path: Path, to: Path) -> None:
    path.rename(to)
