"""Each fault of the wire as an HTTP client meets it and as the server meets it; no test depends on speed."""

import asyncio
import errno
import gc
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from hedgebot.clock import SystemClock
from hedgebot.sim.server import serving
from hedgebot.sim.tcp_proxy import HOST, KINDS, Side, Speaker, TcpFault, TcpProxy
from tests.patience import PATIENCE_S, until

REPLY = "what the server says " * 20
IMPATIENCE = 0.2
"""Seconds for which nothing happens when nothing shall."""

CUT_OFF = {"ServerDisconnectedError", "ClientOSError", "ClientConnectionResetError"}
"""How aiohttp says that a connection ended before the reply's head was whole."""


@dataclass
class Town:
    """A server behind the proxy; ``heard`` are the requests that it processed, by their bodies."""

    proxy: TcpProxy
    url: str = ""
    heard: list[str] = field(default_factory=list)
    came_on: set[int] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        assert request.transport is not None
        self.came_on.add(request.transport.get_extra_info("peername")[1])
        self.heard.append(f"{request.method} {body}".strip())
        return web.Response(text=REPLY + body)

    async def outcome(self, body: str = "sell", *, session: aiohttp.ClientSession | None = None) -> str:
        """What a client sees of one request: the reply's text, or the class of its exception."""
        if session is None:
            async with aiohttp.ClientSession() as own:
                return await self.outcome(body, session=own)
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with session.post(self.url, data=body, timeout=timeout) as reply:
                return await reply.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__


@asynccontextmanager
async def town(*plan: TcpFault, seed: int = 1) -> AsyncIterator[Town]:
    here = Town(TcpProxy(random.Random(seed), plan, SystemClock()))
    app = web.Application(client_max_size=10**7)
    app.router.add_route("*", "/", here.answer)
    async with serving(app) as url, here.proxy.before(url) as here.url:
        yield here


@asynccontextmanager
async def unanswered(here: Town) -> AsyncIterator[None]:
    """A request is under way, a fault has struck it, and no answer came; its client gives up in the end."""
    asking = asyncio.create_task(here.outcome())
    await until(lambda: bool(here.proxy.hits))
    done, _ = await asyncio.wait([asking], timeout=IMPATIENCE)
    assert not done
    yield
    asking.cancel()
    await asyncio.wait([asking])


OK = {REPLY + "sell"}
HEAD = 20
"""Bytes of a head, fewer than any request or reply has before its first header ends."""

BODY = 400
"""Bytes of a reply that end in its body."""


