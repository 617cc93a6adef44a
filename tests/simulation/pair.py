"""A hedge with a leg on each of two exchanges, Bybit (``left``) and OKX (``right``), in virtual time.

The daemon's ports stand on the exchanges themselves, unless a story is told over HTTP.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from hedgebot.app import World, build
from hedgebot.daemon import Daemon
from hedgebot.ports import Account
from hedgebot.settings.load import load
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.market import Path as PricePath
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.orders import Order
from hedgebot.sim.virtual import VirtualClock, run
from tests.simulation.judge import violations
from tests.simulation.near import near
from tests.simulation.world import BYBIT, KEY, OKX, SECRET, START_MS

VENUES = {"left": BYBIT, "right": OKX}
ADDRESSES = {"left": "127.0.0.1:9101", "right": "127.0.0.1:9102"}
LATENCY = 0.025
"""Seconds, one way."""

LEGS = {name: f'{{ account = "{name}", symbol = "BTC/USD:BTC" }}' for name in VENUES}


@dataclass
class Pair:
    """Two exchanges, each with half a coin, and one daemon."""

    folder: Path
    clock: VirtualClock
    exchanges: dict[str, SimulatedExchange]
    faults: dict[str, Faults]
    network: MemoryNetwork
    rng: random.Random
    http: bool
    _life: AsyncExitStack = field(default_factory=AsyncExitStack)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _daemon: Daemon | None = None

    async def start(
        self, legs: Sequence[str] = tuple(LEGS.values()), more: str = "", interval: str = "60s"
    ) -> None:
        """Start the daemon on its journal with these legs and further lines of its hedge."""
        config = self.folder / "hedgebot.toml"
        used = [name for name in VENUES if any(f'"{name}"' in leg for leg in legs)]
        accounts = "".join(
            f'[accounts.{name}]\nexchange = "{VENUES[name].name}"\nbase_url = "http://{ADDRESSES[name]}"\n'
            for name in used
        )
        hedge = f'[hedges.btc]\nasset = "BTC"\nlegs = [{", ".join(legs)}]\n{more}\n'
        cycle = f'[cycle]\ninterval = "{interval}"\n'
        config.write_text(f'mode = "live"\n{cycle}[api]\nlisten = ""\n{accounts}{hedge}')
        places = Paths(self.folder / "hedgebot.db", self.folder / "lock", self.folder / "sock")
        key, secret = SecretStr(KEY), SecretStr(SECRET)
        keys = {name: Credentials(key, secret, SecretStr(VENUES[name].password)) for name in used}
        world = World(self.clock, self.rng, lambda: MemoryConnector(self.network))
        if not self.http:
            world = replace(world, account=self._near)
        self._stop, self._life = asyncio.Event(), AsyncExitStack()
        app = await self._life.enter_async_context(build(load(config, {}).settings, places, keys, world))
        self._daemon = app.daemon
        self._task = asyncio.create_task(app.daemon.run(self._stop), name="daemon")

    def _near(self, name: str, exchange: str, *_: object, **__: object) -> Account:
        return near(self.exchanges[name], name, exchange, self.faults[name], 2 * LATENCY)

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
        await self._life.aclose()

    @property
    def daemon(self) -> Daemon:
        assert self._daemon is not None
        return self._daemon

    def hedge(self) -> dict[str, Any]:
        return dict(self.daemon.status()["hedges"]["btc"])

    def finding(self, guard: str) -> dict[str, Any]:
        return next(found for found in self.hedge()["findings"] if found["guard"] == guard)

    def orders(self, name: str) -> list[Order]:
        """Orders of anybody that had an effect."""
        return list(self.exchanges[name].effective_orders(name))

    def sold(self, name: str) -> Fraction:
        """Coins that the short there truly sold."""
        return abs(self.exchanges[name].position(name, VENUES[name].contract.symbol).entry_coins)

    def held(self, name: str) -> Fraction:
        """Coins truly held there, without unrealised profit."""
        wallet = self.exchanges[name].wallet(name, "BTC")
        return wallet.balance - wallet.owed

    @property
    def net(self) -> Fraction:
        """Coins that truly still move with the price."""
        return sum((self.held(name) - self.sold(name) for name in VENUES), Fraction(0))

    def broken(self) -> list[str]:
        """What must never be on either exchange: an order that took effect twice, a long, more short than all
        coins are worth."""
        coins = sum((self.held(name) for name in VENUES), Fraction(0))
        found = []
        for name, exchange in self.exchanges.items():
            contract = VENUES[name].contract
            most = coins * Fraction("1.01") * 60_000 / contract.face
            found += violations(exchange, account=name, symbol=contract.symbol, most=most)
        return found

    @property
    def value(self) -> Fraction:
        """Dollars that all coins are truly worth now, at mark."""
        worth = (
            exchange.equity(name, "BTC") * exchange.quote(VENUES[name].contract.symbol).mark
            for name, exchange in self.exchanges.items()
        )
        return sum(worth, Fraction(0))


@asynccontextmanager
async def pair(
    folder: Path, clock: VirtualClock, price: PricePath, plans: dict[str, Sequence[Fault]], *, http: bool
) -> AsyncIterator[Pair]:
    rng, network = random.Random(1), MemoryNetwork(latency=LATENCY)
    exchanges, faults = {}, {}
    async with AsyncExitStack() as stack:
        for name, venue in VENUES.items():
            market = Market({venue.contract.symbol: Feed(path=price)})
            exchange = SimulatedExchange(clock, market, [venue.contract], rng, venue.rules)
            exchange.open_account(name, key=KEY, secret=SECRET, passphrase=venue.password, pot=venue.pot)
            exchange.set_margin_mode(name, MarginMode.CROSS)
            exchange.deposit(name, "BTC", "0.5")
            application = venue.application(exchange)
            exchanges[name], faults[name] = exchange, Faults(rng, plans.get(name, ()), clock)
            faults[name].install(application)
            await stack.enter_async_context(serve(application, network, ADDRESSES[name]))
        scene = Pair(folder, clock, exchanges, faults, network, rng, http)
        try:
            yield scene
        finally:
            await scene.stop()


def play(
    folder: Path,
    act: Callable[[Pair], Awaitable[None]],
    price: PricePath | None = None,
    more: str = "",
    legs: Sequence[str] = tuple(LEGS.values()),
    interval: str = "60s",
    *,
    http: bool = False,
    **plans: Sequence[Fault],
) -> None:
    """Run ``act`` in virtual time with the daemon up; ``plans`` are faults by the exchange's name, written
    as ``near`` has them, or for ``http``."""

    async def main(clock: VirtualClock) -> None:
        async with pair(folder, clock, price or level(60_000), plans, http=http) as scene:
            await scene.start(legs, more, interval)
            await act(scene)
            assert scene.broken() == []

    run(main, epoch_ms=START_MS)
