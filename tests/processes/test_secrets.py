"""A daemon's secrets are in no byte that it writes, whatever goes wrong around it."""

import asyncio
import base64
import socket
from pathlib import Path
from urllib.parse import quote

import aiohttp

from hedgebot.sim.faults import Fault, bybit_error
from tests.processes.live import KEY, SECRET, LiveOnExchange, live

ECHO = bybit_error(10001, f"params error: origin_string[{KEY}] {SECRET}")
TROUBLE = (
    Fault("exchange_error", body=ECHO, probability=0.2),
    Fault("http_status", status=500, body=f"<html>{KEY} {SECRET}</html>", probability=0.2),
    Fault("lose_reply", probability=0.1),
    Fault("truncate_reply", probability=0.1),
    Fault("garble", probability=0.1),
)
SPELLINGS = tuple(
    spelling
    for secret in (KEY, SECRET)
    for spelling in (secret, quote(secret), base64.b64encode(secret.encode()).decode().rstrip("="))
)


async def test_no_byte_written_holds_a_secret(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with live(tmp_path, faults=TROUBLE, listen=f"127.0.0.1:{port}") as (here, trouble):
        await here.start("--debug")
        await asyncio.sleep(8)
        trouble.stop()
        await here.until("hedged")
        said = [
            await _replies(port),
            await _command(here, "status"),
            await _command(here, "status", "--json"),
        ]
        said += [await _command(here, "plan"), await _command(here, "check"), await _command(here, "pause")]
        here.exchange.revoke_key(KEY)
        await here.until("halted", "blind")
        said.append(await _command(here, "plan"))
        assert await here.terminate() == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"hedgebot.db", "daemon.log"} <= {path.name for path in written}
    said += [path.read_bytes().decode(errors="replace") for path in written]
    assert any("origin_string" in text for text in said), "the trouble left its traces"
    for spelling in SPELLINGS:
        assert not any(spelling in text for text in said), spelling


async def _replies(port: int) -> str:
    """Everything that the read-only server says."""
    texts = []
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/healthz", "/readyz", "/metrics", "/api/v1/status"):
            async with session.get(f"http://127.0.0.1:{port}{path}") as reply:
                texts.append(f"{dict(reply.headers)}{await reply.text()}")
    return "".join(texts)


async def _command(here: LiveOnExchange, *arguments: str) -> str:
    """What a command prints."""
    process = await here.command(*arguments)
    out, err = await process.communicate()
    return (out + err).decode()
