"""A sample of a hedge's past for the charts: from the newest record back, the oldest included."""

import sqlite3
from pathlib import Path

import pytest

from hedgebot.domain.units import Millis
from hedgebot.errors import JournalError
from tests.journal.support import NOW, ManualClock, cycle, open_sqlite


async def test_a_short_past_is_whole(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = await open_sqlite(tmp_path / "store.db", clock)
    for second in range(3):
        clock.ms = NOW + second * 1000
        await journal.record(cycle(at=clock.ms), keep=second == 0)
    assert [one.at for one in await journal.past("btc", NOW)] == [NOW, NOW + 1000, NOW + 2000]
    await journal.close()


async def test_a_hedge_that_rests_while_another_goes_on_has_its_last_record(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = await open_sqlite(tmp_path / "store.db", clock)
    await journal.record(cycle(at=clock.ms), keep=True)
    for second in range(1, 5):
        clock.ms = NOW + second * 1000
        await journal.record(cycle(hedge="eth", at=clock.ms), keep=False)
    since = Millis(NOW + 2000)
    assert [one.at for one in await journal.past("btc", since)] == [NOW]
    await journal.close()


@pytest.mark.parametrize("damaged", [1, 2], ids=["the one that others rest on", "one of those"])
async def test_a_record_that_was_changed_on_the_disk_is_not_believed(tmp_path: Path, damaged: int) -> None:
    """It may unpack to words that look well: one whose legs had no symbol ended every cycle after a start."""
    journal = await open_sqlite(tmp_path / "store.db", ManualClock())
    for number in range(3):
        await journal.record(cycle(at=Millis(NOW + number)), keep=number == 0)
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.execute("DROP TRIGGER cycles_stay")
        body = db.execute("SELECT body FROM cycles WHERE number = 2").fetchone()
        db.execute("UPDATE cycles SET body = ?, at = at + 1 WHERE number = ?", (*body, damaged))
    with pytest.raises(JournalError, match=f"row {damaged} "):
        await journal.past("btc", NOW)
    await journal.close()
