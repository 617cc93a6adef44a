"""A sample of a hedge's past for the charts: from the newest record back, the oldest included."""

from pathlib import Path

from hedgebot.domain.units import Millis
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
