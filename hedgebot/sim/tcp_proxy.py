"""What goes wrong on the wire itself, drawn from a seed: a TCP proxy on loopback before any server.

It knows bytes and who speaks, nothing of HTTP. A connection is a conversation in turns: a turn is what one
side says until the other speaks, with HTTP a request or its reply. Each turn meets the plan's faults anew,
and what its coin chooses strikes once ``at`` bytes of the turn have passed. Bytes are held back, or lost
from some place on, never doubled or reordered: TCP cannot, and so neither does this.
"""

import asyncio
import math
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import Literal
from urllib.parse import urlsplit

from hedgebot.ports import Clock
from hedgebot.sim.faults import Seconds

HOST = "127.0.0.1"
CHUNK = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time at all

Side = Literal["client", "server"]
Speaker = Side | Literal["nobody"]

KINDS = {
    "delay": "what follows waits for `seconds`, its speaker still there or not, and then goes on",
    "drip": "what follows comes `piece` bytes at a time, `seconds` apart",
    "cut": "the connection ends in order (FIN) for both",
    "reset": "the connection ends with a reset (RST) for both",
    "truncate": "the listener sees the stream end (FIN), the speaker notices nothing of it",
    "half_open": "what follows is swallowed and nothing answered; a reset when the faults stop",
    "close_idle": "the connection ends (FIN) `seconds` after a reply began, if the client is silent by then",
    "refuse": "a new connection is reset, and for `seconds` the port is closed",
}
WHOSE: dict[str, tuple[Speaker, ...]] = {"close_idle": ("server",), "refuse": ("nobody",)}
"""Whose turns some kinds strike, whatever the fault says."""


@dataclass(frozen=True, slots=True)
class TcpFault:
    """What goes wrong, by a name in ``KINDS``, and when.

    It concerns what ``speaker`` (None: either) says in an exchange whose request begins with the bytes
    ``request``, from ``since`` until before ``until`` seconds after its plan began, and strikes ``limit``
    times at most. ``at`` counts bytes, or is the bounds between which their number is drawn.
    """

    kind: str
    probability: float = 1.0
    speaker: Side | None = None
    request: bytes = b""
    since: float = 0.0
    until: float = math.inf
    limit: float = math.inf
    at: int | tuple[int, int] = 0
    seconds: Seconds = math.inf
    piece: int = 64

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; there are {', '.join(KINDS)}")

    def concerns(self, speaker: Speaker, request: bytes, seconds: float) -> bool:
        """Whether it may strike what somebody begins to say; nobody: a connection that begins."""
        whose = WHOSE.get(self.kind, (self.speaker,) if self.speaker else ("client", "server"))
        return speaker in whose and request.startswith(self.request) and self.since <= seconds < self.until


@dataclass(slots=True)
class Turn:
    """What one side says; ``due`` are the faults that will strike, in order, after so many bytes."""

    speaker: Speaker
    due: list[tuple[int, TcpFault]]
    passed: int = 0
    drip: TcpFault | None = None


