"""A contract far from its index: nothing more is sold there, and what is to be bought back is bought back."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from aiohttp import web

from hedgebot.domain.records import Verb
from hedgebot.sim.market import Lines, level
from tests.simulation.world import START_MS, Scene, Setup, play

BOUND = "[hedges.btc.basis]\nmax = 0.01"
HELD_BACK = "is marked 2.00% below its index: new risk waits, reductions go on"


def finding(scene: Scene) -> dict[str, object]:
    return next(each for each in scene.hedge()["findings"] if each["guard"] == "basis")


def test_a_sale_waits_while_the_contract_trades_below_its_index(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.exchange.change_feed(scene.native, basis=level("-0.02"))
        await scene.start()
        await scene.cycles(6)
        assert (scene.hedge()["state"], scene.orders) == ("drifting", 0)
        assert HELD_BACK in str(finding(scene)["reason"])
        assert scene.hedge()["last_cycle"]["reason"] == finding(scene)["reason"]
        scene.exchange.change_feed(scene.native, basis=level("-0.0099"))
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.orders, finding(scene)["alarm"]) == ("hedged", 1, False)

    play(Setup(more=BOUND), tmp_path, act, started=False)


def test_a_hedge_that_stands_is_left_alone_and_may_be_reduced(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        assert scene.hedge()["state"] == "hedged"
        scene.exchange.change_feed(scene.native, basis=level("-0.02"))
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 1), "nothing is unhedged for a basis"
        scene.exchange.deposit("main", "BTC", "0.25")
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.orders) == ("drifting", 1)
        await scene.daemon.command("btc", Verb.UNWIND, Decimal("0.5"), "test")
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.orders) == ("unwound", 2)
        assert abs(scene.net / scene.held - Fraction(1, 2)) < Fraction("0.01")

    play(Setup(more=BOUND), tmp_path, act)


def test_without_a_bound_a_basis_is_measured_and_no_more(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.exchange.change_feed(scene.native, basis=level("-0.02"))
        await scene.start()
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)
        assert (finding(scene)["measured"], finding(scene)["alarm"]) == ("-0.0200", False)

    play(Setup(), tmp_path, act, started=False)


@web.middleware
async def without_index(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """From ten minutes on the exchange has no index to show."""
    reply = await handler(request)
    if request.path != "/v5/market/tickers" or not isinstance(reply, web.Response):
        return reply
    document = json.loads(reply.text or "")
    if document["time"] > START_MS + 600_000:
        document["result"]["list"][0]["indexPrice"] = ""
    return web.Response(text=json.dumps(document), content_type="application/json")


def test_a_missing_index_holds_sales_back_and_not_the_way_out(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(660)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)
        assert "is not known: new risk waits" in str(finding(scene)["reason"])
        scene.exchange.deposit("main", "BTC", "0.25")
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.orders) == ("drifting", 1)
        await scene.daemon.command("btc", Verb.UNWIND, Decimal(0), "test")
        await scene.cycles(4)
        assert (scene.hedge()["state"], scene.short == 0) == ("unwound", True)

    play(Setup(middlewares=[without_index]), tmp_path, act)


def test_a_basis_that_comes_and_goes_by_itself_trades_nothing(tmp_path: Path) -> None:
    """Up to 3 % to either side, and the hedge is where it was: there is no price in what it holds."""
    waves = Lines([(START_MS + n * 3_600_000, Fraction((-1) ** n * 3, 100)) for n in range(12)])

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(1200)
        scene.exchange.change_feed(scene.native, basis=waves)
        await scene.clock.sleep(10 * 3600)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)

    play(Setup(interval="5m", more=BOUND), tmp_path, act)
