"""Several hedges and accounts in one daemon: shared reads, coins far from their leg, separate outages."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from hedgebot.app import World, build
from hedgebot.daemon import Daemon
from hedgebot.settings.load import load
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd, ethusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults, Handler
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run
from tests.simulation.world import KEY, SECRET, START_MS

ADDRESSES = {"main": "127.0.0.1:9101", "other": "127.0.0.1:9102"}
ACCOUNTS = """
[accounts.main]
exchange = "bybit"
base_url = "http://127.0.0.1:9101"
[accounts.other]
exchange = "bybit"
base_url = "http://127.0.0.1:9102"
"""
TWO_HEDGES_ON_ONE_ACCOUNT = """
[hedges.btc]
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
[hedges.eth]
asset = "ETH"
legs = [{ account = "main", symbol = "ETH/USD:ETH" }]
"""
A_HEDGE_ON_EACH_ACCOUNT = """
[hedges.btc]
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
[hedges.eth]
asset = "ETH"
legs = [{ account = "other", symbol = "ETH/USD:ETH" }]
"""
COINS_FAR_FROM_THEIR_LEG = """
[hedges.btc]
asset = "BTC"
spot = [{ account = "other" }, { name = "cold", quantity = "0.25" }]
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
"""


@dataclass
class Town:
    """Two exchanges and one daemon. ``asked`` counts requests by account and path."""

    clock: VirtualClock
    exchanges: dict[str, SimulatedExchange]
    faults: dict[str, Faults]
    asked: Counter[tuple[str, str]]
    daemon: Daemon

    def hedge(self, name: str) -> dict[str, Any]:
        return dict(self.daemon.status()["hedges"][name])

    def short(self, account: str, symbol: str) -> Fraction:
        return self.exchanges[account].position("main", symbol).size


def play(hedges: str, folder: Path, act: Callable[[Town], Awaitable[None]], **plans: list[Fault]) -> None:
    """Run ``act`` in virtual time; ``plans`` are the faults of an account's exchange, by its name."""

    async def main(clock: VirtualClock) -> None:
        async with town(hedges, folder, clock, plans) as here:
            await act(here)

    run(main, epoch_ms=START_MS)


@asynccontextmanager
async def town(
    hedges: str, folder: Path, clock: VirtualClock, plans: dict[str, list[Fault]]
) -> AsyncIterator[Town]:
    rng, network, asked = random.Random(1), MemoryNetwork(latency=0.025), Counter[tuple[str, str]]()
    exchanges = {name: _exchange(clock, rng) for name in ADDRESSES}
    faults = {name: Faults(rng, plans.get(name, []), clock) for name in ADDRESSES}
    config = folder / "hedgebot.toml"
    config.write_text(f'mode = "live"\n[api]\nlisten = ""\n{ACCOUNTS}{hedges}')
    paths = Paths(folder / "hedgebot.db", folder / "lock", folder / "sock")
    credentials = {name: Credentials(SecretStr(KEY), SecretStr(SECRET)) for name in ADDRESSES}
    applications = {name: _application(name, exchanges[name], faults[name], asked) for name in ADDRESSES}
    async with (
        serve(applications["main"], network, ADDRESSES["main"]),
        serve(applications["other"], network, ADDRESSES["other"]),
        build(
            load(config, {}).settings, paths, credentials, World(clock, rng, lambda: MemoryConnector(network))
        ) as app,
    ):
        stop = asyncio.Event()
        running = asyncio.create_task(app.daemon.run(stop))
        yield Town(clock, exchanges, faults, asked, app.daemon)
        stop.set()
        await running


def _exchange(clock: VirtualClock, rng: random.Random) -> SimulatedExchange:
    market = Market({"BTCUSD": Feed(path=level(60_000)), "ETHUSD": Feed(path=level(3_000))})
    exchange = SimulatedExchange(clock, market, [btcusd(), ethusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 1)
    exchange.deposit("main", "ETH", 10)
    return exchange


def _application(
    name: str, exchange: SimulatedExchange, faults: Faults, asked: Counter[tuple[str, str]]
) -> web.Application:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked[name, request.path] += 1
        return await handler(request)

    application = bybit.application(exchange, middlewares=[count])
    faults.install(application)
    return application


def test_hedges_on_one_account_share_one_reading_of_it(tmp_path: Path) -> None:
    async def act(town: Town) -> None:
        await town.clock.sleep(22)
        assert [town.hedge(name)["state"] for name in ("btc", "eth")] == ["hedged", "hedged"]
        before = town.asked["main", "/v5/account/wallet-balance"]
        await town.clock.sleep(50)
        assert town.asked["main", "/v5/account/wallet-balance"] - before == 10

    play(TWO_HEDGES_ON_ONE_ACCOUNT, tmp_path, act)


def test_both_assets_of_an_account_are_hedged_to_their_own_coins(tmp_path: Path) -> None:
    async def act(town: Town) -> None:
        await town.clock.sleep(22)
        assert 59_900 < town.short("main", "BTCUSD") < 60_000
        assert 29_900 < town.short("main", "ETHUSD") < 30_000

    play(TWO_HEDGES_ON_ONE_ACCOUNT, tmp_path, act)


def test_coins_on_one_exchange_are_hedged_on_another(tmp_path: Path) -> None:
    async def act(town: Town) -> None:
        await town.clock.sleep(22)
        hedge = town.hedge("btc")
        assert hedge["state"] == "hedged"
        assert (hedge["spot"], hedge["legs"][0]["account"]) == ("1.25", "main")
        assert abs(town.short("main", "BTCUSD") - 135_000) < 200
        assert town.short("other", "BTCUSD") == 0

    play(COINS_FAR_FROM_THEIR_LEG, tmp_path, act)


def test_an_outage_of_one_account_neither_blinds_nor_delays_a_hedge_on_another(tmp_path: Path) -> None:
    async def act(town: Town) -> None:
        await town.clock.sleep(61)
        assert town.hedge("btc")["state"] == "blind"
        for _ in range(20):
            await town.clock.sleep(1)
            assert town.hedge("eth")["last_cycle"]["age_s"] <= 6
        town.exchanges["other"].deposit("main", "ETH", 2)
        await town.clock.sleep(15)
        assert town.hedge("eth")["state"] == "hedged"
        assert town.short("other", "ETHUSD") > 35_900
        town.faults["main"].stop()
        await town.clock.sleep(15)
        assert town.hedge("btc")["state"] == "hedged"

    play(A_HEDGE_ON_EACH_ACCOUNT, tmp_path, act, main=[Fault("delay_reply", since=30)])
