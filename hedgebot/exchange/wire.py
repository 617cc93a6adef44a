"""The way to one exchange: where requests may go, and what came back, word for word.

ccxt signs and sends; this session sees the reply before ccxt judges it, so that what became of a request
is read from the exchange's own words and never from the class of a vendor's exception.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from hedgebot.ports import Clock

KEEP_ALIVE = 75.0  # seconds; longer than any polling interval, so that no cycle pays for a handshake
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
RESEND = "_retry_connection"  # aiohttp's switch for sending GET, PUT and DELETE again on a dropped connection


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``sent`` and ``received`` (its head) are monotonic seconds."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    sent: float
    received: float


class Listener:
    """The reply to the one request of a ``listening`` block, once there is one."""

    reply: Reply | None = None


class EgressError(aiohttp.ClientError):
    """A request, or an answer's redirect, to where nothing of ours may go."""


_heard: ContextVar[Listener] = ContextVar("heard")
_headers: ContextVar[Mapping[str, str]] = ContextVar("headers", default=NO_HEADERS)


@contextmanager
def listening(headers: Mapping[str, str] = NO_HEADERS) -> Iterator[Listener]:
    """Put ``headers`` on the request that this block makes, and collect the reply to it."""
    heard = Listener()
    listener, added = _heard.set(heard), _headers.set(headers)
    try:
        yield heard
    finally:
        _heard.reset(listener)
        _headers.reset(added)


class Wire:
    """One account's HTTP session. It reaches ``hosts``, or ``base_url`` in their stead.

    With a ``base_url`` path, query and Host header stay those of the exchange. A ``connector`` passed in is
    closed with the session.
    """

    def __init__(
        self,
        hosts: frozenset[str],
        *,
        clock: Clock,
        base_url: str | None = None,
        connector: aiohttp.BaseConnector | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        self._base = URL(base_url) if base_url else None
        plain = self._base is not None and self._base.scheme == "http"
        self.tls = None if plain or connector else ssl.create_default_context(cafile=ca_file)
        self.session = aiohttp.ClientSession(
            connector=connector or aiohttp.TCPConnector(ssl=self.tls or True, keepalive_timeout=KEEP_ALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(self._carry,),
        )
        setattr(self.session, RESEND, False)

    async def close(self) -> None:
        await self.session.close()

    async def _carry(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if request.url.scheme != "https" or request.url.host not in self._hosts:
            raise EgressError(f"{request.url.host} is not a host of this exchange")
        if self._base is not None:
            request.url = (
                request.url.with_scheme(self._base.scheme)
                .with_host(self._base.host or "")
                .with_port(self._base.port)
            )
        request.headers.update(_headers.get())
        sent = self._clock.monotonic()
        response = await handler(request)
        received = self._clock.monotonic()
        body = await response.read()
        _heard.get().reply = Reply(response.status, response.headers, body, sent, received)
        if 300 <= response.status < 400:
            raise EgressError("the exchange redirects")  # following it would send the order again elsewhere
        return response


def sends_once(session: aiohttp.ClientSession) -> bool:
    """Whether aiohttp leaves a request whose connection dropped to us."""
    return getattr(session, RESEND) is False
