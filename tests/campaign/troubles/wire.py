"""What goes wrong between the client and the exchange's server, request by request."""

import json
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hedgebot.sim.faults import Fault, Faults, bybit_error
from tests.campaign.plan import Depth, Trouble
from tests.campaign.troubles.kinds import Draw, Scope, stretch, trouble
from tests.campaign.world import Handler, Refusal

if TYPE_CHECKING:
    from tests.campaign.life import Life

HTTP: tuple[Depth, ...] = ("http",)
PLACE = {"bybit": "/v5/order/create", "binance": "/dapi/v1/order", "okx": "/api/v5/trade/order"}


def error(venue: str, code: str, message: str, at_ms: int = 0) -> str:
    """An error's body in an exchange's words."""
    match venue:
        case "bybit":
            return bybit_error(int(code), message, at_ms)
        case "binance":
            return json.dumps({"code": int(code), "msg": message})
        case _:
            return json.dumps({"code": code, "msg": message, "data": []})


PASSING = {"bybit": "10016", "binance": "-1001", "okx": "50026"}
DUPLICATE = {"bybit": "110072", "binance": "-4116", "okx": "51016"}
REFUSING = {"bybit": "110007", "binance": "-2019", "okx": "51008"}
OUTSIDE = {"bybit": "10002", "binance": "-1021", "okx": "50102"}
THROTTLED = {"bybit": "10006", "binance": "-1003", "okx": "50011"}
ERROR_STATUS = {"bybit": 200, "binance": 400, "okx": 200}


