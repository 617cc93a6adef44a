"""What goes wrong between a client and an exchange, drawn from a seed, as a middleware of the server.

It works on any aiohttp server, in memory or behind a real socket. A request meets the plan's faults in the
plan's order; each one that its coin chooses strikes, the first outermost, so that mixtures arise:
``[Fault("lose_reply"), Fault("late_arrival", seconds=3)]`` processes a request late and loses its reply too.
"""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Protocol, TypeVar

from aiohttp import web

from hedgebot.ports import Clock

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Seconds = float | tuple[float, float]
"""A duration, or the two bounds between which one is drawn."""

HTML = "<html><head><title>Error</title></head><body><h1>Please try again later</h1></body></html>"


class Asked(Protocol):
    """What of a request says which faults concern it."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, by a name in ``EFFECTS``, and when.

    It concerns requests with ``method`` (None: any) whose path starts with ``path``, from ``since`` until
    before ``until`` seconds after the faults were made, and strikes ``limit`` times at most. The other
    fields say how, for the effects that mention them.
    """

    kind: str
    probability: float = 1.0
    method: str | None = None
    path: str = "/"
    since: float = 0.0
    until: float = math.inf
    limit: float = math.inf
    seconds: Seconds = math.inf
    at: float | None = None
    status: int | None = None
    body: str | None = None
    processed: bool = True

    def __post_init__(self) -> None:
        if self.kind not in EFFECTS:
            raise ValueError(f"{self.kind!r} is no fault; there are {', '.join(EFFECTS)}")

    def concerns(self, request: Asked, seconds: float) -> bool:
        return (
            self.since <= seconds < self.until
            and self.method in (None, request.method)
            and request.path.startswith(self.path)
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that struck, ``at`` seconds after the faults were made."""

    at: float
    kind: str
    method: str
    path: str


class Faults:
    """A plan of faults in force. ``rng`` decides, ``clock`` tells the time; both are the caller's."""

    def __init__(self, rng: Random, plan: Sequence[Fault], clock: Clock) -> None:
        self.rng = rng
        self.clock = clock
        self.hits: Counter[str] = Counter()
        self.log: list[Hit] = []
        self._plan = tuple(plan)
        self._strikes = Counter[int]()
        self._start = clock.monotonic()
        self._ended = asyncio.Event()
        self._late: set[asyncio.Task[Any]] = set()

    def install(self, app: web.Application) -> None:
        """Put these faults before everything else that ``app`` does, and end them with it."""
        app.middlewares.insert(0, self.middleware)
        app.on_shutdown.append(self._close)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        for number, fault in reversed(self.drawn(request)):
            handler = partial(self._strike, number, fault, handler)
        return await handler(request)

    def stop(self) -> None:
        """End all faults: later requests meet none, and whoever was never to be answered is answered."""
        self._ended.set()

    async def sleep(self, seconds: Seconds) -> None:
        """Let a duration pass, drawn if it is given by its bounds; an infinite one lasts until ``stop``."""
        drawn = self.rng.uniform(*seconds) if isinstance(seconds, tuple) else seconds
        await (self._ended.wait() if drawn == math.inf else self.clock.sleep(drawn))

    async def detached(self, work: Awaitable[T]) -> T:
        """Await ``work``, which goes on when the one who awaits it is cancelled."""
        task = asyncio.ensure_future(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return await asyncio.shield(task)

    def drawn(self, request: Asked) -> list[tuple[int, Fault]]:
        """The faults whose coins choose this request, with their numbers in the plan."""
        now = self._elapsed()
        return [
            (number, fault)
            for number, fault in enumerate(() if self._ended.is_set() else self._plan)
            if fault.concerns(request, now) and self.rng.random() < fault.probability
        ]

    async def _strike(
        self, number: int, fault: Fault, handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        if not self.strikes(number, fault, request):
            return await handler(request)
        return await EFFECTS[fault.kind](Struck(self, fault, request, handler))

    def strikes(self, number: int, fault: Fault, request: Asked) -> bool:
        """Whether a fault that was drawn still strikes, which is noted."""
        if self._ended.is_set() or self._strikes[number] >= fault.limit:
            return False
        self._strikes[number] += 1
        self.hits[fault.kind] += 1
        self.log.append(Hit(self._elapsed(), fault.kind, request.method, request.path))
        return True

    def _elapsed(self) -> float:
        return self.clock.monotonic() - self._start

    async def _close(self, _: web.Application) -> None:
        self.stop()
        for task in self._late:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Struck:
    """A request that a fault has struck, and the rest of its way."""

    faults: Faults
    fault: Fault
    request: web.Request
    handler: Handler

    async def process(self) -> web.StreamResponse:
        try:
            return await self.handler(self.request)
        except web.HTTPException as error:
            return web.Response(status=error.status, body=_body(error), content_type=error.content_type)

    def hang_up(self) -> web.StreamResponse:
        """Close the connection; the reply returned goes nowhere."""
        if self.request.transport is not None:
            self.request.transport.close()
        return web.Response()


Effect = Callable[[Struck], Awaitable[web.StreamResponse]]


async def _lose_request(struck: Struck) -> web.StreamResponse:
    """The connection closes and nothing is processed."""
    return struck.hang_up()


async def _late_arrival(struck: Struck) -> web.StreamResponse:
    """The request is held for ``seconds``, then processed, and answered if its client is still there."""

    async def arrive() -> web.StreamResponse:
        await struck.faults.sleep(struck.fault.seconds)
        return await struck.process()

    await struck.request.read()  # while its connection is there
    return await struck.faults.detached(arrive())


async def _lose_reply(struck: Struck) -> web.StreamResponse:
    """The request is processed, and the connection closes before the reply's first byte."""
    await struck.process()
    return struck.hang_up()


async def _delay_reply(struck: Struck) -> web.StreamResponse:
    """The reply waits for ``seconds``; by default for ever, that is until the faults stop."""
    reply = await struck.process()
    await struck.faults.sleep(struck.fault.seconds)
    return reply


async def _truncate_reply(struck: Struck) -> web.StreamResponse:
    """The reply breaks off ``at`` a byte of its body (int), at a share of it (float), or anywhere."""
    whole, transport, at = await struck.process(), struck.request.transport, struck.fault.at
    if transport is None or transport.is_closing():
        return whole
    body = _body(whole)
    part = web.StreamResponse(status=whole.status, headers=whole.headers)
    part.content_length = len(body)
    await part.prepare(struck.request)
    share = struck.faults.rng.random() if at is None else at
    await part.write(body[: share if isinstance(share, int) else int(share * len(body))])
    transport.close()
    return part


def bybit_error(code: int, message: str, at_ms: int = 0) -> str:
    """The body of an error in Bybit's words, which comes with HTTP status 200."""
    return json.dumps({"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": at_ms})


def _other_reply(status: int, body: str) -> Effect:
    """Another reply comes, this one unless the fault says otherwise; ``processed`` or not."""

    async def replace(struck: Struck) -> web.StreamResponse:
        fault = struck.fault
        if fault.processed:
            await struck.process()
        text = body if fault.body is None else fault.body
        content_type = "text/html" if text.startswith("<") else "application/json"
        return web.Response(status=fault.status or status, text=text, content_type=content_type)

    return replace


def _damaged_reply(damage: Callable[[Random, bytes], bytes]) -> Effect:
    """The reply's body comes damaged."""

    async def change(struck: Struck) -> web.StreamResponse:
        reply = await struck.process()
        body = damage(struck.faults.rng, _body(reply))
        return web.Response(status=reply.status, body=body, content_type=reply.content_type)

    return change


def put_nan(rng: Random, body: bytes) -> bytes:
    """A JSON document with one of its scalars replaced by NaN."""
    document = _parsed(body)
    spots = [(holder, key) for holder, key, value in _spots(document) if _is_scalar(value)]
    if not spots:
        return body
    holder, key = rng.choice(spots)
    holder[key] = math.nan
    return json.dumps(document).encode()


def repeat_key(rng: Random, body: bytes) -> bytes:
    """A JSON document in which one object has one of its keys again, last, with another value."""
    mark, document = "\0again", _parsed(body)
    spots = [spot for spot in _spots(document) if isinstance(spot[1], str)]
    if not spots:
        return body
    holder, key, value = rng.choice(spots)
    holder[mark] = f"{value}0" if _is_scalar(value) else type(value)()
    return json.dumps(document).replace(json.dumps(mark), json.dumps(key)).encode()


def flip_bytes(rng: Random, body: bytes) -> bytes:
    """Some bytes with their highest bit flipped: never another digit, which no client could notice."""
    damaged = bytearray(body)
    for place in rng.sample(range(len(body)), k=min(len(body), rng.randint(1, 8))):
        damaged[place] ^= 0x80
    return bytes(damaged)


def _body(reply: web.StreamResponse) -> bytes:
    body = reply.body if isinstance(reply, web.Response) else b""
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _spots(document: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Every value in a JSON document, after the object or list that holds it and its key or index there."""
    if _is_scalar(document):
        return
    for key, value in list(document.items() if isinstance(document, dict) else enumerate(document)):
        yield document, key, value
        yield from _spots(value)


EFFECTS: dict[str, Effect] = {
    "lose_request": _lose_request,
    "late_arrival": _late_arrival,
    "lose_reply": _lose_reply,
    "delay_reply": _delay_reply,
    "truncate_reply": _truncate_reply,
    "html_200": _other_reply(200, HTML),
    "empty_200": _other_reply(200, ""),
    "null_200": _other_reply(200, "null"),
    "http_status": _other_reply(503, HTML),
    "exchange_error": _other_reply(200, bybit_error(10000, "Server Timeout")),
    "nan_json": _damaged_reply(put_nan),
    "duplicate_keys": _damaged_reply(repeat_key),
    "garble": _damaged_reply(flip_bytes),
}
