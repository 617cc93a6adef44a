"""Virtual time: an asyncio loop that jumps to its next timer, so that a simulated day takes a second.

Nothing in here waits, opens a socket or starts a thread, so a run depends on its inputs alone: timers
fire in the order of their instants, and sets of tasks iterate in the order in which tasks were made.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, TypeVarTuple

from hedgebot.domain.units import Millis

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
TURNS_PER_INSTANT = 1_000_000
CLOCK_RESOLUTION = 1e-6  # seconds: wider than the gap between two floats after centuries of virtual time

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
TaskBody = Generator[Any, None, T] | Coroutine[Any, Any, T]


class DeadlockError(RuntimeError):
    """The program under simulation can make no progress: a bug in its liveness."""


class VirtualTask(asyncio.Task[T]):
    """A task hashed by its number, not its address: a set of tasks iterates alike in every run."""

    def __init__(self, number: int, coro: TaskBody[T], **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose clock starts at 0 and moves only when nothing is ready to run.

    Raises ``DeadlockError`` when nothing is ready and no timer is set, and when the loop turns
    ``TURNS_PER_INSTANT`` times without time passing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock_resolution = CLOCK_RESOLUTION
        self._now = 0.0
        self._turns = 0
        self._tasks_made = 0
        self._signals: dict[int, Callable[[], object]] = {}
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    @property
    def _selector(self) -> Self:
        return self  # BaseEventLoop waits for sockets here; this loop has none, and never waits

    def select(self, timeout: float | None) -> tuple[()]:
        """Let ``timeout`` seconds pass at once. None means: nothing is ready and no timer is set."""
        if timeout is None:
            self._stuck("nothing is ready and no timer is set")
        if timeout > 0:
            self._now += timeout
            self._turns = 0
        else:
            self._turns += 1
            if self._turns > TURNS_PER_INSTANT:
                self._stuck(f"the loop turned {TURNS_PER_INSTANT} times without time passing")
        return ()

    def _stuck(self, problem: str) -> NoReturn:
        self._turns = 0
        waiting = "; ".join(_place(task) for task in sorted(asyncio.all_tasks(self), key=hash))
        raise DeadlockError(f"{problem} at {self._now:.6f} s; waiting: {waiting or 'no task'}")

    def _process_events(self, event_list: tuple[()]) -> None:
        """No sockets, no events."""

    def _write_to_self(self) -> None:
        """Wake the loop for ``call_soon_threadsafe``: it never sleeps."""

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: TaskBody[T], **options: Any
    ) -> VirtualTask[T]:
        self._tasks_made += 1
        return VirtualTask(self._tasks_made, coro, loop=loop, **options)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run ``func`` now, in this thread; the future returned is done."""
        del executor  # whichever it is, its work is done here
        future: asyncio.Future[T] = self.create_future()
        with _Fails(future):
            future.set_result(func(*args))
        return future

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> NoReturn:
        """Refused: the one way out of a simulation that needs no socket of this loop."""
        raise NotImplementedError(f"{host}:{port}: virtual time has no network; use a MemoryConnector")

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Remember the handler for ``deliver``; the process's own signals are left alone."""
        self._signals[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self._signals.pop(sig, None) is not None

    def deliver(self, sig: int) -> None:
        """Send the simulated process a signal. Raises ``KeyError`` when it has no handler for it."""
        self.call_soon(self._signals[sig])


class VirtualClock:
    """The ``Clock`` port in virtual time; ``epoch_ms`` is the wall time at the loop's start."""

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch_ms: int = EPOCH_MS) -> None:
        self._loop = loop
        self._epoch_ms = epoch_ms

    def now_ms(self) -> Millis:
        return Millis(self._epoch_ms + round(self._loop.time() * 1000))

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def step(self, seconds: float) -> None:
        """Let the wall clock jump, back if negative, as after a correction by NTP."""
        self._epoch_ms += round(seconds * 1000)


class _Fails:
    """What the block raises becomes the exception of ``future``, as with a worker thread."""

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future = future

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self._future.set_exception(error)
            return True
        return False


def run(
    main: Callable[[VirtualClock], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
    *,
    epoch_ms: int = EPOCH_MS,
) -> T:
    """Run ``main`` to its end in virtual time, cancel what it left behind, and return its result.

    A function is called with the clock. Raises what ``main`` raises, and ``DeadlockError``.
    """
    loop = VirtualLoop()
    try:
        clock = VirtualClock(loop, epoch_ms)
        return loop.run_until_complete(main if isinstance(main, Coroutine) else _call(main, clock))
    finally:
        try:
            loop.run_until_complete(_cancel_the_rest())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


async def _call(main: Callable[[VirtualClock], Coroutine[Any, Any, T]], clock: VirtualClock) -> T:
    return await main(clock)


async def _cancel_the_rest() -> None:
    rest = sorted(asyncio.all_tasks() - {asyncio.current_task()}, key=hash)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def _place(task: asyncio.Task[Any]) -> str:
    """Where a task waits: its name, and the file and line of its innermost frame."""
    where = [f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack(limit=1)]
    return f"{task.get_name()} at {where[0] if where else 'its end'}"
