"""The control socket: status for the command line, and commands. HTTP over a Unix socket, JSON only.

    GET  /healthz, /readyz, /api/v1/status
    POST /api/v1/command  {"hedge": "btc" or null for all, "verb": "pause", "ratio": "0.5" or null}

What cannot be done is answered with ``{"error", "next_step", "exit_code"}``. Who ordered is not claimed in
the request: the kernel tells it.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from hedgebot.api.unix_socket import peer, private_socket
from hedgebot.api.views import Views, Watched
from hedgebot.domain.records import NOTES, Verb
from hedgebot.errors import ExitCode, HedgebotError, JournalError
from hedgebot.serving import serving

LARGEST = 4096
RATIO = re.compile(r"[0-9]{1,3}(\.[0-9]{1,18})?")
KEYS = frozenset({"hedge", "verb", "ratio"})
VERBS = frozenset(Verb) - NOTES
WITH_RATIO = frozenset({Verb.RATIO, Verb.UNWIND})


class Commanded(Watched, Protocol):
    """A daemon that takes commands."""

    async def command(self, hedge: str | None, verb: Verb, ratio: Decimal | None, who: str) -> list[str]:
        """Journal a command and let it take effect; the hedges concerned. Raises ``HedgebotError``."""
        ...


class MalformedError(HedgebotError):
    """A request that no version of our command line sends."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it was asked for. ``hedge`` None is all of them, ``ratio`` None the config's own."""

    hedge: str | None
    verb: Verb
    ratio: Decimal | None


def parse(body: bytes) -> Order:
    """The order in a request's body. Raises ``MalformedError``."""
    asked = _object(body)
    if strays := asked.keys() - KEYS:
        known = ", ".join(sorted(KEYS))
        raise MalformedError(f'"{min(strays)}" is not a key of a command', f"Keys are {known}")
    hedge, verb, ratio = (asked.get(key) for key in ("hedge", "verb", "ratio"))
    if not isinstance(verb, str) or verb not in VERBS:
        raise MalformedError("the verb is not one I know", f"Verbs are {', '.join(sorted(VERBS))}")
    if not (hedge is None or isinstance(hedge, str)):
        raise MalformedError("the hedge must be a name, or null for all")
    if ratio is not None and not (isinstance(ratio, str) and RATIO.fullmatch(ratio)):
        raise MalformedError('the ratio must be a decimal number as text, such as "0.5", or null')
    if ratio is not None and verb not in WITH_RATIO:
        raise MalformedError(f"{verb} takes no ratio")
    return Order(hedge, Verb(verb), None if ratio is None else Decimal(ratio))


def application(daemon: Commanded) -> web.Application:
    views = Views(daemon)

    async def command(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="a command is application/json")
        order = parse(await _body(request))
        who = _who(request)
        hedges = await daemon.command(order.hedge, order.verb, order.ratio, who)
        ratio = None if order.ratio is None else str(order.ratio)
        done = {"schema": 1, "verb": order.verb.value, "ratio": ratio, "hedges": hedges, "who": who}
        return web.json_response(done)

    app = web.Application(middlewares=[_errors_as_json], client_max_size=LARGEST)
    app.add_routes(
        [
            web.get("/healthz", views.healthz),
            web.get("/readyz", views.readyz),
            web.get("/api/v1/status", views.status),
            web.post("/api/v1/command", command),
        ]
    )
    return app


@asynccontextmanager
async def control(daemon: Commanded, path: Path) -> AsyncIterator[None]:
    """Take commands at ``path`` while the block runs. Raises ``LockHeldError`` where another daemon does."""
    with private_socket(path) as listener:
        async with serving(application(daemon), listener):
            yield


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except HedgebotError as error:
        status = 503 if isinstance(error, JournalError) else 400
        return _failure(status, error.what, error.next_step, error.exit_code)
    except web.HTTPException as error:
        return _failure(error.status, error.text or error.reason, "", ExitCode.ERROR)


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        raise MalformedError("the request broke off, or its body is not what its head says") from None


def _failure(status: int, what: str, next_step: str, exit_code: int) -> web.Response:
    told = {"schema": 1, "error": what, "next_step": next_step, "exit_code": int(exit_code)}
    return web.json_response(told, status=status)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MalformedError("the request is not valid JSON") from None
    if not isinstance(found, dict):
        raise MalformedError("the request is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _who(request: web.Request) -> str:
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    return "unknown" if connection is None else peer(connection)
