"""One account's readings: shared while young, asked for what all hedges need, given up at the deadline."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from hedgebot.domain.account import AccountReading, Needs
from hedgebot.domain.instrument import Instrument
from hedgebot.errors import CredentialsError, HedgebotError, ReadError
from hedgebot.observation import AccountFeed
from hedgebot.ports import Account
from hedgebot.sim.virtual import VirtualClock, run
from tests.builders import DATED, SYMBOL, instrument, reading

DEADLINE = 10.0
PERPETUAL, ENDING = Needs(frozenset({SYMBOL}), frozenset({"BTC"})), Needs(frozenset({DATED}), frozenset())


@dataclass
class Asked:
    """An account that answers after so many seconds, or fails."""

    name: str = "main"
    seconds: float = 1.0
    failure: HedgebotError | None = None
    reads: list[tuple[float, Needs]] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)

    async def read(self, needs: Needs) -> AccountReading:
        self.reads.append((asyncio.get_running_loop().time(), needs))
        await asyncio.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure
        return reading()

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        self.lists.append(asset)
        await asyncio.sleep(self.seconds)
        return (instrument(),)


def feed(account: Asked, clock: VirtualClock) -> AccountFeed:
    return AccountFeed(cast(Account, account), PERPETUAL, clock, DEADLINE)


class TestSharing:
    @pytest.mark.parametrize(("since", "reads"), [(-1, 1), (0, 1), (0.5, 2), (1, 2)])
    def test_a_reading_that_began_early_enough_is_everybodys(self, since: float, reads: int) -> None:
        async def main(clock: VirtualClock) -> None:
            account = Asked()
            shared = feed(account, clock)
            first = shared.reading(0)
            await clock.sleep(0.9)
            assert await shared.reading(since) == await first
            assert len(account.reads) == reads

        run(main)

    def test_one_who_stops_waiting_takes_it_from_nobody(self) -> None:
        async def main(clock: VirtualClock) -> None:
            account = Asked()
            shared = feed(account, clock)
            first, second = shared.reading(0), shared.reading(0)
            await clock.sleep(0.5)
            first.cancel()
            assert await second == reading()
            assert len(account.reads) == 1

        run(main)

    def test_what_any_hedge_needs_as_well_is_asked_for_from_then_on(self) -> None:
        async def main(clock: VirtualClock) -> None:
            account = Asked()
            shared = feed(account, clock)
            await shared.reading(0)
            shared.want("btc", ENDING)
            await shared.reading(0)
            shared.want("btc", ENDING)
            await shared.reading(0)
            assert [needs for _, needs in account.reads] == [PERPETUAL, PERPETUAL | ENDING]
            shared.want("btc", PERPETUAL)
            await shared.reading(0)
            assert [needs for _, needs in account.reads][2:] == [PERPETUAL]

        run(main)

    def test_two_hedges_that_need_more_both_have_it(self) -> None:
        async def main(clock: VirtualClock) -> None:
            account, third = Asked(), Needs(frozenset({"ETH/USD:ETH"}), frozenset({"ETH"}))
            shared = feed(account, clock)
            shared.want("btc", ENDING)
            shared.want("eth", third)
            await shared.reading(0)
            assert account.reads == [(0.0, PERPETUAL | ENDING | third)]

        run(main)


class TestFailing:
    def test_an_account_that_takes_too_long_has_no_complete_reading(self) -> None:
        async def main(clock: VirtualClock) -> None:
            shared = feed(Asked(seconds=60), clock)
            with pytest.raises(ReadError, match=r"^main: no complete reading within 10 s$"):
                await shared.reading(0)
            assert clock.monotonic() == DEADLINE
            with pytest.raises(ReadError, match=r"^main: no list of its contracts within 10 s$"):
                await shared.contracts("BTC")

        run(main)

    def test_its_contracts_are_those_of_the_coin(self) -> None:
        async def main(clock: VirtualClock) -> None:
            account = Asked()
            assert await feed(account, clock).contracts("BTC") == (instrument(),)
            assert account.lists == ["BTC"]

        run(main)

    def test_a_failure_that_nobody_asked_about_is_no_warning(self) -> None:
        async def main(clock: VirtualClock) -> None:
            heard = list[object]()
            asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
            shared = feed(Asked(failure=ReadError("main: no answer")), clock)
            assert not shared.answers()
            await clock.sleep(2)
            del shared
            assert heard == []

        run(main)


class TestWaitingAgain:
    """For an account that was dead: only once it answers, whatever it says."""

    @pytest.mark.parametrize(
        ("failure", "answers"),
        [(None, True), (CredentialsError("refused"), True), (ReadError("main: no answer"), False)],
        ids=["a reading", "a refusal", "no answer"],
    )
    def test_once_the_last_reading_ended_with_an_answer(
        self, failure: HedgebotError | None, answers: bool
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            account = Asked(failure=failure)
            shared = feed(account, clock)
            assert [shared.answers(), shared.answers()] == [False, False], "the first one has just begun"
            await clock.sleep(0.5)
            assert not shared.answers()
            assert len(account.reads) == 1
            await clock.sleep(1)
            assert shared.answers() is answers
            await clock.sleep(0.5)
            assert [at for at, _ in account.reads] == ([0.0] if answers else [0.0, 1.5])

        run(main)

    def test_one_that_was_cancelled_was_no_answer(self) -> None:
        async def main(clock: VirtualClock) -> None:
            account = Asked()
            shared = feed(account, clock)
            assert not shared.answers()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await clock.sleep(0.5)
            assert not shared.answers()
            await clock.sleep(1.5)
            assert shared.answers()

        run(main)
