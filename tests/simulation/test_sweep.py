"""Coins that the margin no longer needs, as stories: up to 150,000 dollars a coin and back to 60,000.

On the way up coins move to the margin; on the way back down what can be withdrawn of it leaves it again, and
at the end of a hedge all of it goes home. None of that is a trade, and nothing of it is done twice.
The main stories run over HTTP on each exchange, their variations on the port.
"""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.records import Verb
from hedgebot.domain.transfers import FINAL, SMALLEST, TransferStage
from hedgebot.domain.units import Millis
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from tests.simulation.test_ladder import (
    BETWEEN_WALLETS,
    DEATHS,
    MARGIN_PATHS,
    amiss,
    finding,
    isolated,
    journalled,
    liquidated,
    moves,
    noted,
)
from tests.simulation.test_policies import BEGIN, after
from tests.simulation.world import BINANCE, BYBIT, OKX, Scene, Setup, Venue, path, play

TOP, END = 1830, 3630
BACK = path((30, 60_000), (TOP, 150_000), (END, 60_000))
LOWEST = "[hedges.btc.collateral]\nmin_leverage = 1.5"
HOME = "[hedges.btc.collateral]\nhome_when_unwound = true"
SPLIT: dict[str, Any] = {"venue": BINANCE, "coins": "0.51", "spot": "0.49"}
FAR: dict[str, Any] = {"price": BACK, "interval": "60s", "more": LOWEST}
STORY: dict[str, Any] = {**FAR, "interval": "30s", "near": True}
DUST = Fraction(SMALLEST.value)
OUT, ON = "isolated to margin", "margin to spot"


def spot(scene: Scene) -> Fraction:
    return scene.exchange.wallet("main", "BTC", "spot").balance


def leverage(scene: Scene) -> Fraction:
    return Fraction(scene.hedge()["legs"][0]["leverage"])


async def sweeps(scene: Scene) -> list[str]:
    """The ways of all moves out of a margin, in their order."""
    made = await scene.daemon.cycles["btc"].journal.transfers_since(Millis(0))
    return [move.request.way for move in made if move.request.way in (OUT, ON)]


async def there_and_back(scene: Scene) -> None:
    """Through the rally and the crash; in every cycle the hedge is whole, and held is what it was."""
    await scene.clock.sleep(150)
    held, net, short = scene.held, scene.net, scene.short
    while scene.clock.monotonic() < END + 200:
        await scene.clock.sleep(15)
        assert (scene.held, scene.net, scene.short) == (held, net, short), "a transfer moves no exposure"
        assert abs(Fraction(scene.hedge()["held"]) - held) < Fraction("1e-6")
    assert (scene.orders, liquidated(scene)) == (1, False)