class TestWhatTheClientSees:
    """And whether the request behind it was processed."""

    @pytest.mark.parametrize(
        ("fault", "seen", "processed"),
        [
            (TcpFault("delay", speaker="client", seconds=0.1), OK, 1),
            (TcpFault("delay", speaker="client", at=HEAD, seconds=(0.05, 0.1)), OK, 1),
            (TcpFault("delay", speaker="server", at=BODY, seconds=0.1), OK, 1),
            (TcpFault("drip", speaker="client", piece=50, seconds=0.01), OK, 1),
            (TcpFault("drip", speaker="server", at=HEAD, piece=50, seconds=0.01), OK, 1),
            (TcpFault("cut", speaker="client"), CUT_OFF, 0),
            (TcpFault("cut", speaker="client", at=HEAD), CUT_OFF, 0),
            (TcpFault("cut", speaker="server"), CUT_OFF, 1),
            (TcpFault("cut", speaker="server", at=HEAD), CUT_OFF, 1),
            (TcpFault("cut", speaker="server", at=BODY), {"ClientPayloadError"}, 1),
            (TcpFault("reset", speaker="client"), CUT_OFF, 0),
            (TcpFault("reset", speaker="client", at=HEAD), CUT_OFF, 0),
            (TcpFault("reset", speaker="server"), CUT_OFF, 1),
            (TcpFault("reset", speaker="server", at=BODY), {"ClientPayloadError", "ClientOSError"}, 1),
            (TcpFault("truncate", speaker="client", at=HEAD), CUT_OFF, 0),
            (TcpFault("truncate", speaker="server", at=HEAD), CUT_OFF, 1),
            (TcpFault("truncate", speaker="server", at=BODY), {"ClientPayloadError"}, 1),
            (TcpFault("close_idle", seconds=0.05), OK, 1),
            (TcpFault("refuse", seconds=0), CUT_OFF, 0),
        ],
        ids=lambda value: f"{value.kind}-{value.speaker}-{value.at}" if isinstance(value, TcpFault) else "",
    )
    async def test_each_fault(self, fault: TcpFault, seen: set[str], processed: int) -> None:
        async with town(fault) as here:
            assert await here.outcome() in seen
            await until(lambda: here.proxy.hits == {fault.kind: 1})
        assert here.heard == ["POST sell"] * processed

    @pytest.mark.parametrize(("speaker", "processed"), [("client", 0), ("server", 1)])
    @pytest.mark.parametrize("at", [0, HEAD])
    async def test_half_open_never_answers(self, speaker: Side, processed: int, at: int) -> None:
        async with town(TcpFault("half_open", speaker=speaker, at=at)) as here, unanswered(here):
            assert here.proxy.hits == {"half_open": 1}
        assert here.heard == ["POST sell"] * processed

    async def test_a_half_open_connection_is_reset_when_the_faults_stop(self) -> None:
        async with town(TcpFault("half_open", speaker="server")) as here:
            asking = asyncio.create_task(here.outcome())
            await until(lambda: bool(here.proxy.hits))
            here.proxy.stop()
            assert await asking in CUT_OFF
            assert {await here.outcome()} == OK

    async def test_a_delayed_request_arrives_after_its_client_gave_up(self) -> None:
        async with town(TcpFault("delay", speaker="client")) as here:
            async with unanswered(here):
                pass
            assert here.heard == []
            here.proxy.stop()
            await until(lambda: here.heard == ["POST sell"])

    async def test_a_delay_lasts_at_least_as_long_as_it_says(self) -> None:
        clock = SystemClock()
        async with town(TcpFault("delay", speaker="client", seconds=0.2)) as here:
            before = clock.monotonic()
            await here.outcome()
            assert clock.monotonic() - before >= 0.2

    async def test_a_closed_port_refuses_until_it_is_open_again(self) -> None:
        async with town(TcpFault("refuse", limit=1)) as here:
            assert await here.outcome() in CUT_OFF
            assert await here.outcome() == "ClientConnectorError"
            assert await here.outcome() == "ClientConnectorError"
            here.proxy.stop()
            async with asyncio.timeout(PATIENCE_S):
                while (outcome := await here.outcome()) == "ClientConnectorError":
                    await asyncio.sleep(0.01)
            assert {outcome} == OK
        assert here.heard == ["POST sell"]

    async def test_a_connection_closed_between_requests_costs_none_of_them(self) -> None:
        async with (
            town(TcpFault("close_idle", seconds=0.05, limit=1)) as here,
            aiohttp.ClientSession() as session,
        ):
            for _ in range(3):
                assert {await here.outcome(session=session)} == OK
                await until(lambda: not _pooled(session) or here.proxy.connections == 2)
        assert len(here.came_on) == here.proxy.connections == 2

    async def test_without_a_fault_a_connection_is_kept(self) -> None:
        async with town() as here, aiohttp.ClientSession() as session:
            for number in range(3):
                assert await here.outcome(str(number), session=session) == REPLY + str(number)
        assert len(here.came_on) == here.proxy.connections == 1

    async def test_a_server_that_is_gone_is_a_reset(self) -> None:
        proxy = TcpProxy(random.Random(1), (), SystemClock())
        with socket.create_server((HOST, 0)) as free:
            nobody = f"http://{HOST}:{free.getsockname()[1]}"
        async with proxy.before(nobody) as url:
            assert await Town(proxy, url).outcome() in CUT_OFF


def _pooled(session: aiohttp.ClientSession) -> bool:
    """Whether the session holds a connection that it would use again."""
    assert session.connector is not None
    pools = session.connector._conns.values()
    return any(protocol.is_connected() for pool in pools for protocol, _ in pool)


