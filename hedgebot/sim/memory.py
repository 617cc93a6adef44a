"""A network inside the process: aiohttp's own client and server, joined without a socket.

Only the transport is ours. The client session, the HTTP parsers, the server and whatever stands on them
(ccxt) are the real ones, and run in virtual time as in real time. TLS is left out: an ``https`` URL
reaches its server in clear, so a server may listen under an exchange's real name and port.
"""

import asyncio
import errno
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.tracing import Trace

HIGH_WATER, LOW_WATER = 65_536, 16_384  # unread bytes at which a writer is paused and resumed
FIRST_CLIENT_PORT = 49_152
LOCALHOST = "127.0.0.1"

Item = bytes | ConnectionResetError | None
"""What travels: data, a reset, or None for the end of the stream."""


class _Listener(NamedTuple):
    server: Callable[[], asyncio.Protocol]
    context: Context


class _Stream:
    """One direction of a connection: items on their way, in order, after the network's delay.

    ``receiver`` is called at each arrival, in ``context``; ``sender`` whenever bytes have been taken.
    """

    receiver: Callable[[], None]
    sender: Callable[[], None]

    def __init__(self, network: "MemoryNetwork", context: Context) -> None:
        self.unread = 0
        self._network = network
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._items: deque[Item] = deque()
        self._arrived = 0
        self._last_arrival = 0.0
        self._broken = False

    def send(self, item: Item) -> None:
        if isinstance(item, bytes):
            self.unread += len(item)
        self._broken = self._broken or self._network.half_open
        if self._broken:
            return
        delay, under_way = self._network.delay(), len(self._items) - self._arrived
        self._items.append(item)
        if not delay and not under_way:
            self._loop.call_soon(self._arrive, context=self._context)
        else:
            self._arrive_in(delay)

    def _arrive_in(self, seconds: float) -> None:
        """Arrive after ``seconds``, or with whatever was sent earlier and takes longer."""
        timer = self._loop.call_later(seconds, self._arrive, context=self._context)
        if timer.when() < self._last_arrival:
            timer.cancel()
            timer = self._loop.call_at(self._last_arrival, self._arrive, context=self._context)
        self._last_arrival = timer.when()

    def _arrive(self) -> None:
        self._arrived += 1
        self.receiver()

    def __bool__(self) -> bool:
        """Whether something has arrived and waits to be taken."""
        return self._arrived > 0

    def take(self) -> Item:
        self._arrived -= 1
        item = self._items.popleft()
        if isinstance(item, bytes):
            self.unread -= len(item)
            self.sender()
        return item


class MemoryTransport(asyncio.Transport):
    """One end of a connection, with what aiohttp asks of a transport."""

    def __init__(
        self, network: "MemoryNetwork", incoming: _Stream, outgoing: _Stream, extra: dict[str, Any]
    ) -> None:
        super().__init__(extra)
        self._network = network
        self._incoming, self._outgoing = incoming, outgoing
        incoming.receiver, outgoing.sender = self._deliver, self._mind_the_buffer
        self._loop = asyncio.get_running_loop()
        self._protocol: asyncio.Protocol
        self._reading = True
        self._closing = False
        self._writing_paused = False

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Give this end its protocol, and the protocol this end."""
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing:
            self._outgoing.send(bytes(data))
            self._mind_the_buffer()

    def _mind_the_buffer(self) -> None:
        """Pause or resume the protocol's writing by what the other end has not taken yet."""
        if self._closing:
            return
        if not self._writing_paused and self._outgoing.unread > HIGH_WATER:
            self._writing_paused = True
            self._protocol.pause_writing()
        elif self._writing_paused and self._outgoing.unread <= LOW_WATER:
            self._writing_paused = False
            self._protocol.resume_writing()

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        """Hand over what has arrived, unless reading is paused; a closed end throws it away."""
        while self._incoming and (self._reading or self._closing):
            item = self._incoming.take()
            if self._closing:
                continue
            if isinstance(item, bytes):
                self._protocol.data_received(item)
            elif item is not None:
                self.fail(item)
            elif not self._protocol.eof_received():
                self.close()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """What was written still arrives, then the end of the stream."""
        if not self._closing:
            self._outgoing.send(None)
            self._end(None)

    def abort(self) -> None:
        """Reset the connection: the other end fails with ``ConnectionResetError``."""
        if not self._closing:
            self._outgoing.send(_reset())
            self._end(None)

    def fail(self, error: ConnectionResetError) -> None:
        """Be reset, by the other end or by something between."""
        if not self._closing:
            self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._closing = True
        self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        self._deliver()
        self._network.forget(self)
        self._protocol.connection_lost(error)


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


