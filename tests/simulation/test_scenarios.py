"""A hedge's life on one exchange, from a pot of coins to a filled short and through what happens then."""

from fractions import Fraction
from pathlib import Path

import pytest

from hedgebot.sim.ledger import MarginMode
from tests.simulation.world import Scene, Setup, path, play

CRASH_AND_RALLY = path(
    (0, 60_000), (60, 60_000), (660, 30_000), (720, 30_000), (1320, 54_000), (1400, 54_000)
)
"""Quiet, a fall by half over ten minutes, a rise by four fifths from the low."""


@pytest.mark.parametrize("ratio", ["1", "0.5"])
@pytest.mark.parametrize("margin_mode", list(MarginMode)[:2])
def test_a_pot_is_hedged_within_three_cycles(tmp_path: Path, ratio: str, margin_mode: MarginMode) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(3)
        missing = Fraction(ratio) * scene.held - (scene.held - scene.net)
        assert 0 <= missing <= Fraction("0.001"), "below the target by lot, fee and slippage at most"
        assert scene.orders == 1
        assert scene.hedge()["state"] == "hedged"

    play(Setup(ratio=ratio, margin_mode=margin_mode), tmp_path, act)


@pytest.mark.parametrize("ratio", ["1", "0.5"])
def test_a_crash_and_a_rally_cause_no_order(tmp_path: Path, ratio: str) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(50)
        hedged, net = scene.value, scene.net
        await scene.clock.sleep(660)
        assert scene.exchange.quote("BTCUSD").mark == 30_000
        assert scene.orders == 1
        if ratio == "1":
            assert abs(scene.value - hedged) < 60_000 * Fraction("0.001")
        await scene.clock.sleep(700)
        assert scene.orders == 1
        assert scene.net == net

    setup = Setup(ratio=ratio, price=CRASH_AND_RALLY, interval="15s", near=ratio == "0.5")
    play(setup, tmp_path, act)


def test_coins_kept_elsewhere_are_hedged_too(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(3)
        assert 0 <= scene.net <= Fraction("0.0015")
        assert scene.hedge()["spot"] == "0.5"

    play(Setup(outside="0.5", leverage=3), tmp_path, act)


def test_observing_sends_nothing(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(5)
        assert scene.orders == 0
        assert scene.hedge()["state"] == "drifting"
        assert "sell" in scene.hedge()["last_cycle"]["reason"]

    play(Setup(mode="observe"), tmp_path, act)


def test_a_restart_neither_doubles_nor_drops_the_hedge(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        await scene.stop()
        await scene.clock.sleep(100)
        await scene.start()
        await scene.cycles(4)
        assert scene.orders == 1
        assert scene.hedge()["state"] == "hedged"

    play(Setup(), tmp_path, act)
