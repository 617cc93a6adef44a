"""The only ways out of the daemon: its accounts and its journal. Shut at one instant, they make a kill.

Everything that passes is told to whoever watches, and meets the troubles that stand in its way: each is
given the call and the rest of its way, the first outermost. On ``apart`` accounts a request, once it has
left, goes on whatever becomes of the daemon, as on a network.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, Needs, Sighting
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Identified, Intent, OrderRequest, Outcome
from hedgebot.domain.records import Command, CycleRecord, Memory
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import TransferIntent, TransferRequest, TransferSighting
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import HedgebotError
from hedgebot.ports import Account, Journal
from tests.campaign.loop import apart

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A method called at a gate, with what it was given."""

    name: str
    given: Any = None


Way = Callable[[], Awaitable[Any]]
Obstacle = Callable[[Call, Way], Awaitable[Any]]
"""What stands in a call's way: it may go on, or not, sooner or later, and answer as it likes."""

Watcher = Callable[[Call, str, Any], None]
"""Told of each call when it is ``"asked"``, and with what it was ``"answered"`` or ``"failed"``, or that it
was ``"abandoned"``."""


class Gate:
    """What can be shut. After that nothing that is called has an effect, and nobody is told of it."""

    def __init__(self, obstacles: Sequence[Obstacle], watch: Watcher) -> None:
        self.open = True
        self._obstacles = obstacles
        self._watch = watch

    async def pass_through(self, call: Call, way: Way) -> Any:
        """``way``'s result, once every obstacle has let the call go on."""
        self._tell(call, "asked", None)
        try:
            result = await self._carry(call, way)
        except HedgebotError as error:
            self._tell(call, "failed", error)
            raise
        except BaseException:  # a time-out of the caller's, or his end
            self._tell(call, "abandoned", None)
            raise
        self._tell(call, "answered", result)
        return result

    def _tell(self, call: Call, what: str, result: Any) -> None:
        """Raises ``CancelledError`` when the gate is shut: whoever called is being killed."""
        if self.open:
            self._watch(call, what, result)
        if not self.open:
            raise asyncio.CancelledError

    async def _carry(self, call: Call, way: Way) -> Any:
        for obstacle in reversed(self._obstacles):
            way = partial(obstacle, call, way)
        return await way()


class AccountGate(Gate):
    """The port ``Account`` before another one."""

    def __init__(self, account: Account, obstacles: Sequence[Obstacle], watch: Watcher, *, far: bool) -> None:
        super().__init__(obstacles, watch)
        self._account = account
        self._far = far

    @property
    def name(self) -> str:
        return self._account.name

    async def _carry(self, call: Call, way: Way) -> Any:
        if not self._far:
            return await super()._carry(call, way)
        request: asyncio.Task[Any] = apart(_awaited(super()._carry(call, way)))
        request.add_done_callback(_heard)
        return await asyncio.shield(request)

    async def read(self, needs: Needs) -> AccountReading:
        read: AccountReading = await self.pass_through(Call("read", needs), lambda: self._account.read(needs))
        return read

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        return await self._account.contracts(asset)

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        way = partial(self._account.ledger, symbols, since)
        ledger: Ledger = await self.pass_through(Call("ledger"), way)
        return ledger

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        way = partial(self._account.candles, symbol, bar_ms, since)
        candles: tuple[Candle, ...] = await self.pass_through(Call("candles"), way)
        return candles

    async def spot_price(self, asset: str) -> Price:
        way = partial(self._account.spot_price, asset)
        price: Price = await self.pass_through(Call("spot_price"), way)
        return price

    async def key_scope(self) -> KeyScope:
        scope: KeyScope = await self.pass_through(Call("key_scope"), self._account.key_scope)
        return scope

    async def place(self, order: OrderRequest) -> Outcome:
        way = partial(self._account.place, order)
        outcome: Outcome = await self.pass_through(Call("place", order), way)
        return outcome

    async def cancel(self, order: Identified) -> Outcome:
        way = partial(self._account.cancel, order)
        outcome: Outcome = await self.pass_through(Call("cancel", order), way)
        return outcome

    async def find(self, order: OrderRequest, written: Millis = Millis(0), /) -> Sighting:
        way = partial(self._account.find, order, written)
        sighting: Sighting = await self.pass_through(Call("find", order), way)
        return sighting

    async def transfer(self, request: TransferRequest) -> Outcome:
        way = partial(self._account.transfer, request)
        outcome: Outcome = await self.pass_through(Call("transfer", request), way)
        return outcome

    async def find_transfer(self, request: TransferRequest, since: Millis) -> TransferSighting:
        way = partial(self._account.find_transfer, request, since)
        sighting: TransferSighting = await self.pass_through(Call("find_transfer", request), way)
        return sighting

    async def set_leverage(
        self, symbol: str, leverage: str, margin_mode: MarginMode | None = None, /
    ) -> Outcome:
        way = partial(self._account.set_leverage, symbol, leverage, margin_mode)
        outcome: Outcome = await self.pass_through(Call("set_leverage", leverage), way)
        return outcome

    async def close(self) -> None:
        await self._account.close()


