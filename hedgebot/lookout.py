"""SETTLE and OBSERVE for one hedge: what became of what was sent, and what the exchanges show now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from hedgebot.accounting import Accounting
from hedgebot.domain.doubt import doubtful
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.pockets import on_the_way
from hedgebot.domain.snapshot import Blind, Observation, Snapshot
from hedgebot.domain.units import Millis
from hedgebot.errors import CredentialsError, HedgebotError, JournalError, ReadError
from hedgebot.execution import Settler
from hedgebot.hedge_state import HedgeState
from hedgebot.observation import AccountFeed, in_force, observe
from hedgebot.ports import Clock, Journal
from hedgebot.risk import View, changed, disturbed

log = structlog.get_logger("hedgebot.cycle")

RECENT_MS = 600_000
"""How long before the last snapshot that was believed fills are read from, when a position changed."""

TRIES = 5
"""How often, and for longer than ``RECENT_MS``, that may fail: then younger ones alone are read. Something
older cannot be, and would keep the hedge blind for ever."""


@dataclass
class Lookout:
    """``configured`` is the hedge as the config has it, ``hedge`` with the contracts that it is in now."""

    configured: Hedge
    feeds: Mapping[str, AccountFeed]
    settler: Settler
    accounting: Accounting
    journal: Journal
    clock: Clock
    state: HedgeState
    sends: bool

    def __post_init__(self) -> None:
        self.hedge = self.configured

    async def settle(self) -> None:
        """Look up every order and transfer of unknown fate, but on accounts that do not answer.

        A journal that failed is read afresh first."""
        self.state.closed.clear()
        self.state.moved.clear()
        try:
            if self.state.stale:
                await self.state.load(self.journal, self.clock.now_ms())
            for intent in self.state.open:
                if intent.request.account not in self.state.dead:
                    self.state.put(await self.settler.follow(intent))
            for transfer in self.state.moving:
                if transfer.request.account not in self.state.dead:
                    self.state.put_transfer(await self.settler.transfers.follow(transfer))
        except JournalError as error:
            self.state.fail(error)

    async def observe(self, since: float) -> View:
        """What readings begun at or after ``since`` show, and all that the guards have to know besides."""
        # No reading twice: several that agree have to be several.
        since, at = max(since, self.state.acted_at, self.state.seen_at), self.clock.now_ms()
        seen = await self._seen(since, at)
        if isinstance(seen, Snapshot):
            self.state.seen_at = seen.ended
            await self._confirm(seen)
            if self.state.moving:
                seen = replace(seen, in_flight=on_the_way(seen, self.state.moving))
            if seen.dead and self.state.open:
                seen = replace(seen, doubtful=doubtful(seen, self.state.open))
        view = self.state.view(self.hedge, seen, self.clock)
        return await self._examined(view) if isinstance(seen, Snapshot) else view

    async def _examined(self, view: View) -> View:
        """With who else traded, if a position changed.

        So, too, while an order of ours is under way that may have done it: its end tells nothing of what
        others did before. Once wanted, it is tried until it is known: the position may be as it was again.
        """
        if changed(view) or self._sees_first(view):
            self.state.suspects = True
        if not self.state.suspects:
            return view
        if disturbed(view):
            log.warning("a position changed without an order of ours", hedge=self.hedge.name)
        seen, since = view.snapshot, self._unread_since(view)
        try:
            memory = await self.accounting.examine(
                self.hedge, view.memory, since, self.journal.instance, seen.dead
            )
        except HedgebotError as error:
            self.state.unread.append(view.now)
            reason = f"somebody else may have traded, and recent fills are not known: {error}"
            return replace(view, observed=Blind(self.hedge.name, seen.at, (reason,)))
        self.state.suspects = False
        self.state.unread.clear()
        return replace(view, memory=memory)

    def _unread_since(self, view: View) -> Millis:
        """From when on fills are to be read, by the exchange's clock, which is theirs: some time before the
        last snapshot that was believed, however long ago that is, but not before our start."""
        tries, since = self.state.unread, 0
        if len(tries) >= TRIES and (view.now - tries[0]) * 1000 > RECENT_MS:
            since = view.at - RECENT_MS
        elif believed := [
            reading.started
            for account, reading in self.state.confirmed.items()
            if account not in view.snapshot.dead
        ]:
            since = view.at - round((view.now - min(believed)) * 1000) - RECENT_MS
        return Millis(max(view.started_at, since) + view.snapshot.offset_ms)

    def _sees_first(self, view: View) -> bool:
        """Whether it has run without seeing one of its legs until now: somebody may have traded meanwhile."""
        known = dict(view.memory.contracts)
        return self.state.last is not None and any(leg.name not in known for leg in view.snapshot.living)

    async def _seen(self, since: float, at: Millis) -> Observation:
        """The snapshot of the contracts that the hedge is in now, or why there is none."""
        try:
            self.hedge = await in_force(self.configured, self.feeds, self.state.memory, at)
        except ReadError as error:
            return Blind(self.hedge.name, at, (str(error),), isinstance(error, CredentialsError))
        return await observe(self.hedge, self.feeds, since, at, self.state.confirmed)

    async def _confirm(self, seen: Snapshot) -> None:
        """Close the filled orders and the transfers that the snapshot shows; cancel left-over orders."""
        try:
            for intent in self.state.open:
                self.state.put(await self.settler.confirm(intent, seen))
            for transfer in self.state.moving:
                self.state.put_transfer(await self.settler.transfers.confirm(transfer, seen))
        except JournalError as error:
            self.state.fail(error)
        if self.sends and seen.orders:
            await self.settler.sweep(seen)
