"""Unmodified ccxt over the network in memory: the class under which each fault reaches its caller.

None of these classes tells whether an order was accepted; that is why its fate is never read from them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest
from aiohttp.client_middlewares import ClientHandlerType

from hedgebot.sim.faults import HTML, Fault, bybit_error
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run
from tests.sim.test_faults import REPLY, Exchange

TOO_MANY = bybit_error(10006, "Too many visits!")


class Venue:
    """ccxt's Bybit, its session led to an exchange in memory."""

    def __init__(self, session: aiohttp.ClientSession, network: MemoryNetwork, exchange: Exchange) -> None:
        self.session, self.network, self.exchange = session, network, exchange
        keys = {"apiKey": "key", "secret": "secret", "timeout": 5000, "enableRateLimit": False}
        self.bybit = ccxt.bybit({"session": session, **keys})

    async def read(self) -> Any:
        return await self.bybit.publicGetV5MarketTime()

    async def order(self) -> Any:
        return await self.bybit.privatePostV5OrderCreate({"side": "Sell", "qty": "1"})


async def redirect(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    request.url = request.url.with_scheme("http").with_host("exchange.test").with_port(80)
    return await handler(request)


@asynccontextmanager
async def venue(clock: VirtualClock, *plan: Fault) -> AsyncIterator[Venue]:
    exchange, network = Exchange(clock, plan), MemoryNetwork(latency=0.01)
    connector = MemoryConnector(network)
    async with (
        serve(exchange.app, network, "exchange.test:80"),
        aiohttp.ClientSession(connector=connector, middlewares=(redirect,)) as session,
    ):
        here = Venue(session, network, exchange)
        try:
            yield here
        finally:
            await here.bybit.close()


def play(act: Callable[[Venue], Awaitable[None]], *plan: Fault) -> None:
    async def main(clock: VirtualClock) -> None:
        async with venue(clock, *plan) as here:
            await act(here)

    run(main)


@pytest.mark.parametrize(
    ("fault", "raised", "cause", "processed"),
    [
        (Fault("lose_request"), ccxt.ExchangeNotAvailable, aiohttp.ServerDisconnectedError, 0),
        (Fault("lose_reply"), ccxt.ExchangeNotAvailable, aiohttp.ServerDisconnectedError, 1),
        (Fault("late_arrival", seconds=8), ccxt.RequestTimeout, TimeoutError, 1),
        (Fault("delay_reply"), ccxt.RequestTimeout, TimeoutError, 1),
        (Fault("truncate_reply"), ccxt.ExchangeError, aiohttp.ClientPayloadError, 1),
        (Fault("http_status", status=500), ccxt.ExchangeNotAvailable, None, 1),
        (Fault("http_status", status=502), ccxt.ExchangeNotAvailable, None, 1),
        (Fault("http_status", status=503), ccxt.ExchangeNotAvailable, None, 1),
        (Fault("http_status", status=504), ccxt.RequestTimeout, None, 1),
        (Fault("http_status", status=403, processed=False), ccxt.RateLimitExceeded, None, 0),
        (Fault("http_status", status=429, processed=False), ccxt.RateLimitExceeded, None, 0),
        (Fault("http_status", status=429, body=TOO_MANY, processed=False), ccxt.RateLimitExceeded, None, 0),
        (Fault("http_status", status=418, processed=False), ccxt.DDoSProtection, None, 0),
        (Fault("exchange_error"), ccxt.ExchangeError, None, 1),
        (Fault("exchange_error", body=bybit_error(10016, "Server error")), ccxt.ExchangeError, None, 1),
    ],
    ids=lambda value: f"{value.kind} {value.status or ''}" if isinstance(value, Fault) else "",
)
def test_an_order_fails_with(
    fault: Fault, raised: type[Exception], cause: type[Exception], processed: int
) -> None:
    async def act(here: Venue) -> None:
        with pytest.raises(raised) as caught:
            await here.order()
        assert caught.type is raised
        assert type(caught.value.__cause__) is (cause or type(None))
        await here.exchange.clock.sleep(60)
        assert len(here.exchange.processed) == processed

    play(act, fault)


@pytest.mark.parametrize(("kind", "returned"), [("html_200", HTML), ("empty_200", ""), ("null_200", "null")])
def test_an_order_returns_text_instead_of_failing(kind: str, returned: str) -> None:
    async def act(here: Venue) -> None:
        assert await here.order() == returned
        assert len(here.exchange.processed) == 1

    play(act, Fault(kind))


def test_a_reply_with_nan_is_returned_as_text() -> None:
    async def act(here: Venue) -> None:
        assert "NaN" in await here.order()

    play(act, Fault("nan_json"))


def test_a_key_that_comes_twice_is_believed_the_second_time() -> None:
    async def act(here: Venue) -> None:
        replies = []
        for _ in range(20):
            with suppress(ccxt.ExchangeError):  # when the key is retCode
                replies.append(await here.order())
        assert replies
        assert all(isinstance(reply, dict) and reply != REPLY for reply in replies)

    play(act, Fault("duplicate_keys"))


def test_a_refused_connection_is_the_one_failure_that_shows_nothing_was_sent() -> None:
    async def act(here: Venue) -> None:
        here.network.down = True
        with pytest.raises(ccxt.ExchangeNotAvailable) as caught:
            await here.order()
        assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorError)
        assert here.exchange.processed == []

    play(act)


def test_a_silent_connection_is_a_timeout() -> None:
    async def act(here: Venue) -> None:
        await here.read()
        here.network.half_open = True
        with pytest.raises(ccxt.RequestTimeout):
            await here.order()
        assert here.exchange.clock.monotonic() == pytest.approx(5.04)
        assert len(here.exchange.processed) == 1

    play(act)


@pytest.mark.parametrize(("resend", "processed"), [(True, 2), (False, 1)])
def test_a_read_whose_reply_is_lost_is_sent_again_beneath_ccxt(resend: bool, processed: int) -> None:
    async def act(here: Venue) -> None:
        here.session._retry_connection = resend
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await here.read()
        assert len(here.exchange.processed) == processed

    play(act, Fault("lose_reply"))


def test_closing_takes_a_quarter_of_a_virtual_second() -> None:
    async def main(clock: VirtualClock) -> float:
        async with venue(clock) as here:
            assert await here.read() == REPLY
            before = clock.monotonic()
        return clock.monotonic() - before

    assert run(main) == pytest.approx(0.25)


def test_a_read_takes_a_few_turns_of_the_loop(turns: list[None]) -> None:
    """What a simulated day costs is counted, not timed: a busy machine is not a slow simulator."""

    async def act(here: Venue) -> None:
        await here.read()
        turns.clear()
        for _ in range(100):
            await here.read()
        assert len(turns) <= 100 * 8

    play(act)
