"""kill -9 at any instant around an order, on a faulty wire, neither doubles nor drops the hedge."""

import asyncio
import random
from pathlib import Path

import pytest
from aiohttp import web

from hedgebot.sim.faults import Fault
from hedgebot.sim.tcp_proxy import TcpFault
from tests.processes.live import LiveOnExchange, live

WORLDS, KILLS = 2, 4
WIRE = (
    TcpFault("delay", probability=0.1, at=(0, 500), seconds=(0.05, 0.5)),
    TcpFault("cut", probability=0.03, at=(0, 500)),
    TcpFault("reset", probability=0.03, at=(0, 500)),
    TcpFault("half_open", probability=0.01, at=(0, 500), limit=2),
    TcpFault("close_idle", probability=0.2, seconds=(0, 0.2)),
    TcpFault("refuse", probability=0.05, seconds=(0.05, 0.5)),
)
HTTP = (
    Fault("lose_reply", method="POST", probability=0.2),
    Fault("html_200", method="POST", probability=0.2),
    Fault("truncate_reply", method="GET", probability=0.02),
)


class Assassin:
    """Kills the daemon around an order: as the request arrives, as its reply leaves, or a moment later."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.target: LiveOnExchange | None = None
        self.kills = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: object) -> web.StreamResponse:
        moment = self.rng.choice(("arrival", "reply", "later")) if self._hunting(request) else ""
        if moment == "arrival":
            self._strike()
        reply: web.StreamResponse = await handler(request)  # type: ignore[operator]
        if moment == "reply":
            self._strike()
        elif moment == "later":
            asyncio.get_running_loop().call_later(self.rng.uniform(0, 0.3), self._strike)
        return reply

    def _hunting(self, request: web.Request) -> bool:
        return self.target is not None and request.path == "/v5/order/create"

    def _strike(self) -> None:
        if self.target is not None:
            self.target.kill()
            self.target, self.kills = None, self.kills + 1


@pytest.mark.slow
async def test_kill_9_around_orders_never_doubles_and_never_drops(tmp_path: Path) -> None:
    await asyncio.gather(*(survive(seed, tmp_path / str(seed)) for seed in range(WORLDS)))


async def survive(seed: int, folder: Path) -> None:
    folder.mkdir()
    assassin = Assassin(random.Random(seed))
    middlewares = [assassin.middleware]
    async with live(folder, seed=seed, faults=HTTP, wire=WIRE, middlewares=middlewares) as (here, _):
        await here.start()
        for kill in range(KILLS):
            if kill:
                here.exchange.deposit("main", "BTC", "0.1")
            assassin.target = here
            await here.ended()
            await here.start()
            await here.until_on_target()
        assert assassin.kills == KILLS
        assert here.proxy.hits, "a calm wire proves nothing"
