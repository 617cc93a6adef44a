"""The way to one exchange: where requests may go, and what came back, word for word.

ccxt signs, this session sends: what became of a request is read from the exchange's own words and never
from the class of a vendor's exception.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from hedgebot.exchange.egress import EgressError, KnownHosts, check_plain
from hedgebot.ports import Clock

KEEP_ALIVE = 75.0  # seconds; longer than any polling interval, so that no cycle pays for a handshake
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
RESEND = "_retry_connection"  # aiohttp's switch for sending GET, PUT and DELETE again on a dropped connection


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out, signed and with the key in its headers. ``url`` is encoded."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``sent`` and ``received`` (its head) are monotonic seconds."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    sent: float
    received: float


class Wire:
    """One account's HTTP session. It reaches ``hosts``, or ``base_url`` in their stead, and nothing else.

    With a ``base_url`` path, query and Host header stay those of the exchange. A ``connector`` passed in is
    closed with the session. Proxies of the environment are not for keys and orders: nothing is taken from it.
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
        if self._base is not None:
            check_plain(self._base)
        plain = self._base is not None and self._base.scheme == "http"
        self.tls = None if plain or connector else ssl.create_default_context(cafile=ca_file)
        reached = hosts if self._base is None else (self._base.host or "",)
        self._resolver = KnownHosts(reached, local=plain)
        self.session = aiohttp.ClientSession(
            connector=connector
            or aiohttp.TCPConnector(
                ssl=self.tls or True, keepalive_timeout=KEEP_ALIVE, resolver=self._resolver
            ),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # its callers keep deadlines of their own
            middlewares=(self._lead,),
        )
        setattr(self.session, RESEND, False)

    async def close(self) -> None:
        await self.session.close()
        await self._resolver.close()

    async def send(self, request: Request) -> Reply:
        """Send once and take in what comes back. A redirect is a reply too: nothing is sent again elsewhere.

        Raises what aiohttp raises where no whole reply came.
        """
        sent = self._clock.monotonic()
        response = await self.session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
        )
        received = self._clock.monotonic()
        return Reply(response.status, response.headers, await response.read(), sent, received)

    async def _lead(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Where a request of this session, be it ccxt's, is let go to."""
        if request.url.scheme != "https" or request.url.host not in self._hosts:
            raise EgressError(f"{request.url.host} is not a host of this exchange")
        if self._base is not None:
            request.url = (
                request.url.with_scheme(self._base.scheme)
                .with_host(self._base.host or "")
                .with_port(self._base.port)
            )
        return await handler(request)


def sends_once(session: aiohttp.ClientSession) -> bool:
    """Whether aiohttp leaves a request whose connection dropped to us."""
    return getattr(session, RESEND) is False