def around(which: str, *probabilities: float) -> Draw:
    """Around orders, for long since they are rare; around reads, or around all."""

    def draw(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
        how = {"around": rng.choice(("orders", "reads", "all")) if which == "any" else which}
        longer = 15 * scope.config.interval if how["around"] == "orders" else 0.0
        probability = rng.choice(probabilities or (0.2, 0.5, 1.0))
        return stretch(rng, scope) + longer, {**how, "probability": probability}

    return draw


async def fault(life: "Life", trouble: Trouble, rng: Random, kind: str, **how: Any) -> None:
    """A fault of the server's middleware, while the trouble lasts."""
    around = trouble.how["around"]
    path = PLACE[life.plan.venue] if around == "orders" else "/"
    method = {"orders": "POST", "reads": "GET"}.get(around)
    plan = [Fault(kind, trouble.how["probability"], method, path, **how)]
    faults, told = Faults(rng, plan, life.exchange.clock), 0

    async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal told
        try:
            return await faults.middleware(request, handler)
        finally:
            while told < faults.hits[kind]:  # others may have been struck while this one was under way
                told += 1
                life.hit(trouble)

    if around == "orders":
        life.go_on(life.provoke(trouble, Random(rng.getrandbits(32))))
    life.exchange.on_wire.append(meet)
    await life.until(trouble.until)
    life.exchange.on_wire.remove(meet)
    faults.stop()


SIMPLE = (
    "lose_request",
    "lose_reply",
    "truncate_reply",
    "html_200",
    "empty_200",
    "null_200",
    "nan_json",
    "duplicate_keys",
    "garble",
)
for _kind in SIMPLE:
    trouble(f"wire: {_kind}", around("any"), depths=HTTP, chances=2)(partial(fault, kind=_kind))


@trouble("wire: request late", around("any"), depths=HTTP)
async def request_late(life: "Life", trouble: Trouble, rng: Random) -> None:
    await fault(life, trouble, rng, "late_arrival", seconds=(0.1, life.plan.config.settle_after))


@trouble("wire: reply late", around("any"), depths=HTTP)
async def reply_late(life: "Life", trouble: Trouble, rng: Random) -> None:
    await fault(life, trouble, rng, "delay_reply", seconds=(0.1, 60.0))


@trouble("wire: no reply ever", around("any"), depths=HTTP)
async def no_reply_ever(life: "Life", trouble: Trouble, rng: Random) -> None:
    await fault(life, trouble, rng, "delay_reply")


@trouble("wire: 5xx, processed", around("any"), depths=HTTP)
async def server_error_processed(life: "Life", trouble: Trouble, rng: Random) -> None:
    await fault(life, trouble, rng, "http_status", status=rng.choice((500, 502, 504)))


@trouble("wire: 5xx, not processed", around("any"), depths=HTTP)
async def server_error_not_processed(life: "Life", trouble: Trouble, rng: Random) -> None:
    await fault(life, trouble, rng, "http_status", status=rng.choice((502, 503)), processed=False)


async def says(
    life: "Life", trouble: Trouble, rng: Random, said: Mapping[str, str], *, processed: bool
) -> None:
    """The exchange answers with one of its codes."""
    venue = life.plan.venue
    body, status = error(venue, said[venue], "said in a simulation"), ERROR_STATUS[venue]
    await fault(life, trouble, rng, "exchange_error", body=body, status=status, processed=processed)


@trouble("wire: taken, then an error", around("any"), depths=HTTP)
async def taken_then_an_error(life: "Life", trouble: Trouble, rng: Random) -> None:
    """A time-out within the exchange: what was asked may have been done."""
    await says(life, trouble, rng, PASSING, processed=rng.random() < 0.7)


@trouble("wire: id told to be a duplicate", around("orders", 1.0), depths=HTTP, chances=5)
async def told_duplicate(life: "Life", trouble: Trouble, rng: Random) -> None:
    """It was taken, and the reply is that of a repetition."""
    life.watch.tally.reach("duplicate id answered")
    await says(life, trouble, rng, DUPLICATE, processed=True)


@trouble("wire: order refused", around("orders", 1.0), depths=HTTP, chances=7)
async def order_refused(life: "Life", trouble: Trouble, rng: Random) -> None:
    life.watch.tally.reach("order refused")
    await says(life, trouble, rng, REFUSING, processed=False)


@trouble("wire: clocks apart", around("any"), depths=HTTP)
async def clocks_apart(life: "Life", trouble: Trouble, rng: Random) -> None:
    """The exchange finds each request outside its time window."""
    await says(life, trouble, rng, OUTSIDE, processed=False)


@trouble("wire: reply twice", around("any"), depths=HTTP)
async def reply_twice(life: "Life", trouble: Trouble, rng: Random) -> None:
    """The same bytes again on the same connection, where the next reply is waited for."""
    await meeting(life, trouble, rng, _twice)


class _Doubled(web.Response):
    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        body = self.body if isinstance(self.body, bytes) else b""
        fields = f"Content-Type: {self.content_type}\r\nContent-Length: {len(body)}"
        head = f"HTTP/1.1 {self.status} OK\r\n{fields}\r\n\r\n"
        transport = self._req.transport if self._req is not None else None
        if transport is not None:
            transport.write(head.encode() + body)


async def _twice(request: web.Request, handler: Handler) -> web.StreamResponse:
    reply = await handler(request)
    if not isinstance(reply, web.Response):
        return reply
    return _Doubled(status=reply.status, body=reply.body, content_type=reply.content_type)


async def meeting(life: "Life", trouble: Trouble, rng: Random, meet: Any) -> None:
    """Let some requests be handled otherwise while the trouble lasts."""
    place = PLACE[life.plan.venue]

    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        concerned = {"orders": request.path == place, "reads": request.method == "GET"}
        if not concerned.get(trouble.how["around"], True) or rng.random() >= trouble.how["probability"]:
            return await handler(request)
        life.hit(trouble)
        reply: web.StreamResponse = await meet(request, handler)
        return reply

    life.exchange.on_wire.append(handle)
    await life.until(trouble.until)
    life.exchange.on_wire.remove(handle)


def outage(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"around": "all", "probability": 1.0}


@trouble("wire: connection refused", outage, depths=HTTP)
async def connection_refused(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """And those that are open break."""
    life.exchange.refuse(lambda: life.hit(trouble))
    await life.until(trouble.until)
    life.exchange.refuse(None)


@trouble("wire: maintenance", outage, depths=HTTP)
async def maintenance(life: "Life", trouble: Trouble, rng: Random) -> None:
    await fault(life, trouble, rng, "http_status", status=503, processed=False)


def ban(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return float(rng.randint(5, 120)), {"around": "all", "probability": 1.0}


@trouble("wire: ban", ban, depths=HTTP, chances=3)
async def banned(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Too many requests, it says, and for how long it wants none. Whoever asks meanwhile is counted."""

    async def refuse(request: web.Request, _handler: Handler) -> web.StreamResponse:
        left = max(0.0, trouble.until - life.seconds)
        return _refusal(life.plan.venue, trouble.until, left, life.exchange.clock.now_ms())

    await meeting(life, trouble, rng, refuse)


def _refusal(venue: str, ends: float, left: float, now_ms: int) -> Refusal:
    """What an exchange says to who asks too often; ``left`` seconds are to be waited."""
    until, wait = now_ms + round(left * 1000), {"Retry-After": str(int(left) + 1)}
    status, headers = {
        "bybit": (200, {"X-Bapi-Limit-Reset-Timestamp": str(until)}),
        "binance": (418, wait),
        "okx": (429, wait),
    }[venue]
    body = error(venue, THROTTLED[venue], f"Way too many requests; IP banned until {until}.", now_ms)
    return Refusal(ends, status, body, headers)
