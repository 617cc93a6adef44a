"""The network in memory behaves towards aiohttp's client and server as sockets do, faults included."""

import asyncio
import gc
import hashlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random

import aiohttp
import pytest
from aiohttp import web

from hedgebot.sim.memory import HIGH_WATER, MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run

pytestmark = pytest.mark.usefixtures("own_garbage")

ADDRESS = "exchange.test:80"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
URL = "http://exchange.test/echo"
MEGABYTE = bytes(range(256)) * 4096

who: ContextVar[str] = ContextVar("who", default="nobody")


@dataclass
class Scene:
    """A server that echoes, and a client of it."""

    clock: VirtualClock
    network: MemoryNetwork
    session: aiohttp.ClientSession
    requests: list[web.Request] = field(default_factory=list)

    async def echo(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return web.Response(body=await request.read(), headers={"Who": who.get()})

    async def get(self, url: str = URL) -> str:
        async with self.session.get(url) as reply:
            return f"{reply.status} {await reply.text()}"


@asynccontextmanager
async def scene(clock: VirtualClock, network: MemoryNetwork) -> AsyncIterator[Scene]:
    app = web.Application(client_max_size=2**24)
    timeout = aiohttp.ClientTimeout(total=60, sock_connect=3, sock_read=4)
    connector = MemoryConnector(network)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        here = Scene(clock, network, session)
        app.router.add_route("*", "/echo", here.echo)
        async with serve(app, network, ADDRESS):
            yield here


def play(act: Callable[[Scene], Awaitable[None]], network: MemoryNetwork | None = None) -> None:
    """Run ``act`` in virtual time, and see that nothing is left: no connection, no unclosed object."""
    net = network or MemoryNetwork()

    async def main(clock: VirtualClock) -> None:
        async with scene(clock, net) as here:
            await act(here)
        await clock.sleep(1)
        assert not net._ends
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main)
    gc.collect()


