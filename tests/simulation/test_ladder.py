"""Collateral through a rally, as stories: 60,000 dollars a coin become 150,000 within half an hour.

Coins that can be moved are moved, and the hedge stays whole. Only where none are left is part of it bought
back, and never is it liquidated.

The main stories run over HTTP on each exchange; their variations on the port, where a move of coins, a fault
in its way and a death are the same.
"""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.transfers import FINAL, TransferStage
from hedgebot.domain.units import Millis
from hedgebot.sim.events import Filled, Liquidated, Moved, MoveKind, SettingChanged
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.simulation.world import BINANCE, BYBIT, OKX, Scene, Setup, Venue, path, play

RALLY = path((30, 60_000), (1830, 150_000))
FAR: dict[str, Any] = {"venue": BINANCE, "price": RALLY, "interval": "30s"}
STORY: dict[str, Any] = {**FAR, "near": True}
CLOSELY: dict[str, Any] = {**STORY, "interval": "15s"}
SPLIT: dict[str, Any] = {**STORY, "coins": "0.51", "spot": "0.49"}
SLOW = path((30, 60_000), (300, 93_000), (3000, 95_000))

BETWEEN_WALLETS = "/sapi/v1/asset/transfer"
MARGIN_PATHS = {
    "binance": "/dapi/v1/positionMargin",
    "bybit": "/v5/position/add-margin",
    "okx": "/api/v5/account/position/margin-balance",
}


def liquidated(scene: Scene) -> bool:
    return any(isinstance(event, Liquidated) for event in scene.exchange.events("main"))


def bought_back(scene: Scene) -> Fraction:
    """Contracts bought back, by whomever."""
    fills = (e for e in scene.exchange.events("main") if isinstance(e, Filled))
    return sum((fill.contracts for fill in fills if fill.side is Side.BUY), Fraction(0))


def moves(scene: Scene) -> list[Fraction]:
    """Coins that left the spot wallet for the margin wallet, move by move."""
    events = (e for e in scene.exchange.events("main") if isinstance(e, Moved))
    return [-e.change for e in events if e.kind is MoveKind.TRANSFER_OUT and e.wallet[0] == "spot"]


def isolated(scene: Scene) -> list[Fraction]:
    """Coins that were added to the isolated margin, move by move; those taken out are negative."""
    events = (e for e in scene.exchange.events("main") if isinstance(e, SettingChanged))
    return [Fraction(event.value.split()[1]) for event in events if event.setting == "margin"]


