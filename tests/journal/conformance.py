"""What every journal has to do, whatever it is kept in: a store's test adds the ``store`` fixture."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol

import pytest

from hedgebot.domain.orders import FINAL, MOVES, Intent, Stage
from hedgebot.domain.records import Command, Doubt, State, Verb
from hedgebot.domain.units import Coin, Contracts, Millis, Price
from hedgebot.errors import JournalError
from hedgebot.journal.cycles import PastCycle
from hedgebot.ports import Journal
from tests.journal.support import KEEP, NOW, ManualClock, cycle, order


class FullJournal(Journal, Protocol):
    """The port and what is read for people."""

    async def recent(self, hedge: str, count: int) -> tuple[PastCycle, ...]: ...

    async def past(self, hedge: str, since: Millis) -> tuple[PastCycle, ...]: ...

    async def verify(self) -> None: ...


Opener = Callable[[ManualClock, timedelta], Awaitable[FullJournal]]


class Store:
    """One place in which a journal lives, opened and closed any number of times."""

    def __init__(self, opener: Opener) -> None:
        self.clock = ManualClock()
        self._opener = opener

    @asynccontextmanager
    async def journal(self, keep: timedelta = KEEP) -> AsyncIterator[FullJournal]:
        journal = await self._opener(self.clock, keep)
        try:
            yield journal
            await journal.verify()
        finally:
            await journal.close()


async def reach(journal: Journal, intent: Intent, stage: Stage) -> Intent:
    """Reserve an order and bring it to a stage."""
    await journal.reserve(intent)
    if stage is Stage.RESERVED:
        return intent
    await journal.resolve(intent.moved(stage))
    return intent.moved(stage)


def pairs(moves: Iterable[bool]) -> list[tuple[Stage, Stage]]:
    return [(old, new) for old in Stage for new in Stage if (new in MOVES[old]) in moves]


class StartConformance:
    """Instance, epoch and numbers: what client order ids are made of."""

    async def test_a_new_journal_draws_an_instance_of_20_bits_and_begins_at_epoch_0(
        self, store: Store
    ) -> None:
        async with store.journal() as journal:
            assert 0 <= journal.instance < 1 << 20
            assert journal.epoch == 0

    async def test_each_start_counts_an_epoch_and_keeps_the_instance(self, store: Store) -> None:
        seen = []
        for _ in range(3):
            async with store.journal() as journal:
                seen.append((journal.instance, journal.epoch))
        assert seen == [(seen[0][0], epoch) for epoch in range(3)]

    async def test_numbers_begin_at_1_and_are_never_given_twice(self, store: Store) -> None:
        async with store.journal() as journal:
            assert [await journal.next_intent() for _ in range(3)] == [1, 2, 3]

    async def test_numbers_go_on_above_the_highest_reserved_one_after_a_restart(self, store: Store) -> None:
        async with store.journal() as journal:
            for _ in range(41):
                await journal.next_intent()
            await reach(journal, order(await journal.next_intent()), Stage.CLOSED)
        async with store.journal() as journal:
            assert await journal.next_intent() == 43


class OrderConformance:
    """Written before sent, one at a time on a leg, moved only as the table allows."""

    async def test_a_reserved_order_is_open_and_found_again_after_a_restart(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.reserve(order(1))
        async with store.journal() as journal:
            assert await journal.open_intents() == (order(1),)

    async def test_what_the_exchange_told_is_kept(self, store: Store) -> None:
        told = replace(
            order(1).moved(Stage.FILLED),
            order_id="a1",
            filled=Contracts.of("-60.50"),
            average=Price.of("60001.10"),
            fee=Coin.of("0.00000055"),
            outcome="Cancelled: \N{SNOWMAN} \ud800",
            updated_at=Millis(NOW + 7),
        )
        async with store.journal() as journal:
            await journal.reserve(order(1))
            await journal.resolve(told)
        async with store.journal() as journal:
            assert [repr(intent) for intent in await journal.open_intents()] == [repr(told)]

    @pytest.mark.parametrize("stage", [stage for stage in Stage if stage not in FINAL])
    async def test_a_leg_takes_no_order_while_one_is(self, store: Store, stage: Stage) -> None:
        async with store.journal() as journal:
            first = await reach(journal, order(1), stage)
            with pytest.raises(
                JournalError, match=f"main:BTC/USD:BTC still waits for order {first.request.client_id}"
            ):
                await journal.reserve(order(2))
            assert await journal.open_intents() == (first,)

    @pytest.mark.parametrize("stage", sorted(FINAL))
    async def test_a_leg_takes_the_next_order_once_the_last_is(self, store: Store, stage: Stage) -> None:
        async with store.journal() as journal:
            await reach(journal, order(1), stage)
            assert await journal.open_intents() == ()
            await journal.reserve(order(2))
            assert await journal.open_intents() == (order(2),)

    async def test_legs_do_not_wait_for_each_other(self, store: Store) -> None:
        orders = (order(1), order(2, symbol="ETH/USD:ETH"), order(3, symbol="BTC/USDT:USDT"))
        async with store.journal() as journal:
            for intent in orders:
                await journal.reserve(intent)
            assert await journal.open_intents() == orders

    async def test_open_orders_come_oldest_first_whatever_moved_last(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.reserve(order(1))
            await journal.reserve(order(2, symbol="ETH/USD:ETH"))
            await journal.resolve(order(1).moved(Stage.UNKNOWN))
            assert [intent.number for intent in await journal.open_intents()] == [1, 2]

    async def test_a_client_order_id_is_used_once_for_ever(self, store: Store) -> None:
        async with store.journal() as journal:
            await reach(journal, order(1, client_id="hb1"), Stage.REJECTED)
        async with store.journal() as journal:
            with pytest.raises(JournalError, match="used before"):
                await journal.reserve(order(2, client_id="hb1", symbol="ETH/USD:ETH"))

    async def test_an_order_is_reserved_before_anything_is_known_of_it(self, store: Store) -> None:
        async with store.journal() as journal:
            with pytest.raises(JournalError, match="accepted before it was written"):
                await journal.reserve(order(1).moved(Stage.ACCEPTED))

    @pytest.mark.parametrize(("old", "new"), pairs([True]))
    async def test_a_legal_move_is_written(self, store: Store, old: Stage, new: Stage) -> None:
        async with store.journal() as journal:
            intent = await reach(journal, order(1), old)
            await journal.resolve(intent.moved(new))
            assert await journal.intents_since(NOW) == (intent.moved(new),)

    @pytest.mark.parametrize(("old", "new"), pairs([False]))
    async def test_an_illegal_move_is_refused_and_changes_nothing(
        self, store: Store, old: Stage, new: Stage
    ) -> None:
        async with store.journal() as journal:
            intent = await reach(journal, order(1), old)
            with pytest.raises(JournalError):
                await journal.resolve(replace(intent, stage=new))
            assert await journal.intents_since(NOW) == (intent,)

    async def test_an_order_that_was_never_reserved_cannot_be_resolved(self, store: Store) -> None:
        async with store.journal() as journal:
            with pytest.raises(JournalError, match="not open"):
                await journal.resolve(order(1).moved(Stage.ACCEPTED))

    @pytest.mark.parametrize(
        "changed",
        [
            {"number": 2},
            {"hedge": "eth"},
            {"request": replace(order(1).request, contracts=Contracts.of(-200))},
            {"believed": Contracts.of(0)},
            {"written_at": Millis(0)},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    async def test_what_was_decided_cannot_be_changed_afterwards(
        self, store: Store, changed: dict[str, Any]
    ) -> None:
        async with store.journal() as journal:
            await journal.reserve(order(1))
            with pytest.raises(JournalError, match="not the order that was reserved"):
                await journal.resolve(replace(order(1).moved(Stage.ACCEPTED), **changed))

    async def test_orders_since_an_instant_come_as_they_are_now_oldest_first(self, store: Store) -> None:
        async with store.journal() as journal:
            for number in range(1, 5):
                await reach(journal, order(number, at=NOW + number), Stage.CLOSED)
            since = await journal.intents_since(Millis(NOW + 3))
        assert [(intent.number, intent.stage) for intent in since] == [(3, Stage.CLOSED), (4, Stage.CLOSED)]


class RecordConformance:
    """Commands, cycles and memories; what goes and what stays."""

    async def test_commands_are_read_in_the_order_they_were_given(self, store: Store) -> None:
        given = (
            Command("btc", Verb.PAUSE, None, "uid 1000", NOW),
            Command("btc", Verb.RATIO, Decimal("0.50"), "uid 1000", Millis(NOW - 60_000)),
            Command("eth", Verb.UNWIND, Decimal(0), "uid 0", NOW),
        )
        async with store.journal() as journal:
            for command in given:
                await journal.command(command)
        async with store.journal() as journal:
            assert repr(await journal.commands()) == repr(given)

    async def test_records_are_numbered_in_one_sequence_over_restarts(self, store: Store) -> None:
        async with store.journal() as journal:
            assert [await journal.record(cycle(hedge=hedge), keep=False) for hedge in ("btc", "eth")] == [
                1,
                2,
            ]
        async with store.journal() as journal:
            assert await journal.record(cycle(), keep=False) == 3

    async def test_the_last_records_of_a_hedge_come_newest_first(self, store: Store) -> None:
        bodies = [{"mark": f"6000{n}.5", "n": n, "legs": [{"x": None}], "reason": "\ud800"} for n in range(6)]
        async with store.journal() as journal:
            for n, body in enumerate(bodies):
                await journal.record(cycle(NOW + n, reason=f"because {n}", body=body), keep=n == 3)
                await journal.record(cycle(NOW + n, hedge="eth"), keep=False)
            found = await journal.recent("btc", 4)
            assert await journal.recent("sol", 4) == ()
        assert found == tuple(
            PastCycle(2 * n + 1, "btc", Millis(NOW + n), State.HEDGED, f"because {n}", False, bodies[n])
            for n in (5, 4, 3, 2)
        )

    async def test_its_past_is_every_change_and_some_records_between_oldest_first(self, store: Store) -> None:
        async with store.journal() as journal:
            assert await journal.past("btc", Millis(0)) == ()
            for n in range(3000):
                await journal.record(cycle(NOW + n, reason=f"because {n // 100}"), keep=n % 100 == 0)
                await journal.record(cycle(NOW + n, hedge="eth"), keep=False)
            everything = {one.number: one for one in await journal.recent("btc", 9999)}
            past = await journal.past("btc", Millis(NOW + 1000))
        assert all(everything[one.number] == one for one in past)
        assert [one.at for one in past] == sorted({one.at for one in past})
        assert 300 < len(past) <= 1100
        assert past[-1].at == NOW + 2999
        assert {NOW + n for n in range(1000, 3000, 100)} <= {one.at for one in past}
        assert NOW + 1000 <= past[0].at < NOW + 1100
        gaps = [later.at - one.at for one, later in pairwise(past)]
        assert sum(gaps[:50]) > 3 * sum(gaps[-50:]), "the more recent the denser"

    async def test_a_hedge_remembers_what_its_newest_record_did(self, store: Store) -> None:
        async with store.journal() as journal:
            assert await journal.memory("btc") is None
            await journal.record(cycle(NOW), keep=True)
            await journal.record(cycle(NOW + 5000), keep=False)
            await journal.record(cycle(NOW + 9000, hedge="eth"), keep=False)
        async with store.journal() as journal:
            assert await journal.memory("btc") == cycle(NOW + 5000).memory

    async def test_doubts_end_with_the_process(self, store: Store) -> None:
        doubt = Doubt(Decimal("0.8"), 2, since=12.5)
        doubting = replace(cycle(), memory=replace(cycle().memory, fall=doubt, moved=doubt))
        async with store.journal() as journal:
            await journal.record(doubting, keep=False)
            assert await journal.memory("btc") == cycle().memory

    async def test_unchanged_cycles_expire_and_all_else_stays(self, store: Store) -> None:
        async with store.journal(keep=timedelta(seconds=100)) as journal:
            await journal.record(cycle(reason="first"), keep=False)
            await journal.record(cycle(reason="changed"), keep=True)
            await journal.record(replace(cycle(reason="acted"), acted=True), keep=False)
            await journal.record(cycle(hedge="eth", reason="first"), keep=False)
            await journal.record(cycle(hedge="eth", reason="gone"), keep=False)
            await journal.record(cycle(hedge="eth", reason="newest"), keep=False)
            for _ in range(1000):
                await journal.record(cycle(store.clock.now_ms()), keep=False)
                store.clock.ms += 1000
            past = await journal.recent("btc", 2000)
            assert [one.reason for one in await journal.recent("eth", 9)] == ["newest", "first"]
        assert [one.reason for one in past[-3:]] == ["acted", "changed", "first"]
        assert 100 <= len(past) - 3 <= 300

    async def test_what_json_cannot_hold_is_refused(self, store: Store) -> None:
        async with store.journal() as journal:
            with pytest.raises(JournalError, match="Decimal is not JSON serializable"):
                await journal.record(cycle(body={"ratio": Decimal(1)}), keep=False)
            assert await journal.recent("btc", 1) == ()

    async def test_nothing_is_written_once_it_is_closed(self, store: Store) -> None:
        async with store.journal() as journal:
            await journal.verify()
        await journal.close()
        for refused in (
            journal.reserve(order(1)),
            journal.open_intents(),
            journal.record(cycle(), keep=True),
        ):
            with pytest.raises(JournalError, match="closed"):
                await refused


class JournalConformance(StartConformance, OrderConformance, RecordConformance):
    """All of it."""