class TcpProxy:
    """A plan of faults in force. ``rng`` decides, ``clock`` tells the time; both are the caller's."""

    def __init__(self, rng: Random, plan: Sequence[TcpFault], clock: Clock) -> None:
        self.rng = rng
        self.clock = clock
        self.hits: Counter[str] = Counter()
        self.connections = 0
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.begin(plan)

    @asynccontextmanager
    async def before(self, url: str) -> AsyncIterator[str]:
        """Carry connections to the server at ``url`` while the block runs; gives the URL to use instead."""
        target = urlsplit(url)
        self._target = target.hostname or HOST, target.port or 80
        with socket.socket() as held:  # never listens: it keeps the port ours while that is closed
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((HOST, 0))
            self._port = int(held.getsockname()[1])
            self._open()
            try:
                yield f"http://{HOST}:{self._port}"
            finally:
                await self._end()

    def begin(self, plan: Sequence[TcpFault]) -> None:
        """Put a plan in force from now on, in the place of the last."""
        self.stop()
        self._ended = asyncio.Event()
        self._plan = tuple(plan)
        self._strikes = Counter[TcpFault]()
        self._start = self.clock.monotonic()

    def stop(self) -> None:
        """End all faults: what waits for ever goes on, and what is half open is reset."""
        self._ended.set()

    async def sleep(self, seconds: Seconds) -> None:
        """Let a duration pass, drawn if it is given by its bounds; an infinite one lasts until ``stop``."""
        drawn = self.rng.uniform(*seconds) if isinstance(seconds, tuple) else seconds
        await (self._ended.wait() if drawn == math.inf else self.clock.sleep(drawn))

    def draw(self, speaker: Speaker, request: bytes = b"") -> Turn:
        """A turn that begins, and what will strike it."""
        seconds = self.clock.monotonic() - self._start
        due = [
            (fault.at if isinstance(fault.at, int) else self.rng.randint(*fault.at), fault)
            for fault in self._plan
            if fault.concerns(speaker, request, seconds) and self.rng.random() < fault.probability
        ]
        return Turn(speaker, sorted(due, key=itemgetter(0)))

    def strikes(self, fault: TcpFault) -> bool:
        """Whether a fault still strikes, now that its place is reached; then it is counted."""
        over = self._ended.is_set() or fault not in self._plan or self._strikes[fault] >= fault.limit
        if not over:
            self._strikes[fault] += 1
            self.hits[fault.kind] += 1
        return not over

    def keep(self, work: Coroutine[None, None, None]) -> None:
        """Let ``work`` go on until it ends or the proxy does."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _open(self) -> None:
        self._listener = socket.create_server((HOST, self._port), reuse_port=True)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _shut(self) -> None:
        if self._is_open:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()

    @property
    def _is_open(self) -> bool:
        return self._listener.fileno() >= 0

    def _accept(self) -> None:
        with suppress(OSError):  # its client may be gone again
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            self.connections += 1
            self.keep(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        client, to_client = await asyncio.open_connection(sock=connection)
        try:
            for _, fault in self.draw("nobody").due:
                if self.strikes(fault):
                    reset(to_client)
                    await self._refuse(fault.seconds)
                    return
            server, to_server = await asyncio.open_connection(*self._target)
            await Conversation(self, (to_client, to_server)).run(client, server)
        except OSError:  # there is no server
            reset(to_client)
        finally:
            to_client.close()

    async def _end(self) -> None:
        self._shut()
        while self._tasks:
            await asyncio.sleep(0)  # who was let in last has begun after that, and closes what it holds
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._shut()  # one of them may have opened it again

    async def _refuse(self, seconds: Seconds) -> None:
        if self._is_open:  # nobody else has shut it
            self._shut()
            await self.sleep(seconds)
            self._open()


class Conversation:
    """One connection's two ends, and whose turn it is."""

    def __init__(self, proxy: TcpProxy, ends: tuple[StreamWriter, StreamWriter]) -> None:
        self._proxy = proxy
        self._ends = ends
        self._turn = Turn("nobody", [])
        self._request = b""

    async def run(self, client: StreamReader, server: StreamReader) -> None:
        to_client, to_server = self._ends
        try:
            await asyncio.gather(
                self._carry("client", client, to_server), self._carry("server", server, to_client)
            )
        finally:
            self._close()

    async def _carry(self, speaker: Side, source: StreamReader, sink: StreamWriter) -> None:
        """Carry what one side says to its end: an end of stream as that, a reset as a reset."""
        try:
            while (chunk := await source.read(CHUNK)) and await self._pass(speaker, chunk, sink):
                pass
            sink.write_eof()
            while chunk:  # cut off, it speaks on and nobody hears it
                chunk = await source.read(CHUNK)
        except OSError:
            reset(sink)

    async def _pass(self, speaker: Side, chunk: bytes, sink: StreamWriter) -> bool:
        """Pass a chunk on as far as its turn's faults let it; whether there may be more."""
        if self._turn.speaker != speaker:
            self._request = chunk if speaker == "client" else self._request
            self._turn = self._proxy.draw(speaker, self._request)
        turn = self._turn
        while turn.due and turn.due[0][0] <= turn.passed + len(chunk):
            place, fault = turn.due.pop(0)
            head, chunk = chunk[: place - turn.passed], chunk[place - turn.passed :]
            await self._write(head, turn, sink)
            if self._proxy.strikes(fault) and not await self._goes_on(turn, fault):
                return False
        await self._write(chunk, turn, sink)
        return True

    async def _goes_on(self, turn: Turn, fault: TcpFault) -> bool:
        """Let a fault do what ``KINDS`` says; whether the turn goes on."""
        match fault.kind:
            case "delay":
                await self._proxy.sleep(fault.seconds)
            case "drip":
                turn.drip = fault
            case "close_idle":
                self._proxy.keep(self._close_idle(turn, fault.seconds))
            case "cut":
                self._close()
            case "half_open":
                await self._proxy.sleep(math.inf)
                self._reset()
            case "reset":
                self._reset()
        return fault.kind in {"delay", "drip", "close_idle"}

    async def _write(self, chunk: bytes, turn: Turn, sink: StreamWriter) -> None:
        piece = turn.drip.piece if turn.drip else len(chunk) or 1
        for start in range(0, len(chunk), piece):
            if turn.drip and turn.passed:
                await self._proxy.sleep(turn.drip.seconds)
            sink.write(chunk[start : start + piece])
            await sink.drain()
            turn.passed += len(chunk[start : start + piece])

    async def _close_idle(self, turn: Turn, seconds: Seconds) -> None:
        await self._proxy.sleep(seconds)
        if self._turn is turn:
            self._close()

    def _close(self) -> None:
        for end in self._ends:
            end.close()

    def _reset(self) -> None:
        for end in self._ends:
            reset(end)


def reset(end: StreamWriter) -> None:
    """Close one end of a connection with RST; nothing happens to one that is closed."""
    if not end.is_closing():
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        end.transport.abort()
