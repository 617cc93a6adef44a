"""Transfers left open are followed until their coins are where they belong, or as long as is sensible."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from structlog.testing import capture_logs

from hedgebot.domain.account import Outage
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import (
    Pocket,
    TransferIntent,
    TransferRequest,
    TransferSighting,
    TransferStage,
    TransferState,
)
from hedgebot.domain.units import Millis
from hedgebot.errors import HedgebotError, ReadError, UnlistedError
from hedgebot.execution import Settler
from hedgebot.execution.transfer_fate import GIVEN_UP, LOST
from hedgebot.ports import Account
from hedgebot.sim.virtual import VirtualClock, run
from tests.builders import DATED, NOW, hedged, split, transfer
from tests.execution.scripted import Written, journal

SETTLE_AFTER, DEADLINE = 30.0, 10.0
NOWHERE, UNREADABLE = TransferSighting(None, ("history",)), ReadError("main: no answer")
PENDING = TransferSighting(TransferState("7", over=False, failed=False, at=NOW))
_, ACCEPTED, UNKNOWN, DONE, REJECTED, ABSENT = TransferStage


@dataclass
class History:
    """What an account's history says, look after look; the last for ever."""

    said: list[TransferSighting | HedgebotError]
    seconds: float = 0.0
    asked: int = 0
    wanted: tuple[TransferRequest, Millis] | None = None

    async def find_transfer(self, request: TransferRequest, since: Millis, /) -> TransferSighting:
        said = self.said[min(self.asked, len(self.said) - 1)]
        self.asked += 1
        self.wanted = request, since
        await asyncio.sleep(self.seconds)
        if isinstance(said, HedgebotError):
            raise said
        return said


@dataclass
class Desk:
    """A settler at work in virtual time; it looks once a minute."""

    clock: VirtualClock
    there: History
    written: Written = field(default_factory=Written)

    def __post_init__(self) -> None:
        accounts = {"main": cast(Account, self.there)}
        whole = Settler(accounts, journal(self.written), self.clock, SETTLE_AFTER, DEADLINE)
        self.settler = whole.transfers

    async def after(self, move: TransferIntent, seconds: float, seen: Snapshot) -> TransferIntent:
        """The transfer after so many seconds of cycles."""
        until = self.clock.monotonic() + seconds
        for _ in self._minutes(until):
            move = await self.settler.follow(move)
            move = await self.settler.confirm(move, replace(seen, started=self.clock.monotonic()))
            await self.clock.sleep(60)
        return move

    def _minutes(self, until: float) -> Iterator[None]:
        while self.clock.monotonic() <= until:
            yield


@pytest.mark.parametrize(
    ("said", "stage", "limit", "end"),
    [
        (PENDING, ACCEPTED, GIVEN_UP, REJECTED),
        (UNREADABLE, ACCEPTED, GIVEN_UP, REJECTED),
        (UNREADABLE, UNKNOWN, GIVEN_UP, REJECTED),
        (NOWHERE, ACCEPTED, LOST, REJECTED),
    ],
    ids=["on its way", "accepted, no history", "unknown, no history", "accepted, in no history"],
)
def test_one_of_which_nothing_more_is_heard_waits_long_and_ends(
    said: TransferSighting | HedgebotError, stage: TransferStage, limit: float, end: TransferStage
) -> None:
    async def main(clock: VirtualClock) -> None:
        at = Desk(clock, History([said]))
        move = await at.after(transfer(stage=stage), limit, hedged())
        assert move.stage is stage
        assert (await at.after(move, 120, hedged())).stage is end

    run(main, epoch_ms=NOW)


def test_one_that_was_seen_meanwhile_is_looked_for_anew() -> None:
    async def main(clock: VirtualClock) -> None:
        at = Desk(clock, History([*[NOWHERE] * 50, PENDING, NOWHERE]))
        move = await at.after(transfer(stage=ACCEPTED), LOST + 300, hedged())
        assert move.stage is ACCEPTED

    run(main, epoch_ms=NOW)


def test_one_out_of_the_margin_of_a_contract_that_is_listed_no_more_was_never_made() -> None:
    async def main(clock: VirtualClock) -> None:
        at = Desk(clock, History([UnlistedError("it lists no such contract")]))
        move = transfer(stage=UNKNOWN, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=DATED)
        assert (await at.after(move, 0, hedged())).stage is UNKNOWN
        assert (await at.after(move, 300, hedged())).stage is ABSENT

    run(main, epoch_ms=NOW)


def test_one_on_an_account_that_is_not_configured_any_more_stays_as_it_was() -> None:
    async def main(clock: VirtualClock) -> None:
        at, move = Desk(clock, History([NOWHERE])), transfer(stage=UNKNOWN, account="old")
        assert await at.after(move, 2 * GIVEN_UP, hedged()) is move
        assert at.there.asked == 0

    run(main, epoch_ms=NOW)


def test_it_is_looked_for_from_two_days_before_it_was_written() -> None:
    """Our clock may be a day ahead."""

    async def main(clock: VirtualClock) -> None:
        at, move = Desk(clock, History([NOWHERE])), transfer(stage=UNKNOWN, age_ms=5_000)
        await at.settler.follow(move)
        assert at.there.wanted == (move.request, NOW - 5_000 - 172_800_000)

    run(main, epoch_ms=NOW)


