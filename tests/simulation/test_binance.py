"""The same life on Binance: a spot wallet and COIN-M, contracts of 100 dollars, margin modes by contract."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.matching import Side
from tests.simulation.test_scenarios import CRASH_AND_RALLY
from tests.simulation.world import BINANCE, Scene, Setup, play

LOT = Fraction(100, 60_000)
WITHIN = LOT + Fraction("0.001")
"""Coins: one contract, the fee and the slippage of selling one bitcoin."""

SPLIT: dict[str, Any] = {"venue": BINANCE, "coins": "0.6", "spot": "0.4"}


@pytest.mark.parametrize("ratio", ["1", "0.5"])
@pytest.mark.parametrize("margin_mode", [MarginMode.ISOLATED, MarginMode.CROSS])
def test_both_wallets_are_hedged_within_three_cycles(
    tmp_path: Path, ratio: str, margin_mode: MarginMode
) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(3)
        missing = Fraction(ratio) * scene.held - (scene.held - scene.net)
        assert 0 <= missing <= WITHIN
        assert scene.orders == 1
        status = scene.hedge()
        assert status["state"] == "hedged"
        assert (status["spot"], status["held"]) == ("0.4", status["held"])
        assert Fraction(status["collateral"]) == round(scene.exchange.wallet("main", "BTC").balance, 8)

    play(Setup(**SPLIT, ratio=ratio, margin_mode=margin_mode), tmp_path, act)


def test_a_crash_and_a_rally_cause_no_order_and_keep_the_value(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(50)
        hedged, net = scene.value, scene.net
        await scene.clock.sleep(660)
        assert scene.exchange.quote(scene.native).mark == 30_000
        assert scene.orders == 1
        assert abs(scene.value - hedged) < 60_000 * WITHIN
        await scene.clock.sleep(700)
        assert scene.exchange.quote(scene.native).mark == 54_000
        assert scene.orders == 1
        assert scene.net == net
        assert abs(scene.value - hedged) < 60_000 * WITHIN
        assert scene.hedge()["state"] == "hedged"

    play(Setup(**SPLIT, price=CRASH_AND_RALLY, interval="15s"), tmp_path, act)


def test_margin_mode_and_leverage_are_set_as_named_before_the_first_sale(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.exchange.set_margin_mode("main", MarginMode.CROSS)
        await scene.start()
        await scene.cycles(3)
        state = scene.exchange.account("main").state
        assert state.mode_of(scene.native) is MarginMode.ISOLATED
        assert state.leverage[scene.native] == 2
        assert scene.orders == 1
        assert 0 <= scene.net <= WITHIN

    play(Setup(**SPLIT), tmp_path, act, started=False)


def test_another_margin_mode_under_an_open_position_halts(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.exchange.set_margin_mode("main", MarginMode.CROSS)
        scene.exchange.human_trade("main", scene.native, Side.SELL, 100)
        await scene.start()
        await scene.cycles(3)
        assert scene.orders == 1
        status = scene.hedge()
        assert status["state"] == "halted"
        [finding] = [f for f in status["findings"] if f["guard"] == "account_mode"]
        assert finding["reason"] == "main margins cross, the config wants isolated"

    play(Setup(**SPLIT), tmp_path, act, started=False)


def test_coins_moved_between_the_wallets_change_nothing(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        net = scene.net
        scene.exchange.transfer("main", "BTC", "0.2", "spot", "margin", "1")
        await scene.cycles(3)
        assert (scene.orders, scene.net) == (1, net)
        assert scene.hedge()["spot"] == "0.2"

    play(Setup(**SPLIT), tmp_path, act)


def test_a_margin_wallet_that_was_never_used_blinds_with_what_to_do(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.exchange.account("main").events.clear()
        await scene.start()
        await scene.cycles(2)
        assert scene.orders == 0
        status = scene.hedge()
        assert status["state"] == "blind"
        assert any("Transfer any BTC into COIN-M futures" in f["reason"] for f in status["findings"])

    play(Setup(**SPLIT), tmp_path, act, started=False)


@pytest.mark.parametrize("seed", range(3))
def test_lost_and_late_replies_never_cause_a_second_effective_order(tmp_path: Path, seed: int) -> None:
    order: dict[str, Any] = {"method": "POST", "path": "/dapi/v1/order"}
    plan = [
        Fault("lose_reply", probability=0.4, until=120, **order),
        Fault("late_arrival", probability=0.4, until=120, seconds=(1, 9), **order),
        Fault("lose_request", probability=0.2, until=120, **order),
        Fault("html_200", probability=0.2, until=120, **order),
    ]

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(250)
        assert 0 <= scene.net <= WITHIN
        ids = [order.client_id for order in scene.exchange.effective_orders("main")]
        assert len(ids) == len(set(ids))
        assert scene.short * 100 <= 60_000

    lags = {"position": 2.0, "wallet": 1.0, "order_history": 4.0}
    play(Setup(**SPLIT, faults=plan, lags=lags, seed=seed), tmp_path, act)
