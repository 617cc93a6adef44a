"""The charts of a real daemon on the simulated exchange, against what the exchange knows to be true."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.matching import Side
from tests.simulation.world import Scene, Setup, path, play

STORM = path((0, 60_000), (60, 60_000), (360, 40_000), (600, 90_000), (900, 50_000), (2000, 50_000))
FEE = Fraction(60)
"""Dollars: a taker fee on the whole, not counted yet, and the slippage of a buy-back."""


def series(scene: Scene) -> dict[str, list[Any]]:
    return dict(scene.daemon.history("btc", 24)["series"])


def far_apart(told: str, truth: Fraction) -> bool:
    return abs(Fraction(told) - truth) > FEE


def mark(scene: Scene) -> Fraction:
    return scene.exchange.quote("BTCUSD").mark


@pytest.mark.parametrize("ratio", ["1", "0.5"])
def test_unhedged_is_what_one_coin_is_worth_through_a_storm_and_a_deposit(tmp_path: Path, ratio: str) -> None:
    async def act(scene: Scene) -> None:
        coins = Fraction(1)
        for _ in range(6):
            await scene.clock.sleep(150)
            told = series(scene)
            assert not far_apart(told["unhedged_usd"][-1], coins * Fraction(told["price_usd"][-1]))
            if ratio == "1":
                assert not far_apart(told["value_usd"][-1], scene.value)
            if scene.clock.monotonic() > 440 and coins == 1:
                scene.exchange.deposit("main", "BTC", "0.5")
                coins += Fraction(1, 2)

    play(Setup(price=STORM, ratio=ratio, interval="15s"), tmp_path, act)


def test_a_hedge_unwound_and_bought_back_by_hand_earned_its_profit_and_received_no_deposit(
    tmp_path: Path,
) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(150)
        scene.exchange.human_trade("main", "BTCUSD", Side.BUY, scene.short // 2)
        await scene.clock.sleep(850)
        told = series(scene)
        assert not far_apart(told["unhedged_usd"][-1], Fraction(50_000))
        assert min(float(ratio) for ratio in told["ratio"][10:]) < 0.6, "the hand's deed shows"

    play(Setup(price=STORM, interval="15s"), tmp_path, act)


def test_after_a_restart_the_charts_go_on_from_the_journal(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(400)
        before, act_then = scene.daemon.history("btc", 24), scene.hedge()["last_act"]
        await scene.stop()
        await scene.clock.sleep(300)
        await scene.start()
        assert scene.hedge()["last_act"] == act_then, "known before the first cycle"
        restored = scene.daemon.history("btc", 24)
        assert restored["decisions"] == before["decisions"]
        assert set(restored["series"]["at_ms"]) <= set(before["series"]["at_ms"])
        assert len(restored["series"]["at_ms"]) > len(before["series"]["at_ms"]) * 0.6
        await scene.cycles(2)
        told = series(scene)
        assert None in told["ratio"], "the time in which it was away is a gap"
        assert not far_apart(told["unhedged_usd"][-1], Fraction(told["price_usd"][-1]))

    play(Setup(price=STORM), tmp_path, act)


def test_a_journal_that_cannot_be_read_costs_the_charts_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(3)
        await scene.stop()
        monkeypatch.setattr("hedgebot.journal.cycles.unpack", _torn)
        await scene.start()
        await scene.cycles(3)
        assert scene.hedge()["state"] == "hedged"
        assert len(series(scene)["at_ms"]) == 3

    play(Setup(), tmp_path, act)


def _torn(data: bytes, dictionary: bytes) -> bytes:
    return b"{"
