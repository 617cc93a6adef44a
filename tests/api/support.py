"""A daemon's outside, answered from fields, for what a real one would only show after hours; and raw HTTP."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hedgebot.api import http
from hedgebot.api.metrics import Metrics
from hedgebot.domain.records import Verb
from hedgebot.errors import HedgebotError
from hedgebot.history import History


def leg(**changes: Any) -> dict[str, Any]:
    """A leg of the status object."""
    return {
        "account": "main",
        "symbol": "BTC/USD:BTC",
        "contracts": "-59946",
        "notional_usd": "59946",
        "entry_price": "60000",
        "mark_price": "60000",
        "liquidation_price": "148346",
        "liquidation_distance": "1.4724",
        "leverage": "1.67",
        "funding_rate": "0.0001",
        "funding_interval_h": 8.0,
        "next_funding_at": "2026-11-21T08:00:00Z",
    } | changes


def moving(**changes: Any) -> dict[str, Any]:
    """An unfinished transfer of the status object."""
    return {
        "id": "hb0000000000001",
        "account": "main",
        "symbol": None,
        "asset": "BTC",
        "coins": "0.05522488",
        "from": "spot",
        "to": "margin",
        "stage": "unknown",
        "since": "2026-11-21T04:58:00Z",
    } | changes


def finding(**changes: Any) -> dict[str, Any]:
    """A finding of the status object."""
    return {
        "guard": "limits",
        "permission": "any",
        "measured": "0",
        "limit": "20",
        "reason": "within all limits",
        "next_step": "",
        "alarm": False,
        "critical": False,
    } | changes


def hedge(**changes: Any) -> dict[str, Any]:
    """A hedge of the status object: hedged, seen by the last cycle."""
    return {
        "state": "hedged",
        "asset": "BTC",
        "target_ratio": "1",
        "band": "0.02",
        "as_of": "2026-11-21T05:00:00Z",
        "ratio": "0.9991",
        "spot": "0.4",
        "collateral": "0.6",
        "in_flight": "0",
        "held": "1",
        "sold": "0.9991",
        "unrealized_pnl": "-0.01",
        "exposure": "0.99",
        "short": "0.9891",
        "net": "0.0009",
        "value_usd": "59400",
        "legs": [leg()],
        "funding_coins": "-0.002",
        "funding_received_coins": "0.001",
        "funding_paid_coins": "0.003",
        "fees_coins": "0.0005",
        "since": "2026-11-20T05:00:00Z",
        "costs_as_of": "2026-11-21T04:59:00Z",
        "findings": [finding()],
        "paused": False,
        "transfers": [],
        "last_act": {
            "id": 2,
            "at": "2026-11-20T05:00:05Z",
            "state": "adjusting",
            "reason": "sell 59946 contracts of main:BTC/USD:BTC: ratio 0.0000, target 1",
            "acted": True,
        },
        "last_cycle": {
            "id": 812,
            "at": "2026-11-21T05:00:00Z",
            "age_s": 1.2,
            "reason": "inside the band",
            "acted": False,
        },
    } | changes


@dataclass
class StandIn:
    """What both doors ask of a daemon. ``refuses`` is raised by every command, ``taken`` are those taken."""

    hedges: dict[str, dict[str, Any]] = field(default_factory=lambda: {"btc": hedge()})
    alive: bool = True
    seen: bool = True
    refuses: HedgebotError | None = None
    taken: list[tuple[str | None, Verb, Decimal | None, str]] = field(default_factory=list)
    past: dict[str, History] = field(default_factory=dict)

    def status(self) -> dict[str, Any]:
        about = {"schema": 1, "mode": "live", "version": "0.1.0", "stale_after_s": 30.0}
        return about | {"hedges": self.hedges}

    def history(self, name: str, hours: float) -> dict[str, Any]:
        return {"schema": 1, "hedge": name} | self.past.get(name, History(30_000)).told(hours)

    def healthy(self) -> bool:
        return self.alive

    def ready(self) -> bool:
        return self.seen

    async def command(self, hedge: str | None, verb: Verb, ratio: Decimal | None, who: str) -> list[str]:
        if self.refuses is not None:
            raise self.refuses
        self.taken.append((hedge, verb, ratio, who))
        return list(self.hedges) if hedge is None else [hedge]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Page:
    """The read-only server on loopback, asked byte by byte: what no client library would send goes too."""

    port: int

    async def ask(
        self, path: str = "/healthz", *headers: str, method: str = "GET", host: str | None = "127.0.0.1"
    ) -> Reply:
        """``headers`` as whole lines; ``host`` None sends no Host header."""
        named = [] if host is None else [f"Host: {host}"]
        return await self.send("\r\n".join([f"{method} {path} HTTP/1.1", *named, *headers, "", ""]))

    async def send(self, text: str) -> Reply:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text.encode("latin-1"))
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        found = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if text.startswith("HEAD") else int(found.get("content-length", "0"))
        body = await reader.readexactly(length)
        writer.close()
        return Reply(int(first.split()[1]), found, body)


@asynccontextmanager
async def page(daemon: StandIn, *hosts: str, metrics: Metrics | None = None) -> AsyncIterator[Page]:
    """The server of ``api.http`` on a free port."""
    application = http.application(daemon, (metrics or Metrics()).exposition, hosts)
    port = free_port()
    async with http.read_only(application, ("127.0.0.1", port)):
        yield Page(port)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on, below those that the system gives to others meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((host, port))
            return port
