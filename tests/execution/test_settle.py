"""Orders left open are followed until nothing of them can happen unseen; left-overs are cancelled."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from hedgebot.domain.account import Outage, Sighting
from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.orders import UNSETTLED, Fate, Intent, OrderState, Outcome, Stage
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import HedgebotError, ReadError, UnlistedError
from hedgebot.execution import Settler
from hedgebot.sim.virtual import VirtualClock, run
from tests.builders import (
    DATED,
    INSTANCE,
    NOW,
    client_id,
    contracts,
    hedged,
    intent,
    leg,
    open_order,
    price,
    snapshot,
)
from tests.execution.scripted import Scripted, Written, account, journal

SETTLE_AFTER, DEADLINE = 30.0, 10.0
SIZE = -59_970
NOWHERE = Sighting(None, ("order/realtime", "order/history"))
FAILED = ReadError("main: no answer", "Nothing: it is read again")
DONE = OrderState(
    "e-1", client_id(), True, False, contracts(SIZE), price(59_990), Coin.of("0.0005"), Millis(NOW + 500)
)


@dataclass
class Desk:
    """A settler at work in virtual time."""

    clock: VirtualClock
    there: Scripted
    written: Written
    settler: Settler

    async def looks(self, order: Intent, count: int, apart: float) -> Intent:
        """The order after so many look-ups."""
        for _ in range(count):
            order = await self.settler.follow(order)
            await self.clock.sleep(apart)
        return order


def desk(clock: VirtualClock, *sightings: Sighting | HedgebotError, seconds: float = 0.0) -> Desk:
    """The last sighting is seen for ever."""

    def for_ever() -> Iterator[Sighting | HedgebotError]:
        yield from sightings
        while True:
            yield sightings[-1]

    there, written = Scripted(seconds, sightings=for_ever()), Written()
    settler = Settler(account(there), journal(written), clock, SETTLE_AFTER, DEADLINE)
    return Desk(clock, there, written, settler)


class TestFollowing:
    @pytest.mark.parametrize("stage", sorted(UNSETTLED))
    def test_one_that_is_found_is_what_the_exchange_shows(self, stage: Stage) -> None:
        async def main(clock: VirtualClock) -> None:
            at, order = desk(clock, Sighting(DONE)), intent(SIZE, stage)
            with capture_logs() as logs:
                found = await at.settler.follow(order)
            assert (found.stage, found.filled, found.average) == (
                Stage.FILLED, contracts(SIZE), price(59_990),
            )  # fmt: skip
            assert at.there.asked == [("find", client_id())]
            assert at.there.since == [order.written_at]
            assert at.written.resolved == [found]
            assert logs == [
                {
                    "event": "order settled", "log_level": "info", "order": client_id(), "stage": "filled",
                    "filled": "-59970", "outcome": "filled",
                }
            ]  # fmt: skip

        run(main, epoch_ms=NOW)

    @pytest.mark.parametrize("stage", sorted(set(Stage) - UNSETTLED))
    def test_one_that_is_settled_is_not_looked_up(self, stage: Stage) -> None:
        async def main(clock: VirtualClock) -> None:
            at, order = desk(clock, NOWHERE), intent(SIZE, stage)
            assert await at.settler.follow(order) is order
            assert at.there.asked == []

        run(main)

    def test_one_that_is_still_open_is_accepted_and_said_to_be_once(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, Sighting(replace(DONE, over=False)))
            accepted = await at.looks(intent(SIZE, Stage.UNKNOWN), 3, 1.0)
            assert accepted.stage is Stage.ACCEPTED
            assert at.written.resolved == [accepted]

        run(main)

    @pytest.mark.parametrize(
        ("error", "seconds", "reason"),
        [(FAILED, 0.0, str(FAILED)), (NOWHERE, DEADLINE + 0.1, "time-out")],
        ids=["an error", "no answer"],
    )
    def test_one_that_cannot_be_looked_up_stays_as_it_was(
        self, error: Sighting | HedgebotError, seconds: float, reason: str
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            at, order = desk(clock, error, seconds=seconds), intent(SIZE, Stage.UNKNOWN)
            with capture_logs() as logs:
                assert await at.settler.follow(order) is order
            assert at.written.resolved == []
            assert logs == [
                {
                    "event": "order not looked up", "log_level": "warning", "order": client_id(),
                    "reason": reason,
                }
            ]  # fmt: skip

        run(main)

    def test_one_whose_contract_is_listed_no_more_is_over_in_the_end(self) -> None:
        """After a restart nothing knows the contract, and nothing can be looked up in it."""

        async def main(clock: VirtualClock) -> None:
            at, order = desk(clock, UnlistedError("it lists no such contract")), intent(SIZE, Stage.UNKNOWN)
            order = await at.looks(order, 60, 60.0)
            assert order.stage is Stage.UNKNOWN
            order = await at.looks(order, 2, 60.0)
            assert (order.stage, at.written.resolved) == (Stage.ABSENT, [order])

        run(main, epoch_ms=NOW)

    def test_one_on_an_account_that_is_not_configured_any_more_stays_as_it_was(self) -> None:
        async def main(clock: VirtualClock) -> None:
            order = intent(SIZE, Stage.UNKNOWN)
            order = replace(order, request=replace(order.request, account="old"))
            assert await desk(clock, Sighting(DONE)).settler.follow(order) is order

        run(main)

    def test_an_answer_just_in_time_is_one(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, Sighting(DONE), seconds=DEADLINE - 0.1)
            assert (await at.settler.follow(intent(SIZE))).stage is Stage.FILLED

        run(main)


class TestAbsence:
    """Certain after three looks begun after the arrival window, counted from when we learned of the order."""

    @pytest.mark.parametrize(
        ("looks", "apart", "stage"),
        [
            (9, 5.0, Stage.UNKNOWN),  # at 0 to 40 s: the seventh is at 30, and two are later
            (10, 5.0, Stage.ABSENT),
            (3, 31.0, Stage.UNKNOWN),  # at 0, 31 and 62 s
            (4, 31.0, Stage.ABSENT),
            (300, 0.1, Stage.UNKNOWN),
        ],
    )
    def test_how_often_and_how_long_it_is_looked_for(self, looks: int, apart: float, stage: Stage) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            order = await at.looks(intent(SIZE, Stage.UNKNOWN), looks, apart)
            assert order.stage is stage
            assert at.written.resolved == ([order] if stage is Stage.ABSENT else [])

        run(main)

    def test_when_it_became_certain_is_told(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            gone = await at.looks(intent(SIZE, Stage.UNKNOWN), 4, 31.0)
            assert (gone.outcome, gone.updated_at) == ("never arrived", NOW + 93_000)

        run(main, epoch_ms=NOW)

    def test_a_look_begun_within_the_window_proves_nothing_however_late_its_answer(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE, seconds=9.0)
            await at.looks(intent(SIZE, Stage.UNKNOWN), 4, 0.5)  # begun at 0, 9.5, 19 and 28.5 s
            order = await at.looks(intent(SIZE, Stage.UNKNOWN), 2, 0.5)  # at 38 and 47.5 s
            assert order.stage is Stage.UNKNOWN
            assert (await at.looks(order, 1, 0)).stage is Stage.ABSENT

        run(main)

    def test_a_look_that_failed_neither_counts_nor_begins_anew(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE, NOWHERE, FAILED, NOWHERE)
            order = await at.looks(intent(SIZE, Stage.UNKNOWN), 4, 31.0)
            assert order.stage is Stage.UNKNOWN
            assert (await at.looks(order, 1, 0)).stage is Stage.ABSENT

        run(main)

    def test_an_order_that_was_seen_meanwhile_is_looked_for_anew(self) -> None:
        async def main(clock: VirtualClock) -> None:
            resting = Sighting(replace(DONE, over=False))
            at = desk(clock, NOWHERE, NOWHERE, NOWHERE, resting, NOWHERE)
            order = await at.looks(intent(SIZE, Stage.UNKNOWN), 4, 31.0)
            assert order.stage is Stage.ACCEPTED
            order = await at.looks(order, 3, 31.0)
            assert order.stage is Stage.ACCEPTED
            assert (await at.looks(order, 1, 0)).stage is Stage.ABSENT

        run(main)

    def test_two_orders_are_looked_for_each_by_itself(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            first, second = intent(SIZE, number=1), intent(SIZE, number=2)
            await at.looks(first, 3, 31.0)
            assert (await at.settler.follow(second)).stage is Stage.RESERVED
            assert (await at.settler.follow(first)).stage is Stage.ABSENT

        run(main)


FILLED = intent(SIZE, Stage.FILLED, filled=SIZE, updated_at=Millis(NOW))


def seen(size: int, at: float = 100.0, **changes: Any) -> Snapshot:
    """A snapshot whose position has not changed since before the fill."""
    return replace(hedged(size, updated_at=Millis(NOW - 1), **changes), started=at)


class TestConfirming:
    def test_a_fill_that_is_shown_closes_its_order(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            closed = await at.settler.confirm(FILLED, seen(SIZE))
            assert closed == FILLED.moved(Stage.CLOSED)
            assert at.written.resolved == [closed]

        run(main)

    @pytest.mark.parametrize(
        ("seconds", "closed"), [(0.0, False), (2 * SETTLE_AFTER, False), (2 * SETTLE_AFTER + 0.1, True)]
    )
    def test_one_that_is_not_is_waited_for_and_then_said_to_be_missing(
        self, seconds: float, closed: bool
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            assert await at.settler.confirm(FILLED, seen(0, 50.0)) is FILLED
            with capture_logs() as logs:
                after = await at.settler.confirm(FILLED, seen(0, 50.0 + seconds))
            assert after.stage is (Stage.CLOSED if closed else Stage.FILLED)
            missing = {
                "event": "fill never became visible; sizing from the position", "log_level": "error",
                "order": client_id(),
            }  # fmt: skip
            assert logs[:1] == ([missing] if closed else [])

        run(main)

    def test_each_is_waited_for_from_when_it_filled(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at, later = desk(clock, NOWHERE), replace(FILLED, request=intent(SIZE, number=2).request)
            await at.settler.confirm(FILLED, seen(0, 50.0))
            assert await at.settler.confirm(later, seen(0, 50.0 + 2 * SETTLE_AFTER + 0.1)) is later

        run(main)

    def test_one_that_is_shown_late_is_not_missing(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            await at.settler.confirm(FILLED, seen(0, 50.0))
            with capture_logs() as logs:
                assert (await at.settler.confirm(FILLED, seen(SIZE, 500.0))).stage is Stage.CLOSED
            assert [each["event"] for each in logs] == ["order settled"]

        run(main)

    @pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.FILLED}))
    def test_only_what_is_filled_is_confirmed(self, stage: Stage) -> None:
        async def main(clock: VirtualClock) -> None:
            order = intent(SIZE, stage)
            assert await desk(clock, NOWHERE).settler.confirm(order, seen(SIZE)) is order

        run(main)

    def test_one_on_a_dead_account_has_all_its_time_once_that_is_back(self) -> None:
        def lost(started: float) -> Snapshot:
            found = seen(0, started)
            outage = Outage(NOW, seen=0.0, reason="no answer")
            return replace(found, legs=(replace(found.legs[0], dead=outage),))

        async def main(clock: VirtualClock) -> None:
            at = desk(clock, NOWHERE)
            assert await at.settler.confirm(FILLED, lost(10.0)) is FILLED
            assert await at.settler.confirm(FILLED, seen(0, 50.0)) is FILLED
            assert await at.settler.confirm(FILLED, lost(100.0)) is FILLED
            assert await at.settler.confirm(FILLED, seen(0, 500.0)) is FILLED
            late = await at.settler.confirm(FILLED, seen(0, 500.0 + 2 * SETTLE_AFTER + 0.1))
            assert late.stage is Stage.CLOSED

        run(main)

    def test_a_fill_in_what_is_no_leg_any_more_is_not_waited_for(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at, order = desk(clock, NOWHERE), replace(FILLED, request=replace(FILLED.request, symbol=DATED))
            assert (await at.settler.confirm(order, seen(0))).stage is Stage.CLOSED

        run(main)


OURS, EARLIER, STRANGER = client_id(), client_id(instance=8), "x-1"
"""``client_id`` is of the first epoch, and so is the journal here."""


class TestSweeping:
    def swept(self, there: Scripted, *ids: str) -> list[Any]:
        """What is said while orders of these ids rest."""

        async def main(clock: VirtualClock) -> list[Any]:
            written = Written(epoch=1)
            settler = Settler(account(there), journal(written), clock, SETTLE_AFTER, DEADLINE)
            resting = [("main", open_order(client_id=each)) for each in ids]
            with capture_logs() as logs:
                await settler.sweep(snapshot(leg(), orders=resting))
            return list(logs)

        return run(main)

    def test_every_order_of_an_earlier_life_is_cancelled_and_no_other(self) -> None:
        there = Scripted(outcome=Outcome(Fate.ACCEPTED, "done"))
        before = str(ClientId(INSTANCE, 0, 99))  # ours, before we started again
        logs = self.swept(there, STRANGER, EARLIER, OURS, before)
        assert there.asked == [("cancel", EARLIER), ("cancel", before)]
        assert logs == [
            {
                "event": "left-over order cancelled", "log_level": "warning", "order": each,
                "outcome": "accepted",
            }
            for each in (EARLIER, before)
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("refusal", "seconds", "reason"),
        [(FAILED, 0.0, str(FAILED)), (None, DEADLINE + 0.1, "")],
        ids=["an error", "no answer"],
    )
    def test_one_that_cannot_be_cancelled_keeps_no_other_waiting(
        self, refusal: HedgebotError | None, seconds: float, reason: str
    ) -> None:
        there = Scripted(seconds, refusal=refusal)
        logs = self.swept(there, EARLIER, client_id(2, instance=8))
        assert len(there.asked) == 2
        assert logs[0] == {
            "event": "left-over order not cancelled", "log_level": "warning", "order": EARLIER,
            "reason": reason,
        }  # fmt: skip

    def test_an_answer_just_in_time_is_one(self) -> None:
        (said,) = self.swept(Scripted(seconds=DEADLINE - 0.1), EARLIER)
        assert said["event"] == "left-over order cancelled"
