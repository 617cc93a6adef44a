"""Read-only HTTP on TCP: page, status, history, health, metrics. Nothing that changes state is here."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from ipaddress import ip_address

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_LATEST

from hedgebot.api import history, page
from hedgebot.api.hosts import names, refusal
from hedgebot.api.views import Views, Watched
from hedgebot.serving import serving

log = structlog.get_logger("hedgebot.http")

READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "hedgebot",
}


def application(
    watched: Watched, metrics: Callable[[], Awaitable[bytes]], hosts: Collection[str]
) -> web.Application:
    """The application; ``hosts`` are the names by which it may be addressed besides this machine's own."""
    views = Views(watched)

    async def scrape(_request: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    app = web.Application(middlewares=[_guard(frozenset(hosts))])
    app.on_response_prepare.append(_harden)
    app.add_routes(
        [
            *page.routes(),
            web.get("/healthz", views.healthz),
            web.get("/readyz", views.readyz),
            web.get("/metrics", scrape),
            web.get("/api/v1/status", views.status),
            history.route(watched),
        ]
    )
    return app


@asynccontextmanager
async def read_only(application: web.Application, address: tuple[str, int]) -> AsyncIterator[None]:
    """Serve ``application`` on an IP address and port. If that cannot be had, say so and go on without:
    a hedge is not left unwatched for want of a page, and the control socket still answers."""
    listener = _bound(*address)
    if isinstance(listener, OSError):
        log.error(
            "no page, metrics and health check over HTTP",
            address=f"{address[0]} port {address[1]}",
            reason=listener.strerror,
            next_step="Free the port or change api.listen, then restart; the hedge runs on meanwhile",
        )
        yield
        return
    async with serving(application, listener):
        yield


def _bound(host: str, port: int) -> socket.socket | OSError:
    family = socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        return error
    return listener


def _guard(hosts: frozenset[str]) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        host, origins = request.headers.get(hdrs.HOST, ""), request.headers.getall(hdrs.ORIGIN, ())
        for name in names(host, request.raw_path):
            if refused := refusal(name, origins, hosts):
                return web.Response(status=refused[0], text=f"{refused[1]}\n")
        if request.method not in READING:
            raise web.HTTPMethodNotAllowed(request.method, READING)
        return await handler(request)

    return guard


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
