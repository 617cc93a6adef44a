"""One scene on two exchanges at once: one is read through ccxt, the other through the port account."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from hedgebot.domain.account import AccountReading, Ledger, Needs, Sighting
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import Fate, OrderRequest, Outcome
from hedgebot.domain.units import Millis
from hedgebot.errors import HedgebotError
from hedgebot.ports import Account
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import level
from hedgebot.sim.port import HOUSES, PortAccount
from hedgebot.sim.virtual import EPOCH_MS, VirtualClock, run
from tests.exchange.kit import Bench, Setup, Venue, bench

T = TypeVar("T")
Ask = Callable[[Account], Awaitable[T]]

ROUNDING = Decimal("1e-12")
TIMING = {AccountReading: {"started", "ended", "exchange_offset_ms"}, Quote: {"at"}}
HELD_MS = 1000  # what a rate limiter may hold a read; lags of tests differ by more
BREATH = 60.0
"""Seconds after each step: real requests pass a rate limiter, which is full again by then."""


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Fields in which two values differ by more than rounding hides."""
    if isinstance(one, Quote) and isinstance(other, Quote) and abs(one.at - other.at) > HELD_MS:
        yield f"{where}.at: {one.at} through ccxt, {other.at} through the port"
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        names = {each.name for each in dataclasses.fields(one)} - TIMING.get(type(one), set())
        for name in names:
            yield from differences(getattr(one, name), getattr(other, name), f"{where}.{name}")
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{where}[{i}]")
    elif isinstance(one, Decimal) and isinstance(other, Decimal):
        if abs(one - other) > ROUNDING:
            yield f"{where}: {one} through ccxt, {other} through the port"
    elif one != other:
        yield f"{where}: {one} through ccxt, {other} through the port"


@dataclass
class Twins:
    """``real`` is the exchange behind ccxt; ``exchange`` is that of ``port``."""

    real: Bench
    exchange: SimulatedExchange
    port: PortAccount
    sent: list[OrderRequest] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        return self.real.venue.symbol

    @property
    def native(self) -> str:
        return self.real.venue.native

    def both(self, act: Callable[[SimulatedExchange], Any]) -> None:
        """Something happens on both exchanges at once."""
        act(self.real.exchange)
        act(self.exchange)

    def price(self, usd: int) -> None:
        self.both(lambda exchange: exchange.change_feed(self.native, path=level(usd)))

    async def rest(self, seconds: float = BREATH) -> None:
        await self.real.clock.sleep(seconds)

    async def answers(self, ask: Ask[T]) -> list[T | HedgebotError]:
        """What both accounts answer at the same time, the real one first, or their errors."""
        asked = (_answer(ask(account)) for account in (self.real.account, self.port))
        answers = await asyncio.gather(*asked)
        await self.rest()
        return answers

    async def same(self, ask: Ask[T]) -> T | HedgebotError:
        """What both accounts answer alike; of errors their kind."""
        real, port = await self.answers(ask)
        if isinstance(port, HedgebotError):
            assert isinstance(real, type(port)), (real, port)
        else:
            assert list(differences(real, port)) == []
        return port

    async def read(self) -> AccountReading | HedgebotError:
        """The usual reading, or why there is none."""
        return await self.same(lambda account: account.read(self.real.needs))

    async def reading(self, needs: Needs | None = None) -> AccountReading:
        reading = await self.same(lambda account: account.read(needs or self.real.needs))
        assert isinstance(reading, AccountReading), reading
        return reading

    async def place(self, usd: int, **order: str) -> Fate:
        """The same order on both, to the same effect."""
        request = self.real.order(usd, **order)
        self.sent.append(request)
        return await self.fate(lambda account: account.place(request))

    async def set_leverage(self, leverage: str) -> Fate:
        mode = self.real.margin_mode
        return await self.fate(lambda account: account.set_leverage(self.symbol, leverage, mode))

    async def fate(self, write: Ask[Outcome]) -> Fate:
        """What became of the same request, by whose name the exchange knows it."""
        outcomes = [answer for answer in await self.answers(write) if isinstance(answer, Outcome)]
        real, port = ((outcome.fate, outcome.order_id) for outcome in outcomes)
        assert real == port, outcomes
        return port[0]

    async def find(self, order: OrderRequest) -> Sighting:
        sighting = await self.same(lambda account: account.find(order))
        assert isinstance(sighting, Sighting), sighting
        return sighting

    async def ledger(self, since: int = EPOCH_MS) -> Ledger:
        ledger = await self.same(lambda account: account.ledger([self.symbol], Millis(since)))
        assert isinstance(ledger, Ledger), ledger
        return ledger

    async def agree(self) -> AccountReading:
        """Readings, ledgers, all orders sent so far and what truly happened are equal."""
        await self.ledger()
        for request in self.sent:
            await self.same(partial(_find, request))
        assert self.real.exchange.events("main") == self.exchange.events("main")
        return await self.reading()


def _find(order: OrderRequest, account: Account) -> Awaitable[Sighting]:
    return account.find(order)


async def _answer(awaited: Awaitable[T]) -> T | HedgebotError:
    try:
        return await awaited
    except HedgebotError as error:
        return error


def play(act: Callable[[Twins], Awaitable[None]], venue: Venue, **setup: Any) -> None:
    """Run one scene on both exchanges, in virtual time."""

    async def main(clock: VirtualClock) -> None:
        made = Setup(latency=0, **setup)
        async with bench(clock, venue, made) as real, bench(clock, venue, made) as twin:
            house = HOUSES[venue.name]
            await act(Twins(real, twin.exchange, PortAccount(twin.exchange, "main", clock, house)))

    run(main)
