"""A contract far from its index or from the spot market: nothing more is sold there, and what is to be bought
back is bought back."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hedgebot.domain.records import Verb
from hedgebot.sim.faults import Fault
from hedgebot.sim.market import Lines, level
from tests.simulation.world import BINANCE, BYBIT, OKX, START_MS, Scene, Setup, play

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
    """From the second minute on the exchange has no index to show."""
    reply = await handler(request)
    if request.path != "/v5/market/tickers" or not isinstance(reply, web.Response):
        return reply
    document = json.loads(reply.text or "")
    if document["time"] > START_MS + 60_000:
        document["result"]["list"][0]["indexPrice"] = ""
    return web.Response(text=json.dumps(document), content_type="application/json")


def test_a_missing_index_holds_sales_back_and_not_the_way_out(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(90)
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

    play(Setup(interval="5m", more=BOUND, near=True), tmp_path, act)


EVERY: dict[str, dict[str, Any]] = {
    "bybit": {"venue": BYBIT},
    "binance": {"venue": BINANCE, "coins": "0.6", "spot": "0.4"},
    "okx": {"venue": OKX},
}
TICKER = "/api/v5/market/ticker"
"""Where OKX tells its spot prices."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class TestAgainstTheSpotMarket:
    @pytest.mark.parametrize("where", EVERY.values(), ids=EVERY)
    def test_a_sale_waits_while_a_wrong_index_moves_the_mark_with_it(
        self, tmp_path: Path, where: dict[str, Any]
    ) -> None:
        async def act(scene: Scene) -> None:
            scene.exchange.change_feed(scene.native, index_error=level("-0.02"))
            await scene.start()
            await scene.cycles(6)
            assert (scene.hedge()["state"], scene.orders) == ("drifting", 0)
            found = finding(scene)
            assert "is marked 2.00% below the spot price of BTC: new risk waits" in str(found["reason"])
            assert (found["measured"], found["alarm"]) == ("-0.0200", True)
            scene.exchange.change_feed(scene.native, index_error=level(0))
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)
            assert (finding(scene)["measured"], finding(scene)["alarm"]) == ("0.0000", False)

        play(Setup(more=BOUND, **where), tmp_path, act, started=False)

    def test_without_a_bound_nobody_notices_and_nobody_asks(self, tmp_path: Path) -> None:
        """The finding sees no basis between a mark and the index that moved it."""

        async def act(scene: Scene) -> None:
            scene.exchange.change_feed(scene.native, index_error=level("-0.02"))
            await scene.start()
            await scene.cycles(24)
            assert (scene.hedge()["state"], scene.orders > 0) == ("hedged", True)
            assert (finding(scene)["measured"], finding(scene)["alarm"]) == ("0.0000", False)
            assert not scene.faults.log

        ticker = Fault("lose_request", path=TICKER)
        play(Setup(venue=OKX, faults=[ticker]), tmp_path, act, started=False)

    def test_reductions_go_on_while_the_index_is_wrong(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            scene.exchange.change_feed(scene.native, index_error=level("-0.004"))
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.orders) == ("drifting", 1)
            await scene.daemon.command("btc", Verb.UNWIND, Decimal(0), "test")
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.short == 0) == ("unwound", True)

        play(Setup(more="[hedges.btc.basis]\nmax = 0.003"), tmp_path, act)

    def test_it_is_asked_for_beside_the_cycles(self, tmp_path: Path) -> None:
        asked = list[float]()

        @web.middleware
        async def noting(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == TICKER:
                asked.append(scenes[0].clock.monotonic())
            return await handler(request)

        scenes = list[Scene]()

        async def act(scene: Scene) -> None:
            scenes.append(scene)
            await scene.start()
            await scene.clock.sleep(95)
            assert len(asked) == 4, "every half minute, however many cycles there are"

        setup = Setup(venue=OKX, more=BOUND, interval="3s", middlewares=[noting])
        play(setup, tmp_path, act, started=False)

    @pytest.mark.parametrize("kind", ["lose_request", "delay_reply", "http_status"])
    def test_a_silent_ticker_is_told_and_holds_sales_back_only_after_two_minutes(
        self, tmp_path: Path, kind: str
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(110)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)
            assert "the spot price of BTC on main is not known" in str(finding(scene)["reason"])
            assert "nothing waits for it yet" in str(finding(scene)["reason"])
            assert (finding(scene)["permission"], finding(scene)["alarm"]) == ("any", False)
            assert scene.hedge()["last_cycle"]["id"] == 22, "and no cycle waited for it"
            await scene.clock.sleep(20)
            assert (finding(scene)["permission"], finding(scene)["alarm"]) == ("reduce_only", True)
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.orders) == ("drifting", 1)
            scene.faults.stop()
            await scene.clock.sleep(60)
            assert (scene.hedge()["state"], scene.orders, finding(scene)["alarm"]) == ("hedged", 2, False)

        play(Setup(venue=OKX, more=BOUND, faults=[Fault(kind, path=TICKER)]), tmp_path, act)

    def test_one_that_falls_silent_counts_for_three_minutes_more(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(190)
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.orders, finding(scene)["alarm"]) == ("hedged", 2, False)
            await scene.clock.sleep(30)
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.orders, finding(scene)["alarm"]) == ("drifting", 2, True)
            assert "(not read for 3 minutes: main: okx market/ticker" in str(finding(scene)["reason"])
            await scene.daemon.command("btc", Verb.UNWIND, Decimal("0.5"), "test")
            await scene.cycles(4)
            assert scene.hedge()["state"] == "unwound"

        silent = Fault("lose_request", path=TICKER, since=59)
        play(Setup(venue=OKX, more=BOUND, faults=[silent]), tmp_path, act)
