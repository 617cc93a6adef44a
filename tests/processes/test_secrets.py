"""A daemon's secrets are in no byte that it writes, whatever goes wrong around it."""

import base64
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from hedgebot.sim.faults import Fault, bybit_error
from hedgebot.sim.tcp_proxy import TcpFault
from tests.api.support import free_port
from tests.patience import until
from tests.processes.live import KEY, SECRET, LiveOnExchange, live

pytestmark = pytest.mark.slow

ECHO = bybit_error(10001, f"params error: origin_string[{KEY}] {SECRET}")
TROUBLE = (
    Fault("exchange_error", body=ECHO, probability=0.2),
    Fault("http_status", status=500, body=f"<html>{KEY} {SECRET}</html>", probability=0.2),
    Fault("lose_reply", probability=0.1),
    Fault("truncate_reply", probability=0.1),
    Fault("garble", probability=0.1),
)
WIRE = (
    TcpFault("cut", probability=0.05, at=(0, 900)),
    TcpFault("reset", probability=0.05, at=(0, 900)),
)
SPELLINGS = tuple(
    spelling
    for secret in (KEY, SECRET)
    for spelling in (secret, quote(secret), base64.b64encode(secret.encode()).decode().rstrip("="))
)


async def test_no_byte_written_holds_a_secret(tmp_path: Path) -> None:
    port = free_port()
    async with live(tmp_path, faults=TROUBLE, wire=WIRE, listen=f"127.0.0.1:{port}") as (here, trouble):
        await here.start("--debug")
        await until(lambda: trouble.hits.keys() == {fault.kind for fault in TROUBLE})
        await until(lambda: "origin_string" in here.log)
        trouble.stop()
        here.proxy.stop()
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
