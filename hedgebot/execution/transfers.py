"""Collateral moves: reserved, sent once, recorded, and followed until both pockets show them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

import structlog

from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.decision import Plan
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.instrument import settled_in
from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.pockets import pockets
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import (
    FINAL,
    TransferIntent,
    TransferRequest,
    TransferSighting,
    TransferStage,
    distinct,
)
from hedgebot.domain.units import Millis
from hedgebot.errors import HedgebotError, UnlistedError
from hedgebot.execution.fate import LOOKS, Search
from hedgebot.execution.transfer_fate import Word, after_absence, after_reply, after_sighting, after_snapshot
from hedgebot.execution.withheld import Holds, always, withheld
from hedgebot.ports import Account, Clock, Journal

log = structlog.get_logger("hedgebot.transfer")

CLOCKS_APART_MS = 172_800_000
"""How much older than by our clock a transfer may be by the exchange's: ours may be wrong by a day or two. It
is known by its amount."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Sends the transfer that a plan asks for, exactly once."""

    hedge: Hedge
    accounts: Mapping[str, Account]
    journal: Journal
    clock: Clock

    async def intend(self, plan: Plan) -> TransferIntent | None:
        """The intent, yet to be reserved, of the transfer that ``plan`` asks for. Raises ``JournalError``."""
        wanted = plan.transfer
        if wanted is None:
            return None
        number = await self.journal.next_intent()
        request = TransferRequest(
            client_id=str(ClientId(self.journal.instance, self.journal.epoch, number)),
            account=wanted.account,
            asset=settled_in(wanted.symbol) if wanted.symbol else self.hedge.asset,
            coins=distinct(wanted.coins, number + self.journal.instance),  # a new journal counts anew
            source=wanted.source,
            target=wanted.target,
            symbol=wanted.symbol,
        )
        name, at = self.hedge.name, self.clock.now_ms()
        return TransferIntent(number, name, request, wanted.showed, plan.reason, at)

    async def carry(
        self, intent: TransferIntent, *, until: float, holds: Holds = always
    ) -> AsyncIterator[TransferIntent]:
        """Send a reserved transfer, unless the monotonic instant ``until`` has passed or what it was planned
        on does not hold any more; yield what became of it.

        Raises ``JournalError``; what was yielded holds all the same."""
        if why := withheld(self.clock.monotonic(), until, holds):
            absent = replace(intent.moved(TransferStage.ABSENT), outcome=why)
            replied = replace(absent, updated_at=self.clock.now_ms())
        else:
            replied = after_reply(intent, await self._send(intent.request), self.clock.now_ms())
        yield replied
        _tell("transfer", replied)
        await self.journal.resolve_transfer(replied)

    async def _send(self, request: TransferRequest) -> Outcome:
        try:
            async with asyncio.timeout(self.hedge.settle_after):
                return await self.accounts[request.account].transfer(request)
        except TimeoutError:
            return Outcome(Fate.UNKNOWN, "no reply in time")


class TransferSettler:
    """Follows one hedge's transfers until their coins are where they belong."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        journal: Journal,
        clock: Clock,
        settle_after: float,
        deadline: float,
    ) -> None:
        self._accounts = accounts
        self._journal = journal
        self._clock = clock
        self._settle_after = settle_after
        self._deadline = deadline
        self._searches: dict[str, Search] = {}
        self._words: dict[str, tuple[Word, float]] = {}

    async def follow(self, intent: TransferIntent) -> TransferIntent:
        """``intent`` as far as the exchange's history shows it; unchanged where that cannot be read.

        Raises ``JournalError``.
        """
        if intent.stage in FINAL or (account := self._accounts.get(intent.request.account)) is None:
            return intent
        request, asked_at = intent.request, self._clock.monotonic()
        search = self._searches.setdefault(request.client_id, Search(asked_at))
        since = Millis(intent.written_at - CLOCKS_APART_MS)
        try:
            async with asyncio.timeout(self._deadline):
                sighting = await account.find_transfer(request, since)
        except UnlistedError as gone:  # no contract, no margin of it
            sighting = TransferSighting(None, asked=(str(gone),))
        except (HedgebotError, TimeoutError) as error:
            log.warning("transfer not looked up", transfer=request.client_id, reason=str(error) or "time-out")
            return intent
        return await self._conclude(intent, search, sighting, asked_at)

    async def _conclude(
        self, intent: TransferIntent, search: Search, sighting: TransferSighting, asked_at: float
    ) -> TransferIntent:
        name, state = intent.request.client_id, sighting.state
        if state is None and not sighting.asked:
            self._hear(name, Word.UNTOLD, search.since)
            return intent
        if state is None:
            searched = after_absence(search, sighting, asked_at, self._settle_after)
            self._searches[name] = searched
            if searched.absences >= LOOKS:
                self._hear(name, Word.ABSENT, search.since)
            return intent
        self._searches[name] = Search(asked_at)
        word = Word.FAILED if state.failed else Word.DONE if state.over else Word.PENDING
        self._hear(name, word, asked_at)
        return await self._resolve(intent, after_sighting(intent, state, self._clock.now_ms()))

    def _hear(self, name: str, word: Word, at: float) -> None:
        """Keep what the history says, and since when it has said so."""
        before, since = self._words.get(name, (word, at))
        self._words[name] = word, since if before is word else at

    async def confirm(self, intent: TransferIntent, snapshot: Snapshot) -> TransferIntent:
        """Close a transfer of which the snapshot and the history tell the same. Raises ``JournalError``."""
        if intent.stage in FINAL:
            return intent
        if intent.request.account in snapshot.dead:
            self._forget(intent)  # it has all its time once it is back
            return intent
        name = intent.request.client_id
        search = self._searches.get(name, Search(snapshot.started))
        word, since = self._words.get(name, (Word.NOTHING, search.since))
        now, waited = pockets(snapshot, intent.request), snapshot.started - since
        after = after_snapshot(intent, word, now, waited, self._settle_after, self._clock.now_ms())
        return await self._resolve(intent, after)

    async def _resolve(self, before: TransferIntent, after: TransferIntent) -> TransferIntent:
        if after == before:
            return before
        await self._journal.resolve_transfer(after)
        if after.stage in FINAL:
            self._forget(after)
        _tell("transfer settled", after)
        return after

    def _forget(self, intent: TransferIntent) -> None:
        self._searches.pop(intent.request.client_id, None)
        self._words.pop(intent.request.client_id, None)


def _tell(event: str, transfer: TransferIntent) -> None:
    request = transfer.request
    log.info(
        event,
        transfer=request.client_id,
        account=request.account,
        way=request.way,
        coins=str(request.coins),
        stage=transfer.stage.value,
        outcome=transfer.outcome,
    )
