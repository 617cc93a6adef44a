"""What we ask of the world. Edges implement these; stages and tests know nothing else of it.

Every method may raise only errors of ``hedgebot.errors``; a read that fails raises ``ReadError``
and is never an empty answer. Writes do not raise for doubtful replies: they return an ``Outcome``.
"""

from collections.abc import Sequence
from typing import Protocol

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, Needs, Sighting
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Identified, Intent, OrderRequest, Outcome
from hedgebot.domain.records import Command, CycleRecord, Memory
from hedgebot.domain.signals import Candle, Wanted
from hedgebot.domain.transfers import TransferIntent, TransferRequest, TransferSighting
from hedgebot.domain.units import Millis, Price


class Clock(Protocol):
    """Time, the only source of it."""

    def now_ms(self) -> Millis:
        """Wall-clock time, for records and people; may step."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back, for every interval and deadline."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Account(Protocol):
    """One account on one exchange: reads that are complete or fail, writes that are sent once."""

    @property
    def name(self) -> str: ...

    async def read(self, needs: Needs) -> AccountReading:
        """Everything a decision needs of this account, read concurrently. Raises ``ReadError``."""
        ...

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        """The contracts that settle in a coin, as listed an hour ago at most, or listed once. Raises
        ``ReadError``."""
        ...

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        """Fills and funding since an instant, oldest first. Raises ``ReadError``."""
        ...

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        """Bars of an hour or a day (UTC) that have ended, from ``since`` on, oldest first; at most 750.

        Raises ``ReadError``."""
        ...

    async def spot_price(self, asset: str) -> Price:
        """What a coin costs now on the exchange's own spot market against tether: between best bid and offer.

        Raises ``ReadError``."""
        ...

    async def key_scope(self) -> KeyScope:
        """What our key may do, asked of the exchange now. Raises ``ReadError``, ``CredentialsError``."""
        ...

    async def place(self, order: OrderRequest) -> Outcome:
        """Send one order exactly once."""
        ...

    async def cancel(self, order: Identified) -> Outcome:
        """Ask for the order with this client id to be cancelled."""
        ...

    async def find(self, order: OrderRequest, written: Millis = Millis(0), /) -> Sighting:
        """Look an order up by its client id, on every endpoint that may know it. Where one is searched by
        time, ``written``, when by our clock the order was about to leave, says around when; 0 is whenever.

        Raises ``ReadError``, and ``UnlistedError`` for an order in a contract that is not listed."""
        ...

    async def transfer(self, request: TransferRequest) -> Outcome:
        """Ask once for coins to be moved between two pockets."""
        ...

    async def find_transfer(self, request: TransferRequest, since: Millis, /) -> TransferSighting:
        """Look for a transfer made at or after an instant of ours. Raises ``ReadError``."""
        ...

    async def set_leverage(
        self, symbol: str, leverage: str, margin_mode: MarginMode | None = None, /
    ) -> Outcome:
        """Set a leg's leverage in a margin mode; only ever asked for while the leg is flat."""
        ...

    async def close(self) -> None: ...


class RatioSource(Protocol):
    """Where another program says which ratio it wants."""

    async def read(self) -> Wanted:
        """Its word as it stands now, however old. Raises ``ReadError``."""
        ...


class Journal(Protocol):
    """What we meant, durably: append-only, one writer. Raises ``JournalError``; then nothing is sent."""

    @property
    def instance(self) -> int:
        """20 bits drawn when the journal was created; part of every client order id."""
        ...

    @property
    def epoch(self) -> int:
        """15 bits counting the starts on this journal."""
        ...

    async def next_intent(self) -> int:
        """A number never given before in this epoch (28 bits)."""
        ...

    async def reserve(self, intent: Intent, record: CycleRecord | None = None) -> int:
        """Write an intent durably, before its request leaves. Refused while its leg has one open.

        With it goes the ``record`` of the cycle that decided on it, which never expires: both are written or
        neither. Returns that record's number, 0 without one."""
        ...

    async def resolve(self, intent: Intent) -> None:
        """Write an intent's new state durably."""
        ...

    async def open_intents(self) -> tuple[Intent, ...]:
        """Intents in no final stage, oldest first; also those of earlier runs."""
        ...

    async def intents_since(self, at: Millis) -> tuple[Intent, ...]:
        """All intents written since an instant, oldest first."""
        ...

    async def reserve_transfer(self, intent: TransferIntent, record: CycleRecord | None = None) -> int:
        """Write a transfer durably, before its request leaves, as ``reserve`` does an order. Refused while
        another one between its two pockets is open."""
        ...

    async def resolve_transfer(self, intent: TransferIntent) -> None:
        """Write a transfer's new state durably."""
        ...

    async def open_transfers(self) -> tuple[TransferIntent, ...]:
        """Transfers in no final stage, oldest first; also those of earlier runs."""
        ...

    async def transfers_since(self, at: Millis) -> tuple[TransferIntent, ...]:
        """All transfers written since an instant, oldest first."""
        ...

    async def record(self, record: CycleRecord, *, keep: bool) -> int:
        """Append a cycle's record and return its number; ``keep`` marks one that never expires."""
        ...

    async def command(self, command: Command) -> None:
        """Write an operator's command durably, before it takes effect."""
        ...

    async def commands(self) -> tuple[Command, ...]: ...

    async def memory(self, hedge: str) -> Memory | None:
        """What the last record of a hedge remembered; None before the first."""
        ...

    async def close(self) -> None: ...
