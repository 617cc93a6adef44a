"""A whole world in virtual time: the simulated exchange behind HTTP in memory, and the real daemon on it.

Everything between the two is what runs in production: unmodified ccxt, aiohttp's client and server, the
journal's SQLite. Only the clock, the wire and the source of randomness are the simulation's.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from hedgebot.app import App, World, build
from hedgebot.daemon import Daemon
from hedgebot.lease.file_lock import FileLock
from hedgebot.ports import Journal
from hedgebot.settings.load import load
from hedgebot.settings.model import Settings
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials
from hedgebot.sim import binance, bybit, okx
from hedgebot.sim.contract import Contract, btcusd
from hedgebot.sim.exchange import USUAL_RULES, SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Lines, Market, level
from hedgebot.sim.market import Path as PricePath
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.truth import Rules
from hedgebot.sim.virtual import VirtualClock, run
from tests.simulation.near import near

KEY, SECRET = "canary-key-7f3a91", "canary-secret-b2c4d6e8f0"
ADDRESS = "127.0.0.1:9101"
START_MS = 1_795_000_000_000
"""Ten seconds into nothing in particular; funding is due at multiples of eight hours."""


@dataclass(frozen=True)
class Venue:
    """An exchange to play on; ``pot`` names the wallet that margins the contract, ``symbol`` is its unified
    name, ``also`` are further contracts that are listed."""

    name: str
    application: Callable[[SimulatedExchange], web.Application]
    contract: Contract
    rules: Rules = USUAL_RULES
    pot: str = "unified"
    password: str = ""
    symbol: str = "BTC/USD:BTC"
    also: Sequence[Contract] = ()

    @property
    def asset(self) -> str:
        """The coin to hedge."""
        return self.contract.base


BYBIT = Venue("bybit", bybit.application, btcusd())
BINANCE = Venue("binance", binance.application, binance.btcusd_perp(), binance.RULES, binance.MARGIN)
OKX = Venue("okx", okx.application, okx.btc_usd_swap(), okx.RULES, password="canary-passphrase-9d8e7f")


@dataclass(frozen=True)
class Setup:
    """What a scenario starts from. ``faults`` are in force from the daemon's start until it says stop.

    ``limits`` and ``more`` are lines of the config: of its limits, and whole tables.
    ``coins`` and ``stable`` ones lie in the pot, ``spot`` in the spot wallet of an account that has one.
    ``near``: the daemon's port stands on the exchange itself, without HTTP between; paths of ``faults`` are
    then its methods.
    ``account`` and ``hedge`` are what the config calls them. ``journal`` may put something before the one on
    the disk.
    """

    venue: Venue = BYBIT
    coins: str = "1"
    spot: str = "0"
    stable: str = "0"
    price: PricePath = field(default_factory=lambda: level(60_000))
    ratio: str = "1"
    band: str = "0.02"
    leverage: int | None = 2
    margin_mode: MarginMode = MarginMode.ISOLATED
    interval: str = "5s"
    settle_after: str = "30s"
    limits: str = ""
    more: str = ""
    mode: str = "live"
    outside: str = "0"
    latency: float = 0.05
    seed: int = 1
    faults: Sequence[Fault] = ()
    lags: dict[str, Any] = field(default_factory=dict)
    middlewares: Sequence[Any] = ()
    url: str = f"http://{ADDRESS}"
    near: bool = False
    account: str = "main"
    hedge: str = "btc"
    journal: Callable[[Journal], Journal] = lambda stored: stored

    def config(self) -> str:
        lever = f", leverage = {self.leverage}" if self.leverage else ""
        margin = f'margin_mode = "{"isolated" if self.margin_mode is MarginMode.ISOLATED else "cross"}"'
        return f"""
            mode = "{self.mode}"
            [cycle]
            interval = "{self.interval}"
            settle_after = "{self.settle_after}"
            [api]
            listen = ""
            [accounts.{self.account}]
            exchange = "{self.venue.name}"
            base_url = "{self.url}"
            [hedges.{self.hedge}]
            asset = "{self.venue.asset}"
            ratio = {self.ratio}
            band = {self.band}
            spot = [{{ account = "{self.account}" }}, {{ name = "cold", quantity = "{self.outside}" }}]
            legs = [{{ account = "{self.account}", symbol = "{self.venue.symbol}", {margin}{lever} }}]
            [hedges.{self.hedge}.limits]
            {self.limits}
            {self.more}
        """


@dataclass
class Scene:
    """A running world. ``start`` and ``stop`` are the daemon's life; the exchange goes on without it."""

    setup: Setup
    folder: Path
    clock: VirtualClock
    exchange: SimulatedExchange
    network: MemoryNetwork
    faults: Faults
    rng: random.Random
    app: App | None = None
    _life: AsyncExitStack = field(default_factory=AsyncExitStack)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the daemon on its journal, as a new process would."""
        world = World(self.clock, self.rng, lambda: MemoryConnector(self.network), journal=self.setup.journal)
        if self.setup.near:
            venue, latency = self.setup.venue.name, self.setup.latency
            port = near(self.exchange, "main", venue, self.faults, latency)
            world = replace(world, account=lambda *_, **__: port)
        self._stop = asyncio.Event()
        self._life = AsyncExitStack()
        settings, paths, keys = composed(self.setup, self.folder)
        again = paths.lock.exists()
        self._life.enter_context(FileLock(paths.lock))
        self.app = await self._life.enter_async_context(build(settings, paths, keys, world, again=again))
        self._task = asyncio.create_task(self.app.daemon.run(self._stop), name="daemon")

    async def stop(self) -> None:
        """SIGTERM: the cycle under way ends first."""
        self._stop.set()
        if self._task is not None:
            await self._task
        await self._life.aclose()

    async def kill(self) -> None:
        """The nearest thing to kill -9 within one process: nothing that was awaited comes back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._life.aclose()

    @property
    def daemon(self) -> Daemon:
        assert self.app is not None
        return self.app.daemon

    async def cycles(self, count: int) -> None:
        """Let so many cycles pass."""
        await self.clock.sleep(count * 5)

    def hedge(self) -> dict[str, Any]:
        """The hedge's status."""
        return dict(self.daemon.status()["hedges"][self.setup.hedge])

    @property
    def native(self) -> str:
        """The contract's name on the exchange."""
        return self.setup.venue.contract.symbol

    @property
    def short(self) -> Fraction:
        """Contracts truly short."""
        return self.exchange.position("main", self.native).size

    @property
    def orders(self) -> int:
        """Orders that had an effect, by anybody."""
        return len(self.exchange.effective_orders("main"))

    @property
    def net(self) -> Fraction:
        """Coins that truly still move with the price: what is held less what the short sold."""
        position, contract = self.exchange.position("main", self.native), self.setup.venue.contract
        return self.held - (position.size * contract.face if contract.linear else position.entry_coins)

    @property
    def held(self) -> Fraction:
        """Coins truly held, without unrealised profit."""
        wallet = self.exchange.wallet("main", self.setup.venue.asset)
        return wallet.balance - wallet.owed + self._elsewhere

    @property
    def value(self) -> Fraction:
        """Dollars that the account's coins are truly worth now, at mark."""
        mark = self.exchange.quote(self.native).mark
        coins = self.exchange.equity("main", self.setup.venue.asset) + self._elsewhere
        return coins * mark + self.exchange.equity("main", "USDT")

    @property
    def _elsewhere(self) -> Fraction:
        """Coins outside the pot: in the spot wallet, and kept elsewhere."""
        spot = self.exchange.wallet("main", self.setup.venue.asset, "spot")
        return spot.balance + Fraction(self.setup.outside)


