"""Collateral moves in the journal: written before sent, one at a time between two pockets, for ever."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from hedgebot.domain.transfers import FINAL, MOVES, Pocket, TransferIntent, TransferStage
from hedgebot.domain.units import Millis
from hedgebot.errors import JournalError
from hedgebot.journal import schema
from tests.builders import NOW, SYMBOL, transfer
from tests.journal.support import cycle, open_sqlite, order

STAGES = list(TransferStage)
ISOLATED = transfer(number=2, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=SYMBOL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hedgebot.db"


async def test_a_reserved_one_is_open_and_found_again_after_a_restart(path: Path) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    await journal.close()
    journal = await open_sqlite(path)
    assert await journal.open_transfers() == await journal.transfers_since(NOW) == (transfer(),)
    await journal.verify()
    await journal.close()


async def test_it_goes_into_the_journal_with_the_cycle_that_decided_on_it(path: Path) -> None:
    journal = await open_sqlite(path)
    number = await journal.reserve_transfer(transfer(), cycle(reason="move 0.1 BTC"))
    assert [past.number for past in await journal.recent("btc", 1)] == [number]
    with pytest.raises(JournalError, match="still waits"):
        await journal.reserve_transfer(transfer(number=3), cycle(reason="again"))
    assert len(await journal.recent("btc", 9)) == 1, "both or neither"
    await journal.close()


async def test_two_pockets_wait_for_one_at_a_time_whichever_way(path: Path) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    await journal.reserve_transfer(ISOLATED)  # between two others
    back = transfer(number=3, source=Pocket.MARGIN, target=Pocket.SPOT)
    with pytest.raises(JournalError, match="main:BTC still waits for transfer"):
        await journal.reserve_transfer(back)
    await journal.resolve_transfer(transfer().moved(TransferStage.ABSENT))
    await journal.reserve_transfer(back)
    assert await journal.open_transfers() == (ISOLATED, back)
    await journal.verify()
    await journal.close()


@pytest.mark.parametrize("old", [s for s in STAGES if s not in FINAL])
@pytest.mark.parametrize("new", STAGES)
async def test_it_moves_only_as_the_table_allows(path: Path, old: TransferStage, new: TransferStage) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    if old is not TransferStage.RESERVED:
        await journal.resolve_transfer(transfer(stage=old))
    after = replace(transfer(stage=new), transfer_id="7", outcome="words", updated_at=Millis(NOW + 1))
    if new in MOVES[old]:
        await journal.resolve_transfer(after)
        assert await journal.transfers_since(NOW) == (after,)
    else:
        with pytest.raises(JournalError, match="cannot become"):
            await journal.resolve_transfer(after)
    await journal.verify()
    await journal.close()


@pytest.mark.parametrize(
    ("intent", "why"),
    [
        (transfer("0.2", TransferStage.ACCEPTED), "is not the one that was reserved"),
        (transfer(number=9, stage=TransferStage.ACCEPTED), "is not open"),
    ],
)
async def test_another_one_is_refused(path: Path, intent: TransferIntent, why: str) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    with pytest.raises(JournalError, match=why):
        await journal.resolve_transfer(intent)
    await journal.close()


async def test_an_id_is_used_once(path: Path) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    await journal.resolve_transfer(transfer(stage=TransferStage.REJECTED))
    with pytest.raises(JournalError, match="was used before"):
        await journal.reserve_transfer(transfer())
    await journal.close()


async def test_orders_and_transfers_share_their_numbers(path: Path) -> None:
    journal = await open_sqlite(path)
    await journal.reserve(order(3))
    await journal.reserve_transfer(transfer(number=41))
    await journal.close()
    journal = await open_sqlite(path)
    assert await journal.next_intent() == 42
    await journal.close()


@pytest.mark.parametrize("edit", ["UPDATE transfers SET stage = 'done'", "DELETE FROM transfers"])
async def test_history_cannot_be_rewritten(path: Path, edit: str) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    await journal.close()
    with sqlite3.connect(path) as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(edit)
    db.close()


async def test_a_list_of_open_ones_that_lies_is_found(path: Path) -> None:
    journal = await open_sqlite(path)
    await journal.reserve_transfer(transfer())
    await journal.close()
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM moving")
    db.close()
    with pytest.raises(JournalError, match="open transfers does not follow"):
        await open_sqlite(path)


class TestUpgrade:
    """Schema 1 kept no transfers."""

    @staticmethod
    async def old(path: Path) -> None:
        journal = await open_sqlite(path)
        await journal.reserve(order(1))
        await journal.close()
        with sqlite3.connect(path) as db:
            db.executescript("DROP TABLE moving; DROP TABLE transfers; PRAGMA user_version = 1;")
        db.close()

    async def test_an_older_journal_is_given_what_it_lacks(self, path: Path) -> None:
        await self.old(path)
        journal = await open_sqlite(path)
        assert await journal.open_intents() == (order(1),)
        await journal.reserve_transfer(transfer())
        await journal.verify()
        await journal.close()

    async def test_one_that_is_only_read_has_none(self, path: Path) -> None:
        await self.old(path)
        with sqlite3.connect(path) as db:
            assert not schema.has_transfers(db)
        db.close()