class TestBytes:
    @pytest.mark.parametrize(
        "plan",
        [
            (),
            (TcpFault("drip", piece=70_000, seconds=0), TcpFault("delay", at=123_456, seconds=0.01)),
            (TcpFault("delay", at=(0, 500_000), seconds=0.01), TcpFault("delay", at=65_536, seconds=0)),
        ],
    )
    async def test_what_passes_is_what_was_said(self, plan: tuple[TcpFault, ...]) -> None:
        body = "".join(map(str, range(100_000)))
        async with town(*plan) as here:
            assert await here.outcome(body) == REPLY + body
        assert here.heard == [f"POST {body}"]

    @pytest.mark.parametrize("at", [0, 1, 40, 100])
    @pytest.mark.parametrize("kind", ["cut", "truncate"])
    async def test_so_many_bytes_arrive(self, kind: str, at: int) -> None:
        async with raw(TcpFault(kind, speaker="server", at=at)) as (client, server):
            client.writer.write(b"?")
            await server.reader.readexactly(1)
            server.writer.write(b"x" * 100)
            assert await client.reader.read() == b"x" * at

    async def test_who_is_truncated_speaks_on_unheard(self) -> None:
        async with raw(TcpFault("truncate", speaker="client", at=3)) as (client, server):
            client.writer.write(b"abcdef")
            assert await server.reader.read() == b"abc"
            client.writer.write(b"ghi")
            server.writer.write(b"and yet it answers")
            assert await client.reader.readexactly(10) == b"and yet it"

    async def test_an_end_of_stream_is_carried_as_that_with_what_came_before(self) -> None:
        async with raw() as (client, server):
            client.writer.write(b"the last")
            client.writer.write_eof()
            assert await server.reader.read() == b"the last"
            server.writer.write(b"heard")
            server.writer.close()
            assert await client.reader.read() == b"heard"

    async def test_a_reset_is_carried_as_that(self) -> None:
        async with raw() as (client, server):
            client.writer.write(b"?")
            await server.reader.readexactly(1)
            linger = struct.pack("ii", 1, 0)
            client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.writer.transport.abort()
            with pytest.raises(ConnectionResetError):
                await server.reader.read()

    @pytest.mark.parametrize("kind", ["reset", "refuse"])
    async def test_a_reset_is_one(self, kind: str) -> None:
        async with town(TcpFault(kind, seconds=0)) as here:
            port = int(here.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"GET / HTTP/1.1\r\n")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()


@dataclass
class End:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@asynccontextmanager
async def raw(*plan: TcpFault) -> AsyncIterator[tuple[End, End]]:
    """Both ends of one connection through the proxy, without HTTP."""
    accepted: asyncio.Queue[End] = asyncio.Queue()
    listener = await asyncio.start_server(
        lambda reader, writer: accepted.put_nowait(End(reader, writer)), HOST, 0
    )
    url = f"http://{HOST}:{listener.sockets[0].getsockname()[1]}"
    async with TcpProxy(random.Random(1), plan, SystemClock()).before(url) as through:
        client = End(*await asyncio.open_connection(HOST, int(through.rpartition(":")[2])))
        async with asyncio.timeout(PATIENCE_S):
            server = await accepted.get()
            yield client, server
        client.writer.close()
        server.writer.close()
    listener.close()


