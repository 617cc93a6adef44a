"""A daemon that starts with another config than the one under which its last order left."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedgebot.domain.records import Verb
from tests.simulation.world import Scene, Setup, play


async def stopped_with_an_open_order(scene: Scene) -> None:
    """SIGTERM in the cycle that trades: the order has filled, which the journal does not know yet."""
    await scene.start()
    while not scene.orders:
        await scene.clock.sleep(0.01)
    await scene.stop()


def finding(scene: Scene, guard: str) -> dict[str, Any]:
    return next(found for found in scene.hedge()["findings"] if found["guard"] == guard)


def test_a_renamed_hedge_settles_the_order_that_it_left_under_its_old_name(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await stopped_with_an_open_order(scene)
        scene.setup = replace(scene.setup, hedge="coin")
        await scene.start()
        await scene.cycles(4)
        assert scene.hedge()["state"] == "hedged"
        scene.exchange.deposit("main", "BTC", "0.5")
        await scene.cycles(8)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 2)
        await scene.daemon.command("coin", Verb.UNWIND, Decimal(0), "ops")
        await scene.cycles(8)
        assert scene.hedge()["state"] == "unwound"
        assert scene.short == 0

    play(Setup(), tmp_path, act, started=False)


def test_an_account_that_has_another_name_with_an_order_open_is_told_and_the_hedge_goes_on(
    tmp_path: Path,
) -> None:
    async def act(scene: Scene) -> None:
        await stopped_with_an_open_order(scene)
        scene.setup = replace(scene.setup, account="prime")
        await scene.start()
        scene.exchange.deposit("main", "BTC", "0.5")
        await scene.cycles(3)
        assert finding(scene, "in_flight")["permission"] == "none", "the order might still have arrived"
        assert scene.orders == 1
        await scene.cycles(8)
        told = finding(scene, "in_flight")
        assert (told["permission"], "accounts.main" in told["next_step"]) == ("any", True)
        assert (scene.hedge()["state"], scene.orders) == ("hedged", 2)
        scene.setup = replace(scene.setup, account="main")
        await scene.stop()
        await scene.start()
        await scene.cycles(3)
        assert finding(scene, "in_flight")["measured"] == "0", "its account is back: it is settled"

    play(Setup(), tmp_path, act, started=False)
