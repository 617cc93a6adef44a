"""The daemon as a process: its lock, its journal and accounts, its doors, its signals; undone in reverse."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from hedgebot.api import control, http
from hedgebot.api.metrics import Metrics
from hedgebot.app import App, Hooks, World, build
from hedgebot.daemon import HEALTHY_SECONDS, Daemon
from hedgebot.domain.units import ZERO
from hedgebot.errors import CredentialsError, HedgebotError
from hedgebot.lease.file_lock import FileLock
from hedgebot.notify.sd_notify import Supervisor, supervisor
from hedgebot.settings import values
from hedgebot.settings.model import Settings
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials

log = structlog.get_logger("hedgebot.serve")

ENDS = (signal.SIGTERM, signal.SIGINT)


async def serve(
    settings: Settings, paths: Paths, credentials: Mapping[str, Credentials], world: World
) -> None:
    """Run until a signal. Raises ``LockHeldError``, ``JournalError`` and, for a key that is refused before
    there is anything to watch, ``CredentialsError``; an exchange out of reach raises nothing."""
    async with AsyncExitStack() as stack:
        manager = supervisor(os.environ, os.getpid())
        stop = await stack.enter_async_context(_until_signal(manager))
        again = paths.lock.exists()  # it is never deleted
        stack.enter_context(FileLock(paths.lock))
        metrics = Metrics()
        hooks = Hooks(metrics.ended, metrics.requested)
        app = await stack.enter_async_context(build(settings, paths, credentials, world, hooks, again=again))
        interval = settings.cycle.interval.total_seconds()
        metrics.watch(app.daemon.status, world.clock, max(3 * interval, HEALTHY_SECONDS))
        await stack.enter_async_context(control.control(app.daemon, paths.socket))
        if settings.api.listen:
            page = http.application(app.daemon, metrics.exposition, settings.api.hosts)
            await stack.enter_async_context(http.read_only(page, values.address(settings.api.listen)))
        log.info("started", mode=settings.mode, hedges=list(settings.hedges), store=str(paths.store))
        manager.ready(patience=3 * max(interval, settings.cycle.deadline.total_seconds()))
        await _check_keys(app, since=world.clock.monotonic() - interval)
        await app.daemon.run(stop, alive=lambda: manager.alive(_states(app.daemon)))
        log.info("stopped; the hedge stays on the exchange as it is")


@asynccontextmanager
async def _until_signal(manager: Supervisor) -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets; a second one ends the block at once, a third the process."""
    loop, task, stop = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    ended = False

    def end(number: signal.Signals) -> None:
        nonlocal ended
        if not stop.is_set():
            log.info("stopping: the cycle under way is finished first", signal=number.name)
            manager.stopping()
            stop.set()
        elif task is not None:
            log.warning("stopping at once: the next start settles what was under way", signal=number.name)
            ended = True
            _forget_signals(loop)
            task.cancel()

    for number in ENDS:
        loop.add_signal_handler(number, end, number)
    try:
        yield stop
    except asyncio.CancelledError:
        if not ended:
            raise
    finally:
        _forget_signals(loop)


def _forget_signals(loop: asyncio.AbstractEventLoop) -> None:
    for number in ENDS:
        loop.remove_signal_handler(number)


def _states(daemon: Daemon) -> str:
    """Each hedge's state, for the service manager's one line."""
    return ", ".join(f"{name}: {hedge['state']}" for name, hedge in daemon.status()["hedges"].items())


async def _check_keys(app: App, since: float) -> None:
    """Raise ``CredentialsError`` for a key that its exchange refuses, or that may do too much or too little,
    while no hedge is known to have a short.

    Once one has, the daemon stays up and says so. The readings are those that the first cycles use.
    """
    cycles = app.daemon.cycles.values()
    feeds = {name: feed for cycle in cycles for name, feed in cycle.feeds.items()}
    readings = asyncio.gather(*(feed.reading(since) for feed in feeds.values()), return_exceptions=True)
    answers, _ = await asyncio.gather(readings, app.keys.ask())
    seen = [answer for answer in answers if not isinstance(answer, BaseException)]
    shown = any(position.contracts.value < ZERO for reading in seen for position in reading.positions)
    remembered = any(size.value < ZERO for c in cycles for _, size in c.state.memory.contracts)
    for answer in answers:
        if isinstance(answer, CredentialsError) and not (remembered or shown):
            raise answer
        if isinstance(answer, BaseException) and not isinstance(answer, HedgebotError):
            raise answer
    if len(seen) == len(answers) and not shown:
        for key in app.keys.keys.values():
            if key.refusal:
                raise CredentialsError(key.refusal.what, key.refusal.next_step)
