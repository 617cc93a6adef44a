"""The simulated exchange on loopback in this process, real daemons beside it as processes of their own."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hedgebot.clock import SystemClock
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from hedgebot.sim.tcp_proxy import TcpFault, TcpProxy
from tests.patience import PATIENCE_S, POLL_S
from tests.simulation.judge import violations

TOLERANCE = Fraction("0.002")
"""How much of what is held may be left unhedged by lot, fee and slippage, as a share."""

KEY, SECRET = "canary-key-7f3a91", "canary-secret-b2c4d6e8f0"

CONFIG = """
mode = "live"
[cycle]
interval = "{interval}"
deadline = "2s"
settle_after = "1s"
[api]
listen = "{listen}"
[accounts.main]
exchange = "bybit"
base_url = "{url}"
[hedges.btc]
asset = "BTC"
ratio = 1.0
legs = [{{ account = "main", symbol = "BTC/USD:BTC" }}]
[hedges.btc.limits]
orders_per_hour = 1000
turnover_per_day = 1000
"""


@dataclass
class Live:
    """One exchange and the daemon on it."""

    folder: Path
    url: str
    interval: str = "200ms"
    listen: str = ""
    process: asyncio.subprocess.Process | None = None
    env: dict[str, str] = field(default_factory=dict)

    async def start(self, *options: str) -> None:
        """Start the daemon; its log goes to a file beside the store."""
        config = self.folder / "hedgebot.toml"
        config.write_text(CONFIG.format(url=self.url, interval=self.interval, listen=self.listen))
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = await self.command("run", *options, out=log)

    async def command(
        self, *arguments: str, out: Any = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """Start any command beside the daemon, in its folder and with its key."""
        keys = {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": KEY, "HEDGEBOT_ACCOUNTS__MAIN__SECRET": SECRET}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hedgebot", *arguments,
            cwd=self.folder, env={**os.environ, **keys, **self.env}, stdout=out, stderr=out,
        )  # fmt: skip

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.alive:
            self.process.kill()

    def freeze(self) -> None:
        """SIGSTOP: not one more instruction, as when a laptop sleeps or a machine is paused."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    async def ended(self) -> int:
        assert self.process is not None
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def terminate(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def status(self) -> dict[str, Any]:
        """The hedge's status over the control socket; empty while the daemon does not answer."""
        connector = aiohttp.UnixConnector(str(self.folder / "hedgebot.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                async with session.get("http://hedgebot/api/v1/status") as reply:
                    return dict((await reply.json())["hedges"]["btc"])
            except aiohttp.ClientError:
                return {}

    async def until(self, *states: str) -> dict[str, Any]:
        """Wait for one of some states."""
        async with asyncio.timeout(PATIENCE_S):
            while (status := await self.status()).get("state") not in states:
                await asyncio.sleep(POLL_S)
        return status

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.folder / "daemon.log").read_text()


@dataclass
class LiveOnExchange(Live):
    """A daemon beside the exchange that it trades on, and the wire between them."""

    exchange: SimulatedExchange = field(kw_only=True)
    proxy: TcpProxy = field(kw_only=True)

    async def until_on_target(self, *, says: bool = True) -> None:
        """Wait until the hedge truly is on target, and its daemon says so. Fails at the first violation."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.on_target or (says and (await self.status()).get("state") != "hedged"):
                    self.judge()
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            pytest.fail(f"{float(self.net)} coins from target; {self.log}")

    @property
    def on_target(self) -> bool:
        return 0 <= self.net <= TOLERANCE * self.held

    def judge(self) -> None:
        """What must never be is not so now."""
        found = violations(self.exchange, most=60_000 * self.held)
        assert not found, f"{found}\n{self.log}"

    @property
    def held(self) -> Fraction:
        return self.exchange.wallet("main", "BTC").balance

    @property
    def net(self) -> Fraction:
        """Coins that truly still move with the price."""
        position = self.exchange.position("main", "BTCUSD")
        return self.held - abs(position.entry_coins)

    @property
    def orders(self) -> int:
        """Orders that had an effect, by anybody."""
        return len(self.exchange.effective_orders("main"))


@asynccontextmanager
async def live(
    folder: Path,
    *,
    seed: int = 1,
    faults: Sequence[Fault] = (),
    wire: Sequence[TcpFault] = (),
    middlewares: Sequence[Any] = (),
    **options: Any,
) -> AsyncIterator[tuple[LiveOnExchange, Faults]]:
    """The exchange is up with 1 BTC in the account; the daemon is not started."""
    clock, rng = SystemClock(), random.Random(seed)
    exchange = SimulatedExchange(clock, Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 1)
    application = bybit.application(exchange)
    application.middlewares.extend(middlewares)
    trouble = Faults(rng, faults, clock)
    trouble.install(application)
    proxy = TcpProxy(rng, wire, clock)
    async with serving(application) as direct, proxy.before(direct) as url:
        here = LiveOnExchange(folder, url, exchange=exchange, proxy=proxy, **options)
        try:
            yield here, trouble
        finally:
            here.kill()
            if here.process is not None:
                await here.process.wait()
