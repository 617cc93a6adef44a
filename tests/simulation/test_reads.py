"""A read that fails, or says nothing, zero or nonsense, never becomes an order, and blinds until it is over.

One endpoint at a time is spoilt at the wire while an order is due (a deposit has arrived), then mended.
"""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.simulation.world import Scene, Setup, play

Spoil = Callable[[Any], Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

WALLET, POSITION, ORDERS = "/v5/account/wallet-balance", "/v5/position/list", "/v5/order/realtime"
TICKER, BOOK = "/v5/market/tickers", "/v5/market/orderbook"
READS = (WALLET, POSITION, ORDERS, TICKER, BOOK)

LONG_ENOUGH = 50
"""Seconds, five cycles: longer than it takes until a large fall of what is held is believed."""

NUMBER = re.compile(r"-?\d+(\.\d+)?")


def numbers(change: Callable[[str], str]) -> Spoil:
    """Every number in the result changed; ids, times and steps are numbers too."""

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoil(each) for key, each in value.items()}
        if isinstance(value, list):
            return [spoil(each) for each in value]
        return change(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value

    return spoil


def emptied(result: Any) -> Any:
    """Every list in the result empty."""
    if isinstance(result, dict):
        return {key: emptied(value) for key, value in result.items()}
    return [] if isinstance(result, list) else result


SPOILS: dict[str, Spoil] = {
    "empty": emptied,
    "no result": lambda _: {},
    "null result": lambda _: None,
    "zero": numbers(lambda _: "0"),
    "blank": numbers(lambda _: ""),
    "NaN": numbers(lambda _: "NaN"),
    "infinite": numbers(lambda _: "1e999"),
    "tenfold": numbers(lambda text: f"{text}0" if "." not in text else str(float(text) * 10)),
    "a tenth": numbers(lambda text: f"{float(text) / 10:.8f}"),
    "negative": numbers(lambda text: text.removeprefix("-") if text.startswith("-") else f"-{text}"),
}
NO_ORDERS = {
    (ORDERS, name) for name in ("empty", "zero", "blank", "NaN", "infinite", "tenfold", "a tenth", "negative")
}
"""No order rests, so an empty list is the truth and holds no number to spoil."""

EMPTY_ACCOUNT = {(WALLET, "zero"), (WALLET, "negative")}
"""A flat account that says throughout that it holds nothing is believed: there is nothing to sell either."""


class Spoiler:
    """A middleware of the server that spoils one endpoint's good replies while it is told to."""

    def __init__(self) -> None:
        self.path = ""
        self.spoil: Spoil | None = None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        reply = await handler(request)
        if self.spoil is None or request.path != self.path or not isinstance(reply, web.Response):
            return reply
        document = json.loads(reply.text or "{}")
        document["result"] = self.spoil(document["result"])
        return web.Response(text=json.dumps(document), content_type="application/json")


def fail(_: Any) -> Any:
    raise web.HTTPServiceUnavailable


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("name", ["fail", *SPOILS])
def test_a_spoilt_read_never_becomes_an_order(tmp_path: Path, read: str, name: str) -> None:
    if (read, name) in NO_ORDERS:
        pytest.skip("an empty list of orders is the truth here, and holds no number")
    spoiler = Spoiler()

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(25)
        before = scene.short
        spoiler.path, spoiler.spoil = read, SPOILS.get(name, fail)
        scene.exchange.deposit("main", "BTC", "0.25")
        await scene.clock.sleep(LONG_ENOUGH)
        assert scene.short == before
        assert scene.orders == 1
        assert scene.hedge()["state"] == "blind"
        spoiler.spoil = None
        await scene.clock.sleep(15)
        assert scene.hedge()["state"] in {"adjusting", "hedged"}, (
            "sees again within 15 s of the first good reply"
        )
        assert scene.orders == 2

    play(Setup(middlewares=(spoiler.middleware,), interval="10s"), tmp_path, act)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    "name", ["fail", "no result", "null result", "zero", "blank", "NaN", "infinite", "negative"]
)
def test_a_read_spoilt_from_the_start_never_becomes_a_first_order(
    tmp_path: Path, read: str, name: str
) -> None:
    if (read, name) in NO_ORDERS:
        pytest.skip("an empty list of orders is the truth here, and holds no number")
    spoiler = Spoiler()
    spoiler.path, spoiler.spoil = read, SPOILS.get(name, fail)

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(LONG_ENOUGH)
        assert scene.orders == 0
        assert scene.hedge()["state"] == ("hedged" if (read, name) in EMPTY_ACCOUNT else "blind")
        spoiler.spoil = None
        await scene.clock.sleep(45)
        assert scene.hedge()["state"] == "hedged"

    play(Setup(middlewares=(spoiler.middleware,), interval="10s"), tmp_path, act)
