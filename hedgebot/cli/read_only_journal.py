"""The journal for a look only: what the file holds at this moment; what is written to it is forgotten."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hedgebot.domain.orders import FINAL, Intent
from hedgebot.domain.records import Command, CycleRecord, Memory
from hedgebot.domain.transfers import FINAL as ENDED
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis
from hedgebot.journal import cycles, intents, schema, transfers
from hedgebot.journal.codec import decode
from hedgebot.journal.database import BUSY_SECONDS, failure


@dataclass
class ReadOnlyJournal:
    """``hedgebot.ports.Journal`` in memory; ``load`` fills it from a file."""

    instance: int = 0
    epoch: int = 0
    orders: dict[str, Intent] = field(default_factory=dict)
    ordered: tuple[Command, ...] = ()
    memories: dict[str, Memory] = field(default_factory=dict)
    moves: dict[str, TransferIntent] = field(default_factory=dict)

    async def next_intent(self) -> int:
        return len(self.orders) + 1

    async def reserve(self, intent: Intent, record: CycleRecord | None = None) -> int:
        self.orders[intent.request.client_id] = intent
        return 0 if record is None else await self.record(record, keep=True)

    async def resolve(self, intent: Intent) -> None:
        self.orders[intent.request.client_id] = intent

    async def open_intents(self) -> tuple[Intent, ...]:
        return tuple(intent for intent in self.orders.values() if intent.stage not in FINAL)

    async def intents_since(self, at: Millis) -> tuple[Intent, ...]:
        return tuple(intent for intent in self.orders.values() if intent.written_at >= at)

    async def reserve_transfer(self, intent: TransferIntent, record: CycleRecord | None = None) -> int:
        self.moves[intent.request.client_id] = intent
        return 0 if record is None else await self.record(record, keep=True)

    async def resolve_transfer(self, intent: TransferIntent) -> None:
        self.moves[intent.request.client_id] = intent

    async def open_transfers(self) -> tuple[TransferIntent, ...]:
        return tuple(intent for intent in self.moves.values() if intent.stage not in ENDED)

    async def transfers_since(self, at: Millis) -> tuple[TransferIntent, ...]:
        return tuple(intent for intent in self.moves.values() if intent.written_at >= at)

    async def record(self, record: CycleRecord, *, keep: bool) -> int:
        self.memories[record.hedge] = record.memory
        return int(keep)

    async def command(self, command: Command) -> None:
        self.ordered += (command,)

    async def commands(self) -> tuple[Command, ...]:
        return self.ordered

    async def memory(self, hedge: str) -> Memory | None:
        return self.memories.get(hedge)

    async def close(self) -> None:
        """Nothing is open."""


def load(path: Path, since: Millis) -> ReadOnlyJournal:
    """What the journal at ``path`` knows, in one consistent view; empty where there is none.

    A daemon that writes it meanwhile is not disturbed. Raises ``JournalError``.
    """
    if not path.exists():
        return ReadOnlyJournal()
    try:
        uri = f"{path.as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)) as db:
            db.execute("BEGIN")
            return ReadOnlyJournal() if schema.is_blank(db, path) else _loaded(db, since)
    except sqlite3.Error as cause:
        raise failure(path, cause) from cause


def _loaded(db: sqlite3.Connection, since: Millis) -> ReadOnlyJournal:
    start = db.execute("SELECT instance, epoch FROM starts ORDER BY id DESC LIMIT 1").fetchone()
    instance, epoch = start or (0, 0)
    orders = (*intents.since(db, since), *intents.unresolved(db))
    moves = (*transfers.since(db, since), *transfers.unresolved(db)) if schema.has_transfers(db) else ()
    bodies = db.execute("SELECT body FROM commands ORDER BY id")
    return ReadOnlyJournal(
        instance,
        epoch,
        orders={intent.request.client_id: intent for intent in orders},
        ordered=tuple(decode(Command, body) for (body,) in bodies),
        memories=cycles.memories(db),
        moves={intent.request.client_id: intent for intent in moves},
    )
