"""The real daemon on the port account: everything from the journal up is what runs in production."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from hedgebot.app import World, build
from hedgebot.daemon import Daemon
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market
from hedgebot.sim.matching import Shape, Side
from hedgebot.sim.port import HOUSES, PortAccount
from hedgebot.sim.virtual import VirtualClock, run
from tests.simulation.judge import violations
from tests.simulation.world import BINANCE, BYBIT, OKX, START_MS, Setup, Venue, composed, path


@dataclass
class Scene:
    """A daemon at work on an exchange."""

    clock: VirtualClock
    exchange: SimulatedExchange
    native: str
    daemon: Daemon

    def state(self) -> str:
        return str(self.daemon.status()["hedges"]["btc"]["state"])

    @property
    def net(self) -> Fraction:
        """Coins that truly still move with the price."""
        pots = self.exchange.account("main").state.wallets.values()
        sold = self.exchange.position("main", self.native).entry_coins
        return sum((wallet.balance for wallet in pots), Fraction(0)) - sold


def play(setup: Setup, folder: Path, act: Callable[[Scene], Awaitable[None]], seconds: float = 0.0) -> None:
    """Run ``act`` on a daemon whose calls each take ``seconds`` there, and as many back."""

    async def main(clock: VirtualClock) -> None:
        venue, rng = setup.venue, random.Random(1)
        shape = Shape(contracts=200_000 / venue.contract.face)
        market = Market({venue.contract.symbol: Feed(path=setup.price, shape=shape)})
        exchange = SimulatedExchange(clock, market, [venue.contract], rng, venue.rules)
        exchange.open_account("main", pot=venue.pot)
        exchange.set_margin_mode("main", setup.margin_mode)
        exchange.deposit("main", "BTC", setup.coins)
        account = PortAccount(exchange, "main", clock, HOUSES[venue.name], delay=lambda _: seconds)
        world = World(clock, rng, account=lambda *_, **__: account)
        async with build(*composed(setup, folder), world) as app:
            stop = asyncio.Event()
            running = asyncio.create_task(app.daemon.run(stop))
            await act(Scene(clock, exchange, venue.contract.symbol, app.daemon))
            stop.set()
            await running
        most = Fraction(setup.coins) * 70_000 / venue.contract.face
        assert violations(exchange, symbol=venue.contract.symbol, most=most) == []

    run(main, epoch_ms=START_MS)


each_venue = pytest.mark.parametrize("venue", [BYBIT, BINANCE, OKX], ids=lambda venue: venue.name)


@each_venue
def test_it_hedges_one_coin_and_rests(venue: Venue, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(60)
        assert scene.state() == "hedged"
        assert abs(scene.net) < Fraction(1, 200)
        orders = len(scene.exchange.effective_orders("main"))
        await scene.clock.sleep(1800)
        assert scene.state() == "hedged"
        assert len(scene.exchange.effective_orders("main")) == orders

    there_and_back = path((0, 60_000), (600, 48_000), (1800, 66_000))
    play(Setup(venue=venue, price=there_and_back), tmp_path, act)


@each_venue
def test_it_corrects_what_a_human_undoes(venue: Venue, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(60)
        half = scene.exchange.position("main", scene.native).size // 2
        scene.exchange.human_trade("main", scene.native, Side.BUY, half)
        await scene.clock.sleep(120)
        assert scene.state() == "hedged"
        assert abs(scene.net) < Fraction(1, 200)

    play(Setup(venue=venue), tmp_path, act, seconds=0.2)
