"""Funding and fees out of the exchange's own ledger, and who else traded there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hedgebot.domain.account import EntryKind, Ledger, LedgerEntry
from hedgebot.domain.client_ids import parse
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.records import Memory
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import ReadError
from hedgebot.ports import Account, Clock


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

    async def rival(self, hedge: Hedge, since: Millis, instance: int) -> str:
        """The client id of an order that another hedgebot filled since then, or nothing."""
        for ledger in await self._ledgers(hedge, since):
            for entry in ledger.entries:
                identity = parse(entry.client_id)
                if identity is not None and identity.instance != instance and entry.at > since:
                    return entry.client_id
        return ""

    async def post(self, hedge: Hedge, memory: Memory) -> Memory:
        """``memory`` with funding and fees counted, up to entries young enough to be incomplete."""
        now = self.clock.monotonic()
        if not memory.since or now < self._next.get(hedge.name, now):
            return memory
        self._next[hedge.name] = now + self.every
        ledgers = await self._ledgers(hedge, memory.ledger_at)
        read_to = [Millis(book.entries[-1].at - 1) for book in ledgers if book.entries and not book.complete]
        until = min([Millis(self.clock.now_ms() - self.lag_ms), *read_to])
        entries = [entry for book in ledgers for entry in book.entries]
        return counted(memory, [e for e in entries if memory.ledger_at < e.at <= until], until)

    async def _ledgers(self, hedge: Hedge, since: Millis) -> list[Ledger]:
        found: list[Ledger] = []
        for name in {leg.account for leg in hedge.legs}:
            symbols = [leg.symbol for leg in hedge.legs if leg.account == name]
            try:
                async with asyncio.timeout(self.deadline):
                    found.append(await self.accounts[name].ledger(symbols, since))
            except TimeoutError as cause:
                raise ReadError(f"{name}: no ledger within {self.deadline:g} s") from cause
        return found


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