def composed(setup: Setup, folder: Path) -> tuple[Settings, Paths, dict[str, Credentials]]:
    """What a daemon is built from: its config read from a real file, its paths, its key."""
    file = folder / "hedgebot.toml"
    file.write_text("\n".join(line.strip() for line in setup.config().splitlines()))
    paths = Paths(folder / "hedgebot.db", folder / "hedgebot.db.lock", folder / "hedgebot.sock")
    held = Credentials(SecretStr(KEY), SecretStr(SECRET), SecretStr(setup.venue.password))
    return load(file, {}).settings, paths, {setup.account: held}


@asynccontextmanager
async def world(setup: Setup, folder: Path, clock: VirtualClock) -> AsyncIterator[Scene]:
    """The exchange is up, the account is funded; the daemon is not started yet."""
    rng = random.Random(setup.seed)
    venue = setup.venue
    contracts = [venue.contract, *venue.also]
    market = Market({contract.symbol: Feed(path=setup.price) for contract in contracts})
    exchange = SimulatedExchange(clock, market, contracts, rng, venue.rules)
    exchange.open_account("main", key=KEY, secret=SECRET, passphrase=venue.password, pot=venue.pot)
    exchange.set_margin_mode("main", setup.margin_mode)
    exchange.deposit("main", venue.asset, setup.coins)
    if setup.stable != "0":
        exchange.deposit("main", "USDT", setup.stable)
    if setup.spot != "0":
        exchange.deposit("main", venue.asset, setup.spot, "spot")
    exchange.lags |= setup.lags
    faults = Faults(rng, setup.faults, clock)
    application = venue.application(exchange)
    application.middlewares.extend(setup.middlewares)
    faults.install(application)
    network = MemoryNetwork(latency=setup.latency / 2)
    async with serve(application, network, ADDRESS):
        scene = Scene(setup, folder, clock, exchange, network, faults, rng)
        try:
            yield scene
        finally:
            await scene.kill()


def play(
    setup: Setup, folder: Path, act: Callable[[Scene], Awaitable[None]], *, started: bool = True
) -> None:
    """Run ``act`` in virtual time on a world made of ``setup``, the daemon running unless told otherwise."""

    async def main(clock: VirtualClock) -> None:
        async with world(setup, folder, clock) as scene:
            if started:
                await scene.start()
            await act(scene)

    run(main, epoch_ms=START_MS)


def path(*points: tuple[float, float]) -> Lines:
    """Straight lines through (seconds after the start, dollars)."""
    return Lines([(START_MS + round(seconds * 1000), Fraction(str(price))) for seconds, price in points])
