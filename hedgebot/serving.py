"""Runs an aiohttp application on a socket for as long as a block lasts."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

CLOSE_SECONDS = 1.0
"""How long requests that are being answered may delay the end."""

IDLE_SECONDS = 60.0


THEIRS = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""A request that is no HTTP, or whose sender went away: whoever sends many must not fill a log."""


def _is_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], THEIRS))


_faults = logging.getLogger(__name__)
_faults.addFilter(_is_ours)


@asynccontextmanager
async def serving(
    application: web.Application, listener: socket.socket, close_seconds: float = CLOSE_SECONDS
) -> AsyncIterator[None]:
    """Serve ``application`` on a bound socket, which is closed at the end with all that came through it."""
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=_faults,
        auto_decompress=False,  # nobody needs it, and a small body could become a large one
        shutdown_timeout=close_seconds,
        keepalive_timeout=IDLE_SECONDS,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        # Who was let in by the same turn of the loop would be forgotten, open, by a server that closes now.
        asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(0)
        await runner.cleanup()