class TestWhichTurnsAreStruck:
    @pytest.mark.parametrize(
        ("fault", "speaker", "request_", "seconds", "concerned"),
        [
            (TcpFault("cut"), "client", b"GET /", 0, True),
            (TcpFault("cut"), "server", b"GET /", 0, True),
            (TcpFault("cut"), "nobody", b"", 0, False),
            (TcpFault("cut", speaker="client"), "server", b"GET /", 0, False),
            (TcpFault("cut", speaker="server"), "server", b"GET /", 0, True),
            (TcpFault("cut", request=b"POST"), "server", b"POST /", 0, True),
            (TcpFault("cut", request=b"POST"), "client", b"GET /", 0, False),
            (TcpFault("cut", since=2, until=3), "client", b"", 1.9, False),
            (TcpFault("cut", since=2, until=3), "client", b"", 2, True),
            (TcpFault("cut", since=2, until=3), "client", b"", 3, False),
            (TcpFault("refuse"), "nobody", b"", 0, True),
            (TcpFault("refuse"), "client", b"", 0, False),
            (TcpFault("refuse", until=0), "nobody", b"", 0, False),
            (TcpFault("close_idle"), "server", b"", 0, True),
            (TcpFault("close_idle"), "client", b"", 0, False),
            (TcpFault("close_idle"), "nobody", b"", 0, False),
        ],
    )
    def test_a_fault_says_whom_it_concerns(
        self, fault: TcpFault, speaker: Speaker, request_: bytes, seconds: float, concerned: bool
    ) -> None:
        assert fault.concerns(speaker, request_, seconds) is concerned

    async def test_only_requests_that_begin_so_and_their_replies(self) -> None:
        async with (
            town(TcpFault("cut", speaker="server", request=b"POST")) as here,
            aiohttp.ClientSession() as session,
        ):
            for _ in range(3):
                async with session.get(here.url) as reply:
                    assert await reply.text() == REPLY
            assert await here.outcome(session=session) in CUT_OFF
        assert here.heard == ["GET", "GET", "GET", "POST sell"]

    async def test_each_turn_on_a_kept_connection_meets_the_plan_anew(self) -> None:
        async with town(TcpFault("delay", seconds=0)) as here, aiohttp.ClientSession() as session:
            for _ in range(3):
                await here.outcome(session=session)
            assert here.proxy.hits == {"delay": 6}

    async def test_a_limit_ends_it(self) -> None:
        async with town(TcpFault("cut", speaker="server", limit=2)) as here:
            outcomes = [await here.outcome() for _ in range(4)]
        assert [outcome in CUT_OFF for outcome in outcomes] == [True, True, False, False]
        assert here.proxy.hits == {"cut": 2}

    async def test_a_place_that_the_turn_does_not_reach_is_no_hit(self) -> None:
        async with town(TcpFault("cut", at=10**6)) as here:
            assert {await here.outcome()} == OK
            assert not here.proxy.hits

    async def test_several_strike_one_turn_in_the_order_of_their_places(self) -> None:
        plan = (TcpFault("cut", speaker="server", at=HEAD), TcpFault("delay", speaker="server", seconds=0.05))
        async with town(*plan) as here:
            assert await here.outcome() in CUT_OFF
            assert list(here.proxy.hits) == ["delay", "cut"]

    async def test_chance_is_the_seeds(self) -> None:
        async def struck(seed: int) -> list[bool]:
            async with town(TcpFault("cut", probability=0.5), seed=seed) as here:
                return [await here.outcome() in CUT_OFF for _ in range(12)]

        assert await struck(3) == await struck(3)
        assert await struck(3) != await struck(4)

    async def test_a_plan_takes_the_place_of_the_last_from_then_on(self) -> None:
        async with town(TcpFault("cut", limit=1)) as here:
            assert await here.outcome() in CUT_OFF
            here.proxy.begin([TcpFault("reset", limit=1)])
            assert await here.outcome() in CUT_OFF
            assert {await here.outcome()} == OK
            here.proxy.stop()
            here.proxy.begin([TcpFault("cut", limit=1)])
            assert await here.outcome() in CUT_OFF
            assert here.proxy.hits == {"cut": 2, "reset": 1}

    async def test_none_after_stop(self) -> None:
        async with town(*(TcpFault(kind) for kind in KINDS)) as here:
            here.proxy.stop()
            assert {await here.outcome()} == OK
            assert not here.proxy.hits

    def test_a_kind_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'duplicate' is no fault; there are delay, "):
            TcpFault("duplicate")


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.parametrize("turns", range(12))
async def test_it_ends_at_any_moment_and_leaves_no_socket_open(turns: int) -> None:
    async with town(TcpFault("delay", speaker="server", seconds=60)) as here:
        asking = [asyncio.create_task(here.outcome()) for _ in range(2)]
        for _ in range(turns):
            await asyncio.sleep(0)
    assert await asyncio.gather(*asking)
    gc.collect()  # what nobody closed warns now, and a warning is an error


async def test_the_port_is_free_after_the_proxy_ended() -> None:
    async with town(TcpFault("half_open")) as here, unanswered(here):
        pass
    with socket.socket() as again:
        assert again.connect_ex((HOST, int(here.url.rpartition(":")[2]))) == errno.ECONNREFUSED
