"""What the simulator's tests are made of: a clock moved by hand, an exchange, a signing client, and ccxt."""

import hmac
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt.async_support as ccxt
from aiohttp import web

from hedgebot.domain.units import Millis
from hedgebot.sim.bybit import Bybit
from hedgebot.sim.bybit.wire import Call
from hedgebot.sim.contract import btcusd, ethusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market, Number, Path, level
from hedgebot.sim.truth import Rules

START_MS = 1_700_000_010_000
KEY, SECRET = "key-of-main", "secret-of-main"
SYMBOL = "BTC/USD:BTC"
BTCUSD, ETHUSD = btcusd(), ethusd()
ORDER: dict[str, Any] = {
    "category": "inverse",
    "symbol": "BTCUSD",
    "side": "Sell",
    "orderType": "Limit",
    "qty": "1000",
    "price": "59990",
    "timeInForce": "IOC",
}
BALANCE = "/v5/account/wallet-balance"


class HandClock:
    """A clock that moves only when it is told to."""

    def __init__(self, at_ms: int = START_MS) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> Millis:
        return Millis(self.at_ms)

    def monotonic(self) -> float:
        return self.at_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)


def exchange(
    price: Number | Path = 60_000,
    *,
    coins: Number = 1,
    clock: HandClock | None = None,
    rules: Rules | None = None,
    **feed: Any,
) -> SimulatedExchange:
    """An exchange with one funded account, ``main``, in cross margin at leverage 10 and without funding."""
    path = price if not isinstance(price, str | int | Fraction) else level(price)
    feeds = {
        "BTCUSD": Feed(path=path, **{"funding": level(0), **feed}),
        "ETHUSD": Feed(path=level(3_000), funding=level(0)),
    }
    made = SimulatedExchange(
        clock or HandClock(), Market(feeds), [BTCUSD, ETHUSD], random.Random(7), rules or Rules()
    )
    made.open_account("main", key=KEY, secret=SECRET)
    if coins:
        made.deposit("main", "BTC", coins)
    return made


def clock_of(made: SimulatedExchange) -> HandClock:
    clock = made.truth.clock
    assert isinstance(clock, HandClock)
    return clock


class Client:
    """Calls the dialect directly, signed as a real client would sign."""

    def __init__(self, made: SimulatedExchange, key: str = KEY, secret: str = SECRET) -> None:
        self.bybit = Bybit(made)
        self.key, self.secret = key, secret
        self.clock = clock_of(made)

    def get(self, path: str, **params: object) -> dict[str, Any]:
        query = urlencode(params)
        return self._sent(Call("GET", path, query, self.signed(query.encode())))

    def post(self, path: str, **params: object) -> dict[str, Any]:
        body = json.dumps(params).encode()
        return self._sent(Call("POST", path, "", self.signed(body), body))

    def signed(self, payload: bytes, *, age_ms: int = 0, window: int = 5000) -> dict[str, str]:
        sent = str(self.clock.at_ms - age_ms)
        signature = hmac.new(self.secret.encode(), f"{sent}{self.key}{window}".encode() + payload, sha256)
        return {
            "x-bapi-api-key": self.key,
            "x-bapi-timestamp": sent,
            "x-bapi-recv-window": str(window),
            "x-bapi-sign": signature.hexdigest(),
        }

    def _sent(self, call: Call) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(self.bybit.answer(call).body)
        return reply


def client(made: SimulatedExchange | None = None) -> Client:
    return Client(made or exchange())


def coin_row(of: Client, coin: str = "BTC") -> dict[str, Any]:
    rows = of.get(BALANCE, accountType="UNIFIED")["result"]["list"][0]["coin"]
    row: dict[str, Any] = next(row for row in rows if row["coin"] == coin)
    return row


def position_row(of: Client) -> dict[str, Any]:
    rows: list[dict[str, Any]] = of.get("/v5/position/list", category="inverse", symbol="BTCUSD")["result"][
        "list"
    ]
    return rows[0]


@asynccontextmanager
async def ccxt_client(url: str, clock: HandClock, **config: Any) -> AsyncIterator[Any]:
    """ccxt as installed, its connections led to ``url``; only its clock is ours."""

    async def lead(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        target = request.url.with_scheme("http").with_host("127.0.0.1").with_port(int(url.rpartition(":")[2]))
        request.url = target
        return await send(request)

    async with aiohttp.ClientSession(middlewares=(lead,)) as session:
        client = ccxt.bybit(
            {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "session": session, **config}
        )
        client.milliseconds = clock.now_ms
        client.timeout_on_exit = 0  # the session is not its own: there is nothing to wait for
        try:
            yield client
        finally:
            await client.close()


def app_of(middleware: Any, app: web.Application) -> web.Application:
    """The application with a middleware before everything else, as the faults are put there."""
    app.middlewares.insert(0, middleware)
    return app
