"""Virtual time in which a simulated process can be stopped, continued, counted and killed at any step.

Whatever the daemon does runs in the context of its ``Process``: its tasks, its timers, what arrives for it.
The loop asks that process before it runs such a step; the exchange, the network and the troubles go on.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from heapq import heappush
from typing import Any, TypeVar, TypeVarTuple

from hedgebot.sim.virtual import VirtualLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_RUNNING: ContextVar["Process | None"] = ContextVar("process", default=None)


class Process:
    """One run of a program: everything that is started in its context. ``steps`` counts what it has run.

    ``on_step``, if set, is told the number of each step just before it runs.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.on_step: Callable[[int], None] | None = None
        self._held: list[asyncio.Handle] | None = None
        self._context = copy_context()
        self._context.run(_RUNNING.set, self)

    @property
    def context(self) -> Context:
        """What its tasks are to be started in."""
        return self._context

    def start(self, coro: Coroutine[Any, Any, T], name: str = "") -> "asyncio.Task[T]":
        """A task that belongs to the process."""
        return asyncio.get_running_loop().create_task(coro, name=name or None, context=self._context)

    @property
    def frozen(self) -> bool:
        return self._held is not None

    def freeze(self) -> None:
        """SIGSTOP: from now on nothing of it runs, while time passes for everybody else."""
        if self._held is None:
            self._held = []

    def thaw(self) -> None:
        """SIGCONT: all that was due meanwhile runs now, in its order."""
        held, self._held = self._held or [], None
        loop = asyncio.get_running_loop()
        for handle in held:
            if not handle.cancelled():
                loop.call_soon(handle._run, context=nobody())

    def admits(self, step: asyncio.Handle) -> bool:
        """Whether ``step`` may run now; a frozen process runs it later."""
        if self._held is not None:
            self._held.append(step)
            return False
        self.steps += 1
        if self.on_step is not None:
            self.on_step(self.steps)
        return True


def nobody() -> Context:
    """A context that belongs to no process."""
    context = copy_context()
    context.run(_RUNNING.set, None)
    return context


def apart(coro: Coroutine[Any, Any, T], name: str = "") -> "asyncio.Task[T]":
    """A task that belongs to no process, whoever starts it: a request on its way, a clerk of the exchange."""
    return asyncio.get_running_loop().create_task(coro, name=name or None, context=nobody())


class _Step(asyncio.Handle):
    _context: Context

    def _run(self) -> None:
        process = self._context.get(_RUNNING)
        if process is None or process.admits(self):
            super()._run()


class _TimedStep(asyncio.TimerHandle):
    _context: Context

    _scheduled: bool

    def _run(self) -> None:
        process = self._context.get(_RUNNING)
        if process is None or process.admits(self):
            super()._run()


class CampaignLoop(VirtualLoop):
    """A virtual loop that asks each step's process first."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def _call_soon(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.Handle:
        handle = _Step(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = _TimedStep(when, callback, args, self, context)
        heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer


def live(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``main`` to its end in virtual time and return its result.

    No garbage is collected meanwhile: when that happens hangs on what ran before, and the generators that it
    ends take steps.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=CampaignLoop) as runner:
            return runner.run(main())
    finally:
        gc.enable()
