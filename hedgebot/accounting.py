"""Out of the exchange's own ledger: funding and fees, who else traded, and what was closed by force."""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

import structlog

from hedgebot.domain.account import EntryKind, Ledger, LedgerEntry
from hedgebot.domain.client_ids import parse
from hedgebot.domain.forced import noted
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.records import Memory
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import ReadError
from hedgebot.ports import Account, Clock

log = structlog.get_logger("hedgebot.accounting")


@dataclass
class Accounting:
    """``every`` is how often (seconds) the ledger is read; ``lag_ms`` how late an entry may appear in it;
    ``deadline`` how long (seconds) one reading of it may take."""

    accounts: Mapping[str, Account]
    clock: Clock
    every: float
    lag_ms: int
    deadline: float = 10.0
    _next: dict[str, float] = field(default_factory=dict)

    async def examine(
        self, hedge: Hedge, memory: Memory, since: Millis, instance: int, dead: Set[str] = frozenset()
    ) -> Memory:
        """``memory`` with what changed a position without an order of ours since then: an order of another
        hedgebot, or an exchange by force. ``dead`` accounts are not asked. Raises ``HedgebotError``."""
        found = await self._ledgers(hedge, since, dead)
        entries = [entry for book in found.values() for entry in book.entries]
        rival = next((e.client_id for e in entries if e.at > since and _is_of_another(e, instance)), "")
        return replace(self._noting(found, memory), rival=rival or memory.rival)

    async def post(self, hedge: Hedge, memory: Memory, agreed: Millis) -> Memory:
        """``memory`` with funding and fees counted, up to entries young enough to be incomplete, and with
        what was closed by force: while nobody looked, too. ``agreed`` is the earlier of our clock and the
        exchange's: what it has not reached yet is counted later. Raises ``HedgebotError``."""
        now = self.clock.monotonic()
        if not memory.since or now < self._next.get(hedge.name, now):
            return memory
        self._next[hedge.name] = now + self.every
        found = await self._ledgers(hedge, memory.ledger_at)
        ledgers = list(found.values())
        read_to = [Millis(book.entries[-1].at - 1) for book in ledgers if book.entries and not book.complete]
        until = min([Millis(min(agreed, self.clock.now_ms()) - self.lag_ms), *read_to])
        entries = [entry for book in ledgers for entry in book.entries]
        noting = self._noting(found, memory)
        return counted(noting, [e for e in entries if memory.ledger_at < e.at <= until], until)

    def _noting(self, ledgers: Mapping[str, Ledger], memory: Memory) -> Memory:
        """``memory`` with what the exchange closed by force."""
        entries = ((account, entry) for account, book in ledgers.items() for entry in book.entries)
        forced = noted(memory.forced, entries, self.clock.now_ms())
        for each in forced:
            if each not in memory.forced:
                size = str(each.contracts)
                log.warning("closed by force", kind=each.kind.value, leg=each.leg, contracts=size)
        return replace(memory, forced=forced)

    async def _ledgers(self, hedge: Hedge, since: Millis, dead: Set[str] = frozenset()) -> dict[str, Ledger]:
        """By account."""
        found: dict[str, Ledger] = {}
        for name in {leg.account for leg in hedge.legs} - dead:
            symbols = [leg.symbol for leg in hedge.legs if leg.account == name]
            try:
                async with asyncio.timeout(self.deadline):
                    found[name] = await self.accounts[name].ledger(symbols, since)
            except TimeoutError as cause:
                raise ReadError(f"{name}: no ledger within {self.deadline:g} s") from cause
        return found


def _is_of_another(entry: LedgerEntry, instance: int) -> bool:
    identity = parse(entry.client_id)
    return identity is not None and identity.instance != instance


def counted(memory: Memory, entries: list[LedgerEntry], until: Millis) -> Memory:
    """Pure: the memory with these entries added. Fees are positive when paid."""
    zero = Coin.zero()
    funding = [e.coins for e in entries if e.kind is EntryKind.FUNDING]
    fees = [-e.coins for e in entries if e.kind is not EntryKind.FUNDING]
    return replace(
        memory,
        funding_received=sum((c for c in funding if c > zero), memory.funding_received),
        funding_paid=sum((-c for c in funding if c < zero), memory.funding_paid),
        fees=sum(fees, memory.fees),
        ledger_at=max(memory.ledger_at, until),
    )
