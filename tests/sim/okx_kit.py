"""What the tests of OKX's dialect are made of: an exchange with its contracts, a signing client, and ccxt."""

import hmac
import json
import random
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import aiohttp
import ccxt.async_support as ccxt

from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market, Number, Path, level
from hedgebot.sim.matching import Shape
from hedgebot.sim.okx import RULES, Okx, Options, btc_usd_swap, eth_usd_swap
from hedgebot.sim.okx.wire import Call
from tests.sim.kit import HandClock, clock_of

KEY, SECRET, PASSPHRASE = "key-of-main", "secret-of-main", "passphrase-of-main"
BTC, ETH = "BTC-USD-SWAP", "ETH-USD-SWAP"
API = "/api/v5/"
ORDER: dict[str, Any] = {
    "instId": BTC,
    "tdMode": "cross",
    "side": "sell",
    "ordType": "ioc",
    "sz": "10",
    "px": "59990",
}
DEPTH = Shape(contracts=Fraction(2_000))


def exchange(price: Number | Path = 60_000, *, coins: Number = 1, **feed: Any) -> SimulatedExchange:
    """An exchange with one funded account, ``main``, in cross margin at leverage 10 and without funding."""
    path = price if not isinstance(price, str | int | Fraction) else level(price)
    feeds = {
        BTC: Feed(path=path, shape=DEPTH, **{"funding": level(0), **feed}),
        ETH: Feed(path=level(3_000), funding=level(0), shape=DEPTH),
    }
    contracts = [btc_usd_swap(), eth_usd_swap()]
    made = SimulatedExchange(HandClock(), Market(feeds), contracts, random.Random(7), replace(RULES))
    made.open_account("main", key=KEY, secret=SECRET, passphrase=PASSPHRASE)
    if coins:
        made.deposit("main", "BTC", coins)
    return made


class Client:
    """Calls the dialect directly, signed as a real client would sign."""

    def __init__(self, made: SimulatedExchange, **options: Any) -> None:
        self.exchange = made
        self.okx = Okx(made, Options(**options))
        self.clock = clock_of(made)
        self.headers: dict[str, str] = {}
        self.passphrase = PASSPHRASE
        self.secret = SECRET
        self.key = KEY
        self.age_ms = 0

    def get(self, path: str, **params: object) -> dict[str, Any]:
        return self.ask("GET", path, urlencode(params))

    def post(self, path: str, **params: object) -> dict[str, Any]:
        return self.ask("POST", path, body=json.dumps(params).encode())

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"") -> dict[str, Any]:
        target = f"{API}{path}?{query}" if query else API + path
        at = datetime.fromtimestamp((self.clock.at_ms - self.age_ms) / 1000, UTC)
        sent = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        signed = hmac.new(self.secret.encode(), f"{sent}{method}{target}".encode() + body, sha256)
        headers = {
            "ok-access-key": self.key,
            "ok-access-passphrase": self.passphrase,
            "ok-access-timestamp": sent,
            "ok-access-sign": b64encode(signed.digest()).decode(),
        }
        reply = self.okx.answer(Call(method, API + path, query, headers | self.headers, body))
        document: dict[str, Any] = json.loads(reply.body)
        return {**document, "status": reply.status}

    def row(self, path: str, **params: object) -> dict[str, Any]:
        """The only row of a successful reply."""
        reply = self.get(path, **params)
        assert reply["code"] == "0", reply
        [row] = reply["data"]
        assert isinstance(row, dict)
        return row

    def coin(self, name: str = "BTC") -> dict[str, Any]:
        [row] = self.row("account/balance", ccy=name)["details"]
        assert isinstance(row, dict)
        return row

    def place(self, **changes: object) -> dict[str, Any]:
        """The row of the reply to an order."""
        [row] = self.post("trade/order", **{**ORDER, **changes})["data"]
        assert isinstance(row, dict)
        return row


def client(made: SimulatedExchange | None = None, **options: Any) -> Client:
    return Client(made or exchange(), **options)


@asynccontextmanager
async def ccxt_client(url: str, clock: HandClock) -> AsyncIterator[Any]:
    """ccxt as installed, its connections led to ``url``; only its clock is ours."""

    async def lead(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.url = (
            request.url.with_scheme("http").with_host("127.0.0.1").with_port(int(url.rpartition(":")[2]))
        )
        return await send(request)

    async with aiohttp.ClientSession(middlewares=(lead,)) as session:
        keys = {"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE}
        vendor = ccxt.okx({**keys, "enableRateLimit": False, "session": session})
        vendor.milliseconds = clock.now_ms
        vendor.timeout_on_exit = 0  # the session is not its own: there is nothing to wait for
        vendor.options["fetchMarkets"] = {"types": ["swap"]}
        vendor.has["fetchCurrencies"] = False
        try:
            yield vendor
        finally:
            await vendor.close()
