"""The rate limiter: what it bounds, who goes first, and what a cancelled wait leaves behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.units import Millis
from hedgebot.exchange.limiter import Priority, TokenBucket
from hedgebot.sim.virtual import VirtualClock, run

READ, ORDER, EMERGENCY = Priority.READ, Priority.ORDER, Priority.EMERGENCY


@dataclass(frozen=True)
class Ask:
    """A request for tokens at a second of virtual time, given up at a later one."""

    name: str
    at: float = 0
    priority: Priority = READ
    cost: float = 1
    gives_up_at: float = float("inf")


def play(
    asks: Sequence[Ask],
    *,
    capacity: float = 10,
    rate: float = 1,
    reserve: float = 0.3,
    holds: Sequence[tuple[float, float]] = (),
) -> dict[str, float]:
    """Put the requests to a full bucket; the second at which each passed, in the order in which they passed.

    ``holds`` are pairs: at this second, the exchange asks for silence until that one.
    """
    passed: dict[str, float] = {}

    async def main(clock: VirtualClock) -> None:
        bucket = TokenBucket(clock, capacity=capacity, rate=rate, reserve=reserve)

        async def put(ask: Ask) -> None:
            await asyncio.sleep(ask.at)
            async with asyncio.timeout_at(ask.gives_up_at):
                await bucket.acquire(ask.cost, ask.priority)
                passed[ask.name] = clock.monotonic()

        async def hold(at: float, until: float) -> None:
            await asyncio.sleep(at)
            bucket.hold(until)

        await asyncio.gather(*(hold(*pair) for pair in holds), *map(put, asks), return_exceptions=True)
        assert bucket.waiting == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a timer is left though nobody waits"

    run(main)
    return passed


def emptied(by: str = "burst", *, of: float = 10) -> Ask:
    """A first request that takes the whole bucket."""
    return Ask(by, priority=EMERGENCY, cost=of)


class TestRate:
    def test_a_full_bucket_lets_a_burst_through_at_once(self) -> None:
        assert set(play([Ask(f"order {n}", priority=ORDER) for n in range(10)]).values()) == {0}

    def test_who_need_not_wait_spends_at_once_and_who_must_spends_nothing(self) -> None:
        async def main(clock: VirtualClock) -> None:
            bucket = TokenBucket(clock, capacity=10, rate=1)
            assert [bucket.spend(cost) for cost in (5, 3, 2)] == [True, False, True]
            assert bucket.tokens == 3
            assert bucket.spend(1, ORDER)
            bucket.hold(5)
            assert not bucket.spend(1, EMERGENCY)

        run(main)

    def test_who_comes_later_does_not_spend_before_who_waits(self) -> None:
        async def main(clock: VirtualClock) -> None:
            bucket = TokenBucket(clock, capacity=10, rate=1)
            assert bucket.spend(5)
            waits = asyncio.create_task(bucket.acquire(3))
            await asyncio.sleep(0)
            assert not bucket.spend(1)
            await waits

        run(main)

    def test_beyond_the_burst_requests_pass_at_the_rate(self) -> None:
        passed = play([emptied(), *(Ask(f"{n}", priority=ORDER) for n in range(1, 6))], rate=2)
        assert [passed[f"{n}"] for n in range(1, 6)] == pytest.approx([0.5, 1, 1.5, 2, 2.5], abs=1e-3)

    @pytest.mark.parametrize(("idle", "burst"), [(4, 4), (10, 10), (1000, 10)])
    def test_an_idle_spell_is_credit_up_to_the_capacity(self, idle: float, burst: int) -> None:
        passed = play([emptied(), *(Ask(f"{n}", at=idle, priority=ORDER) for n in range(12))])
        assert sum(second == idle for second in passed.values()) == burst

    def test_a_dear_request_waits_for_all_its_tokens(self) -> None:
        assert play([emptied(), Ask("dear", priority=ORDER, cost=7.5)])["dear"] == pytest.approx(
            7.5, abs=1e-3
        )

    @pytest.mark.parametrize(
        ("cost", "priority", "allowed"),
        [
            (10, ORDER, "up to 10"),
            (10.5, ORDER, None),
            (7, READ, "up to 7"),
            (7.5, READ, None),
            (0, READ, None),
        ],
    )
    def test_a_cost_that_can_never_be_paid_is_refused(
        self, cost: float, priority: Priority, allowed: str | None
    ) -> None:
        async def main(clock: VirtualClock) -> None:
            await TokenBucket(clock, capacity=10, rate=1, reserve=0.3).acquire(cost, priority)

        if allowed:
            run(main)
        else:
            with pytest.raises(ValueError, match=f"may cost up to {10 if priority is ORDER else 7} tokens"):
                run(main)

    @pytest.mark.parametrize(("capacity", "rate", "reserve"), [(0, 1, 0), (1, 0, 0), (1, 1, 1), (1, 1, -0.1)])
    def test_an_impossible_bucket_is_refused(self, capacity: float, rate: float, reserve: float) -> None:
        with pytest.raises(ValueError, match="a bucket needs"):
            play([], capacity=capacity, rate=rate, reserve=reserve)

    @given(
        asks=st.lists(
            st.builds(
                Ask,
                name=st.uuids().map(str),
                at=st.floats(0, 20),
                priority=st.sampled_from(Priority),
                cost=st.floats(0.1, 7),
                gives_up_at=st.just(float("inf")) | st.floats(0, 30),
            ),
            max_size=40,
            unique_by=lambda ask: ask.name,
        ),
        rate=st.floats(0.1, 50),
        holds=st.lists(st.tuples(st.floats(0, 20), st.floats(0, 30)), max_size=3),
    )
    def test_no_window_ever_spends_more_than_capacity_and_refill(
        self, asks: list[Ask], rate: float, holds: list[tuple[float, float]]
    ) -> None:
        passed = play(asks, rate=rate, holds=holds)
        cost = {ask.name: ask.cost for ask in asks}
        spent = [(second, cost[name]) for name, second in passed.items()]
        for first, (start, _) in enumerate(spent):
            total = 0.0
            for second, tokens in spent[first:]:
                total += tokens
                assert total <= 10 + rate * (second - start) + 1e-6

    @given(st.lists(st.sampled_from(Priority), max_size=30))
    def test_everybody_who_does_not_give_up_passes(self, priorities: list[Priority]) -> None:
        asks = [Ask(f"{n}", priority=priority) for n, priority in enumerate(priorities)]
        assert play(asks, capacity=2, rate=3).keys() == {ask.name for ask in asks}


class TestPriority:
    def test_within_a_priority_who_asked_first_goes_first(self) -> None:
        asks = [Ask(f"{n}", cost=cost) for n, cost in enumerate([5, 1, 6, 1, 1, 3, 7])]
        assert list(play([emptied(), *asks])) == ["burst", "0", "1", "2", "3", "4", "5", "6"]

    def test_emergencies_pass_orders_and_orders_pass_reads(self) -> None:
        asks = [
            Ask("read"),
            Ask("order", at=0.1, priority=ORDER),
            Ask("emergency", at=0.2, priority=EMERGENCY),
        ]
        assert list(play([emptied(), *asks])) == ["burst", "emergency", "order", "read"]

    def test_an_order_passes_at_once_while_a_hundred_reads_queue(self) -> None:
        passed = play([*(Ask(f"{n}") for n in range(100)), Ask("order", at=5.5, priority=ORDER)])
        assert passed["order"] == 5.5
        assert passed["99"] > 90

    def test_reads_leave_the_reserve_to_orders(self) -> None:
        passed = play([*(Ask(f"{n}") for n in range(10)), *(Ask(f"o{n}", priority=ORDER) for n in range(3))])
        assert sum(second == 0 for second in passed.values()) == 7 + 3
        assert {passed["o0"], passed["o1"], passed["o2"]} == {0}

    def test_a_read_does_not_slip_past_an_order_that_waits_for_more_tokens(self) -> None:
        passed = play(
            [Ask("first", priority=ORDER, cost=2), Ask("big", priority=ORDER, cost=10), Ask("read")]
        )
        assert list(passed) == ["first", "big", "read"]

    def test_an_order_that_arrives_while_a_read_waits_has_its_own_timer(self) -> None:
        passed = play([emptied(), Ask("read", cost=7), Ask("order", at=0.2, priority=ORDER)])
        assert passed["order"] == pytest.approx(1, abs=1e-3)
        assert passed["read"] == pytest.approx(11, abs=1e-3)


class TestHold:
    @pytest.mark.parametrize("priority", Priority)
    def test_nobody_passes_before_the_end_of_a_ban(self, priority: Priority) -> None:
        passed = play([Ask("late", at=1, priority=priority)], holds=[(0.5, 60)])
        assert passed["late"] == pytest.approx(60, abs=1e-3)

    def test_a_ban_also_stops_those_who_already_wait(self) -> None:
        passed = play([emptied(), Ask("waiting", priority=ORDER)], holds=[(0.5, 30)])
        assert passed["waiting"] == pytest.approx(30, abs=1e-3)

    def test_a_shorter_hold_does_not_end_a_longer_one(self) -> None:
        passed = play([Ask("late", at=2, priority=ORDER)], holds=[(0, 60), (1, 3)])
        assert passed["late"] == pytest.approx(60, abs=1e-3)


class TestCancelling:
    def test_a_cancelled_wait_spends_nothing_and_the_next_passes_sooner(self) -> None:
        asks = [Ask("gone", priority=ORDER, cost=8, gives_up_at=2), Ask("next", priority=ORDER)]
        passed = play([emptied(), *asks])
        assert "gone" not in passed
        assert passed["next"] == 2

    def test_one_who_gives_up_in_the_middle_of_the_queue_costs_the_others_nothing(self) -> None:
        asks = [
            Ask("a", priority=ORDER),
            Ask("gone", priority=ORDER, cost=5, gives_up_at=0.5),
            Ask("b", priority=ORDER),
        ]
        passed = play([emptied(), *asks])
        assert passed["b"] == pytest.approx(2, abs=1e-3)

    async def test_cancelled_in_the_turn_of_its_grant_it_hands_the_tokens_back(self) -> None:
        clock = HandClock()
        bucket = TokenBucket(clock, capacity=10, rate=1)
        await bucket.acquire(10, EMERGENCY)
        waiting = asyncio.create_task(bucket.acquire(1, ORDER))
        await asyncio.sleep(0)
        clock.now = 3
        await bucket.acquire(1, ORDER)  # grants both, in one turn of the loop
        assert bucket.tokens == 1
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert bucket.tokens == 2

    async def test_a_request_in_the_same_turn_as_a_cancellation_ahead_of_it_passes(self) -> None:
        clock = HandClock()
        bucket = TokenBucket(clock, capacity=10, rate=1)
        await bucket.acquire(10, EMERGENCY)
        waiting = asyncio.create_task(bucket.acquire(5, ORDER))
        await asyncio.sleep(0)
        clock.now = 5
        waiting.cancel()
        await bucket.acquire(5, ORDER)
        assert bucket.tokens == 0


class HandClock:
    """A clock that the test moves by hand; its sleepers never wake."""

    now = 0.0

    def now_ms(self) -> Millis:
        return Millis(round(self.now * 1000))

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.get_running_loop().create_future()