async def journalled(scene: Scene) -> list[Fraction]:
    """Coins of the moves that the journal says were made, each as its exchange takes them."""
    journal = scene.daemon.cycles["btc"].journal
    moves = await journal.transfers_since(Millis(0))
    done = [Fraction(m.request.coins.value) for m in moves if m.stage is TransferStage.DONE]
    assert all(move.stage in FINAL for move in moves)
    cut = Fraction(1, 10_000 if scene.setup.venue is BYBIT else 10**8)
    return [coins // cut * cut for coins in done]


async def noted(scene: Scene) -> None:
    """Until a move of coins stands in the journal; it leaves next."""
    journal: Any = scene.daemon.cycles["btc"].journal
    own, there = journal.reserve_transfer, asyncio.Event()

    async def reserve(*move: Any) -> Any:
        number = await own(*move)
        there.set()
        return number

    journal.reserve_transfer = reserve
    await there.wait()


DEATHS = [(0.0, True), (0.03, True), (0.03, False), (0.06, True), (0.11, True)]
"""Seconds after a move was noted, which is on its way for 25 ms there and as many back; and where."""


def amiss(kind: str, http: str, port: str, **how: Any) -> dict[str, Any]:
    """A setup in which a move of coins goes wrong: what a reply says over HTTP, all else at the port."""
    near = kind != "html_200"
    fault = Fault(kind, method="POST", path=port if near else http, **how)
    return {"near": near, "faults": [fault]}


def finding(scene: Scene, guard: str) -> dict[str, Any]:
    return next((f for f in scene.hedge()["findings"] if f["guard"] == guard), {})


async def through_the_rally(scene: Scene) -> None:
    await scene.clock.sleep(1900)
    assert scene.exchange.quote(scene.native).mark == 150_000


class TestCoinsToMove:
    @pytest.mark.parametrize(
        ("story", "leverage", "coins", "margin_mode"),
        [
            (FAR, 2, "0.6", MarginMode.ISOLATED),
            (STORY, 3, "0.4", MarginMode.ISOLATED),
            (STORY, 2, "0.6", MarginMode.CROSS),
            (STORY, 3, "0.4", MarginMode.CROSS),
        ],
    )
    def test_they_keep_the_hedge_whole(
        self, tmp_path: Path, story: dict[str, Any], leverage: int, coins: str, margin_mode: MarginMode
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            value, net, held = scene.value, scene.net, scene.held
            await through_the_rally(scene)
            assert not liquidated(scene)
            assert scene.orders == 1
            assert not bought_back(scene)
            assert (scene.net, scene.held) == (net, held), "moving coins changes neither"
            assert abs(scene.value - value) < value / 100
            assert moves(scene)
            assert scene.hedge()["state"] == "hedged"

        spot = str(float(1 - Fraction(coins)))
        setup = Setup(**story, coins=coins, spot=spot, leverage=leverage, margin_mode=margin_mode)
        play(setup, tmp_path, act)

    def test_at_1x_none_need_to_move(self, tmp_path: Path) -> None:
        """All coins behind the short from the start: nothing can liquidate it."""

        async def act(scene: Scene) -> None:
            await through_the_rally(scene)
            assert (scene.orders, moves(scene), liquidated(scene)) == (1, [], False)

        cross: dict[str, Any] = {"leverage": None, "margin_mode": MarginMode.CROSS}
        play(Setup(**STORY, coins="1", **cross), tmp_path, act)

    def test_each_step_is_told(self, tmp_path: Path) -> None:
        told: list[str] = []

        async def act(scene: Scene) -> None:
            for _ in range(130):
                await scene.clock.sleep(15)
                if reason := finding(scene, "ladder").get("reason", ""):
                    told.append(reason.partition(" BTC ")[2].partition(" on ")[0])

        play(Setup(**CLOSELY, coins="0.4", spot="0.6", leverage=3), tmp_path, act)
        assert told[:3] == ["from margin to isolated", "from spot to margin", "from margin to isolated"]


class TestNoCoinsToMove:
    @pytest.mark.parametrize(
        ("story", "leverage", "coins", "margin_mode"),
        [
            (STORY, 2, "0.55", MarginMode.ISOLATED),
            (STORY, 3, "0.4", MarginMode.ISOLATED),
            (FAR, 2, "0.55", MarginMode.CROSS),
            (STORY, 3, "0.4", MarginMode.CROSS),
        ],
    )
    def test_part_of_the_short_is_bought_back_and_not_sold_again(
        self, tmp_path: Path, story: dict[str, Any], leverage: int, coins: str, margin_mode: MarginMode
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            sold = scene.short
            await through_the_rally(scene)
            assert not liquidated(scene)
            assert scene.short + bought_back(scene) == sold, "nothing was sold again"
            assert scene.short > 0
            assert scene.orders <= 12
            assert "does not carry a larger short" in scene.hedge()["last_cycle"]["reason"]

        elsewhere = str(float(1 - Fraction(coins)))
        setup = Setup(**story, coins=coins, outside=elsewhere, leverage=leverage, margin_mode=margin_mode)
        play(setup, tmp_path, act)

    def test_what_is_deposited_later_carries_it_again(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await through_the_rally(scene)
            left = scene.short
            scene.exchange.deposit("main", "BTC", "0.5", "margin")
            await scene.clock.sleep(100)
            assert scene.short > left
            assert scene.hedge()["state"] == "hedged"

        play(Setup(**STORY, coins="0.55", outside="0.45"), tmp_path, act)

    def test_switched_off_it_buys_nothing_back(self, tmp_path: Path) -> None:
        """The counterpart, which shows that there was something to prevent."""

        async def act(scene: Scene) -> None:
            assert scene.app is not None
            await through_the_rally(scene)
            assert liquidated(scene)

        play(Setup(**STORY, coins="0.55", outside="0.45", mode="observe"), tmp_path, seller(act))


def seller(act: Any) -> Any:
    """The same with the short sold by hand: the daemon only looks on."""

    async def first(scene: Scene) -> None:
        scene.exchange.set_leverage("main", scene.native, 2)
        scene.exchange.human_trade("main", scene.native, Side.SELL, 599)
        await act(scene)

    return first


class TestSettings:
    def test_switched_off_nothing_moves_and_nothing_is_bought_back(self, tmp_path: Path) -> None:
        """The alarm stays: there are coins that could have moved."""

        async def act(scene: Scene) -> None:
            warned = []
            while not liquidated(scene):
                await scene.clock.sleep(15)
                warned.append(finding(scene, "liquidation").get("alarm"))
            assert (moves(scene), scene.orders) == ([], 1)
            assert warned.count(True) > 10

        play(Setup(**SPLIT, more="[hedges.btc.collateral]\nenabled = false"), tmp_path, act)

    def test_a_highest_leverage_is_kept_from_the_start(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(120)
            assert Fraction(scene.hedge()["legs"][0]["leverage"]) <= Fraction("1.5")
            assert (scene.orders, len(moves(scene))) == (1, 1)

        bound = "[hedges.btc.collateral]\nmax_leverage = 1.5"
        play(Setup(**SPLIT | {"price": level(60_000), "interval": "15s"}, more=bound), tmp_path, act)


class TestTransfersThatFail:
    @pytest.mark.parametrize("kind", ["lose_reply", "lose_request", "html_200", "late_arrival"])
    @pytest.mark.parametrize(
        ("http", "port"),
        [(BETWEEN_WALLETS, "/transfer/margin"), (MARGIN_PATHS["binance"], "/transfer/isolated")],
        ids=["between wallets", "to the margin"],
    )
    def test_every_second_one_is_lost_and_none_is_made_twice(
        self, tmp_path: Path, http: str, port: str, kind: str
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(70)
            held = scene.held
            for _ in range(124):
                await scene.clock.sleep(15)
                status = scene.hedge()
                assert abs(Fraction(status["held"]) - held) < Fraction("1e-6") or bought_back(scene)
            assert not liquidated(scene)
            amounts = moves(scene)
            assert len(set(amounts)) == len(amounts)
            assert scene.faults.hits[kind]

        lost = amiss(kind, http, port, probability=0.5, seconds=6)
        play(Setup(**SPLIT | lost), tmp_path, act)

    def test_one_that_hangs_for_forty_minutes_falls_through_to_reducing(self, tmp_path: Path) -> None:
        """Its coins are in neither wallet, and count all the time."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            scene.exchange.transfers_take = 2400
            held, sold, hanging = scene.held, scene.short, 0
            for _ in range(124):
                await scene.clock.sleep(15)
                status = scene.hedge()
                if Fraction(status["in_flight"]):
                    hanging += 1
                    assert status["in_flight"] in [each["coins"] for each in status["transfers"]]
                    assert not scene.daemon.ready()
                    assert abs(Fraction(status["held"]) - held) < Fraction("1e-6") or bought_back(scene)
                    assert finding(scene, "transfers")["permission"] == "reduce_only"
            assert hanging > 30
            assert finding(scene, "transfers")["alarm"]
            assert len(moves(scene)) == 1, "it is never repeated"
            assert not liquidated(scene)
            assert 0 < bought_back(scene) < sold
            await scene.clock.sleep(2400)
            assert (scene.hedge()["in_flight"], scene.hedge()["transfers"]) == ("0", [])
            assert scene.daemon.ready()

        play(Setup(**SPLIT), tmp_path, act)

    def test_a_key_that_may_not_move_coins_leaves_reductions(self, tmp_path: Path) -> None:
        said = '{"code":-2015,"msg":"no permission"}'
        where: dict[str, Any] = {"method": "POST", "path": BETWEEN_WALLETS}
        refusal = Fault("http_status", status=401, body=said, processed=False, **where)

        async def act(scene: Scene) -> None:
            await through_the_rally(scene)
            assert not liquidated(scene)
            assert bought_back(scene) > 0
            assert finding(scene, "transfers")["alarm"]

        play(Setup(**FAR, coins="0.51", spot="0.49", faults=[refusal]), tmp_path, act)


@pytest.mark.parametrize("venue", [BYBIT, OKX], ids=["bybit", "okx"])
class TestOnePot:
    """A unified account: coins move from the pot to the isolated margin, at once or not at all."""

    def test_the_rest_of_the_pot_keeps_the_hedge_whole(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            value, net, held = scene.value, scene.net, scene.held
            await through_the_rally(scene)
            assert not liquidated(scene)
            assert scene.orders == 1
            assert not bought_back(scene)
            assert (scene.net, scene.held) == (net, held), "moving coins changes neither"
            assert abs(scene.value - value) < value / 100
            assert isolated(scene) == await journalled(scene) != []
            assert scene.hedge()["state"] == "hedged"

        play(Setup(venue=venue, price=RALLY, interval="30s"), tmp_path, act)

    @pytest.mark.parametrize("kind", ["lose_reply", "lose_request", "html_200", "late_arrival"])
    def test_every_second_move_is_lost_and_none_is_made_twice(
        self, tmp_path: Path, venue: Venue, kind: str
    ) -> None:
        """What was made, and what was not, is what the journal says in the end."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            held = scene.held
            await through_the_rally(scene)
            assert not liquidated(scene)
            assert scene.held == held or bought_back(scene)
            scene.faults.stop()
            await scene.clock.sleep(200)
            assert isolated(scene) == await journalled(scene) != []
            assert scene.faults.hits[kind]

        lost = amiss(kind, MARGIN_PATHS[venue.name], "/transfer/isolated", probability=0.5, seconds=6)
        play(Setup(venue=venue, price=RALLY, interval="30s", **lost), tmp_path, act)

    @pytest.mark.parametrize(("after", "near"), DEATHS)
    def test_killed_before_the_reply(self, tmp_path: Path, venue: Venue, after: float, near: bool) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            held = scene.held
            await noted(scene)
            await scene.clock.sleep(after)
            await scene.kill()
            assert len(isolated(scene)) <= 1
            await scene.clock.sleep(10)
            await scene.start()
            await scene.clock.sleep(200)
            assert isolated(scene) == await journalled(scene)
            assert len(isolated(scene)) <= 2
            assert not scene.daemon.cycles["btc"].state.moving
            assert scene.held == held
            assert not liquidated(scene)

        play(Setup(venue=venue, price=SLOW, interval="15s", near=near), tmp_path, act)


class TestDeath:
    @pytest.mark.parametrize(("after", "near"), DEATHS)
    def test_between_the_reservation_and_the_reply(self, tmp_path: Path, after: float, near: bool) -> None:
        """Killed once the move is in the journal, and started again: it is made once, or not at all."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(40)
            held = scene.held
            await noted(scene)
            await scene.clock.sleep(after)
            await scene.kill()
            assert len(moves(scene)) <= 1
            await scene.clock.sleep(10)
            await scene.start()
            await scene.clock.sleep(200)
            assert 1 <= len(moves(scene)) <= 2
            assert not scene.daemon.cycles["btc"].state.moving
            assert scene.held == held
            assert scene.orders == 1
            assert not liquidated(scene)

        setup = Setup(venue=BINANCE, price=SLOW, coins="0.51", spot="0.49", interval="15s", near=near)
        play(setup, tmp_path, act)
