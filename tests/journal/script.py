"""Writes in a known order, in which any moment of a journal can be found again.

As a program, ``python script.py DATABASE`` makes them without end, for tests that kill it, and says
after each how many have returned. With ``--ration BYTES`` its files may only grow by so much, over
and over again: a disk with trouble that comes and goes.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, setrlimit

from hedgebot.domain.orders import Intent, Stage
from hedgebot.domain.records import Command, CycleRecord, Verb
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import JournalError
from hedgebot.ports import Journal
from tests.journal.support import NOW, cycle, files, open_sqlite, order, size

Write = Callable[[Journal], Awaitable[object]]


@dataclass(frozen=True)
class Moment:
    """What a journal holds that decisions rest on: orders, what a hedge remembers, what was commanded."""

    intents: tuple[Intent, ...] = ()
    held: Coin | None = None
    commands: tuple[Command, ...] = ()


def steps() -> Iterator[tuple[Write, Moment]]:
    """Each write with what the journal holds after it: orders one by one through all stages, with a record
    and a command after each."""
    moment = Moment()
    for number in count(1):
        past, intent = moment.intents, order(number)
        moment = replace(moment, intents=(*past, intent))
        yield partial(reserve, intent), moment
        for stage in (Stage.UNKNOWN, Stage.ACCEPTED, Stage.FILLED, Stage.CLOSED):
            intent = intent.moved(stage)
            moment = replace(moment, intents=(*past, intent))
            yield partial(resolve, intent), moment
        record = replace(cycle(), memory=replace(cycle().memory, held=Coin.of(number)))
        moment = replace(moment, held=record.memory.held)
        yield partial(write_record, record), moment
        command = Command("btc", Verb.PAUSE if number % 2 else Verb.RESUME, None, f"uid {number}", NOW)
        moment = replace(moment, commands=(*moment.commands, command))
        yield partial(give, command), moment


async def reserve(intent: Intent, journal: Journal) -> None:
    await journal.reserve(intent)


async def resolve(intent: Intent, journal: Journal) -> None:
    await journal.resolve(intent)


async def write_record(record: CycleRecord, journal: Journal) -> None:
    await journal.record(record, keep=False)


async def give(command: Command, journal: Journal) -> None:
    await journal.command(command)


def moments(number: int) -> list[Moment]:
    """The state before any write, and after each of the first ``number``."""
    return [Moment(), *(moment for _, moment in islice(steps(), number))]


async def moment_of(journal: Journal) -> Moment:
    """What a journal holds now; its list of open orders has to agree."""
    intents, memory = await journal.intents_since(Millis(0)), await journal.memory("btc")
    assert await journal.open_intents() == tuple(one for one in intents if one.stage is not Stage.CLOSED)
    return Moment(intents, memory.held if memory else None, await journal.commands())


async def write_for_ever(path: Path) -> None:
    journal = await open_sqlite(path)
    for done, (write, _) in enumerate(steps(), 1):
        await write(journal)
        os.write(1, b"%d\n" % done)


async def write_on_rations(path: Path, ration: int) -> None:
    """Write with too little room, then with a little more, and so on; say how often that was refused."""
    journal = await open_sqlite(path)
    refused, limit, before = 0, max(map(size, files(path)[:2])), Moment()
    for write, after in islice(steps(), 60):
        while await moment_of(journal) == before:
            setrlimit(RLIMIT_FSIZE, (limit, RLIM_INFINITY))
            try:
                await write(journal)
            except JournalError:
                refused, limit = refused + 1, limit + ration
        assert await moment_of(journal) == after
        before = after
    await journal.verify()
    await journal.close()
    os.write(1, b"%d\n" % refused)


if __name__ == "__main__":
    database = Path(sys.argv[1])
    asyncio.run(write_on_rations(database, int(sys.argv[3])) if sys.argv[2:] else write_for_ever(database))
