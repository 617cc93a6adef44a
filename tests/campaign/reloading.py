"""What a daemon knew when it stopped, and what its journal says when it is loaded again: both as text."""

from dataclasses import replace
from pathlib import Path
from random import Random

from hedgebot.domain.records import Memory
from hedgebot.domain.units import Coin, Millis
from hedgebot.hedge_state import HedgeState
from hedgebot.journal.sqlite import SqliteJournal
from hedgebot.ports import Clock
from hedgebot.settings.model import Settings


def known(state: HedgeState) -> str:
    """All that decides what happens next: orders that are not over, commands, memory.

    What is only counted (funding, fees) may be ahead of the journal by a cycle; doubts end with the process;
    of orders that are over, those of the last day by a clock that may have been set are known.
    """
    orders = sorted((i.request.client_id, i.stage.value, str(i.filled)) for i in state.open)
    return f"{orders} {state.control} {_lasting(state.memory)}"


def _lasting(memory: Memory) -> Memory:
    zero = Coin.zero()
    counted = replace(memory, funding_received=zero, funding_paid=zero, fees=zero, ledger_at=Millis(0))
    return replace(counted, fall=None, moved=None, rival="")


async def loaded(store: Path, folder: Path, settings: Settings, clock: Clock) -> str:
    """What a daemon would know that starts on a copy of this journal."""
    copy = folder / "copy.db"
    copy.write_bytes(store.read_bytes())
    journal = await SqliteJournal.open(copy, clock=clock, rng=Random(0), keep=settings.store.keep)
    try:
        state = HedgeState("btc", journal.instance, clock.monotonic())
        await state.load(journal, clock.now_ms())
    finally:
        await journal.close()
        for file in folder.glob("copy.db*"):
            file.unlink()
    return known(state)
