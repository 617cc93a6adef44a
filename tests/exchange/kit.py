"""What the edge's tests run against: the simulated exchange in its own dialect, over HTTP in memory.

Everything between is the real thing: unmodified ccxt, aiohttp's client and server, our own edge. An
exchange joins every parametrised test by an entry in ``VENUES``.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from hedgebot.domain.account import AccountReading, Needs, Wallet
from hedgebot.domain.margin_mode import MarginMode as Mode
from hedgebot.domain.orders import OrderRequest
from hedgebot.domain.units import Contracts, Price
from hedgebot.exchange.registry import open_account
from hedgebot.ports import Account
from hedgebot.settings.secrets import Credentials
from hedgebot.sim import binance, bybit, okx
from hedgebot.sim.contract import Contract, btcusd, ethusd
from hedgebot.sim.exchange import USUAL_RULES, SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.market import Path as PricePath
from hedgebot.sim.matching import Shape
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.truth import Rules
from hedgebot.sim.virtual import VirtualClock, run
from tests.exchange.tamper import Change, tampering

KEY, SECRET = "canary-key-5d1f0a", "canary-secret-9e8c7b6a"
CREDENTIALS = Credentials(SecretStr(KEY), SecretStr(SECRET))
MARK = 60_000


@dataclass(frozen=True)
class Venue:
    """One exchange under test: its dialect, where it listens, and its contract under both names.

    ``usd`` is the face of a contract. ``place``, ``reads`` and ``history`` (the second endpoint that knows
    an order) are paths of its API. ``contracts`` are the simulated ones, the one traded first; ``pot`` is
    the wallet that margins them, ``lends`` whether coins in it may be owed; ``password`` is the third
    credential, where there is one.
    """

    name: str
    application: Callable[[SimulatedExchange], web.Application]
    addresses: tuple[str, ...]
    symbol: str
    native: str
    usd: int
    place: str
    reads: tuple[str, ...]
    history: str
    contracts: tuple[Contract, Contract]
    rules: Rules = USUAL_RULES
    pot: str = "unified"
    lends: bool = True
    password: str = ""


BYBIT = Venue(
    name="bybit",
    application=bybit.application,
    addresses=("api.bybit.com:443",),
    symbol="BTC/USD:BTC",
    native="BTCUSD",
    usd=1,
    place="/v5/order/create",
    reads=(
        "/v5/account/wallet-balance",
        "/v5/position/list",
        "/v5/order/realtime",
        "/v5/market/tickers",
        "/v5/market/orderbook",
    ),
    history="/v5/order/history",
    contracts=(btcusd(), ethusd()),
)
BINANCE = Venue(
    name="binance",
    application=binance.application,
    addresses=("api.binance.com:443", "dapi.binance.com:443"),
    symbol="BTC/USD:BTC",
    native="BTCUSD_PERP",
    usd=100,
    place="/dapi/v1/order",
    reads=(
        "/api/v3/account",
        "/dapi/v1/account",
        "/dapi/v1/positionRisk",
        "/dapi/v1/openOrders",
        "/dapi/v1/premiumIndex",
        "/dapi/v1/depth",
    ),
    history="/dapi/v1/allOrders",
    contracts=(binance.btcusd_perp(), binance.ethusd_perp()),
    rules=binance.RULES,
    pot=binance.MARGIN,
    lends=False,
)
OKX = Venue(
    name="okx",
    application=okx.application,
    addresses=("www.okx.com:443",),
    symbol="BTC/USD:BTC",
    native="BTC-USD-SWAP",
    usd=100,
    place="/api/v5/trade/order",
    reads=(
        "/api/v5/account/balance",
        "/api/v5/account/positions",
        "/api/v5/trade/orders-pending",
        "/api/v5/public/mark-price",
        "/api/v5/market/books",
    ),
    history="/api/v5/trade/orders-history",
    contracts=(okx.btc_usd_swap(), okx.eth_usd_swap()),
    rules=okx.RULES,
    password="canary-passphrase-3c4d5e",
)
VENUES = {venue.name: venue for venue in (BYBIT, BINANCE, OKX)}


@dataclass
class Bench:
    """An open account, the exchange's truth behind it, and what went over the wire."""

    venue: Venue
    clock: VirtualClock
    exchange: SimulatedExchange
    network: MemoryNetwork
    app: web.Application
    faults: Faults
    account: Account
    arrived: Counter[str] = field(default_factory=Counter)
    seen: list[web.BaseRequest] = field(default_factory=list)
    metrics: list[tuple[str, str, float]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    margin_mode: Mode = Mode.CROSS
    orders: int = 0

    @property
    def needs(self) -> Needs:
        symbol = self.venue.symbol
        return Needs(frozenset({symbol}), frozenset({"BTC"}), frozenset({(symbol, self.margin_mode)}))

    @property
    def placed(self) -> int:
        """Order requests that reached the exchange's door, whatever became of them."""
        return self.arrived[f"POST {self.venue.place}"]

    @property
    def effective(self) -> int:
        return len(self.exchange.effective_orders("main"))

    async def read(self) -> AccountReading:
        return await self.account.read(self.needs)

    def order(self, usd: int, *, limit: str | None = None, client_id: str = "") -> OrderRequest:
        """A sale for a negative number of dollars; a purchase only reduces."""
        self.orders += 1
        price = limit or ("59000" if usd < 0 else "61000")
        return OrderRequest(
            client_id=client_id or f"hb{self.orders:013d}",
            account="main",
            symbol=self.venue.symbol,
            contracts=Contracts(Decimal(usd) / self.venue.usd),
            limit=Price.of(price),
            reduce_only=usd > 0,
            margin_mode=self.margin_mode,
        )

    def pot(self, reading: AccountReading) -> Wallet:
        """The wallet that margins the contract."""
        return next(w for w in reading.wallets if (w.id.wallet, w.id.asset) == (self.venue.pot, "BTC"))

    async def watch(self, request: web.BaseRequest) -> None:
        self.arrived[f"{request.method} {request.path}"] += 1
        self.seen.append(request)


@dataclass(frozen=True)
class Setup:
    """What a test starts from."""

    coins: str = "1"
    price: PricePath = field(default_factory=lambda: level(MARK))
    funding: str = "0.0001"
    margin_mode: MarginMode = MarginMode.CROSS
    plan: Sequence[Fault] = ()
    latency: float = 0.01
    settle_after_s: float = 30.0
    secret: str = SECRET
    changes: Sequence[Change] = ()
    options: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def bench(clock: VirtualClock, venue: Venue, setup: Setup) -> AsyncIterator[Bench]:
    """A funded account ``main`` on ``venue``, opened as the daemon opens it."""
    btc, eth = venue.contracts
    depth = Shape(contracts=Fraction(200_000, venue.usd))
    feeds = {
        btc.symbol: Feed(path=setup.price, funding=level(setup.funding), shape=depth),
        eth.symbol: Feed(path=level(3_000), funding=level(0)),
    }
    theirs = VirtualClock(asyncio.get_running_loop())  # ours may be set
    exchange = SimulatedExchange(theirs, Market(feeds), venue.contracts, random.Random(1), venue.rules)
    exchange.open_account("main", key=KEY, secret=SECRET, passphrase=venue.password, pot=venue.pot)
    exchange.set_margin_mode("main", setup.margin_mode)
    exchange.deposit("main", "BTC", setup.coins)
    app, network = venue.application(exchange), MemoryNetwork(setup.latency)
    faults = Faults(random.Random(1), setup.plan, clock)
    faults.install(app)
    metrics: list[tuple[str, str, float]] = []
    account = open_account(
        "main",
        venue.name,
        Credentials(SecretStr(KEY), SecretStr(setup.secret), SecretStr(venue.password)),
        clock=clock,
        settle_after_s=setup.settle_after_s,
        connector=MemoryConnector(network),
        on_request=lambda endpoint, outcome, seconds: metrics.append((endpoint, outcome, seconds)),
        **setup.options,
    )
    made = Bench(venue, clock, exchange, network, app, faults, account, metrics=metrics)
    made.margin_mode = Mode(setup.margin_mode.value)
    made.changes.extend(setup.changes)
    app.middlewares.append(tampering(made.changes))
    app.middlewares.insert(0, _watching(made))
    async with serve(app, network, *venue.addresses):
        try:
            yield made
        finally:
            await account.close()


def _watching(made: Bench) -> Any:
    @web.middleware
    async def watching(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        await made.watch(request)
        return await handler(request)

    return watching


def play(act: Callable[[Bench], Awaitable[None]], venue: Venue = BYBIT, **setup: Any) -> None:
    """Run one scene in virtual time."""

    async def main(clock: VirtualClock) -> None:
        async with bench(clock, venue, Setup(**setup)) as made:
            await act(made)

    run(main)
