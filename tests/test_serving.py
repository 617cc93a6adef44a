"""A server that ends closes every connection it let in, however late."""

import asyncio
import socket
from contextlib import suppress

import pytest
from aiohttp import web

from hedgebot.serving import serving
from hedgebot.sim.server import HOST
from tests.patience import PATIENCE_S


async def _connect_and_end(listener: socket.socket, turns: int) -> socket.socket:
    """The server's end comes so many turns of the loop after a client's connection."""
    loop = asyncio.get_running_loop()
    ends = loop.create_future()

    def wait(left: int) -> None:
        if left:
            loop.call_soon(wait, left - 1)
        else:
            ends.set_result(None)

    async with serving(web.Application(), listener):
        client = socket.create_connection(listener.getsockname(), timeout=PATIENCE_S)
        wait(turns)
        await ends
    return client


@pytest.mark.parametrize("turns", range(6))
def test_who_connects_as_it_ends_is_not_left_hanging(turns: int) -> None:
    with (
        socket.create_server((HOST, 0)) as listener,
        asyncio.Runner() as runner,
        runner.run(_connect_and_end(listener, turns)) as client,
        suppress(ConnectionResetError),
    ):
        assert client.recv(1) == b""
