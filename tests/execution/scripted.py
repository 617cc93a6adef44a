"""An account that answers as it is told, and a journal that remembers what it was given."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from hedgebot.domain.account import Sighting
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Identified, Intent, OrderRequest, Outcome
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis
from hedgebot.errors import HedgebotError
from hedgebot.ports import Account, Journal

DONE = Outcome(Fate.ACCEPTED, "done", "e-1")


@dataclass
class Scripted:
    """Each call takes ``seconds``; ``asked`` is what was called, with what."""

    seconds: float = 0.0
    outcome: Outcome = DONE
    sightings: Iterator[Sighting | HedgebotError] = field(default_factory=lambda: iter(()))
    refusal: HedgebotError | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)
    since: list[Millis] = field(default_factory=list)

    async def place(self, order: OrderRequest) -> Outcome:
        return await self._answer("place", order)

    async def set_leverage(self, symbol: str, leverage: str, mode: MarginMode | None, /) -> Outcome:
        return await self._answer("set_leverage", symbol, leverage, mode)

    async def cancel(self, order: Identified) -> Outcome:
        return await self._answer("cancel", order.client_id)

    async def find(self, order: OrderRequest, written: Millis = Millis(0), /) -> Sighting:
        self.since.append(written)
        await self._answer("find", order.client_id)
        sighting = next(self.sightings)
        if isinstance(sighting, HedgebotError):
            raise sighting
        return sighting

    async def _answer(self, *asked: object) -> Outcome:
        self.asked.append(asked)
        await asyncio.sleep(self.seconds)
        if self.refusal is not None:
            raise self.refusal
        return self.outcome


@dataclass
class Written:
    """What was resolved, in order; ``heard`` is called each time."""

    instance: int = 7
    epoch: int = 3
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(41, 99)))
    resolved: list[Intent | TransferIntent] = field(default_factory=list)
    heard: Callable[[Intent], None] = lambda _: None

    async def next_intent(self) -> int:
        return next(self.numbers)

    async def resolve(self, intent: Intent) -> None:
        self.heard(intent)
        self.resolved.append(intent)

    async def resolve_transfer(self, intent: TransferIntent) -> None:
        self.resolved.append(intent)


def account(scripted: Scripted) -> dict[str, Account]:
    return {"main": cast(Account, scripted)}


def journal(written: Written) -> Journal:
    return cast(Journal, written)
