"""A simulated exchange on loopback, in this process, and a daemon on it that is a process of its own."""

import asyncio
import json
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hedgebot.cli.daemon_client import DaemonClient
from hedgebot.clock import SystemClock
from hedgebot.errors import HedgebotError
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from tests.cli.support import CREDENTIALS, KEY, SECRET, Ran, finish, start, write_config
from tests.patience import PATIENCE_S, POLL_S
from tests.valve import Valve


@dataclass
class Place:
    """A folder with a configuration for the exchange, which holds one coin of ours."""

    folder: Path
    exchange: SimulatedExchange
    faults: Faults
    url: str

    def configure(self, **changes: str) -> None:
        """Write the configuration, as ``write_config``."""
        write_config(self.folder, url=self.url, **changes)

    @property
    def short(self) -> int:
        """Contracts truly short."""
        return int(abs(self.exchange.position("main", "BTCUSD").size))

    @property
    def orders(self) -> int:
        """Orders ever accepted."""
        return len(self.exchange.orders("main"))

    @property
    def client(self) -> DaemonClient:
        return DaemonClient(self.folder / "hedgebot.sock")

    async def status(self) -> dict[str, Any]:
        """The hedge's status; empty while no daemon answers."""
        try:
            return dict((await asyncio.to_thread(self.client.status))["hedges"]["btc"])
        except HedgebotError:
            return {}

    async def until(self, state: str) -> dict[str, Any]:
        """Wait for a state."""
        async with asyncio.timeout(PATIENCE_S):
            while (status := await self.status()).get("state") != state:
                await asyncio.sleep(POLL_S)
        return status


@asynccontextmanager
async def simulated(folder: Path, *faults: Fault, valve: Valve | None = None) -> AsyncIterator[Place]:
    """The exchange is up, behind a valve if one is given; nothing of ours runs."""
    clock, rng = SystemClock(), random.Random(1)
    exchange = SimulatedExchange(clock, Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.ISOLATED)
    exchange.deposit("main", "BTC", 1)
    application = bybit.application(exchange)
    if valve is not None:
        application.middlewares.append(valve.middleware)
    trouble = Faults(rng, faults, clock)
    trouble.install(application)
    async with serving(application) as url:
        place = Place(folder, exchange, trouble, url)
        place.configure()
        yield place
        trouble.stop()


class Daemon:
    """``hedgebot run``, and how it ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.ran: Ran | None = None

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> Ran:
        """Signal it and wait for its end."""
        if self.process.returncode is None:
            self.process.send_signal(number)
            return await self.ended()
        raise AssertionError(f"the daemon ended by itself: {await self.ended()}")

    async def ended(self) -> Ran:
        self.ran = self.ran or await finish(self.process)
        return self.ran

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log, once it ended."""
        assert self.ran is not None
        return [json.loads(line) for line in self.ran.err.splitlines() if line.startswith("{")]


@asynccontextmanager
async def daemon(folder: Path, **env: str) -> AsyncIterator[Daemon]:
    """A daemon in ``folder``, stopped at the end at the latest."""
    started = Daemon(await start(folder, "run", **CREDENTIALS | env))
    try:
        yield started
    finally:
        if started.ran is None:
            await started.stop()
