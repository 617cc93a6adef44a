"""What the journal's tests share: a clock set by hand, orders and records as the daemon would write them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar, TypeVarTuple

from hedgebot.domain.orders import Intent, OrderRequest, Stage
from hedgebot.domain.records import Command, CycleRecord, Memory, State, Verb
from hedgebot.domain.units import Coin, Contracts, Millis, Price
from hedgebot.journal.sqlite import SqliteJournal
from hedgebot.ports import Journal

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
NOW = Millis(1_795_240_800_000)
KEEP = timedelta(days=30)
LEG = "BTC/USD:BTC"


@dataclass
class ManualClock:
    """A clock that stands still until a test moves it."""

    ms: int = NOW

    def now_ms(self) -> Millis:
        return Millis(self.ms)

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
        await asyncio.sleep(0)


async def open_sqlite(
    path: Path, clock: ManualClock | None = None, keep: timedelta = KEEP, settle: float = 0.0
) -> SqliteJournal:
    clock = clock or ManualClock()
    return await SqliteJournal.open(path, clock=clock, rng=Random(7), keep=keep, settle=settle)


def order(number: int, *, symbol: str = LEG, client_id: str = "", at: int = NOW) -> Intent:
    """A reserved sale; its client order id is made of its number unless given."""
    request = OrderRequest(
        client_id or f"hb{number:013d}",
        "main",
        symbol,
        Contracts.of(-100),
        Price.of("60000.5"),
        reduce_only=False,
    )
    return Intent(
        number,
        "btc",
        request,
        Contracts.of(-59_900),
        Decimal(1),
        "below target",
        correction=False,
        written_at=Millis(at),
    )


def cycle(
    at: int = NOW, *, hedge: str = "btc", reason: str = "inside the band", body: Any = None
) -> CycleRecord:
    memory = Memory(
        held=Coin.of("1.0"), contracts=((f"main:{LEG}", Contracts.of(-59_946)),), ledger_at=Millis(at)
    )
    return CycleRecord(
        hedge, Millis(at), State.HEDGED, reason, acted=False, body=body or {"n": at}, memory=memory
    )


def status(rng: Random, at: int) -> dict[str, Any]:
    """A hedge's status, as the public interface shows it, in which a moving price changed every figure."""
    fine = Decimal("1e-12")
    mark, sold = Decimal(rng.randrange(5_900_000, 6_100_000)) / 100, Decimal("0.9991")
    short = (59946 / mark).quantize(fine)
    leg = {
        "account": "main", "symbol": LEG, "contracts": "-59946", "notional_usd": "59946",
        "entry_price": "60000", "mark_price": str(mark), "liquidation_price": "148346",
        "liquidation_distance": str((148346 / mark - 1).quantize(fine)),
        "leverage": str((short / Decimal("0.6")).quantize(fine)), "funding_rate": "0.0001",
        "funding_interval_h": 8, "next_funding_at": "2026-11-21T08:00:00Z",
    }  # fmt: skip
    guards = ("coherence", "in_flight", "account_mode", "foreign", "jump", "limits", "clock")
    findings = [
        {"guard": guard, "permission": "any", "measured": str(rng.randrange(900)), "limit": "1000",
         "reason": "within its limit", "next_step": ""}
        for guard in guards
    ]  # fmt: skip
    return {
        "state": "hedged", "asset": "BTC", "target_ratio": "1", "ratio": "0.9991", "band": "0.02",
        "spot": "0.4", "collateral": "0.6", "held": "1.0", "sold": str(sold),
        "unrealized_pnl": str(short - sold), "exposure": str(1 + short - sold), "short": str(short),
        "net": "0.0009", "value_usd": str((mark * (1 + short - sold)).quantize(fine)),
        "funding_coins": "0", "fees_coins": "0.0005", "since": "2026-11-20T05:00:00Z",
        "legs": [leg], "findings": findings,
        "last_cycle": {"at": at, "duration_ms": rng.randrange(40, 90), "acted": False},
    }  # fmt: skip


async def use(journal: Journal, number: int) -> None:
    """One write of each kind."""
    await journal.reserve(order(number))
    await journal.resolve(order(number).moved(Stage.CLOSED))
    await journal.record(cycle(), keep=True)
    await journal.command(Command("btc", Verb.PAUSE, None, "uid 1000", NOW))


def files(path: Path) -> list[Path]:
    """The database, its log and the index of that."""
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


def contents(path: Path) -> list[bytes]:
    """What the database and its log hold; nothing where there is none."""
    return [file.read_bytes() if file.exists() else b"" for file in files(path)[:2]]


def place(path: Path, data: bytes, log: bytes = b"") -> None:
    """Write a database and its log; SQLite makes the log's index anew."""
    for file, part in zip(files(path), (data, log, b""), strict=True):
        file.unlink(missing_ok=True)
        if part:
            file.write_bytes(part)


def size(file: Path) -> int:
    return file.stat().st_size


class InlineLoop(asyncio.SelectorEventLoop):
    """A loop that runs what is meant for another thread itself, as one in virtual time does."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        async def call() -> T:
            return func(*args)

        return self.create_task(call())
