"""Runs an aiohttp application on a socket for as long as a block lasts."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

CLOSE_SECONDS = 1.0
"""How long open connections may delay the daemon's end."""

IDLE_SECONDS = 60.0


@asynccontextmanager
async def serving(application: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    """Serve ``application`` on a bound socket, which is closed at the end."""
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=CLOSE_SECONDS, keepalive_timeout=IDLE_SECONDS
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()
