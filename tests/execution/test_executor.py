"""Reserved, sent once, recorded: what leaves, when nothing may leave any more, and what a reply proves."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.decision import Cost, Plan, PlannedOrder, SetLeverage
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Intent, OrderRequest, Outcome, Stage
from hedgebot.domain.transfers import TransferStage
from hedgebot.domain.units import Millis, Usd
from hedgebot.errors import JournalError
from hedgebot.execution import Executor, Rehearsal
from hedgebot.sim.virtual import VirtualClock, run
from tests.builders import NOW, SYMBOL, contracts, hedge, intent, policy, price, to, transfer
from tests.execution.scripted import DONE, Scripted, Written, account, journal

ISOLATED = MarginMode.ISOLATED
COST = Cost(Usd.of(1), Usd.of(1), Usd.of(60_000))
SETTLE_AFTER = 30.0


def planned(size: int = -59_970) -> PlannedOrder:
    return PlannedOrder(policy(), contracts(size), price(59_700), COST, contracts(-30), ISOLATED)


SALE = Plan("sell them", False, to("0.5"), order=planned())
LEVERAGE = SetLeverage(policy(), Decimal("2.5"), ISOLATED)
LEVERAGE_FIRST = SALE._replace(leverage=LEVERAGE)
NOTHING = Plan("inside the band", True, to(1))


@dataclass
class Desk:
    """An executor at work in virtual time."""

    clock: VirtualClock
    there: Scripted
    written: Written
    executor: Executor

    async def intended(self, plan: Plan = SALE, *, correction: bool = False) -> Intent:
        found = await self.executor.intend(plan, correction=correction)
        assert found is not None
        return found

    async def carried_out(self, plan: Plan, order: Intent | None, until: float = 60.0) -> list[Intent]:
        return [replied async for replied in self.executor.execute(plan, order, until=until)]


def desk(clock: VirtualClock, there: Scripted | None = None) -> Desk:
    there, written = there or Scripted(), Written()
    settled = hedge(settle_after=SETTLE_AFTER)
    return Desk(clock, there, written, Executor(settled, account(there), journal(written), clock))


class TestIntending:
    def test_everything_that_is_known_before_it_leaves(self) -> None:
        async def main(clock: VirtualClock) -> Intent:
            return await desk(clock).intended(correction=True)

        assert run(main, epoch_ms=NOW) == Intent(
            number=41,
            hedge="btc",
            request=OrderRequest(
                client_id=str(ClientId(7, 3, 41)),
                account="main",
                symbol=SYMBOL,
                contracts=contracts(-59_970),
                limit=price(59_700),
                reduce_only=False,
                margin_mode=ISOLATED,
            ),
            believed=contracts(-30),
            target_ratio=Decimal("0.5"),
            reason="sell them",
            correction=True,
            written_at=NOW,
        )

    def test_a_purchase_only_reduces(self) -> None:
        async def main(clock: VirtualClock) -> Intent:
            return await desk(clock).intended(SALE._replace(order=planned(10)))

        assert run(main).request.reduce_only

    @pytest.mark.parametrize("plan", [NOTHING, LEVERAGE_FIRST, NOTHING._replace(leverage=LEVERAGE)])
    def test_no_order_without_one_in_the_plan_nor_before_its_leverage_is_set(self, plan: Plan) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock)
            assert await at.executor.intend(plan, correction=False) is None
            assert next(at.written.numbers) == 41, "no number is used up"

        run(main)


class TestSending:
    @pytest.mark.parametrize(
        ("fate", "stage"),
        [(Fate.ACCEPTED, Stage.ACCEPTED), (Fate.REJECTED, Stage.REJECTED), (Fate.UNKNOWN, Stage.UNKNOWN)],
    )
    def test_once_and_recorded_as_what_the_reply_proves(self, fate: Fate, stage: Stage) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, Scripted(2.0, Outcome(fate, "its own words", "e-7")))
            order = await at.intended()
            with capture_logs() as logs:
                (replied,) = await at.carried_out(SALE, order)
            assert at.there.asked == [("place", order.request)]
            later = Millis(NOW + 2_000)
            assert replied == replace(
                order, stage=stage, order_id="e-7", outcome="its own words", updated_at=later
            )
            assert at.written.resolved == [replied]
            assert logs == [
                {
                    "event": "order", "log_level": "info", "order": order.request.client_id, "side": "sell",
                    "contracts": "59970", "stage": stage.value, "outcome": "its own words",
                }
            ]  # fmt: skip

        run(main, epoch_ms=NOW)

    @pytest.mark.parametrize(
        ("seconds", "fate"), [(SETTLE_AFTER - 0.1, Fate.ACCEPTED), (SETTLE_AFTER + 0.1, Fate.UNKNOWN)]
    )
    def test_a_reply_is_waited_for_as_long_as_an_order_may_arrive(self, seconds: float, fate: Fate) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, Scripted(seconds))
            (replied,) = await at.carried_out(SALE, await at.intended())
            assert replied.stage == fate.value
            assert replied.outcome == ("done" if fate is Fate.ACCEPTED else "no reply in time")

        run(main)

    @pytest.mark.parametrize(("until", "sent"), [(9.9, False), (10.0, True)])
    def test_nothing_is_sent_that_was_decided_too_long_ago(self, until: float, sent: bool) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock)
            order = await at.intended()
            await clock.sleep(10)
            (replied,) = await at.carried_out(SALE, order, until)
            assert bool(at.there.asked) is sent
            if not sent:
                assert (replied.stage, replied.outcome) == (
                    Stage.ABSENT, "not sent: decided too long ago",
                )  # fmt: skip
            assert at.written.resolved == [replied]

        run(main)

    def test_nothing_is_sent_once_another_command_came(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock)
            order = await at.intended()
            carried = at.executor.execute(SALE, order, until=60.0, holds=lambda: False)
            (replied,) = [each async for each in carried]
            assert (replied.stage, replied.outcome) == (Stage.ABSENT, "not sent: another command came")
            (moved,) = [each async for each in at.executor.carry(transfer(), until=60.0, holds=lambda: False)]
            assert (moved.stage, moved.outcome) == (TransferStage.ABSENT, "not sent: another command came")
            async for _ in at.executor.execute(LEVERAGE_FIRST, None, until=60.0, holds=lambda: False):
                pass
            assert at.there.asked == []
            assert at.written.resolved == [replied, moved]

        run(main)

    def test_what_became_of_it_is_told_even_if_it_cannot_be_written(self) -> None:
        def full(_: Intent) -> None:
            raise JournalError("the disk is full", "Make room")

        async def main(clock: VirtualClock) -> None:
            at = desk(clock)
            order = await at.intended()
            at.written.heard = full
            carried = at.executor.execute(SALE, order, until=60.0)
            assert (await anext(carried)).stage is Stage.ACCEPTED
            with pytest.raises(JournalError):
                await anext(carried)

        run(main)

    def test_without_an_intent_nothing_is(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock)
            assert await at.carried_out(NOTHING, None) == []
            assert (at.there.asked, at.written.resolved) == ([], [])

        run(main)


class TestLeverage:
    @pytest.mark.parametrize(
        ("seconds", "outcome", "reason"),
        [(1.0, "accepted", "done"), (SETTLE_AFTER + 0.1, "unknown", "no reply in time")],
    )
    def test_is_set_and_told_and_the_order_follows_in_another_cycle(
        self, seconds: float, outcome: str, reason: str
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, Scripted(seconds, DONE))
            with capture_logs() as logs:
                assert await at.carried_out(LEVERAGE_FIRST, None) == []
            assert at.there.asked == [("set_leverage", SYMBOL, "2.5", ISOLATED)]
            assert logs == [
                {
                    "event": "leverage set", "log_level": "info", "leg": f"main:{SYMBOL}", "leverage": "2.5",
                    "outcome": outcome, "reason": reason,
                }
            ]  # fmt: skip

        run(main)


class TestRehearsal:
    """Looks and decides as the live one does."""

    def test_sends_nothing_and_needs_no_number(self) -> None:
        rehearsal = Rehearsal()

        async def main(_: VirtualClock) -> None:
            with capture_logs() as logs:
                assert await rehearsal.intend(SALE, correction=True) is None
                assert await rehearsal.intend(NOTHING, correction=True) is None
                assert [each async for each in rehearsal.execute(SALE, None, until=1.0)] == []
            assert logs == [
                {"event": "would act", "log_level": "debug", "reason": "sell them", "correction": True},
                {
                    "event": "nothing is sent", "log_level": "debug", "reason": "sell them", "until": 1.0,
                    "holds": True,
                },
            ]  # fmt: skip

        run(main)
        assert not rehearsal.sends

    def test_gives_an_intent_back_as_it_was(self) -> None:
        async def main(_: VirtualClock) -> None:
            order = intent()
            assert [each async for each in Rehearsal().execute(SALE, order, until=1.0)] == [order]

        run(main)
