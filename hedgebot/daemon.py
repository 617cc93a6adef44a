"""The running daemon: one loop a hedge, the operator's commands, and the status of it all."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import structlog

from hedgebot import __version__
from hedgebot.cycle import Cycle
from hedgebot.domain.decision import Assessment, Finding, Permission
from hedgebot.domain.orders import Intent
from hedgebot.domain.records import Command, CycleRecord, State, Verb
from hedgebot.domain.status import Body, body, iso, moving
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis
from hedgebot.errors import HedgebotError, JournalError
from hedgebot.history import History, Record
from hedgebot.planning import target
from hedgebot.ports import Clock, Journal

log = structlog.get_logger("hedgebot.daemon")

HEALTHY_SECONDS = 30.0

ROUNDING = 1e-6
"""Seconds; a loop that wakes so little before its tick does not wait for it again."""

FAILURES = 3
"""Cycles that failed in a row, at which somebody is told."""

CycleEnded = Callable[
    [CycleRecord, tuple[Intent, ...], tuple[Intent, ...], tuple[TransferIntent, ...], float], None
]
"""Told after each cycle: its record, the orders that ended in it, those still open, the transfers that ended
in it, its seconds."""

Chore = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Done beside the loops until the event is set; never fails."""


class CommandError(HedgebotError):
    """A command that cannot be carried out: an unknown hedge, a ratio out of bounds."""


@dataclass
class Watch:
    """When a hedge's loop last finished a cycle, how many it began, how many of the last failed, whether it
    ever saw what it can trust; and when an operator last ordered something."""

    ended: float
    count: int = 0
    failed: int = 0
    ordered: float = float("-inf")
    ready: bool = False
    nudge: asyncio.Event = field(default_factory=asyncio.Event)


