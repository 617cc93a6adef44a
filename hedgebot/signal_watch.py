"""What the ratio policies and some guards follow: read beside the cycles, which never wait for it.

The cycles judge by what was known last, and by its age (``domain.readings``). What is not configured is not
asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from hedgebot.domain.account import LedgerEntry
from hedgebot.domain.funding import Budget, Paid, paid
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.instrument import is_dated, perpetual_of
from hedgebot.domain.policy import Signal, Steps
from hedgebot.domain.readings import AHEAD_MS
from hedgebot.domain.signals import NOTHING, Measured, Signals, SpotPrice, Told, Wanted, measured
from hedgebot.domain.units import Millis
from hedgebot.errors import HedgebotError, ReadError
from hedgebot.ports import Account, Clock, RatioSource

log = structlog.get_logger("hedgebot.signal_watch")

SOON = 60.0
"""Seconds until what failed is tried again."""

APPEARS = 30.0
"""Seconds that a bar which has ended may take to appear."""

BOOKS = 3600.0
"""Seconds between two readings of the ledger."""

MOST_READS = 100

POLL = 10.0
"""Seconds between two readings of another program's word."""

TICK = 30.0
"""Seconds between two readings of a spot price, also of one that failed."""

Read = Callable[[], Awaitable[tuple[Any, float]]]
"""Reads something anew: its value, and in how many seconds there will be news."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to read for a hedge; ``what`` names the field of its ``Signals``, in which each ``account``
    has its own where one is named. What failed is tried again after so many seconds."""

    hedge: str
    what: str
    read: Read
    account: str = ""
    again: float = SOON


class SignalWatch:
    """``signals`` holds what is known, by hedge; it is changed in place and never lacks one."""

    def __init__(
        self,
        hedges: Mapping[str, Hedge],
        accounts: Mapping[str, Account],
        sources: Mapping[str, RatioSource],
        clock: Clock,
        deadline: float,
    ) -> None:
        self.signals: dict[str, Signals] = dict.fromkeys(hedges, NOTHING)
        self._accounts = accounts
        self._clock = clock
        self._deadline = deadline
        errands = [errand for hedge in hedges.values() for errand in self._errands(hedge, sources)]
        self._due = dict.fromkeys(errands, clock.monotonic())

    def _errands(self, hedge: Hedge, sources: Mapping[str, RatioSource]) -> list[Errand]:
        found, policies = list[Errand](), hedge.policies
        steps = None if policies is None else policies.steps
        if steps is not None and steps.signal is not Signal.FUNDING:
            found.append(Errand(hedge.name, "market", partial(self._market, hedge, steps)))
        if hedge.funding is not None:
            found.append(Errand(hedge.name, "funding", partial(self._paid, hedge, hedge.funding)))
        if hedge.basis_max is not None:
            for name in dict.fromkeys(leg.account for leg in hedge.legs):
                found.append(Errand(hedge.name, "spot_prices", partial(self._spot, hedge, name), name, TICK))
        if (source := sources.get(hedge.name)) is not None:
            found.append(Errand(hedge.name, "wanted", partial(self._word, source)))
        return found

    async def keep(self, stop: asyncio.Event) -> None:
        """Read whatever is due, until ``stop``."""
        reading = asyncio.create_task(self._read_for_ever(), name="signals")
        try:
            await stop.wait()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def ask(self) -> None:
        """Read all that is due, at once; what fails is in ``signals`` and raises nothing."""
        now = self._clock.monotonic()
        await asyncio.gather(*(self._run(errand) for errand, due in self._due.items() if due <= now))

    async def _read_for_ever(self) -> None:
        while self._due:
            await self.ask()
            await self._clock.sleep(max(0.0, min(self._due.values()) - self._clock.monotonic()))

    async def _run(self, errand: Errand) -> None:
        """One reading; the last good value stays when it fails."""
        before = self._known(errand)
        value, news, problem = before.value, errand.again, ""
        try:
            async with asyncio.timeout(self._deadline):
                value, news = await errand.read()
        except HedgebotError as error:
            problem = str(error)
        except TimeoutError:
            problem = f"no answer within {self._deadline:g} s"
        except Exception:
            # A fault of our own must not end the watch over the hedges.
            log.exception("a signal was not read", hedge=errand.hedge, signal=errand.what)
            problem = "a fault of hedgebot's own, see the log"
        if problem and problem != before.problem:
            log.warning("a signal was not read", hedge=errand.hedge, signal=errand.what, reason=problem)
        self._learn(errand, Told(value, problem, asked=True))
        self._due[errand] = self._clock.monotonic() + news

    def _known(self, errand: Errand) -> Told[Any]:
        found: Any = getattr(self.signals[errand.hedge], errand.what)
        told: Told[Any] = found.get(errand.account, Told()) if errand.account else found
        return told

    def _learn(self, errand: Errand, told: Told[Any]) -> None:
        known = self.signals[errand.hedge]
        now: Any = {**getattr(known, errand.what), errand.account: told} if errand.account else told
        self.signals[errand.hedge] = replace(known, **{errand.what: now})

    async def _market(self, hedge: Hedge, steps: Steps) -> tuple[Measured, float]:
        """The signal from the first leg's bars. Raises ``ReadError``."""
        leg, now, bar = hedge.legs[0], self._clock.now_ms(), steps.bar_ms
        symbol = perpetual_of(leg.symbol)  # a dated contract is too young to have a past
        since = Millis(now // bar * bar - steps.window_ms - 2 * bar)
        candles = await self._accounts[leg.account].candles(symbol, bar, since)
        try:
            found = measured(steps, candles, now)
        except ValueError as cause:
            raise ReadError(f"{leg.name}: {cause}") from cause
        late = found.until < now // bar * bar
        return found, SOON if late else (bar - now % bar) / 1000 + APPEARS

    async def _paid(self, hedge: Hedge, budget: Budget) -> tuple[Paid, float]:
        """What the exchanges booked as funding over the windows. Raises ``ReadError``."""
        until = self._clock.now_ms()
        since, entries = Millis(until - max(budget.windows)), list[LedgerEntry]()
        for name in dict.fromkeys(leg.account for leg in hedge.legs):
            symbols = [leg.symbol for leg in hedge.legs if leg.account == name and not is_dated(leg.symbol)]
            entries += await _whole_ledger(self._accounts[name], symbols, since) if symbols else []
        return paid(entries, budget.windows, until), BOOKS

    async def _spot(self, hedge: Hedge, account: str) -> tuple[SpotPrice, float]:
        """Raises ``ReadError``."""
        asked_at = self._clock.monotonic()
        return SpotPrice(await self._accounts[account].spot_price(hedge.asset), asked_at), TICK

    async def _word(self, source: RatioSource) -> tuple[Wanted, float]:
        """Raises ``ReadError``, also for a word of the future: it must not replace one that holds."""
        word = await source.read()
        if (ahead := word.at - self._clock.now_ms()) > AHEAD_MS:
            raise ReadError(f"it is dated {ahead / 1000:.0f} s in the future")
        return word, POLL


async def _whole_ledger(account: Account, symbols: Sequence[str], since: Millis) -> list[LedgerEntry]:
    """All entries since an instant, however often it has to be asked. Raises ``ReadError``."""
    found = dict[str, LedgerEntry]()
    for _ in range(MOST_READS):
        ledger = await account.ledger(symbols, since)
        found |= {entry.id: entry for entry in ledger.entries}
        if ledger.complete or not ledger.entries or ledger.entries[-1].at <= since:
            return list(found.values())
        since = ledger.entries[-1].at
    raise ReadError(f"{account.name}: its ledger has no end")
