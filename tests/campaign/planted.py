"""Bugs that have cost people money, planted into the daemon one at a time. The campaign has to find each.

A bug is a context manager: while it is open the daemon has it. What is swapped is the daemon's own code, at
the place where such a bug would be.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import structlog

from hedgebot import cycle, observation, risk
from hedgebot.cycle import Cycle
from hedgebot.domain.account import AccountReading, Position
from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.decision import Assessment, Finding, Permission, Plan
from hedgebot.domain.orders import Fate, Intent, OrderRequest, Outcome
from hedgebot.domain.records import CycleRecord
from hedgebot.domain.snapshot import Blind, Observation
from hedgebot.domain.units import Coin, Contracts
from hedgebot.errors import JournalError, ReadError
from hedgebot.execution import executor, settle
from hedgebot.execution.executor import Executor
from hedgebot.execution.fate import Search
from hedgebot.journal import database
from hedgebot.journal.sqlite import SqliteJournal
from hedgebot.observation import AccountFeed
from hedgebot.risk import foreign, limits, memory
from hedgebot.scrubber import Scrubber
from tests.campaign.running import SECRET

YOUNG_ENOUGH = 60.0
"""Seconds for which a planted cache keeps a reading."""

BUGS: dict[str, Callable[[], AbstractContextManager[None]]] = {}


def bug(name: str) -> Callable[[Callable[[], Iterator[None]]], Callable[[], AbstractContextManager[None]]]:
    """Enlist a bug under the words that tell what it does."""

    def enlist(plant: Callable[[], Iterator[None]]) -> Callable[[], AbstractContextManager[None]]:
        BUGS[name] = contextmanager(plant)
        return BUGS[name]

    return enlist


@contextmanager
def swapped(owner: Any, name: str, other: Any) -> Iterator[None]:
    """Another thing in the place of ``owner``'s."""
    own = vars(owner)[name]
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, own)


# The fate of orders


@bug("an unknown order is sent again under a new id")
def new_id_on_retry() -> Iterator[None]:
    send = Executor._send

    async def again(self: Executor, request: OrderRequest) -> Outcome:
        outcome = await send(self, request)
        if outcome.fate is not Fate.UNKNOWN:
            return outcome
        fresh = ClientId(self.journal.instance, self.journal.epoch, await self.journal.next_intent())
        return await send(self, replace(request, client_id=str(fresh)))

    with swapped(Executor, "_send", again):
        yield


@bug("an unknown order is sent again under its own id")
def retried_post() -> Iterator[None]:
    send = Executor._send

    async def again(self: Executor, request: OrderRequest) -> Outcome:
        outcome = await send(self, request)
        return await send(self, request) if outcome.fate is Fate.UNKNOWN else outcome

    with swapped(Executor, "_send", again):
        yield


@bug("an unknown order counts as rejected")
def unknown_is_rejected() -> Iterator[None]:
    after_reply = vars(executor)["after_reply"]

    def surely(intent: Intent, outcome: Outcome, at: Any) -> Intent:
        known = outcome.fate is not Fate.UNKNOWN
        moved: Intent = after_reply(intent, outcome if known else replace(outcome, fate=Fate.REJECTED), at)
        return moved

    with swapped(executor, "after_reply", surely):
        yield


@bug("the first not-found is believed")
def first_absence() -> Iterator[None]:
    def gone(search: Search, *_: Any) -> Search:
        return replace(search, absences=3)

    with swapped(settle, "after_absence", gone):
        yield


@bug("the rest of an order is sent, whatever the position")
def rest_of_the_order() -> Iterator[None]:
    plan, rests = Cycle._plan, dict[int, Contracts]()

    def resting(self: Cycle, seen: Any, assessment: Assessment, remembered: Any) -> Plan | None:
        made = plan(self, seen, assessment, remembered)
        for intent in self.state.closed:
            rests[id(self)] = intent.request.contracts - intent.filled
        rest = rests.get(id(self))
        if made is None or made.order is None or not rest or self.state.open:
            return made
        return made._replace(order=replace(made.order, contracts=rest))

    with swapped(Cycle, "_plan", resting):
        yield


# What is read


