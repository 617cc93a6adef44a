"""The exchange that a plan is played on, and the way to it: over the port, or over HTTP in memory."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from random import Random

from aiohttp import web

from hedgebot.ports import Account
from hedgebot.sim.account import ApiKey
from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.memory import MemoryNetwork
from hedgebot.sim.port import HOUSES, PortAccount
from hedgebot.sim.port.house import House
from hedgebot.sim.virtual import VirtualClock
from tests.campaign.judge.bench import Judge
from tests.campaign.judge.terms import Terms
from tests.campaign.loop import nobody
from tests.campaign.plan import ADDRESS, Plan
from tests.campaign.prices import lines
from tests.campaign.running import KEY, PASSPHRASE, SECRET
from tests.simulation.world import BINANCE, BYBIT, OKX, START_MS

VENUES = {venue.name: venue for venue in (BYBIT, BINANCE, OKX)}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Handling = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
SMALLEST = Fraction(1, 10**18)
"""Coins: what the ledger books, so that the digits of fractions do not grow for ever."""


class Refusal(web.Response):
    """A reply by which the exchange wants no more requests ``until`` then (seconds)."""

    def __init__(self, until: float, status: int, text: str, headers: Mapping[str, str]) -> None:
        super().__init__(status=status, text=text, headers=headers, content_type="application/json")
        self.until = until


@dataclass(frozen=True, slots=True)
class Usual:
    """What is so while no trouble changes it."""

    contract: Contract
    feed: Feed
    key: ApiKey


@dataclass
class Exchange:
    """The simulated exchange with what troubles need of it.

    ``lagging`` is how many seconds reads may lag, by each trouble that makes them, and ``aged`` how old the
    answer to one call is, by its identity; ``on_wire`` handles requests before the server does.
    """

    plan: Plan
    truth: SimulatedExchange
    clock: VirtualClock
    judge: Judge
    symbol: str
    usual: Usual
    on_wire: list[Handling] = field(default_factory=list)
    lagging: dict[int, float] = field(default_factory=dict)
    aged: dict[int, float] = field(default_factory=dict)
    _server: Callable[[], asyncio.Protocol] | None = None
    _refused: Callable[[], None] | None = None
    _houses: dict[str, House] = field(default_factory=dict)
    _networks: list[MemoryNetwork] = field(default_factory=list)
    _callers: dict[asyncio.BaseProtocol | None, int] = field(default_factory=dict)

    @contextmanager
    def foreign(self) -> Iterator[SimulatedExchange]:
        """While the block runs, what happens on the exchange is not the daemon's doing."""
        before, self.judge.foreign = self.judge.foreign, True
        try:
            yield self.truth
        finally:
            self.judge.foreign = before

    @property
    def lag(self) -> float:
        """The most seconds that any read may lag now."""
        return max(self.lagging.values(), default=0.0)

    def account(self, clock: VirtualClock, name: str = "main") -> Account:
        """The port of a new process, or of another account; the exchange's side of it stays what it was."""
        house = self._houses.setdefault(name, HOUSES[self.plan.venue](self.truth, name))
        return PortAccount(self.truth, name, clock, lambda *_: house, delay=lambda _: self.plan.latency)

    def network(self) -> MemoryNetwork:
        """The way to the server for one process."""
        network = Refusing(self)
        server, number = self._server, len(self._networks)
        self._networks.append(network)
        if server is not None:

            def connected() -> asyncio.Protocol:
                protocol = server()
                self._callers[protocol] = number
                return protocol

            nobody().run(network.listen, ADDRESS, connected)
        return network

    def refuse(self, refused: Callable[[], None] | None) -> None:
        """Break all connections and refuse new ones, each told to ``refused``; None: take them again."""
        self._refused = refused
        for network in self._networks:
            if refused is not None:
                network.reset()

    def refuses(self) -> bool:
        """Whether a connection that is asked for now is refused."""
        if self._refused is not None:
            self._refused()
        return self._refused is not None

    @web.middleware
    async def meet(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request meet what stands ``on_wire``, the first outermost."""
        host = f"{request.host} for {self._callers[request.protocol]}"  # each process hears its own bans
        self.judge.health.request(host, request.path)
        for obstacle in reversed(self.on_wire):
            handler = partial(_met, obstacle, handler)
        reply = await handler(request)
        if isinstance(reply, Refusal):  # and nothing has kept it from leaving
            self._tell_ban(host, reply.until, request)
        return reply

    def _tell_ban(self, host: str, until: float, request: web.Request) -> None:
        """Tell the judge, unless whoever asked has hung up before the reply got there: so much later is that
        known here."""

        def tell() -> None:
            if request.transport is not None and not request.transport.is_closing():
                self.judge.health.banned(host, until)

        asyncio.get_running_loop().call_later(2 * self.plan.latency, tell, context=nobody())


class Refusing(MemoryNetwork):
    """The way of one process to the server."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(latency=exchange.plan.latency)
        self._exchange = exchange

    async def connect(self, address: str, client: asyncio.Protocol) -> None:
        if self._exchange.refuses():
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"nothing listens on {address}")
        await super().connect(address, client)


