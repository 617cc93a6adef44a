"""A web application on loopback: the simulated exchange as a server of its own."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from hedgebot import serving as sockets

HOST = "127.0.0.1"
CLOSE_SECONDS = 0.1


@asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on loopback and give its URL; port 0 takes any that is free."""
    with socket.create_server((HOST, port)) as listener:
        async with sockets.serving(app, listener, CLOSE_SECONDS):
            yield f"http://{HOST}:{listener.getsockname()[1]}"