@bug("a failed read is an empty one")
def failed_is_empty() -> Iterator[None]:
    read, last = AccountFeed._read, dict[int, AccountReading]()

    async def hopeful(self: AccountFeed) -> AccountReading:
        try:
            last[id(self)] = await read(self)
        except ReadError:
            if id(self) not in last:
                raise
            now = self._clock.monotonic()
            return replace(_emptied(last[id(self)]), started=now, ended=now)
        return last[id(self)]

    with swapped(AccountFeed, "_read", hopeful):
        yield


def _emptied(reading: AccountReading) -> AccountReading:
    """What parsers that take a missing number for zero make of it."""
    none = Coin.zero()
    flat: tuple[Position, ...] = tuple(
        replace(
            p, contracts=Contracts.zero(), unrealized=none, initial_margin=none, margin=None, liquidation=None
        )
        for p in reading.positions
    )
    wallets = tuple(replace(w, unrealized=none, position_margin=none) for w in reading.wallets)
    return replace(reading, positions=flat, wallets=wallets)


@bug("a reading from before the last order is decided on")
def stale_read() -> Iterator[None]:
    def at_once(*_: Any) -> bool:
        return True

    def reading(self: AccountFeed, since: float) -> asyncio.Future[AccountReading]:
        if self._reading is None or self._started < since - YOUNG_ENOUGH:
            self._reading = self._begin()
        return asyncio.shield(self._reading)

    with swapped(AccountFeed, "reading", reading), swapped(settle, "visible", at_once):
        yield


@bug("unrealised profit is left out of the sale, and counted as coins")
def profit_as_coins() -> Iterator[None]:
    assemble = observation.assemble

    def mixed(hedge: Any, readings: dict[str, AccountReading], at: Any) -> Observation:
        seen = assemble(hedge, readings, at)
        if isinstance(seen, Blind):
            return seen
        wallets = tuple(replace(w, coins=w.coins + w.unrealized) for w in seen.margin_wallets)
        return replace(seen, margin_wallets=wallets)

    with swapped(observation, "assemble", mixed):
        yield


@bug("a fall of the coins held is believed at once")
def no_doubt() -> Iterator[None]:
    with swapped(memory, "_coins", lambda _memory, held, *_: (held, None)):
        yield


# Who else is there


@bug("another daemon's orders are overlooked")
def rivals_overlooked() -> Iterator[None]:
    with swapped(foreign, "_rivals", lambda _view: iter(())):
        yield


@bug("an older opener of the journal may still write")
def no_fence() -> Iterator[None]:
    with swapped(SqliteJournal, "_fenced", lambda _self, work: work):
        yield


# The disk


@bug("an order's intent is not on the disk before it leaves")
def no_sync() -> Iterator[None]:
    with swapped(database, "SYNCED", database.NOTED):
        yield


@bug("an order leaves though its intent could not be written")
def unwritten() -> Iterator[None]:
    reserve = SqliteJournal.reserve

    async def careless(self: SqliteJournal, intent: Intent, record: CycleRecord | None = None) -> int:
        try:
            return await reserve(self, intent, record)
        except JournalError:
            return 0

    with swapped(SqliteJournal, "reserve", careless):
        yield


# Bounds and words


@bug("nothing counts what was sent within an hour and a day")
def unlimited() -> Iterator[None]:
    def content(_view: Any) -> Finding:
        return Finding("limits", Permission.ANY, "", "", "not counted")

    guards = tuple(content if guard is limits.check else guard for guard in risk.GUARDS)
    with swapped(risk, "GUARDS", guards):
        yield


@bug("a read has no deadline")
def no_deadline() -> Iterator[None]:
    async def patient(self: AccountFeed) -> AccountReading:
        return await self._account.read(self._needs)

    with swapped(AccountFeed, "_read", patient):
        yield


@bug("the secret is in a line of the log")
def secret_in_the_log() -> Iterator[None]:
    assess = vars(cycle)["assess"]

    def talkative(view: Any) -> Any:
        structlog.get_logger("hedgebot.cycle").info("asking", what=SECRET)
        return assess(view)

    with swapped(cycle, "assess", talkative), swapped(Scrubber, "scrub", lambda _self, text: text):
        yield