class _ServerEnd(MemoryTransport):
    """The end that replies; a reply is cut at the byte that the network says."""

    _cut_at: int | None = None
    _replied = 0

    def _deliver(self) -> None:
        self._replied = 0
        super()._deliver()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._replied == 0:
            self._cut_at = self._network.reply_cut()
        if self._cut_at is None or self._replied + len(data) < self._cut_at:
            self._replied += len(data)
            super().write(data)
        else:
            super().write(data[: self._cut_at - self._replied])
            self.close()


class MemoryNetwork:
    """Servers by ``host:port`` and what is wrong with the way to them. Attributes may change at any time.

    - ``latency``: one-way seconds, or a (seeded) function that returns them for each piece of data;
      connecting takes a round trip.
    - ``down``: connections are refused. Those that are open stay; see ``reset``.
    - ``unreachable``: connecting gets no answer, ever.
    - ``half_open``: bytes sent now never arrive, nor does anything later on the same connection.
    - ``cut_at``: a reply's connection closes after this many of its bytes, head included; a number, or a
      (seeded) function called for each reply, where None spares the reply.
    """

    def __init__(self, latency: float | Callable[[], float] = 0.0) -> None:
        self.latency = latency
        self.down = False
        self.unreachable = False
        self.half_open = False
        self.cut_at: int | Callable[[], int | None] | None = None
        self.connections = 0  # ever made
        self._listeners: dict[str, _Listener] = {}
        self._ends: dict[MemoryTransport, None] = {}  # a dict keeps their order

    def listen(self, address: str, server: Callable[[], asyncio.Protocol]) -> None:
        """Serve ``address`` (``host:port``) with ``server``'s protocols. Raises ``OSError`` if taken."""
        if address in self._listeners:
            raise OSError(errno.EADDRINUSE, f"{address} is taken")
        self._listeners[address] = _Listener(server, copy_context())

    def unlisten(self, address: str) -> None:
        """Refuse new connections to ``address``; open ones stay."""
        self._listeners.pop(address, None)

    def reset(self) -> None:
        """Break every open connection: both ends fail with ``ConnectionResetError``."""
        for end in self._ends:
            end.fail(_reset())

    async def connect(self, address: str, client: asyncio.Protocol) -> None:
        """Join ``client`` to a new protocol of ``address``'s server. Raises ``ConnectionRefusedError``."""
        if self.unreachable:
            await asyncio.get_running_loop().create_future()
        if round_trip := self.delay() + self.delay():
            await asyncio.sleep(round_trip)
        listener = self._listeners.get(address)
        if self.down or listener is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"nothing listens on {address}")
        name = (LOCALHOST, FIRST_CLIENT_PORT + self.connections % (65_536 - FIRST_CLIENT_PORT))
        self.connections += 1
        there, back = _Stream(self, listener.context), _Stream(self, copy_context())
        near = MemoryTransport(self, back, there, {"sockname": name, "peername": (LOCALHOST, 0)})
        far = _ServerEnd(self, there, back, {"sockname": (LOCALHOST, 0), "peername": name})
        self._ends |= {near: None, far: None}
        near.attach(client)
        asyncio.get_running_loop().call_soon(far.attach, listener.server(), context=listener.context)

    def delay(self) -> float:
        """One-way seconds for the next piece of data."""
        return self.latency() if callable(self.latency) else self.latency

    def reply_cut(self) -> int | None:
        """At which byte the next reply is cut, if at all."""
        return self.cut_at() if callable(self.cut_at) else self.cut_at

    def forget(self, end: MemoryTransport) -> None:
        """Drop an end that is closed."""
        self._ends.pop(end, None)


class MemoryConnector(aiohttp.BaseConnector):
    """Connects an aiohttp client session through a ``MemoryNetwork``.

    Idle connections are kept until their server closes them: aiohttp's own limit reads the real clock.
    """

    def __init__(self, network: MemoryNetwork) -> None:
        super().__init__(limit=0, keepalive_timeout=None)
        self._network = network

    async def _create_connection(
        self, req: ClientRequest, _traces: list[Trace], limits: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        key, protocol = req.connection_key, self._factory()
        try:
            async with asyncio.timeout(limits.sock_connect):
                await self._network.connect(f"{key.host}:{key.port}", protocol)
        except TimeoutError:
            raise  # an OSError too, which the session reports as its own kind
        except OSError as error:
            raise aiohttp.ClientConnectorError(key, error) from error
        return protocol


@asynccontextmanager
async def serve(app: web.Application, network: MemoryNetwork, *addresses: str) -> AsyncIterator[None]:
    """Serve ``app`` under ``host:port`` names while the block runs."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    for address in addresses:
        network.listen(address, runner.server)
    try:
        yield
    finally:
        for address in addresses:
            network.unlisten(address)
        await runner.cleanup()
