"""A hedge in dated contracts: it moves on before they end, slice by slice, and is never without cover.

One roll runs over HTTP on each exchange; everything else on the port.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.records import Verb
from hedgebot.sim.events import Filled, FillKind
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Shape
from tests.simulation.judge import violations
from tests.simulation.world import BINANCE, BYBIT, OKX, Scene, Setup, Venue, play

DECEMBER, MARCH = 1_798_185_600, 1_806_048_000
"""Seconds: 08:00 UTC of the last Friday of 2026, and of the quarter after it."""

DAY, SLICE = 86_400, Fraction(1, 5)
NATIVES = {
    "bybit": ("BTCUSDZ26", "BTCUSDH27"),
    "okx": ("BTC-USD-261225", "BTC-USD-270326"),
    "binance": ("BTCUSD_261225", "BTCUSD_270326"),
}


def dated(venue: Venue, symbol: str = "next-quarter") -> Venue:
    """The exchange with two quarterly contracts, like its perpetual one; the leg is named ``symbol``."""
    ends = zip(NATIVES[venue.name], (DECEMBER, MARCH), strict=True)
    quarters = [replace(venue.contract, symbol=native, delivery_ms=at * 1000) for native, at in ends]
    return replace(venue, symbol=symbol, also=quarters)


VENUES = [pytest.param(dated(venue), id=venue.name) for venue in (BYBIT, OKX, BINANCE)]


def sizes(scene: Scene) -> tuple[int, int]:
    """Contracts short in each of the two."""
    natives = NATIVES[scene.setup.venue.name]
    old, new = (int(scene.exchange.position("main", native).size) for native in natives)
    return old, new


def net(scene: Scene) -> Fraction:
    """Coins that truly move with the price, be they short in either."""
    natives = NATIVES[scene.setup.venue.name]
    return scene.held - sum(scene.exchange.position("main", native).entry_coins for native in natives)


async def until(scene: Scene, seconds: int) -> None:
    """Let time pass up to an instant, without the daemon."""
    await scene.clock.sleep(seconds - scene.clock.now_ms() / 1000)


async def watched(scene: Scene, seconds: int) -> list[Fraction]:
    """The net exposure, once a second."""
    seen = []
    for _ in range(seconds):
        await scene.clock.sleep(1)
        seen.append(net(scene))
    return seen


def broken(scene: Scene) -> list[str]:
    """What must never be in either: an order that took effect twice, a long, more short than is held."""
    venue = scene.setup.venue
    most = (scene.held + SLICE) * 60_000 / venue.contract.face
    natives = NATIVES[venue.name]
    return [each for n in natives for each in violations(scene.exchange, symbol=n, most=most)]


def finding(scene: Scene) -> dict[str, Any]:
    return next(each for each in scene.hedge()["findings"] if each["guard"] == "expiry")


@pytest.mark.parametrize(("mode", "near"), [(MarginMode.ISOLATED, False), (MarginMode.CROSS, True)])
@pytest.mark.parametrize("venue", VENUES)
def test_a_roll_over_an_expiry(venue: Venue, mode: MarginMode, near: bool, tmp_path: Path) -> None:
    """Three days before the end it moves, a fifth at a time; the end itself is nothing any more."""

    async def act(scene: Scene) -> None:
        await until(scene, DECEMBER - 3 * DAY - 120)
        await scene.start()
        await scene.cycles(6)
        before = sizes(scene)
        assert (scene.hedge()["state"], before[1]) == ("hedged", 0)
        assert abs(net(scene)) < Fraction("0.002")
        seen = await watched(scene, 360)
        old, new = sizes(scene)
        assert (scene.hedge()["state"], old) == ("hedged", 0)
        assert abs(new - before[0]) <= before[0] * Fraction("0.003")
        assert max(map(abs, seen)) <= SLICE + Fraction("0.003"), "never more than one slice from the target"
        assert max(seen) < Fraction("0.005"), "never less cover than before"
        assert 1 + 2 * 5 <= scene.orders <= 1 + 2 * 6, "what lots and fees leave may be one slice more"
        done = scene.orders
        await scene.stop()
        await until(scene, DECEMBER + 60)
        await scene.start()
        await scene.cycles(3)
        assert (scene.hedge()["state"], sizes(scene), scene.orders) == ("hedged", (0, new), done)
        assert [leg["symbol"] for leg in scene.hedge()["legs"]] == ["BTC/USD:BTC-270326"]
        assert broken(scene) == []

    setup = Setup(venue=venue, margin_mode=mode, interval="10s", near=near)
    play(setup, tmp_path, act, started=False)


def test_what_was_not_left_in_time_is_told_settled_and_sold_again(tmp_path: Path) -> None:
    """A paused hedge does not roll: half of the time is over, then all of it, and the exchange closes it."""

    async def act(scene: Scene) -> None:
        await until(scene, DECEMBER - 3 * DAY - 120)
        await scene.start()
        await scene.cycles(6)
        sold = sizes(scene)[0]
        await scene.daemon.command("btc", Verb.PAUSE, None, "test")
        await scene.cycles(30)
        assert (scene.hedge()["state"], sizes(scene), finding(scene)["alarm"]) == ("paused", (sold, 0), False)
        await scene.stop()
        await until(scene, DECEMBER - DAY)
        await scene.start()
        await scene.cycles(3)
        assert finding(scene)["alarm"]
        assert "what is short in it has not moved on" in finding(scene)["reason"]
        await scene.stop()
        await until(scene, DECEMBER - 60)
        await scene.start()
        await scene.cycles(20)
        assert sizes(scene) == (0, 0)
        ended = [event for event in scene.exchange.events("main") if isinstance(event, Filled)][-1]
        assert ended.kind is FillKind.DELIVERY
        assert (scene.hedge()["state"], scene.hedge()["ratio"]) == ("paused", "0")
        await scene.daemon.command("btc", Verb.RESUME, None, "test")
        await scene.cycles(4)
        old, new = sizes(scene)
        assert (scene.hedge()["state"], old) == ("hedged", 0)
        assert abs(new - sold) <= sold * Fraction("0.002")
        assert broken(scene) == []

    play(Setup(venue=dated(BYBIT), near=True), tmp_path, act, started=False)


def test_killed_amid_a_roll_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await until(scene, DECEMBER - 3 * DAY - 120)
        await scene.start()
        await scene.clock.sleep(123)
        while not 0 < sizes(scene)[1] < sizes(scene)[0]:
            await scene.clock.sleep(0.5)
        await scene.kill()
        await scene.clock.sleep(60)
        await scene.start()
        seen = await watched(scene, 300)
        assert (scene.hedge()["state"], sizes(scene)[0]) == ("hedged", 0)
        assert max(map(abs, seen)) <= SLICE + Fraction("0.003")
        assert abs(net(scene)) < Fraction("0.003")
        assert broken(scene) == []

    play(Setup(venue=dated(BYBIT), near=True), tmp_path, act, started=False)


def test_the_old_contract_once_left_holds_nothing_up(tmp_path: Path) -> None:
    """Its book runs dry before its end. It is a leg for a while longer: its last fee is counted."""

    async def act(scene: Scene) -> None:
        await until(scene, DECEMBER - 3 * DAY - 120)
        await scene.start()
        await scene.cycles(6)
        while sizes(scene)[0]:
            await scene.clock.sleep(1)
        fees = scene.hedge()["fees_coins"]
        native = NATIVES[scene.setup.venue.name][0]
        scene.exchange.change_contract(native, status="Delivering")
        scene.exchange.change_feed(native, shape=Shape(levels=0), basis=level("-0.3"))
        await scene.clock.sleep(300)
        assert scene.hedge()["state"] == "hedged"
        assert float(scene.hedge()["fees_coins"]) > float(fees)
        await scene.clock.sleep(900)
        assert [leg["symbol"] for leg in scene.hedge()["legs"]] == ["BTC/USD:BTC-270326"]
        assert scene.hedge()["state"] == "hedged"

    play(Setup(venue=dated(BYBIT), near=True), tmp_path, act, started=False)


def test_with_all_coins_bound_as_margin_it_buys_back_first(tmp_path: Path) -> None:
    """At leverage 1 the old contract holds every coin: what is bought back there margins the next sale."""

    async def act(scene: Scene) -> None:
        await until(scene, DECEMBER - 3 * DAY - 120)
        await scene.start()
        await scene.cycles(8)
        seen = await watched(scene, 400)
        old, new = sizes(scene)
        assert old == 0
        assert new > 50_000
        assert min(seen) > -Fraction("0.005"), "never more cover than before"
        assert max(seen) <= SLICE + Fraction("0.02")

    setup = Setup(venue=dated(BYBIT), leverage=1, ratio="0.98", near=True)
    play(setup, tmp_path, act, started=False)


def test_nothing_to_be_in_is_no_snapshot(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.start()
        await scene.cycles(3)
        assert (scene.hedge()["state"], scene.orders) == ("blind", 0)
        assert (
            "main lists no dated contract for BTC/USD:BTC-next-quarter"
            in scene.hedge()["last_cycle"]["reason"]
        )

    play(Setup(venue=replace(BYBIT, symbol="next-quarter")), tmp_path, act, started=False)
