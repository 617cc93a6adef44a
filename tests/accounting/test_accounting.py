"""Funding and fees out of the exchange's own ledger: each entry once, none skipped; and who else traded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from hedgebot.accounting import Accounting, counted
from hedgebot.domain.account import AccountReading, EntryKind, KeyScope, Ledger, LedgerEntry, Sighting
from hedgebot.domain.forced import TOLD_MS, Forced
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import Outcome
from hedgebot.domain.records import Memory
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import TransferSighting
from hedgebot.domain.units import Coin, Contracts, Millis, Price
from hedgebot.errors import ReadError
from tests.builders import INSTANCE, LEG, NOW, STARTED, SYMBOL, client_id, coin, hedge

THEIRS = client_id(instance=INSTANCE + 1)
COUNTING = Memory(since=Millis(NOW - 60_000), ledger_at=Millis(NOW - 60_000))


def entry(
    age_ms: int, coins: str = "-0.0001", kind: EntryKind = EntryKind.TRADE, order: str = ""
) -> LedgerEntry:
    return LedgerEntry(
        f"e{age_ms}", kind, SYMBOL, order, Contracts.of(-1), None, coin(coins), Millis(NOW - age_ms)
    )


def funding(age_ms: int, coins: str) -> LedgerEntry:
    return entry(age_ms, coins, EntryKind.FUNDING)


class TestCounting:
    def test_funding_received_and_paid_and_fees_are_kept_apart(self) -> None:
        found = counted(
            COUNTING,
            [funding(3, "0.0003"), funding(2, "-0.0001"), entry(1, "-0.0005"), entry(0, "0.0002")],
            NOW,
        )
        assert (found.funding_received, found.funding_paid) == (coin("0.0003"), coin("0.0001"))
        assert found.fees == coin("0.0003"), "a rebate is a fee below zero"
        assert found.ledger_at == NOW

    @pytest.mark.parametrize("kind", [EntryKind.LIQUIDATION, EntryKind.ADL])
    def test_what_a_liquidation_costs_is_a_fee(self, kind: EntryKind) -> None:
        assert counted(COUNTING, [entry(0, "-0.001", kind)], NOW).fees == coin("0.001")

    def test_sums_go_on_from_before(self) -> None:
        before = replace(COUNTING, fees=coin("0.5"), funding_paid=coin(1), funding_received=coin(2))
        found = counted(before, [entry(0, "-0.5")], NOW)
        assert (found.fees, found.funding_paid, found.funding_received) == (coin(1), coin(1), coin(2))

    def test_the_count_never_goes_back(self) -> None:
        assert counted(COUNTING, [], Millis(0)).ledger_at == COUNTING.ledger_at


@dataclass
class Clock:
    ms: int = NOW

    def now_ms(self) -> Millis:
        return Millis(self.ms)

    def monotonic(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)


@dataclass
class History:
    """An account of which only the ledger is asked: so many entries a page, oldest first."""

    entries: Sequence[LedgerEntry]
    page: int = 1000
    asked: int = 0
    name: str = "main"

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        self.asked += 1
        found = [e for e in self.entries if e.at >= since and e.symbol in symbols]
        return Ledger(tuple(found[: self.page]), complete=len(found) <= self.page)

    async def read(self, needs: object) -> AccountReading:
        raise NotImplementedError

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        raise NotImplementedError

    async def candles(self, *asked: object) -> tuple[Candle, ...]:
        raise NotImplementedError

    async def spot_price(self, asset: str) -> Price:
        raise NotImplementedError

    async def key_scope(self) -> KeyScope:
        raise NotImplementedError

    async def place(self, order: object) -> Outcome:
        raise NotImplementedError

    async def cancel(self, order: object) -> Outcome:
        raise NotImplementedError

    async def find(self, *asked: object) -> Sighting:
        raise NotImplementedError

    async def transfer(self, request: object) -> Outcome:
        raise NotImplementedError

    async def find_transfer(self, request: object, since: Millis) -> TransferSighting:
        raise NotImplementedError

    async def set_leverage(self, *setting: object) -> Outcome:
        raise NotImplementedError

    async def close(self) -> None: ...


def accounting(history: History, clock: Clock, *, every: float = 60.0, lag_ms: int = 5_000) -> Accounting:
    return Accounting({"main": history}, clock, every, lag_ms)


class TestPosting:
    async def test_what_is_younger_than_the_lag_is_counted_later(self) -> None:
        clock, history = Clock(), History([entry(5_000, "-1"), entry(4_999, "-2")])
        books = accounting(history, clock)
        memory = await books.post(hedge(), COUNTING, NOW)
        assert memory.fees == coin(1)
        clock.ms += 60_000
        assert (await books.post(hedge(), memory, clock.now_ms())).fees == coin(3)

    async def test_it_is_read_no_more_often_than_wanted(self) -> None:
        clock, history = Clock(), History([])
        books = accounting(history, clock)
        for _ in range(5):
            await books.post(hedge(), COUNTING, clock.now_ms())
        assert history.asked == 1
        clock.ms += 60_000
        await books.post(hedge(), COUNTING, clock.now_ms())
        assert history.asked == 2

    async def test_nothing_is_counted_before_the_hedge_was_first_seen(self) -> None:
        history = History([entry(10_000)])
        assert await accounting(history, Clock()).post(hedge(), Memory(), NOW) == Memory()
        assert history.asked == 0

    @pytest.mark.parametrize("page", [3, 7, 1000])
    async def test_a_ledger_of_several_pages_is_counted_whole_and_once(self, page: int) -> None:
        """Some entries share a millisecond, on either side of a page's end."""
        ages = [50_000, 49_000, 49_000, 48_000, 30_000, 20_000, 20_000, 19_000, 6_000]
        clock, history = Clock(), History([entry(age, "-1") for age in ages], page)
        books, memory = accounting(history, clock), COUNTING
        for _ in range(12):
            memory = await books.post(hedge(), memory, clock.now_ms())
            clock.ms += 60_000
        assert memory.fees == coin(len(ages))

    @pytest.mark.parametrize("lagging", ["the reading", "the count"])
    async def test_a_clock_that_ran_ahead_for_a_while_leaves_nothing_uncounted(self, lagging: str) -> None:
        """A day ahead, when the exchange was read, or only when its ledger was."""
        clock, history = Clock(), History([entry(-70_000, "-1"), funding(-90_000, "-2")])
        books, day = accounting(history, clock), 86_400_000
        agreed = Millis(clock.ms if lagging == "the reading" else clock.ms + day)
        clock.ms += day if lagging == "the reading" else 0
        memory = await books.post(hedge(), COUNTING, agreed)
        assert memory.ledger_at < NOW
        clock.ms = NOW + 2 * 60_000
        books = accounting(history, clock)
        memory = await books.post(hedge(), memory, clock.now_ms())
        assert (memory.fees, memory.funding_paid) == (coin(1), coin(2))