class JournalGate(Gate):
    """The port ``Journal`` before another one."""

    def __init__(self, journal: Journal, obstacles: Sequence[Obstacle], watch: Watcher) -> None:
        super().__init__(obstacles, watch)
        self._journal = journal

    @property
    def instance(self) -> int:
        return self._journal.instance

    @property
    def epoch(self) -> int:
        return self._journal.epoch

    async def next_intent(self) -> int:
        number: int = await self.pass_through(Call("next_intent"), self._journal.next_intent)
        return number

    async def reserve(self, intent: Intent, record: CycleRecord | None = None) -> int:
        way = partial(self._journal.reserve, intent, record)
        number: int = await self.pass_through(Call("reserve", intent), way)
        return number

    async def resolve(self, intent: Intent) -> None:
        await self.pass_through(Call("resolve", intent), lambda: self._journal.resolve(intent))

    async def open_intents(self) -> tuple[Intent, ...]:
        intents: tuple[Intent, ...] = await self.pass_through(
            Call("open_intents"), self._journal.open_intents
        )
        return intents

    async def intents_since(self, at: Millis) -> tuple[Intent, ...]:
        way = partial(self._journal.intents_since, at)
        intents: tuple[Intent, ...] = await self.pass_through(Call("intents_since"), way)
        return intents

    async def reserve_transfer(self, intent: TransferIntent, record: CycleRecord | None = None) -> int:
        way = partial(self._journal.reserve_transfer, intent, record)
        number: int = await self.pass_through(Call("reserve_transfer", intent), way)
        return number

    async def resolve_transfer(self, intent: TransferIntent) -> None:
        way = partial(self._journal.resolve_transfer, intent)
        await self.pass_through(Call("resolve_transfer", intent), way)

    async def open_transfers(self) -> tuple[TransferIntent, ...]:
        return await self._journal.open_transfers()

    async def transfers_since(self, at: Millis) -> tuple[TransferIntent, ...]:
        return await self._journal.transfers_since(at)

    async def record(self, record: CycleRecord, *, keep: bool) -> int:
        way = partial(self._journal.record, record, keep=keep)
        number: int = await self.pass_through(Call("record", record), way)
        return number

    async def command(self, command: Command) -> None:
        await self.pass_through(Call("command", command), lambda: self._journal.command(command))

    async def commands(self) -> tuple[Command, ...]:
        commands: tuple[Command, ...] = await self.pass_through(Call("commands"), self._journal.commands)
        return commands

    async def memory(self, hedge: str) -> Memory | None:
        way = partial(self._journal.memory, hedge)
        memory: Memory | None = await self.pass_through(Call("memory"), way)
        return memory

    async def close(self) -> None:
        await self._journal.close()


def _awaited(way: Awaitable[T]) -> Coroutine[Any, Any, T]:
    async def wait() -> T:
        return await way

    return wait()


def _heard(request: asyncio.Task[Any]) -> None:
    """An answer that nobody waits for any more is no fault."""
    if not request.cancelled():
        request.exception()
