"""One cycle of every hedge that looks and decides but sends and keeps nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hedgebot.app import World, adopt, cycles_of, open_accounts, watch_over_keys, watch_over_signals
from hedgebot.cli.read_only_journal import load
from hedgebot.cycle import Cycle
from hedgebot.domain.decision import Plan
from hedgebot.domain.records import CycleRecord
from hedgebot.domain.units import Millis
from hedgebot.errors import CredentialsError, HedgebotError
from hedgebot.execution import Rehearsal
from hedgebot.hedge_state import DAY
from hedgebot.settings.model import Settings
from hedgebot.settings.secrets import Credentials


@dataclass(frozen=True)
class Look:
    """What one look at a hedge came to. ``plan`` is None where nothing trustworthy was seen, ``refused`` is
    an exchange's answer to our key."""

    hedge: str
    record: CycleRecord
    plan: Plan | None
    refused: CredentialsError | None


async def look(
    settings: Settings, store: Path, credentials: Mapping[str, Credentials], world: World
) -> list[Look]:
    """Look at every hedge. Raises ``JournalError``; what an exchange does is in the answer."""
    now = world.clock.now_ms()
    journal = load(store, Millis(now - DAY))
    async with open_accounts(settings, credentials, world) as accounts:
        keys = watch_over_keys(settings, accounts, world.clock)
        signals = watch_over_signals(settings, store.parent, accounts, world)
        cycles = cycles_of(settings, accounts, journal, world.clock, lambda _: Rehearsal(), keys, signals)
        for cycle in cycles.values():
            await cycle.state.load(journal, now)
        adopt(cycles, journal.memories)
        since = world.clock.monotonic()
        feeds = {name: feed for cycle in cycles.values() for name, feed in cycle.feeds.items()}
        readings = (feed.reading(since) for feed in feeds.values())  # those of the cycles
        await asyncio.gather(keys.ask(), signals.ask(), *readings, return_exceptions=True)
        return await asyncio.gather(*(_look(cycle, since) for cycle in cycles.values()))


async def _look(cycle: Cycle, since: float) -> Look:
    record = await cycle.run(since)
    return Look(cycle.hedge.name, record, cycle.state.plan, await _refusal(cycle, since))


async def _refusal(cycle: Cycle, since: float) -> CredentialsError | None:
    """The refused key among what the cycle read; asks for nothing anew."""
    for name in cycle.hedge.accounts:
        try:
            await cycle.feeds[name].reading(since)
        except CredentialsError as refused:
            return refused
        except HedgebotError:
            continue
    return None
