"""Each fault as a client meets it and as the exchange meets it: in virtual time, and over real sockets."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web

from hedgebot.domain.units import Millis
from hedgebot.ports import Clock
from hedgebot.sim.faults import (
    EFFECTS,
    HTML,
    Fault,
    Faults,
    Hit,
    bybit_error,
    flip_bytes,
    put_nan,
    repeat_key,
)
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run
from tests.patience import PATIENCE_S, until

REPLY = {"retCode": 0, "retMsg": "OK", "result": {"orderId": "7", "sizes": [1, "2"]}}
ORDER = "/v5/order/create"
TIME = "/v5/market/time"

T = TypeVar("T")


class Exchange:
    """Counts what it processes, and when."""

    def __init__(self, clock: Clock, plan: Sequence[Fault], seed: int = 1) -> None:
        self.clock = clock
        self.processed: list[tuple[str, float]] = []
        self.faults = Faults(Random(seed), plan, clock)
        self.app = web.Application()
        self.app.router.add_post(ORDER, self.answer)
        self.app.router.add_get(TIME, self.answer)
        self.app.router.add_get("/forbidden", self.refuse)
        self.faults.install(self.app)

    async def answer(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.processed.append((f"{request.method} {body}".strip(), self.clock.monotonic()))
        return web.json_response(REPLY)

    async def refuse(self, _: web.Request) -> web.Response:
        raise web.HTTPForbidden


class Client:
    """Sends to the exchange and keeps what came back."""

    def __init__(self, session: aiohttp.ClientSession, exchange: Exchange, origin: str) -> None:
        self.session, self.exchange, self.origin = session, exchange, origin

    async def send(self, method: str = "POST", path: str = ORDER, body: str = "order") -> tuple[int, str]:
        data = body if method == "POST" else None
        async with self.session.request(method, self.origin + path, data=data) as reply:
            return reply.status, await reply.text(errors="replace")

    async def outcome(self, method: str = "POST", path: str = ORDER, body: str = "order") -> str:
        try:
            status, text = await self.send(method, path, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__
        return f"{status} {text}"


@asynccontextmanager
async def in_memory(clock: VirtualClock, plan: Sequence[Fault], seed: int = 1) -> AsyncIterator[Client]:
    exchange, network = Exchange(clock, plan, seed), MemoryNetwork()
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        serve(exchange.app, network, "exchange.test:80"),
        aiohttp.ClientSession(connector=MemoryConnector(network), timeout=timeout) as session,
    ):
        yield Client(session, exchange, "http://exchange.test")


def play(act: Callable[[Client], Awaitable[T]], *plan: Fault, seed: int = 1) -> T:
    async def main(clock: VirtualClock) -> T:
        async with in_memory(clock, plan, seed) as client:
            return await act(client)

    return run(main)


OK = f"200 {json.dumps(REPLY)}"


class TestWhatTheClientSees:
    """And how often the order behind it was processed."""

    @pytest.mark.parametrize(
        ("fault", "seen", "processed"),
        [
            (Fault("lose_request"), "ServerDisconnectedError", 0),
            (Fault("late_arrival", seconds=2), OK, 1),
            (Fault("late_arrival", seconds=20), "TimeoutError", 1),
            (Fault("lose_reply"), "ServerDisconnectedError", 1),
            (Fault("delay_reply", seconds=2), OK, 1),
            (Fault("delay_reply", seconds=20), "TimeoutError", 1),
            (Fault("delay_reply"), "TimeoutError", 1),
            (Fault("truncate_reply"), "ClientPayloadError", 1),
            (Fault("html_200"), f"200 {HTML}", 1),
            (Fault("empty_200"), "200 ", 1),
            (Fault("null_200"), "200 null", 1),
            (Fault("http_status"), f"503 {HTML}", 1),
            (Fault("http_status", status=429, body="{}", processed=False), "429 {}", 0),
            (Fault("exchange_error"), "200 " + bybit_error(10000, "Server Timeout"), 1),
            (
                Fault("exchange_error", body=bybit_error(10016, "Server error")),
                "200 " + bybit_error(10016, "Server error"),
                1,
            ),
        ],
        ids=lambda value: value.kind if isinstance(value, Fault) else "",
    )
    def test_each_fault(self, fault: Fault, seen: str, processed: int) -> None:
        async def act(client: Client) -> None:
            assert await client.outcome() == seen
            await client.exchange.clock.sleep(60)
            assert len(client.exchange.processed) == processed
            assert client.exchange.faults.hits == {fault.kind: 1}

        play(act, fault)

    @pytest.mark.parametrize("kind", ["nan_json", "duplicate_keys", "garble"])
    def test_a_damaged_reply_is_not_the_reply(self, kind: str) -> None:
        async def act(client: Client) -> None:
            status, text = await client.send()
            assert status == 200
            assert text != json.dumps(REPLY)
            assert len(client.exchange.processed) == 1

        play(act, Fault(kind))

    @pytest.mark.parametrize(("at", "arrives"), [(0, 0), (5, 5), (0.0, 0), (0.5, 0.5), (0.99, 0.99)])
    def test_a_reply_breaks_off_where_it_should(self, at: float, arrives: float) -> None:
        async def act(client: Client) -> None:
            async with client.session.post(client.origin + ORDER) as reply:
                assert reply.content_length == len(json.dumps(REPLY))
                expected = arrives if isinstance(arrives, int) else int(arrives * reply.content_length)
                with pytest.raises(aiohttp.ClientPayloadError):
                    await reply.content.readexactly(expected + 1)

        play(act, Fault("truncate_reply", at=at))

    @pytest.mark.parametrize("kind", sorted(EFFECTS))
    def test_the_exchanges_own_refusals_are_not_spared(self, kind: str) -> None:
        async def act(client: Client) -> None:
            before = await client.outcome("GET", "/forbidden")
            assert before != "403 403: Forbidden" or kind in {
                "nan_json",
                "duplicate_keys",
            }  # no JSON to damage

        play(act, Fault(kind, seconds=20))

    def test_a_get_is_processed_twice_when_its_reply_is_lost(self) -> None:
        """Because aiohttp sends it again."""

        async def act(client: Client) -> None:
            assert await client.outcome("GET", TIME) == "ServerDisconnectedError"
            assert len(client.exchange.processed) == 2
            client.session._retry_connection = False
            assert await client.outcome("GET", TIME) == "ServerDisconnectedError"
            assert len(client.exchange.processed) == 3

        play(act, Fault("lose_reply"))


class TestLateArrival:
    def test_is_processed_after_the_client_gave_up_and_once(self) -> None:
        async def act(client: Client) -> None:
            clock = client.exchange.clock
            assert await client.outcome(body="sell") == "TimeoutError"
            assert clock.monotonic() == 5
            assert client.exchange.processed == []
            await clock.sleep(60)
            assert client.exchange.processed == [("POST sell", 8.0)]

        play(act, Fault("late_arrival", seconds=8))

    def test_lets_later_requests_overtake(self) -> None:
        async def act(client: Client) -> None:
            await asyncio.gather(client.send(body="first"), client.outcome(body="second"))
            assert client.exchange.processed == [("POST second", 0.0), ("POST first", 3.0)]

        play(act, Fault("late_arrival", seconds=3, limit=1))

    def test_waits_for_a_time_drawn_between_bounds(self) -> None:
        async def act(client: Client) -> list[float]:
            for _ in range(20):
                await client.outcome()
            await client.exchange.clock.sleep(60)
            return [at for _, at in client.exchange.processed]

        waits = play(act, Fault("late_arrival", seconds=(0, 4)))
        assert len(waits) == 20
        assert all(0 <= later - earlier <= 4 for earlier, later in zip([0.0, *waits], waits, strict=False))
        assert len(set(waits)) == 20

    def test_is_processed_on_a_server_that_stops_work_for_clients_who_left(self) -> None:
        async def main(clock: VirtualClock) -> list[tuple[str, float]]:
            exchange, network = Exchange(clock, [Fault("late_arrival", seconds=8)]), MemoryNetwork()
            runner = web.AppRunner(exchange.app, handler_cancellation=True)
            await runner.setup()
            assert runner.server is not None
            network.listen("exchange.test:80", runner.server)
            timeout, connector = aiohttp.ClientTimeout(total=5), MemoryConnector(network)
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                assert await Client(session, exchange, "http://exchange.test").outcome() == "TimeoutError"
                await clock.sleep(60)
            await runner.cleanup()
            return exchange.processed

        assert run(main) == [("POST order", 8.0)]

    def test_is_given_up_when_the_server_stops(self) -> None:
        async def main(clock: VirtualClock) -> list[tuple[str, float]]:
            async with in_memory(clock, [Fault("late_arrival", seconds=500)]) as client:
                await client.outcome()
            await clock.sleep(1000)
            return client.exchange.processed

        assert run(main) == []


class TestWhenAFaultStrikes:
    async def _trace(self, client: Client) -> list[str]:
        for _ in range(4):
            await client.outcome()
            await client.outcome("GET", TIME)
            await client.exchange.clock.sleep(10)
        return [f"{hit.method} {hit.at:g}" for hit in client.exchange.faults.log]

    @pytest.mark.parametrize(
        ("fault", "hits"),
        [
            (Fault("html_200", method="POST"), ["POST 0", "POST 10", "POST 20", "POST 30"]),
            (Fault("html_200", path="/v5/market"), ["GET 0", "GET 10", "GET 20", "GET 30"]),
            (Fault("html_200", since=10, until=30), ["POST 10", "GET 10", "POST 20", "GET 20"]),
            (Fault("html_200", limit=3), ["POST 0", "GET 0", "POST 10"]),
            (Fault("html_200", probability=0), []),
        ],
        ids=["method", "path", "window", "limit", "never"],
    )
    def test_is_for_the_plan_to_say(self, fault: Fault, hits: list[str]) -> None:
        assert play(self._trace, fault) == hits

    def test_its_coin_is_fair(self) -> None:
        async def act(client: Client) -> int:
            for _ in range(1000):
                await client.send()
            return client.exchange.faults.hits["empty_200"]

        assert 240 <= play(act, Fault("empty_200", probability=0.3)) <= 360

    def test_each_hit_is_logged_with_its_time_and_path(self) -> None:
        async def act(client: Client) -> None:
            await client.exchange.clock.sleep(1.5)
            await client.send()
            assert client.exchange.faults.log == [Hit(1.5, "null_200", "POST", ORDER)]

        play(act, Fault("null_200"))

    def test_none_strikes_after_the_end(self) -> None:
        async def act(client: Client) -> None:
            client.exchange.faults.stop()
            assert await client.outcome() == OK
            assert not client.exchange.faults.hits

        play(act, *(Fault(kind) for kind in EFFECTS))

    def test_the_end_answers_those_who_were_never_to_be_answered(self) -> None:
        async def act(client: Client) -> None:
            waiting = asyncio.create_task(client.outcome())
            await client.exchange.clock.sleep(3)
            client.exchange.faults.stop()
            assert await waiting == OK
            assert client.exchange.clock.monotonic() == 3

        play(act, Fault("delay_reply", seconds=math.inf))

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'lose_requests' is no fault; there are lose_request, "):
            Fault("lose_requests")


class TestMixtures:
    def test_late_and_its_reply_lost(self) -> None:
        async def act(client: Client) -> None:
            assert await client.outcome() == "ServerDisconnectedError"
            assert client.exchange.processed == [("POST order", 3.0)]
            assert list(client.exchange.faults.hits) == ["lose_reply", "late_arrival"]

        play(act, Fault("lose_reply"), Fault("late_arrival", seconds=3))

    def test_a_fault_behind_a_lost_request_does_not_count(self) -> None:
        async def act(client: Client) -> None:
            await client.outcome()
            assert client.exchange.faults.hits == {"lose_request": 1}

        play(act, Fault("lose_request"), Fault("html_200"))

    @pytest.mark.parametrize("outer", sorted(EFFECTS))
    @pytest.mark.parametrize("inner", sorted(EFFECTS))
    def test_any_two_go_together(self, outer: str, inner: str, caplog: pytest.LogCaptureFixture) -> None:
        """The server never fails of itself, and processes the request once at most."""

        async def act(client: Client) -> None:
            await client.outcome()
            await client.exchange.clock.sleep(60)
            assert len(client.exchange.processed) <= 1
            client.exchange.faults.stop()
            assert await client.outcome() == OK

        play(act, Fault(outer, seconds=1), Fault(inner, seconds=20))
        assert not caplog.records


class TestDamage:
    BODY = json.dumps(REPLY).encode()

    def test_nan_takes_the_place_of_any_one_scalar(self) -> None:
        damaged = {put_nan(Random(seed), self.BODY) for seed in range(200)}
        assert len(damaged) == 5  # retCode, retMsg, orderId and two sizes
        assert all(body.count(b"NaN") == 1 for body in damaged)

    def test_a_key_comes_again_with_another_value(self) -> None:
        bodies = {repeat_key(Random(seed), self.BODY) for seed in range(200)}
        assert len(bodies) == 5  # three keys outside, two inside
        assert all(json.loads(body) != REPLY for body in bodies)
        repeated = {key for body in bodies for key in _repeated(body)}
        assert repeated == {"retCode", "retMsg", "result", "orderId", "sizes"}

    def test_flipped_bytes_never_make_another_digit(self) -> None:
        for seed in range(200):
            damaged = flip_bytes(Random(seed), self.BODY)
            changed = [new for old, new in zip(self.BODY, damaged, strict=True) if old != new]
            assert 1 <= len(changed) <= 8
            assert all(byte >= 0x80 for byte in changed)

    @pytest.mark.parametrize("damage", [put_nan, repeat_key])
    @pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", HTML.encode(), b"\xff"])
    def test_what_is_not_json_stays(self, damage: Callable[[Random, bytes], bytes], body: bytes) -> None:
        assert damage(Random(1), body) == body


class TestOverRealSockets:
    """The same middleware on loopback, where nothing is left to time: a fault's wait ends when we say so."""

    @pytest.mark.parametrize(
        ("fault", "seen", "processed"),
        [
            (Fault("lose_request"), "ServerDisconnectedError", 0),
            (Fault("lose_reply"), "ServerDisconnectedError", 1),
            (Fault("truncate_reply", at=7), "ClientPayloadError", 1),
            (Fault("http_status", status=502), f"502 {HTML}", 1),
        ],
        ids=lambda value: value.kind if isinstance(value, Fault) else "",
    )
    async def test_each_fault(self, fault: Fault, seen: str, processed: int) -> None:
        async with _on_loopback(_Gate(), fault) as client:
            assert await client.outcome() == seen
            assert len(client.exchange.processed) == processed

    async def test_a_late_arrival_is_answered_late(self) -> None:
        gate = _Gate()
        async with _on_loopback(gate, Fault("late_arrival", seconds=1)) as client:
            sent = asyncio.create_task(client.outcome())
            await until(lambda: gate.waiting)
            assert client.exchange.processed == []
            gate.opened.set()
            assert await sent == OK
            assert len(client.exchange.processed) == 1

    async def test_a_late_arrival_is_processed_after_the_client_gave_up(self) -> None:
        gate = _Gate()
        async with _on_loopback(gate, Fault("late_arrival", seconds=1)) as client:
            sent = asyncio.create_task(client.outcome())
            await until(lambda: gate.waiting)
            sent.cancel()
            await until(lambda: all(to.transport is None for to in client.server.connections))
            assert client.exchange.processed == []
            gate.opened.set()
            await until(lambda: client.exchange.processed)

    async def test_a_reply_that_never_comes_belongs_to_a_processed_request(self) -> None:
        async with _on_loopback(_Gate(), Fault("delay_reply")) as client:
            sent = asyncio.create_task(client.outcome())
            await until(lambda: client.exchange.processed)
            assert not sent.done()
            client.exchange.faults.stop()
            assert await sent == OK
            assert len(client.exchange.processed) == 1


class _Gate:
    """A clock that stands still: who waits for a time to come waits until the gate is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0

    def now_ms(self) -> Millis:
        return Millis(0)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.waiting += 1
        await self.opened.wait()


class _Remote(Client):
    """A client of a server that is reached by a socket."""

    server: web.Server


@asynccontextmanager
async def _on_loopback(gate: _Gate, *plan: Fault) -> AsyncIterator[_Remote]:
    exchange = Exchange(gate, plan)
    runner = web.AppRunner(exchange.app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
            client = _Remote(session, exchange, f"http://{host}:{port}")
            assert runner.server is not None
            client.server = runner.server
            yield client
    finally:
        await runner.cleanup()


def _repeated(body: bytes) -> set[str]:
    found: set[str] = set()

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in items]
        found.update(key for key in keys if keys.count(key) > 1)
        return dict(items)

    json.loads(body, object_pairs_hook=pairs)
    return found