@pytest.mark.parametrize(
    ("said", "seconds", "reason"),
    [(UNREADABLE, 0.0, "main: no answer"), (NOWHERE, DEADLINE + 0.1, "time-out")],
    ids=["an error", "no answer"],
)
def test_one_that_cannot_be_looked_up_stays_as_it_was(
    said: TransferSighting | HedgebotError, seconds: float, reason: str
) -> None:
    async def main(clock: VirtualClock) -> None:
        at, move = Desk(clock, History([said], seconds)), transfer(stage=UNKNOWN)
        with capture_logs() as logs:
            assert await at.settler.follow(move) is move
        assert clock.monotonic() == min(seconds, DEADLINE)
        assert at.written.resolved == []
        assert logs == [
            {
                "event": "transfer not looked up", "log_level": "warning",
                "transfer": move.request.client_id, "reason": reason,
            }
        ]  # fmt: skip

    run(main)


ARRIVED = split(margin="0", coins="0.7", spot="0.3")
"""Both pockets show the 0.1 coins that moved."""


class TestWhatTheHistorySays:
    @pytest.mark.parametrize(
        ("state", "seen", "stage", "outcome"),
        [
            ({"over": True}, ARRIVED, DONE, "in both pockets"),
            ({"over": False}, ARRIVED, ACCEPTED, "in the history"),
            ({"over": True, "failed": True}, split(margin="0"), REJECTED, "failed on the exchange"),
            ({"over": True, "failed": True}, ARRIVED, ACCEPTED, "in the history"),
        ],
    )
    def test_is_believed_with_the_pockets(
        self, state: dict[str, bool], seen: Snapshot, stage: TransferStage, outcome: str
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            shown = TransferState("7", **{"failed": False} | state, at=NOW)
            at, move = Desk(clock, History([TransferSighting(shown)])), transfer(stage=UNKNOWN)
            with capture_logs() as logs:
                found = await at.after(move, 0, seen)
            later = Millis(NOW)
            accepted = replace(
                move, stage=ACCEPTED, transfer_id="7", outcome="in the history", updated_at=later
            )
            ended = replace(accepted, stage=stage, outcome=outcome)
            assert found == ended
            assert at.written.resolved == ([accepted] if stage is ACCEPTED else [accepted, ended])
            assert [(each["event"], each["stage"]) for each in logs] == [
                ("transfer settled", each.stage.value) for each in at.written.resolved
            ]  # fmt: skip

        run(main, epoch_ms=NOW)

    def test_is_written_once(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = Desk(clock, History([PENDING]))
            await at.after(transfer(stage=ACCEPTED), 300, split(margin="0", spot="0.3"))
            assert at.written.resolved == []

        run(main)

    def test_counts_from_when_it_said_so_first(self) -> None:
        """A failure whose coins are elsewhere ends twice the arrival window after it was told."""

        async def main(clock: VirtualClock) -> None:
            failed = TransferSighting(TransferState("7", over=True, failed=True, at=NOW))
            at = Desk(clock, History([PENDING, PENDING, failed]))
            move = await at.after(transfer(stage=ACCEPTED), 180, ARRIVED)
            assert move.stage is ACCEPTED, "a minute after it was told"
            assert (await at.after(move, 60, ARRIVED)).stage is REJECTED

        run(main)

    def test_where_it_tells_of_no_such_moves_the_pockets_do(self) -> None:
        async def main(clock: VirtualClock) -> None:
            silent = TransferSighting(None)
            at = Desk(clock, History([silent]))
            assert (await at.after(transfer(stage=UNKNOWN), 0, split(margin="0"))).stage is UNKNOWN
            assert (await at.after(transfer(stage=UNKNOWN), 60, split(margin="0"))).stage is ABSENT

        run(main)

    def test_after_one_that_ended_the_next_of_its_name_is_a_new_one(self) -> None:
        async def main(clock: VirtualClock) -> None:
            at = Desk(clock, History([TransferSighting(None)]))
            for _ in range(2):
                move = await at.after(transfer(stage=UNKNOWN), 60, split(margin="0"))
                assert move.stage is UNKNOWN
                assert (await at.after(move, 0, split(margin="0"))).stage is ABSENT

        run(main)


def test_of_one_on_a_dead_account_nothing_is_known_and_its_time_begins_anew() -> None:
    async def main(clock: VirtualClock) -> None:
        at = Desk(clock, History([TransferSighting(None)]))
        seen = split(margin="0")
        lost = replace(seen.legs[0], dead=Outage(NOW, seen=0.0, reason="no answer"))
        move = await at.after(transfer(stage=UNKNOWN), 60, seen)
        move = await at.settler.confirm(move, replace(seen, legs=(lost,), started=9_999.0))
        assert move.stage is UNKNOWN
        assert (await at.after(move, 60, seen)).stage is UNKNOWN
        assert (await at.after(move, 0, seen)).stage is ABSENT

    run(main)


def test_one_that_was_never_looked_for_is_confirmed_by_its_pockets() -> None:
    async def main(clock: VirtualClock) -> None:
        at = Desk(clock, History([NOWHERE]))
        assert (await at.settler.confirm(transfer(stage=ACCEPTED), ARRIVED)).stage is DONE
        assert (await at.settler.confirm(transfer(stage=ACCEPTED), split(margin="0"))).stage is ACCEPTED
        assert at.there.asked == 0

    run(main)
