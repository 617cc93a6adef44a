"""A collateral move is intended with all that is known before it leaves, sent once and recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from structlog.testing import capture_logs

from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.decision import Plan, PlannedTransfer
from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import Pocket, Pockets, TransferIntent, TransferRequest, TransferStage
from hedgebot.domain.units import Millis
from hedgebot.execution import Executor, Rehearsal
from hedgebot.ports import Account
from hedgebot.sim.virtual import VirtualClock, run
from tests.builders import LINEAR, NOW, SYMBOL, coin, hedge, to, transfer
from tests.execution.scripted import DONE, Scripted, Written, journal

SETTLE_AFTER = 30.0
SHOWED = Pockets(coin("0.4"), coin("0.6"))
MOVE = PlannedTransfer("main", coin("0.1"), Pocket.SPOT, Pocket.MARGIN, "", SHOWED)
PLAN = Plan("they are needed", True, to(1), transfer=MOVE)
NOTHING = Plan("inside the band", True, to(1))


@dataclass
class Moving(Scripted):
    """One that also moves coins."""

    async def transfer(self, request: TransferRequest) -> Outcome:
        return await self._answer("transfer", request)


@dataclass
class Desk:
    clock: VirtualClock
    there: Moving = field(default_factory=Moving)
    written: Written = field(default_factory=Written)

    def __post_init__(self) -> None:
        accounts = {"main": cast(Account, self.there)}
        policy = hedge(settle_after=SETTLE_AFTER)
        self.executor = Executor(policy, accounts, journal(self.written), self.clock)

    async def intended(self, plan: Plan = PLAN) -> TransferIntent:
        found = await self.executor.intend_transfer(plan)
        assert found is not None
        return found

    async def carried(
        self, move: TransferIntent, until: float = 60.0, holds: Callable[[], bool] = lambda: True
    ) -> TransferIntent:
        (replied,) = [each async for each in self.executor.carry(move, until=until, holds=holds)]
        return replied


class TestIntending:
    def test_everything_that_is_known_before_it_leaves(self) -> None:
        async def main(clock: VirtualClock) -> TransferIntent:
            return await Desk(clock).intended()

        assert run(main, epoch_ms=NOW) == TransferIntent(
            number=41,
            hedge="btc",
            request=TransferRequest(
                client_id=str(ClientId(7, 3, 41)),
                account="main",
                asset="BTC",
                coins=coin("0.09990049"),  # its last digits are its journal's and its number's
                source=Pocket.SPOT,
                target=Pocket.MARGIN,
            ),
            showed=SHOWED,
            reason="they are needed",
            written_at=NOW,
        )

    @pytest.mark.parametrize(("symbol", "asset"), [(SYMBOL, "BTC"), (LINEAR, "USDT")])
    def test_an_isolated_margin_is_in_the_coin_of_its_contract(self, symbol: str, asset: str) -> None:
        move = replace(MOVE, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=symbol)

        async def main(clock: VirtualClock) -> TransferIntent:
            return await Desk(clock).intended(PLAN._replace(transfer=move))

        request = run(main).request
        assert (request.asset, request.symbol, request.source, request.target) == (
            asset, symbol, Pocket.MARGIN, Pocket.ISOLATED,
        )  # fmt: skip

    def test_none_without_one_in_the_plan(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = Desk(clock)
            assert await at.executor.intend_transfer(NOTHING) is None
            assert next(at.written.numbers) == 41, "no number is used up"

        run(main)


class TestSending:
    @pytest.mark.parametrize(
        ("fate", "stage"),
        [
            (Fate.ACCEPTED, TransferStage.ACCEPTED),
            (Fate.REJECTED, TransferStage.REJECTED),
            (Fate.UNKNOWN, TransferStage.UNKNOWN),
        ],
    )
    def test_once_and_recorded_as_what_the_reply_proves(self, fate: Fate, stage: TransferStage) -> None:
        async def main(clock: VirtualClock) -> None:
            at = Desk(clock, Moving(2.0, Outcome(fate, "its own words", "7")))
            move = await at.intended()
            with capture_logs() as logs:
                replied = await at.carried(move)
            assert at.there.asked == [("transfer", move.request)]
            assert replied == replace(
                move, stage=stage, transfer_id="7", outcome="its own words", updated_at=Millis(NOW + 2_000)
            )
            assert at.written.resolved == [replied]
            assert logs == [
                {
                    "event": "transfer", "log_level": "info", "transfer": move.request.client_id,
                    "account": "main", "way": "spot to margin", "coins": "0.09990049",
                    "stage": stage.value, "outcome": "its own words",
                }
            ]  # fmt: skip

        run(main, epoch_ms=NOW)

    @pytest.mark.parametrize(
        ("seconds", "stage", "outcome"),
        [
            (SETTLE_AFTER - 0.1, TransferStage.ACCEPTED, "done"),
            (SETTLE_AFTER + 0.1, TransferStage.UNKNOWN, "no reply in time"),
        ],
    )
    def test_a_reply_is_waited_for_as_long_as_an_order_may_arrive(
        self, seconds: float, stage: TransferStage, outcome: str
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            at = Desk(clock, Moving(seconds, DONE))
            replied = await at.carried(await at.intended())
            assert (replied.stage, replied.outcome) == (stage, outcome)

        run(main)

    @pytest.mark.parametrize(
        ("until", "holds", "why"),
        [
            (9.9, True, "not sent: decided too long ago"),
            (10.0, False, "not sent: another command came"),
            (10.0, True, ""),
        ],
    )
    def test_not_once_its_time_is_over_or_its_ground_gone(self, until: float, holds: bool, why: str) -> None:
        async def main(clock: VirtualClock) -> None:
            at = Desk(clock)
            move = await at.intended()
            await clock.sleep(10)
            replied = await at.carried(move, until, lambda: holds)
            assert bool(at.there.asked) is not bool(why)
            assert replied.updated_at == NOW + 10_000
            assert at.written.resolved == [replied]
            if why:
                assert (replied.stage, replied.outcome) == (TransferStage.ABSENT, why)

        run(main, epoch_ms=NOW)


def test_a_rehearsal_moves_nothing_and_says_so() -> None:
    async def main(_: VirtualClock) -> None:
        move = transfer()
        with capture_logs() as logs:
            assert await Rehearsal().intend_transfer(PLAN) is None
            assert [each async for each in Rehearsal().carry(move, until=1.0)] == [move]
        assert logs == [
            {
                "event": "nothing is sent", "log_level": "debug", "reason": "near", "until": 1.0,
                "holds": True,
            }
        ]  # fmt: skip

    run(main)
