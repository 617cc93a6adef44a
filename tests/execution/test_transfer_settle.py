"""Transfers left open are followed until their coins are where they belong, or as long as is sensible."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

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
from hedgebot.execution.transfer_fate import GIVEN_UP, LOST
from hedgebot.execution.transfers import TransferSettler
from hedgebot.ports import Account
from hedgebot.sim.virtual import VirtualClock, run
from tests.builders import DATED, NOW, hedged, transfer
from tests.execution.scripted import Written, journal

SETTLE_AFTER, DEADLINE = 30.0, 10.0
NOWHERE, UNREADABLE = TransferSighting(None, ("history",)), ReadError("main: no answer")
PENDING = TransferSighting(TransferState("7", over=False, failed=False, at=NOW))
ACCEPTED, UNKNOWN, REJECTED, ABSENT = (
    TransferStage.ACCEPTED, TransferStage.UNKNOWN, TransferStage.REJECTED, TransferStage.ABSENT
)  # fmt: skip


@dataclass
class History:
    """What an account's history says, look after look; the last for ever."""

    said: list[TransferSighting | HedgebotError]
    asked: int = 0

    async def find_transfer(self, _request: TransferRequest, _since: Millis, /) -> TransferSighting:
        said = self.said[min(self.asked, len(self.said) - 1)]
        self.asked += 1
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
        self.settler = TransferSettler(accounts, journal(self.written), self.clock, SETTLE_AFTER, DEADLINE)

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
