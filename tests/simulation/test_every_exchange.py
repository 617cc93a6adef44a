"""The same scenario on every exchange: what moves the hedge is answered within three cycles."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import thinned
from hedgebot.sim.matching import Side
from tests.simulation.world import BINANCE, BYBIT, OKX, Scene, Setup, play

EVERY: dict[str, dict[str, Any]] = {
    "bybit": {"venue": BYBIT},
    "binance": {"venue": BINANCE, "coins": "0.6", "spot": "0.4"},
    "okx": {"venue": OKX},
}
every_exchange = pytest.mark.parametrize("where", EVERY.values(), ids=EVERY)


def within(scene: Scene) -> Fraction:
    """Coins: one contract, the fee and the slippage of the trade."""
    return scene.setup.venue.contract.face / 60_000 + Fraction("0.0015")


@every_exchange
@pytest.mark.parametrize(("side", "share"), [(Side.BUY, "1/6"), (Side.BUY, "1"), (Side.SELL, "1/12")])
def test_a_position_changed_by_hand(tmp_path: Path, where: dict[str, Any], side: Side, share: str) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        scene.exchange.human_trade("main", scene.native, side, scene.short * Fraction(share) // 1)
        await scene.cycles(3)
        assert 0 <= scene.net <= within(scene)
        assert scene.orders == 3

    play(Setup(**where, leverage=3, margin_mode=MarginMode.CROSS), tmp_path, act)


@every_exchange
def test_a_deposit(tmp_path: Path, where: dict[str, Any]) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        scene.exchange.deposit("main", "BTC", "0.25")
        await scene.cycles(3)
        assert 0 <= scene.net <= within(scene)
        assert scene.orders == 2

    play(Setup(**where), tmp_path, act)


@every_exchange
def test_a_small_withdrawal(tmp_path: Path, where: dict[str, Any]) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        scene.exchange.withdraw("main", "BTC", "0.05")
        await scene.cycles(3)
        assert abs(scene.net) <= within(scene)
        assert scene.orders == 2

    play(Setup(**where), tmp_path, act)


@every_exchange
def test_a_large_fall_waits_for_its_confirming_reads(tmp_path: Path, where: dict[str, Any]) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        scene.exchange.withdraw("main", "BTC", "0.22")
        await scene.clock.sleep(28)
        assert scene.orders == 1
        await scene.clock.sleep(20)
        assert abs(scene.net) <= within(scene)

    play(Setup(**where, leverage=3), tmp_path, act)


@every_exchange
def test_partial_fills_are_completed_from_the_position(tmp_path: Path, where: dict[str, Any]) -> None:
    async def act(scene: Scene) -> None:
        market, left = scene.exchange.truth.market, Fraction(1, 500) / scene.setup.venue.contract.face
        market.change(scene.native, thinned(market.feed(scene.native), left))
        await scene.start()
        await scene.cycles(40)
        assert scene.orders > 1
        assert 0 <= scene.net <= Fraction("0.005")

    play(Setup(**where), tmp_path, act, started=False)
