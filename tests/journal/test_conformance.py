"""The SQLite journal does what every journal has to do."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.journal.conformance import FullJournal, JournalConformance, Store
from tests.journal.support import ManualClock, open_sqlite


@pytest.mark.usefixtures("careless_disk")
class TestSqlite(JournalConformance):
    @pytest.fixture
    def store(self, path: Path) -> Store:
        async def opener(clock: ManualClock, keep: timedelta) -> FullJournal:
            return await open_sqlite(path, clock, keep)

        return Store(opener)
