"""kill -9 at any instant around an order neither doubles nor drops the hedge."""

import asyncio
import random
from fractions import Fraction
from pathlib import Path

import pytest
from aiohttp import web

from tests.processes.live import LiveOnExchange, live
from tests.simulation.judge import violations

WORLDS, KILLS = 5, 10
TOLERANCE = Fraction("0.002")


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


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_kill_9_around_orders_never_doubles_and_never_drops(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    assassin = Assassin(rng)
    async with live(tmp_path, seed=seed, middlewares=[assassin.middleware]) as (here, _):
        held = Fraction(1)
        for kill in range(KILLS):
            if kill:
                here.exchange.deposit("main", "BTC", "0.1")
                held += Fraction("0.1")
            assassin.target = here
            if here.process is None or here.process.returncode is not None:
                await here.start()
            async with asyncio.timeout(20):
                await here.ended()
            await here.start()
            await here.until("hedged")
            assert not violations(here.exchange, most=60_000 * held)
            assert 0 <= here.net <= TOLERANCE * held, f"seed {seed}, kill {kill}"
        assert assassin.kills == KILLS
