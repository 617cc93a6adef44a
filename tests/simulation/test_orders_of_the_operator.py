"""What an operator orders between two ticks is carried out on what the exchange shows then."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hedgebot.domain.records import Verb
from tests.simulation.world import Scene, Setup, play

MINUTE, HOUR = 60.0, 3600.0


def seldom() -> Setup:
    """Looked at every hour, by itself."""
    return Setup(interval="1h", near=True)


def test_an_order_looks_anew(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(4 * HOUR + 20 * MINUTE)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)
        scene.exchange.deposit("main", "BTC", "1")
        await scene.daemon.command("btc", Verb.RATIO, Decimal("0.5"), "test")
        await scene.clock.sleep(1)
        assert scene.hedge()["held"].startswith("1.99")
        assert abs(Decimal(scene.hedge()["ratio"]) - Decimal("0.5")) < Decimal("0.01")

    play(seldom(), tmp_path, act)


def test_several_orders_do_not_make_several_readings_of_one(tmp_path: Path) -> None:
    """Coins that were away for a moment, when it looked, are not gone because somebody asked three times."""

    async def act(scene: Scene) -> None:
        await scene.clock.sleep(4 * HOUR)
        wallet = scene.hedge()["held"]
        await scene.clock.sleep(40 * MINUTE)
        scene.exchange.withdraw("main", "BTC", "0.3")
        await scene.daemon.command("btc", Verb.PAUSE, None, "test")
        await scene.clock.sleep(1)
        assert scene.hedge()["held"] != wallet
        scene.exchange.deposit("main", "BTC", "0.3")
        for verb in (Verb.RESUME, Verb.PAUSE, Verb.RESUME):
            await scene.clock.sleep(20)
            await scene.daemon.command("btc", verb, None, "test")
        await scene.clock.sleep(1)
        assert (scene.hedge()["held"], scene.orders) == (wallet, 1)
        assert scene.net / scene.held < Fraction("0.001")

    play(seldom(), tmp_path, act)