BUST, ADL = EntryKind.LIQUIDATION, EntryKind.ADL


def forced(kind: EntryKind, size: int, age_ms: int, seen_ms: int = 0) -> Forced:
    """What ``entry`` of such a kind comes to, first seen so long ago."""
    return Forced(kind, LEG, Contracts.of(size), None, Millis(NOW - age_ms), Millis(NOW - seen_ms))


class TestClosedByForce:
    """Entries are of one contract each."""

    @pytest.mark.parametrize(
        ("entries", "before", "after"),
        [
            pytest.param([], [], [], id="nothing"),
            pytest.param([entry(9), funding(8, "1")], [], [], id="trades and funding are not"),
            pytest.param([entry(9, kind=BUST)], [], [forced(BUST, 1, 9)], id="a liquidation"),
            pytest.param([entry(9, kind=ADL)], [], [forced(ADL, 1, 9)], id="a deleveraging"),
            pytest.param(
                [entry(9, kind=BUST), entry(9, kind=BUST), entry(7, kind=BUST)],
                [],
                [forced(BUST, 3, 7)],
                id="in several trades",
            ),
            pytest.param(
                [entry(9, kind=BUST), entry(8, kind=BUST)],
                [forced(BUST, 1, 9, 5)],
                [forced(BUST, 2, 8, 5)],
                id="what was read before counts once, and what follows belongs to it",
            ),
            pytest.param(
                [entry(8, kind=BUST)],
                [forced(BUST, 7, 10, TOLD_MS)],
                [forced(BUST, 1, 8)],
                id="once it is no longer told, the next one is another",
            ),
            pytest.param(
                [entry(8, kind=ADL)],
                [forced(BUST, 1, 9, 5)],
                [forced(BUST, 1, 9, 5), forced(ADL, 1, 8)],
                id="each kind by itself",
            ),
        ],
    )
    async def test_it_is_noted_wherever_the_ledger_is_read(
        self, entries: list[LedgerEntry], before: list[Forced], after: list[Forced]
    ) -> None:
        memory = replace(COUNTING, forced=tuple(before))
        for read in (
            accounting(History(entries), Clock()).post(hedge(), memory, NOW),
            accounting(History(entries), Clock()).examine(hedge(), memory, STARTED, INSTANCE),
        ):
            assert (await read).forced == tuple(after)

    async def test_one_of_hours_ago_is_noted_when_it_is_first_read(self) -> None:
        """Nobody was there when it happened."""
        away = replace(COUNTING, ledger_at=Millis(NOW - 2 * TOLD_MS))
        memory = await accounting(History([entry(TOLD_MS, kind=BUST)]), Clock()).post(hedge(), away, NOW)
        assert memory.forced == (forced(BUST, 1, TOLD_MS),)
        assert memory.forced[0].told(NOW)

    async def test_a_ledger_that_cannot_be_read_is_not_an_empty_one(self) -> None:
        class Unreadable(History):
            async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
                raise ReadError("no ledger")

        books = accounting(Unreadable([]), Clock())
        with pytest.raises(ReadError):
            await books.examine(hedge(), COUNTING, STARTED, INSTANCE)
        with pytest.raises(ReadError):
            await books.post(hedge(), COUNTING, NOW)


class TestRival:
    @pytest.mark.parametrize(
        ("entries", "found"),
        [
            ([], ""),
            ([entry(0, order=client_id())], ""),
            ([entry(0, order="by hand")], ""),
            ([entry(0, order=THEIRS)], THEIRS),
            ([entry(0), entry(0, order=client_id()), entry(0, order=THEIRS)], THEIRS),
            ([entry(NOW - STARTED, order=THEIRS)], ""),  # at our start: a leftover
            ([entry(NOW - STARTED - 1, order=THEIRS)], THEIRS),
        ],
    )
    async def test_an_order_of_another_instance_that_was_filled_while_we_run(
        self, entries: list[LedgerEntry], found: str
    ) -> None:
        books = accounting(History(entries), Clock())
        assert (await books.examine(hedge(), Memory(), STARTED, INSTANCE)).rival == found

    async def test_one_that_was_seen_is_not_forgotten(self) -> None:
        books = accounting(History([]), Clock())
        assert (await books.examine(hedge(), Memory(rival=THEIRS), STARTED, INSTANCE)).rival == THEIRS


def test_the_sums_start_at_nothing() -> None:
    assert Memory().fees == Memory().funding_paid == Memory().funding_received == Coin.zero()
