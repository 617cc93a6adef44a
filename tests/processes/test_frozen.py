"""A process that slept: what it decided before is not sent, and who took its place keeps it.

The promises hold however long anything takes; where a moment must be met, it is tried again until it is.
"""

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest
from aiohttp import web

from hedgebot.errors import ExitCode
from hedgebot.sim.faults import Handler
from hedgebot.sim.tcp_proxy import TcpFault
from tests.patience import until
from tests.processes.live import Live, LiveOnExchange, live

pytestmark = pytest.mark.slow

ASLEEP = 2.5
"""Seconds: longer than settle_after, a request's time limit, and the deadline of a reading."""

TOO_LATE = "decided too long ago"


class Stuck:
    """Holds a daemon's journal locked from the first reading after it is set: it decides, and cannot act."""

    def __init__(self) -> None:
        self.readings = 0
        self.store: Path | None = None
        self.lock: sqlite3.Connection | None = None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/v5/account/wallet-balance":
            self.readings += 1
            if self.store is not None:
                self.lock = sqlite3.connect(self.store, isolation_level=None)
                self.lock.execute("BEGIN IMMEDIATE")
                self.store = None
        return await handler(request)

    async def locked(self, here: Live) -> None:
        self.store = here.folder / "hedgebot.db"
        await until(lambda: self.lock is not None)

    async def release(self) -> None:
        """Free the journal, and wait for readings of later cycles."""
        assert self.lock is not None
        self.lock.close()
        self.lock, readings = None, self.readings
        await until(lambda: self.readings >= readings + 3)


async def test_what_was_decided_before_a_sleep_is_not_sent_after_it(tmp_path: Path) -> None:
    stuck = Stuck()
    async with live(tmp_path, middlewares=[stuck.middleware]) as (here, _):
        await here.start()
        await here.until_on_target()
        for _ in range(5):
            here.exchange.deposit("main", "BTC", "0.25")
            await stuck.locked(here)
            await asyncio.sleep(0.5)  # it has decided to sell, and waits for its journal
            here.freeze()
            orders = here.orders
            here.exchange.withdraw("main", "BTC", "0.25")
            await asyncio.sleep(ASLEEP)
            here.thaw()
            await stuck.release()
            await here.until_on_target()
            assert here.orders == orders
            if TOO_LATE in here.log:
                break
        assert TOO_LATE in here.log


class Sandman:
    """Freezes the daemon around its next order."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.target: LiveOnExchange | None = None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.rng.random() < 0.5:
            self._strike(request)
        reply = await handler(request)
        self._strike(request)
        return reply

    def _strike(self, request: web.Request) -> None:
        if self.target is not None and request.path == "/v5/order/create":
            self.target.freeze()
            self.target = None


async def test_an_order_under_way_while_its_process_slept_counts_once(tmp_path: Path) -> None:
    sandman = Sandman(random.Random(1))
    wire = [TcpFault("delay", request=b"POST", probability=0.5, seconds=(0.1, 0.6))]
    async with live(tmp_path, wire=wire, middlewares=[sandman.middleware]) as (here, _):
        await here.start()
        await here.until_on_target()
        sandman.target = here
        here.exchange.deposit("main", "BTC", "0.2")
        await until(lambda: sandman.target is None)
        await asyncio.sleep(ASLEEP)
        here.judge()
        here.thaw()
        await here.until_on_target()
        assert here.orders == 2


async def test_a_store_whose_daemon_sleeps_is_not_free(tmp_path: Path) -> None:
    async with live(tmp_path) as (here, _):
        await here.start()
        await here.until_on_target()
        here.freeze()
        second = await here.command("run")
        _, said = await second.communicate()
        assert second.returncode == ExitCode.FORBIDDEN
        assert f"process {here.pid}" in said.decode()
        here.thaw()
        here.exchange.deposit("main", "BTC", "0.25")
        await here.until_on_target()


async def test_who_wakes_up_beside_a_second_daemon_halts_and_sends_nothing(tmp_path: Path) -> None:
    async with live(tmp_path) as (here, _):
        await here.start()
        await here.until_on_target()
        here.freeze()
        (tmp_path / "second").mkdir()
        second = Live(tmp_path / "second", here.url)
        await second.start()
        try:
            await second.until("hedged")
            here.exchange.deposit("main", "BTC", "0.25")
            await here.until_on_target(says=False)
            here.thaw()
            status = await here.until("halted")
            assert "another hedgebot" in str(status["findings"])
            assert here.orders == 2
            here.exchange.deposit("main", "BTC", "0.25")
            await here.until_on_target(says=False)
            await second.until("hedged")
            assert (await here.status())["state"] == "halted"
            assert here.orders == 3
        finally:
            second.kill()
            await second.ended()


async def test_sigterm_ends_it_on_a_wire_that_never_answers_and_leaves_the_hedge(tmp_path: Path) -> None:
    async with live(tmp_path) as (here, _):
        await here.start()
        await here.until_on_target()
        here.proxy.begin([TcpFault("half_open")])
        await here.until("blind")
        assert await here.terminate() == 0
        assert here.on_target
        assert here.orders == 1
