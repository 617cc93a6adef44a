"""A journal that runs for years stays small."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tests.journal.support import NOW, ManualClock, cycle, files, open_sqlite, size, status

INTERVAL = timedelta(seconds=5)
pytestmark = pytest.mark.usefixtures("careless_disk")


async def test_a_month_of_unchanged_cycles_takes_less_than_200_mb(path: Path) -> None:
    rng, count = Random(3), 2000
    journal = await open_sqlite(path)
    await journal.record(cycle(NOW, body={"state": "starting"}), keep=True)
    for n in range(count):
        await journal.record(cycle(NOW, body=status(rng, NOW + n)), keep=n == 0)
    await journal.close()
    assert size(path) / count * (timedelta(days=30) // INTERVAL) < 200e6


async def test_the_log_beside_it_stays_small(path: Path) -> None:
    journal = await open_sqlite(path)
    for n in range(1000):
        await journal.record(cycle(NOW + n), keep=False)
    assert size(files(path)[1]) < 4e6
    await journal.close()


async def test_the_space_of_expired_records_is_used_again(path: Path, clock: ManualClock) -> None:
    journal = await open_sqlite(path, clock, keep=timedelta(seconds=1))
    sizes = []
    for n in range(3000):
        await journal.record(cycle(clock.now_ms()), keep=False)
        clock.ms += 100
        if n % 1000 == 999:
            sizes.append(size(path))
    assert sizes[2] == sizes[1]
    await journal.close()
