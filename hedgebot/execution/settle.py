"""SETTLE: resolve the orders left open, and wait until their fills are visible."""

import asyncio
from collections.abc import Mapping

import structlog

from hedgebot.domain.account import Sighting
from hedgebot.domain.client_ids import parse
from hedgebot.domain.orders import UNSETTLED, Intent, Stage
from hedgebot.domain.snapshot import Snapshot
from hedgebot.errors import HedgebotError, UnlistedError
from hedgebot.execution.fate import Search, absent, after_absence, after_sighting, unlisted, visible
from hedgebot.execution.transfers import TransferSettler
from hedgebot.ports import Account, Clock, Journal

log = structlog.get_logger("hedgebot.settle")


class Settler:
    """Follows one hedge's orders until nothing of them can still happen unseen; ``transfers`` does so with
    collateral moves."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        journal: Journal,
        clock: Clock,
        settle_after: float,
        deadline: float,
    ) -> None:
        self.transfers = TransferSettler(accounts, journal, clock, settle_after, deadline)
        self._accounts = accounts
        self._journal = journal
        self._clock = clock
        self._settle_after = settle_after
        self._deadline = deadline
        self._searches: dict[str, Search] = {}
        self._filled_at: dict[str, float] = {}

    async def follow(self, intent: Intent) -> Intent:
        """``intent`` as far as the exchange now shows it; unchanged where it cannot be looked up.

        Raises ``JournalError``.
        """
        if intent.stage not in UNSETTLED:
            return intent
        if (account := self._accounts.get(intent.request.account)) is None:
            return intent  # not configured any more: nobody can know until it is put back
        search = self._searches.setdefault(intent.request.client_id, Search(self._clock.monotonic()))
        asked_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._deadline):
                sighting = await account.find(intent.request, intent.written_at)
        except (HedgebotError, TimeoutError) as error:
            log.warning(
                "order not looked up", order=intent.request.client_id, reason=str(error) or "time-out"
            )
            if not isinstance(error, UnlistedError):
                return intent
            over = unlisted(intent, search, asked_at, self._settle_after, self._clock.now_ms())
            return intent if over is None else await self._resolve(intent, over)
        return await self._conclude(intent, search, sighting, asked_at)

    async def sweep(self, snapshot: Snapshot) -> None:
        """Ask for every resting order that a hedgebot sent in an earlier life to be cancelled.

        Our orders never rest for long. One of this run is never a left-over: where several hedges share an
        account, it may be a neighbour's, on its way.
        """
        run = (self._journal.instance, self._journal.epoch)
        for account, order in snapshot.orders:
            identity = parse(order.client_id)
            if identity is None or (identity.instance, identity.epoch) == run:
                continue
            try:
                async with asyncio.timeout(self._deadline):
                    outcome = await self._accounts[account].cancel(order)
            except (HedgebotError, TimeoutError) as error:
                log.warning("left-over order not cancelled", order=order.client_id, reason=str(error))
            else:
                log.warning("left-over order cancelled", order=order.client_id, outcome=outcome.fate.value)

    async def _conclude(self, intent: Intent, search: Search, sighting: Sighting, asked_at: float) -> Intent:
        client_id = intent.request.client_id
        if sighting.state is not None:
            del self._searches[client_id]
            return await self._resolve(intent, after_sighting(intent, sighting.state))
        self._searches[client_id] = after_absence(search, sighting, asked_at, self._settle_after)
        gone = absent(intent, self._searches[client_id], self._clock.now_ms())
        return intent if gone is None else await self._resolve(intent, gone)

    async def confirm(self, intent: Intent, snapshot: Snapshot) -> Intent:
        """Close a filled order whose fill the snapshot shows, or has not shown for too long.

        Raises ``JournalError``.
        """
        if intent.stage is not Stage.FILLED:
            return intent
        if intent.request.leg not in {leg.name for leg in snapshot.legs}:
            return await self._resolve(intent, intent.moved(Stage.CLOSED))  # no leg of this hedge any more
        if intent.request.account in snapshot.dead:
            self._filled_at.pop(intent.request.client_id, None)  # it has all its time once it is back
            return intent
        since = self._filled_at.setdefault(intent.request.client_id, snapshot.started)
        shown = visible(intent, snapshot.leg(intent.request.leg).position)
        overdue = snapshot.started - since > 2 * self._settle_after
        if overdue and not shown:
            log.error("fill never became visible; sizing from the position", order=intent.request.client_id)
        return await self._resolve(intent, intent.moved(Stage.CLOSED)) if shown or overdue else intent

    async def _resolve(self, before: Intent, after: Intent) -> Intent:
        if after == before:
            return before
        await self._journal.resolve(after)
        self._searches.pop(after.request.client_id, None)
        log.info(
            "order settled",
            order=after.request.client_id,
            stage=after.stage.value,
            filled=str(after.filled),
            outcome=after.outcome,
        )
        return after