class TestAfterACrash:
    @pytest.mark.parametrize(
        ("story", "mode", "ways"),
        [
            (FAR, MarginMode.ISOLATED, [OUT, ON]),
            (STORY, MarginMode.ISOLATED, [OUT, ON]),
            (STORY, MarginMode.CROSS, [ON]),
        ],
    )
    def test_what_came_from_the_spot_wallet_goes_back_there(
        self, tmp_path: Path, story: dict[str, Any], mode: MarginMode, ways: list[str]
    ) -> None:
        async def act(scene: Scene) -> None:
            await there_and_back(scene)
            gone = sum(moves(scene))
            assert gone > Fraction("0.15"), "the rally took coins"
            assert await sweeps(scene) == ways, "once, not at every tick"
            assert spot(scene) > Fraction("0.49") - gone + Fraction("0.05")
            assert Fraction("1.5") <= leverage(scene) < 3
            assert Fraction(scene.hedge()["legs"][0]["liquidation_distance"]) > Fraction("0.45")
            assert finding(scene, "collateral")["reason"] == "margin is in proportion"

        play(Setup(**SPLIT, **story, margin_mode=mode), tmp_path, act)

    @pytest.mark.parametrize("venue", [BYBIT, OKX], ids=["bybit", "okx"])
    def test_it_leaves_the_isolated_margin_for_the_pot(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await there_and_back(scene)
            moved = isolated(scene)
            assert [coins < 0 for coins in moved] == [False] * (len(moved) - 1) + [True]
            assert [abs(coins) for coins in moved] == await journalled(scene)
            assert Fraction("1.5") <= leverage(scene) < 3

        play(Setup(venue=venue, **FAR), tmp_path, act)

    def test_without_a_lowest_leverage_it_stays_and_protects(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await there_and_back(scene)
            assert await sweeps(scene) == []
            assert leverage(scene) < Fraction("1.5")

        play(Setup(**SPLIT, **STORY | {"more": ""}), tmp_path, act)


LOST: list[tuple[dict[str, Any], str, list[str]]] = [
    (SPLIT | {"margin_mode": MarginMode.CROSS}, BETWEEN_WALLETS, [ON]),
    (SPLIT, MARGIN_PATHS["binance"], [OUT, ON]),
    ({"venue": OKX}, MARGIN_PATHS["okx"], [OUT]),
    ({"venue": BYBIT}, MARGIN_PATHS["bybit"], [OUT]),
]


class TestLostReplies:
    @pytest.mark.parametrize(("account", "where", "ways"), LOST, ids=["wallets", "binance", "okx", "bybit"])
    @pytest.mark.parametrize("kind", ["lose_reply", "html_200"])
    def test_what_may_have_been_made_is_followed_not_repeated(
        self, tmp_path: Path, account: dict[str, Any], where: str, ways: list[str], kind: str
    ) -> None:
        async def act(scene: Scene) -> None:
            await there_and_back(scene)
            assert scene.faults.hits[kind] == 1
            assert await sweeps(scene) == ways
            assert Fraction("1.5") <= leverage(scene) < 3

        lost = amiss(kind, where, "/transfer", since=TOP + 100, limit=1)
        play(Setup(**account, **FAR | lost), tmp_path, act)


class TestNothingToWithdraw:
    def test_unrealised_profit_is_told_once_and_not_asked_for(self, tmp_path: Path) -> None:
        """Sold at leverage 2, and the price halves: all that the margin gained is open profit."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1900)
            said = finding(scene, "collateral")
            assert said["reason"] == (
                "main:BTC/USD:BTC runs at leverage 1.33, below min_leverage 1.5;"
                " too little of its margin can leave it, as unrealised profit cannot"
            )
            assert not said["alarm"]
            for _ in range(20):
                await scene.clock.sleep(15)
                assert finding(scene, "collateral") == said
                assert scene.hedge()["last_cycle"]["reason"] == "inside the band"
            assert (await sweeps(scene), scene.orders) == ([], 1)

        falls = STORY | {"price": path((30, 60_000), (1830, 30_000))}
        play(Setup(**SPLIT, **falls), tmp_path, act)


def margin(scene: Scene) -> Fraction:
    return scene.exchange.wallet("main", "BTC").balance


def is_home(scene: Scene) -> bool:
    """All but what is too little to move lies in the spot wallet."""
    return scene.hedge()["state"] == "unwound" and scene.short == 0 <= margin(scene) < DUST


async def unwind(scene: Scene) -> None:
    await scene.clock.sleep(60)
    assert scene.hedge()["state"] == "hedged"
    await scene.daemon.command("btc", Verb.UNWIND, Decimal(0), "test")


class TestTheWayHome:
    @pytest.mark.parametrize(("mode", "near"), [(MarginMode.ISOLATED, False), (MarginMode.CROSS, True)])
    def test_once_unwound_the_margin_goes_to_the_spot_wallet_once(
        self, tmp_path: Path, mode: MarginMode, near: bool
    ) -> None:
        async def act(scene: Scene) -> None:
            await unwind(scene)
            await scene.clock.sleep(60)
            assert is_home(scene)
            assert scene.hedge()["last_cycle"]["reason"].startswith(
                "unwound: nothing is traded until resumed"
            )
            scene.exchange.deposit("main", "BTC", "0.1", "margin")
            await scene.stop()
            await scene.start()
            await scene.clock.sleep(60)
            assert scene.hedge()["state"] == "unwound"
            assert margin(scene) >= Fraction("0.1"), "what comes later is not its business"
            assert (await sweeps(scene), scene.orders) == ([ON], 2)

        play(Setup(**SPLIT, margin_mode=mode, more=HOME, near=near), tmp_path, act)

    def test_what_is_left_is_named(self, tmp_path: Path) -> None:
        said = []

        async def act(scene: Scene) -> None:
            await unwind(scene)
            for _ in range(60):
                await scene.clock.sleep(1)
                said.append(scene.hedge()["last_cycle"]["reason"])

        play(Setup(**SPLIT, more=HOME, near=True), tmp_path, act)
        assert any(reason.endswith("BTC in the margin are too few to move") for reason in said)
        assert any(
            reason.endswith("BTC from margin to spot on main: the hedge is unwound") for reason in said
        )

    @pytest.mark.parametrize(("after", "near"), [*DEATHS, (0.5, True)])
    def test_killed_on_the_way_and_started_again(self, tmp_path: Path, after: float, near: bool) -> None:
        async def act(scene: Scene) -> None:
            await unwind(scene)
            await noted(scene)
            held = scene.held
            await scene.clock.sleep(after)
            await scene.kill()
            await scene.clock.sleep(10)
            await scene.start()
            await scene.clock.sleep(200)
            assert is_home(scene)
            assert scene.held == held
            assert scene.orders == 2
            made = await scene.daemon.cycles["btc"].journal.transfers_since(Millis(0))
            assert [move.stage for move in made].count(TransferStage.DONE) == 1
            assert all(move.stage in FINAL for move in made)

        play(Setup(**SPLIT, more=HOME, near=near), tmp_path, act)

    def test_a_lost_reply_is_followed(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await unwind(scene)
            await scene.clock.sleep(200)
            assert is_home(scene)
            assert (await sweeps(scene), scene.faults.hits["lose_reply"]) == ([ON], 1)

        lost = Fault("lose_reply", method="POST", path=BETWEEN_WALLETS)
        play(Setup(**SPLIT, more=HOME, faults=[lost]), tmp_path, act)

    def test_at_a_scheduled_end(self, tmp_path: Path) -> None:
        window = f"{{ start = {BEGIN:%Y-%m-%dT%H:%M:%SZ}, end = {after(1)}, ratio = 1 }}"
        ratio = f'{{ schedule = {{ windows = [{window}], then = "unwind" }} }}'

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(3500)
            assert scene.short > 0
            await scene.clock.sleep(400)
            assert is_home(scene)

        play(Setup(**SPLIT, ratio=ratio, interval="30s", more=HOME, near=True), tmp_path, act)

    def test_half_unwound_what_is_left_keeps_its_margin(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(60)
            await scene.daemon.command("btc", Verb.UNWIND, Decimal("0.5"), "test")
            await scene.clock.sleep(60)
            assert scene.hedge()["state"] == "unwound"
            assert (scene.short > 0, await sweeps(scene)) == (True, [])

        play(Setup(**SPLIT, more=HOME, near=True), tmp_path, act)

    @pytest.mark.parametrize(("venue", "more"), [(OKX, HOME), (BYBIT, HOME), (BINANCE, "")])
    def test_one_pot_is_home_already_and_nobody_is_taken_there_unasked(
        self, tmp_path: Path, venue: Venue, more: str
    ) -> None:
        async def act(scene: Scene) -> None:
            await unwind(scene)
            await scene.clock.sleep(60)
            assert (scene.hedge()["state"], await sweeps(scene)) == ("unwound", [])

        play(Setup(venue=venue, more=more, near=True), tmp_path, act)