async def _met(obstacle: Handling, handler: Handler, request: web.Request) -> web.StreamResponse:
    return await obstacle(request, handler)


@asynccontextmanager
async def opened(plan: Plan, seconds: Callable[[], float]) -> AsyncIterator[Exchange]:
    """The exchange is up and its account funded; at ``http`` depth it is served."""
    venue = VENUES[plan.venue]
    clock = VirtualClock(asyncio.get_running_loop(), START_MS)
    feed = Feed(path=lines(plan.prices, START_MS), funding=level(plan.funding))
    rules = replace(venue.rules, posting_unit=SMALLEST)
    rng = Random(f"{plan.random_name} exchange")
    market = Market({venue.contract.symbol: feed})
    truth = SimulatedExchange(clock, market, [venue.contract], rng, rules)
    passphrase = PASSPHRASE if venue.password else ""
    truth.open_account("main", key=KEY, secret=SECRET, passphrase=passphrase, pot=venue.pot)
    truth.set_margin_mode("main", MarginMode(plan.config.margin_mode))
    truth.deposit("main", "BTC", plan.coins)
    if plan.spot != "0":
        truth.deposit("main", "BTC", plan.spot, "spot")
    judge = Judge(truth, terms_of(plan), seconds)
    usual = Usual(venue.contract, feed, truth.truth.keys[KEY])
    exchange = Exchange(plan, truth, clock, judge, venue.contract.symbol, usual)
    if plan.depth == "port":
        yield exchange
        return
    application = venue.application(truth)
    application.middlewares.insert(0, exchange.meet)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    exchange._server = runner.server
    try:
        yield exchange
    finally:
        await runner.cleanup()


def terms_of(plan: Plan) -> Terms:
    """What the config promises, as the judge reads it."""
    config, limits = plan.config, plan.config.limits
    return Terms(
        symbol=VENUES[plan.venue].contract.symbol,
        ratio=Fraction(config.ratio),
        band=Fraction(config.band),
        least=Fraction(0),
        most=Fraction(1),
        leverage=Fraction(config.leverage),
        margin_mode=config.margin_mode,
        outside=Fraction(config.outside),
        interval=config.interval,
        deadline=config.deadline,
        settle_after=config.settle_after,
        orders_per_hour=int(limits.get("orders_per_hour", 20)),
        turnover_per_day=Fraction(limits.get("turnover_per_day", "3")),
        max_order_usd=Fraction(limits["max_order_usd"]) if "max_order_usd" in limits else None,
        slippage=Fraction(limits.get("slippage", "0.005")),
        ladder=config.ladder,
        min_leverage=Fraction(config.min_leverage) if config.min_leverage else None,
        home=config.home,
        canaries=(KEY, SECRET, PASSPHRASE),
    )