@asynccontextmanager
async def visit(
    network: MemoryNetwork, handler: Handler, origin: str = ADDRESS
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client session, and a server at ``origin`` that answers GET / by ``handler``."""
    app = web.Application()
    app.router.add_get("/", handler)
    connector = MemoryConnector(network)
    async with serve(app, network, origin), aiohttp.ClientSession(connector=connector) as session:
        yield session


class TestRequests:
    def test_any_method_and_body_go_there_and_back(self) -> None:
        async def act(here: Scene) -> None:
            assert await here.get() == "200 "
            async with here.session.post(URL, data=b"a body") as reply:
                assert await reply.read() == b"a body"
            assert [request.method for request in here.requests] == ["GET", "POST"]
            assert here.requests[0].remote == "127.0.0.1"

        play(act)

    def test_one_connection_serves_many_requests(self) -> None:
        async def act(here: Scene) -> None:
            for _ in range(20):
                await here.get()
                await here.clock.sleep(60)
            assert here.network.connections == 1

        play(act)

    def test_the_real_clock_does_not_end_an_idle_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hours = itertools.count(step=3600)
        monkeypatch.setattr("aiohttp.connector.monotonic", lambda: float(next(hours)))

        async def act(here: Scene) -> None:
            await here.get()
            await here.get()
            assert here.network.connections == 1

        play(act)

    def test_concurrent_requests_have_connections_of_their_own(self) -> None:
        async def act(here: Scene) -> None:
            await asyncio.gather(*(here.get() for _ in range(7)))
            assert here.network.connections == 7

        play(act)

    def test_a_server_may_carry_an_exchanges_name_over_https(self) -> None:
        async def main(_: VirtualClock) -> None:
            async def host(request: web.Request) -> web.Response:
                return web.Response(text=request.host)

            async with visit(MemoryNetwork(), host, "api.bybit.com:443") as session:
                reply = await session.get("https://api.bybit.com/")
                assert await reply.text() == "api.bybit.com"

        run(main)

    def test_websockets_work(self) -> None:
        async def main(_: VirtualClock) -> None:
            async def talk(request: web.Request) -> web.WebSocketResponse:
                socket = web.WebSocketResponse()
                await socket.prepare(request)
                async for message in socket:
                    await socket.send_str(message.data.upper())
                return socket

            async with visit(MemoryNetwork(0.01), talk) as session:
                socket = await session.ws_connect("http://exchange.test/")
                await socket.send_str("subscribe")
                assert await socket.receive_str() == "SUBSCRIBE"
                await socket.close()

        run(main)

    def test_the_server_does_not_run_in_its_clients_context(self) -> None:
        async def act(here: Scene) -> None:
            who.set("the client")
            async with here.session.get(URL) as reply:
                assert reply.headers["Who"] == "nobody"

        play(act)


class TestTime:
    def test_connecting_takes_a_round_trip_and_so_does_each_request(self) -> None:
        async def act(here: Scene) -> None:
            await here.get()
            assert here.clock.monotonic() == pytest.approx(0.2)
            await here.get()
            assert here.clock.monotonic() == pytest.approx(0.3)

        play(act, MemoryNetwork(latency=0.05))

    def test_bytes_keep_their_order_under_random_latency(self) -> None:
        async def act(here: Scene) -> None:
            async with here.session.post(URL, data=_pieces()) as reply:
                assert hashlib.sha256(await reply.read()).digest() == hashlib.sha256(MEGABYTE).digest()

        rng = Random(3)
        play(act, MemoryNetwork(latency=lambda: rng.uniform(0, 0.02)))


class Recorder(asyncio.Protocol):
    """Notes what arrives, when, and in whose context."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.seen: list[tuple[float, bytes | str, str]] = []

    def data_received(self, data: bytes) -> None:
        self.seen.append((round(self.clock.monotonic(), 6), data, who.get()))

    def connection_lost(self, error: Exception | None) -> None:
        self.seen.append((round(self.clock.monotonic(), 6), repr(error), who.get()))


class TestTheWire:
    """Below HTTP: two protocols and what passes between them."""

    def deliver(
        self, act: Callable[[asyncio.Transport, MemoryNetwork], Awaitable[None]], *latencies: float
    ) -> list[tuple[float, bytes | str, str]]:
        """What a server sees of what a client does; the latencies are those of its writes, in order."""

        async def main(clock: VirtualClock) -> Recorder:
            network, server, client = MemoryNetwork(), Recorder(clock), _Client()
            network.listen(ADDRESS, lambda: server)
            who.set("the client")
            await network.connect(ADDRESS, client)
            waits = iter(latencies)
            network.latency = lambda: next(waits, 0.0)
            await act(client.transport, network)
            await clock.sleep(60)
            return server

        return run(main).seen

    def test_what_is_quicker_waits_for_what_was_sent_before(self) -> None:
        async def act(wire: asyncio.Transport, _: MemoryNetwork) -> None:
            wire.write(b"slow")
            await asyncio.sleep(0.1)
            wire.write(b"quick")
            wire.close()

        seen = self.deliver(act, 1.0, 0.2)
        assert seen == [(1.0, b"slow", "nobody"), (1.0, b"quick", "nobody"), (1.0, "None", "nobody")]

    def test_at_no_latency_all_arrives_at_once_in_order_and_in_the_receivers_context(self) -> None:
        async def act(wire: asyncio.Transport, _: MemoryNetwork) -> None:
            for piece in (b"a", b"b", b"c"):
                wire.write(piece)

        assert self.deliver(act) == [(0.0, piece, "nobody") for piece in (b"a", b"b", b"c")]

    def test_what_follows_lost_bytes_never_arrives_either(self) -> None:
        async def act(wire: asyncio.Transport, network: MemoryNetwork) -> None:
            wire.write(b"one")
            network.half_open = True
            wire.write(b"two")
            network.half_open = False
            wire.write(b"three")
            wire.close()

        assert self.deliver(act) == [(0.0, b"one", "nobody")]

    def test_an_aborted_connection_is_reset_at_the_other_end(self) -> None:
        async def act(wire: asyncio.Transport, _: MemoryNetwork) -> None:
            wire.abort()
            wire.write(b"too late")

        [(at, error, _)] = self.deliver(act, 0.5)
        assert at == 0.5
        assert str(error).startswith("ConnectionResetError")


class _Client(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


class TestFlowControl:
    @pytest.mark.parametrize("latency", [0.0, 0.01])
    def test_a_large_body_arrives_whole_both_ways(self, latency: float) -> None:
        async def act(here: Scene) -> None:
            async with here.session.post(URL, data=MEGABYTE) as reply:
                assert await reply.read() == MEGABYTE

        play(act, MemoryNetwork(latency))

    def test_a_server_waits_for_a_slow_reader(self) -> None:
        written: list[int] = []

        async def pour(request: web.Request) -> web.StreamResponse:
            reply = web.StreamResponse()
            await reply.prepare(request)
            for _ in range(256):
                await reply.write(MEGABYTE[:16_384])
                written.append(16_384)
            return reply

        async def main(clock: VirtualClock) -> None:
            async with visit(MemoryNetwork(), pour) as session:
                reply = await session.get("http://exchange.test/", read_bufsize=2**16)
                await clock.sleep(10)
                assert sum(written) < 8 * HIGH_WATER
                assert len(await reply.read()) == 256 * 16_384

        run(main)


class TestRefusal:
    def test_nothing_listens(self) -> None:
        async def act(here: Scene) -> None:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await here.get("http://elsewhere.test/")
            assert isinstance(caught.value.os_error, ConnectionRefusedError)

        play(act)

    def test_a_network_that_is_down_refuses_until_it_is_up(self) -> None:
        async def act(here: Scene) -> None:
            here.network.down = True
            with pytest.raises(aiohttp.ClientConnectorError):
                await here.get()
            here.network.down = False
            assert await here.get() == "200 "

        play(act)

    def test_an_unreachable_server_lets_connecting_time_out(self) -> None:
        async def act(here: Scene) -> None:
            here.network.unreachable = True
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await here.get()
            assert here.clock.monotonic() == pytest.approx(3)
            assert not here.requests

        play(act)

    def test_an_address_can_be_taken_once(self) -> None:
        network = MemoryNetwork()
        network.listen(ADDRESS, asyncio.Protocol)
        with pytest.raises(OSError, match="is taken"):
            network.listen(ADDRESS, asyncio.Protocol)


class TestBrokenConnections:
    @pytest.mark.parametrize(
        ("at", "error"),
        [
            (0, aiohttp.ServerDisconnectedError),
            (9, aiohttp.ServerDisconnectedError),
            (-1, aiohttp.ClientPayloadError),
        ],
        ids=["before the first byte", "in the head", "before the last byte of the body"],
    )
    def test_a_reply_cut_at_a_byte(self, at: int, error: type[Exception]) -> None:
        async def act(here: Scene) -> None:
            here.network.cut_at = at if at >= 0 else await _reply_size(here) + at
            with pytest.raises(error):
                await _post(here)
            here.network.cut_at = None
            assert await _post(here) == b"0123456789"

        play(act)

    def test_a_reply_cut_after_its_last_byte_is_whole(self) -> None:
        async def act(here: Scene) -> None:
            size = await _reply_size(here)
            cuts = iter([size, None, size])
            here.network.cut_at = lambda: next(cuts)
            for _ in range(3):
                assert await _post(here) == b"0123456789"
            assert here.network.connections == 2

        play(act)

    @pytest.mark.parametrize(("resend", "requests"), [(True, 2), (False, 1)])
    def test_aiohttp_sends_a_get_again_unless_told_not_to(self, resend: bool, requests: int) -> None:
        async def act(here: Scene) -> None:
            here.session._retry_connection = resend
            here.network.cut_at = 0
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await here.get()
            assert len(here.requests) == requests

        play(act)

    def test_aiohttp_sends_a_post_once(self) -> None:
        async def act(here: Scene) -> None:
            here.network.cut_at = 0
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await _post(here)
            assert len(here.requests) == 1

        play(act)

    def test_half_open_nothing_arrives_and_the_reader_times_out(self) -> None:
        async def act(here: Scene) -> None:
            await here.get()
            here.network.half_open = True
            with pytest.raises(aiohttp.SocketTimeoutError):
                await here.get()
            assert here.clock.monotonic() == pytest.approx(4)
            assert len(here.requests) == 1
            here.network.half_open = False
            assert await here.get() == "200 "
            assert here.network.connections == 2

        play(act)

    def test_a_connection_that_lost_bytes_stays_silent_when_the_network_heals(self) -> None:
        async def act(here: Scene) -> None:
            here.network.half_open = True
            lost = asyncio.create_task(here.get())
            await here.clock.sleep(1)
            here.network.half_open = False
            with pytest.raises(aiohttp.SocketTimeoutError):
                await lost

        play(act)

    def test_a_reset_fails_those_who_wait(self) -> None:
        async def act(here: Scene) -> None:
            waiting = asyncio.create_task(_post(here))
            await here.clock.sleep(0.25)  # connected and sent, not yet answered
            here.network.reset()
            with pytest.raises(aiohttp.ClientOSError, match="reset"):
                await waiting

        play(act, MemoryNetwork(latency=0.1))

    def test_a_server_that_stops_closes_its_connections_and_may_start_again(self) -> None:
        async def main(clock: VirtualClock) -> None:
            async def handler(_: web.Request) -> web.Response:
                return web.Response(text="here")

            network = MemoryNetwork(0.01)
            for _ in range(2):
                async with visit(network, handler) as session:
                    reply = await session.get("http://exchange.test/")
                    assert await reply.text() == "here"
            with pytest.raises(ConnectionRefusedError):
                await network.connect(ADDRESS, asyncio.Protocol())
            await clock.sleep(1)
            assert not network._ends

        run(main)

    def test_a_client_that_goes_away_is_noticed_by_the_server(self) -> None:
        async def act(here: Scene) -> None:
            await here.get()
            assert here.requests[0].protocol.connected
            await here.session.close()
            await here.clock.sleep(1)
            assert not here.requests[0].protocol.connected

        play(act)


async def _pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(MEGABYTE), 10_000):
        yield MEGABYTE[start : start + 10_000]


async def _post(here: Scene) -> bytes:
    async with here.session.post(URL, data=b"0123456789") as reply:
        return await reply.read()


async def _reply_size(here: Scene) -> int:
    """Bytes of the reply to ``_post``, head and body."""
    async with here.session.post(URL, data=b"0123456789") as reply:
        head = f"HTTP/1.1 {reply.status} {reply.reason}\r\n".encode()
        return (
            len(head) + sum(len(n) + len(v) + 4 for n, v in reply.raw_headers) + 2 + len(await reply.read())
        )