class Daemon:
    """Keeps every hedge's cycle turning. Nothing that one hedge meets stops another's loop."""

    def __init__(
        self,
        mode: str,
        interval: float,
        cycles: Mapping[str, Cycle],
        journal: Journal,
        clock: Clock,
        ended: CycleEnded = lambda *_: None,
        chores: Sequence[Chore] = (),
    ) -> None:
        self.mode = mode
        self.cycles = cycles
        self._interval = interval
        self._journal = journal
        self._clock = clock
        self._ended = ended
        self._chores = chores
        self._watches = {name: Watch(clock.monotonic()) for name in cycles}
        self._patience = max(3 * interval, HEALTHY_SECONDS)
        self._histories = {name: History(round(self._patience * 1000)) for name in cycles}

    async def run(self, stop: asyncio.Event, alive: Callable[[], None] = lambda: None) -> None:
        """Turn every loop, with the chores beside, until ``stop``; the cycle under way is finished first.

        ``alive`` is called after each cycle that ended, unless some other loop no longer ends its own.
        """
        async with asyncio.TaskGroup() as group:
            for name, cycle in self.cycles.items():
                group.create_task(self._keep(name, cycle, stop, alive), name=f"hedge {name}")
            for chore in self._chores:
                group.create_task(chore(stop))

    async def _keep(self, name: str, cycle: Cycle, stop: asyncio.Event, alive: Callable[[], None]) -> None:
        while not stop.is_set():
            started = self._clock.monotonic()
            # Cycles begin on a grid common to all hedges, so that those on one account share its reading.
            tick = (started + ROUNDING) // self._interval * self._interval
            since = max(min(tick, started), self._watches[name].ordered)
            if await self._turn(name, cycle, since, started) and self.healthy():
                alive()
            await self._wait(name, tick + self._interval, stop)

    async def _turn(self, name: str, cycle: Cycle, since: float, started: float) -> bool:
        """One cycle; whether it ended."""
        watch = self._watches[name]
        watch.count += 1
        with structlog.contextvars.bound_contextvars(cycle=f"{name}-{watch.count}"):
            try:
                record = await cycle.run(since)
                self._histories[name].add(cycle.state.number, record)
                self._tell(cycle, record, started)
            except Exception as error:
                # A fault of our own must not end the watch over the hedge: it acts on nothing and says so.
                log.exception("cycle failed", hedge=name)
                self._failed(name, cycle, started, type(error).__name__)
                return False
        watch.failed, watch.ended = 0, self._clock.monotonic()
        watch.ready = watch.ready or record.state not in {State.STARTING, State.BLIND}
        return True

    def _tell(self, cycle: Cycle, record: CycleRecord, started: float) -> None:
        state, seconds = cycle.state, self._clock.monotonic() - started
        self._ended(record, tuple(state.closed), state.open, tuple(state.moved), seconds)

    def _failed(self, name: str, cycle: Cycle, started: float, fault: str) -> None:
        """Count a cycle that failed; from the third in a row on the status and an alarm say so."""
        watch, state = self._watches[name], cycle.state
        watch.failed += 1
        if watch.failed < FAILURES:
            return
        reason = f"the last {watch.failed} cycles failed by a fault of hedgebot's own: {fault}"
        try:
            state.last = _faulty(cycle, reason, self._clock.now_ms())
            self._tell(cycle, state.last, started)
        except Exception:
            log.exception("nobody is told that cycles fail", hedge=name)

    async def _wait(self, name: str, until: float, stop: asyncio.Event) -> None:
        """Until the next tick, a command, or the end."""
        nudge = self._watches[name].nudge
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(event.wait()) for event in (stop, nudge)]
        waits.append(asyncio.create_task(self._clock.sleep(max(0.0, until - self._clock.monotonic()))))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        nudge.clear()

    def healthy(self) -> bool:
        """Whether every loop ended a cycle, blind or not, within max(3 intervals, 30 s)."""
        oldest = min((watch.ended for watch in self._watches.values()), default=self._clock.monotonic())
        return self._clock.monotonic() - oldest <= self._patience

    def ready(self) -> bool:
        """Whether every hedge has seen a coherent snapshot and has nothing unresolved."""
        return all(w.ready for w in self._watches.values()) and not any(
            cycle.state.open or cycle.state.moving for cycle in self.cycles.values()
        )

    def status(self) -> dict[str, Any]:
        """The status object of design.md section 6; plain JSON values."""
        hedges = {name: self._hedge_status(name, cycle) for name, cycle in self.cycles.items()}
        return {
            "schema": 1,
            "mode": self.mode,
            "version": __version__,
            "stale_after_s": self._patience,
            "hedges": hedges,
        }

    def remember(self, name: str, past: Iterable[tuple[int, Record]]) -> None:
        """Begin a hedge's history with numbered cycles of earlier runs, oldest first."""
        for number, record in past:
            self._histories[name].add(number, record)

    def history(self, name: str, hours: float) -> dict[str, Any]:
        """A hedge's last hours: the series for charts, its last decisions. Raises ``KeyError``."""
        return {"schema": 1, "hedge": name, **self._histories[name].told(hours)}

    def _hedge_status(self, name: str, cycle: Cycle) -> dict[str, Any]:
        record = cycle.state.last
        also = {
            "paused": cycle.state.control.paused,
            "transfers": [moving(transfer) for transfer in cycle.state.moving],
            "last_act": self._histories[name].last_act,
        }
        if record is None:
            return {**_starting(cycle), **also, "last_cycle": None}
        last = {
            "id": cycle.state.number,
            "at": iso(record.at),
            "age_s": round(self._clock.monotonic() - self._watches[name].ended, 1),
            "reason": record.reason,
            "acted": record.acted,
        }
        return {**record.body, **also, "last_cycle": last}

    async def command(self, hedge: str | None, verb: Verb, ratio: Decimal | None, who: str) -> list[str]:
        """Journal an operator's command and let it take effect now. Returns the hedges that it concerns.

        Raises ``CommandError`` for what cannot be done, ``JournalError`` where it cannot be kept.
        """
        ordered, names = self._clock.monotonic(), list(self.cycles) if hedge is None else [hedge]
        for name in names:
            self._check(name, verb, ratio)
        for name in names:
            cycle = self.cycles[name]
            command = Command(name, verb, ratio, who, self._clock.now_ms())
            try:
                await self._journal.command(command)
            except JournalError as error:
                cycle.state.fail(error)  # it may be written all the same: the next cycle reads what is
                raise
            cycle.state.control = cycle.state.control.after(command)
            log.info(
                "command", hedge=name, verb=verb.value, ratio=None if ratio is None else str(ratio), who=who
            )
            self._watches[name].ordered = ordered
            self._watches[name].nudge.set()
        return names

    def _check(self, name: str, verb: Verb, ratio: Decimal | None) -> None:
        if name not in self.cycles:
            raise CommandError(f'there is no hedge "{name}"', f"There are: {', '.join(self.cycles)}")
        hedge = self.cycles[name].hedge
        if verb is Verb.UNWIND and (ratio is None or not 0 <= ratio <= 1):
            raise CommandError("unwind needs a ratio from 0 to 1")
        if verb is Verb.RATIO and ratio is not None and not hedge.min_ratio <= ratio <= hedge.max_ratio:
            bounds = f"{hedge.min_ratio} to {hedge.max_ratio}"
            raise CommandError(
                f"{name} accepts ratios from {bounds}, not {ratio}", "Change its bounds in the config"
            )


def _starting(cycle: Cycle) -> Body:
    """The status before the first cycle ended: every key, and what the journal remembers."""
    hedge, state = cycle.hedge, cycle.state
    wanted = target(hedge, state.control, state.memory)
    return body(hedge, State.STARTING.value, wanted, state.memory, Assessment(()), state.measured)


def _faulty(cycle: Cycle, reason: str, at: Millis) -> CycleRecord:
    """What is known of a hedge whose cycles fail: that nothing is decided for it."""
    hedge, state = cycle.hedge, cycle.state
    step = "See the log and restart; until then the hedge stays as it is"
    finding = Finding("cycle", Permission.NONE, "failed", "", reason, step, alarms=True)
    wanted = target(hedge, state.control, state.memory)
    shown = body(hedge, State.BLIND.value, wanted, state.memory, Assessment((finding,)), state.measured)
    return CycleRecord(hedge.name, at, State.BLIND, reason, False, shown, state.memory)
