"""Who else acts on the account, and who commands: rivals, leftovers, operators, refused keys."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.orders import Stage
from hedgebot.domain.records import Memory, Verb
from hedgebot.domain.units import Millis
from hedgebot.errors import ConversionError
from hedgebot.execution import Executor
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder, TimeInForce
from tests.simulation.world import KEY, Scene, Setup, path, play

STRANGER = str(ClientId(instance=12345, epoch=1, intent=1))


def resting(client_id: str) -> NewOrder:
    """A purchase far below the market, that waits."""
    return NewOrder(
        symbol="BTCUSD",
        side=Side.BUY,
        contracts=Fraction(100),
        price=Fraction(58_000),
        time_in_force=TimeInForce.GTC,
        client_id=client_id,
    )


def sells_beside(scene: Scene) -> None:
    """Another daemon's order is filled."""
    sale = NewOrder(symbol="BTCUSD", side=Side.SELL, contracts=Fraction(6_000), client_id=STRANGER)
    scene.exchange.place("main", sale)


class TestOtherDaemons:
    def test_a_left_over_order_is_cancelled_and_the_hedge_goes_on(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            scene.exchange.place("main", resting(STRANGER))
            await scene.clock.sleep(1)
            await scene.start()
            await scene.cycles(6)
            assert not any(order.open for order in scene.exchange.orders("main"))
            assert scene.hedge()["state"] == "hedged"

        play(Setup(), tmp_path, act, started=False)

    def test_an_order_of_this_run_is_nobodys_left_over(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            assert scene.app is not None
            journal = scene.app.journal
            scene.exchange.place("main", resting(str(ClientId(journal.instance, journal.epoch, 77))))
            await scene.cycles(3)
            assert any(order.open for order in scene.exchange.orders("main"))

        play(Setup(), tmp_path, act)

    def test_an_order_that_another_daemon_rests_while_we_run_halts_us(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            scene.exchange.place("main", resting(STRANGER))
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(1)
            assert scene.hedge()["state"] == "halted"
            assert any(STRANGER in finding["reason"] for finding in scene.hedge()["findings"])

        play(Setup(), tmp_path, act)

    def test_an_order_that_another_daemon_filled_while_we_run_halts_us(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            sells_beside(scene)
            before = scene.orders
            await scene.cycles(5)
            assert scene.hedge()["state"] == "halted"
            assert scene.orders == before

        play(Setup(margin_mode=MarginMode.CROSS), tmp_path, act)

    def test_one_that_it_filled_before_we_could_see_for_the_first_time_halts_us_too(
        self, tmp_path: Path
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(2)
            assert scene.hedge()["state"] == "blind"
            sells_beside(scene)
            await scene.cycles(5)
            assert (scene.hedge()["state"], scene.orders) == ("halted", 1)

        unseen = Fault("lose_request", path="/read", until=7)
        play(Setup(near=True, margin_mode=MarginMode.CROSS, faults=[unseen]), tmp_path, act)

    @pytest.mark.parametrize("undone", [False, True], ids=["lasting", "undone by somebody"])
    def test_so_does_one_that_was_filled_while_an_order_of_ours_was_unresolved(
        self, tmp_path: Path, undone: bool
    ) -> None:
        """That order may have changed the position; once it is known not to have, the fill is long past."""

        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(2)
            assert "unresolved" in scene.hedge()["last_cycle"]["reason"]
            sells_beside(scene)
            await scene.cycles(2)
            if undone:
                scene.exchange.human_trade("main", "BTCUSD", Side.BUY, Fraction(6_000))
            before = scene.orders
            await scene.cycles(200)
            assert (scene.hedge()["state"], scene.orders) == ("halted", before)
            assert STRANGER in scene.hedge()["last_cycle"]["reason"]

        faults = [
            Fault("lose_request", path="/place", since=15, limit=1),
            Fault("lose_request", path="/find", until=800),
        ]
        play(Setup(near=True, margin_mode=MarginMode.CROSS, faults=faults), tmp_path, act)

    def test_and_one_that_was_filled_while_nothing_could_be_read_for_a_quarter_of_an_hour(
        self, tmp_path: Path
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            sells_beside(scene)
            before = scene.orders
            await scene.cycles(200)
            assert (scene.hedge()["state"], scene.orders) == ("halted", before)

        unseen = Fault("lose_request", path="/read", since=20, until=920)
        play(Setup(near=True, margin_mode=MarginMode.CROSS, faults=[unseen]), tmp_path, act)

    def test_fills_are_read_from_ten_minutes_before_the_last_snapshot(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(400)
            accounting, asked = scene.daemon.cycles["btc"].accounting, list[int]()
            examine = accounting.examine

            async def noted(hedge: Hedge, memory: Memory, since: Millis, *more: Any) -> Memory:
                asked.append(scene.clock.now_ms() - since)
                return await examine(hedge, memory, since, *more)

            monkeypatch.setattr(accounting, "examine", noted)
            scene.exchange.human_trade("main", "BTCUSD", Side.BUY, Fraction(6_000))
            await scene.cycles(2)
            assert [round(ago / 1000) for ago in asked] == [605]

        play(Setup(near=True, margin_mode=MarginMode.CROSS), tmp_path, act)

    def test_one_entry_that_cannot_be_read_makes_it_blind_for_ten_minutes_and_no_longer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(20)
            accounting, strange = scene.daemon.cycles["btc"].accounting, scene.clock.now_ms()
            examine = accounting.examine

            async def stumbling(hedge: Hedge, memory: Memory, since: Millis, *more: Any) -> Memory:
                if since <= strange:
                    raise ConversionError("execType", "is 'New', which we do not know")
                return await examine(hedge, memory, since, *more)

            monkeypatch.setattr(accounting, "examine", stumbling)
            scene.exchange.human_trade("main", "BTCUSD", Side.BUY, Fraction(6_000))
            await scene.cycles(118)
            assert scene.hedge()["state"] == "blind"
            await scene.cycles(6)
            assert scene.hedge()["state"] == "hedged"

        play(Setup(near=True, margin_mode=MarginMode.CROSS), tmp_path, act)

    def test_and_one_whose_fills_could_not_be_read_before_the_position_was_as_it_had_been(
        self, tmp_path: Path
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            sells_beside(scene)
            await scene.cycles(2)
            assert "recent fills are not known" in scene.hedge()["last_cycle"]["reason"]
            scene.exchange.human_trade("main", "BTCUSD", Side.BUY, Fraction(6_000))
            await scene.cycles(5)
            assert scene.hedge()["state"] == "halted"

        unread = Fault("lose_request", path="/ledger", since=20, until=40)
        play(Setup(near=True, margin_mode=MarginMode.CROSS, faults=[unread]), tmp_path, act)


class TestOperators:
    def test_a_paused_hedge_trades_nothing_until_resumed_also_over_a_restart(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            await scene.daemon.command("btc", Verb.PAUSE, None, "test")
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.cycles(3)
            assert (scene.hedge()["state"], scene.orders) == ("paused", 1)
            await scene.stop()
            await scene.start()
            await scene.cycles(3)
            assert (scene.hedge()["state"], scene.orders) == ("paused", 1)
            await scene.daemon.command("btc", Verb.RESUME, None, "test")
            await scene.cycles(3)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 2)

        play(Setup(near=True), tmp_path, act)

    def test_a_changed_ratio_is_traded_to_once_inside_the_band_too(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            await scene.daemon.command("btc", Verb.RATIO, Decimal("0.99"), "test")
            await scene.cycles(4)
            assert scene.orders == 2
            assert abs(scene.net / scene.held - Fraction("0.01")) < Fraction("0.0002")
            await scene.cycles(10)
            assert scene.orders == 2

        play(Setup(near=True), tmp_path, act)

    @pytest.mark.parametrize(("ratio", "left"), [("0", 0), ("0.5", 30_000)])
    def test_an_unwind_ends_at_its_target_and_stays_there(
        self, tmp_path: Path, ratio: str, left: int
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            await scene.daemon.command(None, Verb.UNWIND, Decimal(ratio), "test")
            await scene.cycles(4)
            assert scene.hedge()["state"] == "unwound"
            assert abs(scene.short - left) < 30
            scene.exchange.deposit("main", "BTC", "0.5")
            await scene.stop()
            await scene.start()
            await scene.cycles(5)
            assert scene.hedge()["state"] == "unwound"
            assert abs(scene.short - left) < 30
            await scene.daemon.command(None, Verb.RESUME, None, "test")
            await scene.cycles(5)
            assert scene.hedge()["state"] == "hedged"
            assert 0 <= scene.net < Fraction("0.002")

        play(Setup(near=True), tmp_path, act)

    def test_an_unwind_ordered_while_a_cycle_is_written_down_is_not_taken_for_done(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            assert scene.app is not None
            record = scene.app.journal.record

            async def interrupted(*args: Any, **how: Any) -> int:
                number = await record(*args, **how)
                monkeypatch.undo()
                await scene.daemon.command("btc", Verb.UNWIND, Decimal(0), "test")
                return number

            monkeypatch.setattr(scene.app.journal, "record", interrupted)
            await scene.cycles(5)
            assert scene.hedge()["state"] == "unwound"
            assert scene.short == 0

        play(Setup(near=True), tmp_path, act)

    def test_stopping_leaves_the_hedge_where_it_is(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            before = scene.short
            await scene.stop()
            await scene.clock.sleep(60)
            assert scene.short == before > 0

        play(Setup(near=True), tmp_path, act)


class TestTrouble:
    def test_a_key_refused_later_halts_and_keeps_watching(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            key = scene.exchange.truth.keys[KEY]
            scene.exchange.revoke_key(KEY)
            await scene.cycles(3)
            assert scene.hedge()["state"] == "halted"
            scene.exchange.set_key(key)
            await scene.cycles(3)
            assert scene.hedge()["state"] == "hedged"

        play(Setup(), tmp_path, act)

    def test_a_plan_that_waited_too_long_is_not_sent(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(3)
            cycle = scene.daemon.cycles["btc"]
            plan = cycle.state.plan
            assert plan is not None
            assert plan.order is not None
            assert scene.app is not None
            executor = Executor(cycle.hedge, scene.app.accounts, scene.app.journal, scene.clock)
            late = scene.clock.monotonic() - 1
            intent = await executor.intend(plan, correction=False)
            assert intent is not None
            await scene.app.journal.reserve(intent)
            stages = [moved.stage async for moved in executor.execute(plan, intent, until=late)]
            assert stages == [Stage.ABSENT]
            assert scene.orders == 0

        play(Setup(near=True, mode="observe", leverage=None), tmp_path, act)

    def test_corrections_against_somebody_end_at_their_limit(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            for _ in range(8):
                scene.exchange.human_trade("main", "BTCUSD", Side.BUY, scene.short // 4)
                await scene.cycles(4)
            ours = [order for order in scene.exchange.effective_orders("main") if order.client_id]
            assert len(ours) == 1 + 3
            assert scene.hedge()["state"] == "drifting"
            assert any("corrected" in finding["reason"] for finding in scene.hedge()["findings"])

        play(Setup(near=True, limits="corrections_per_hour = 3", margin_mode=MarginMode.CROSS), tmp_path, act)

    def test_a_price_that_jumps_holds_orders_until_two_more_snapshots_agree(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(21)
            scene.exchange.deposit("main", "BTC", "0.25")
            await scene.clock.sleep(5)
            assert scene.orders == 1
            assert any(f["guard"] == "jump" and f["permission"] == "none" for f in scene.hedge()["findings"])
            await scene.cycles(4)
            assert scene.orders == 2

        play(Setup(near=True, price=path((0, 60_000), (21, 60_000), (21.1, 45_000))), tmp_path, act)
