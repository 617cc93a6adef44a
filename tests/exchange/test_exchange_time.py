"""The exchange's time is its own: our wall clock may step, a reply may lie, requests stay in their window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Millis
from hedgebot.exchange.exchange_time import ExchangeTime
from hedgebot.ports import Clock
from tests.exchange.kit import Bench, play

AHEAD_MS = 7_000


class HandClock:
    """Its wall clock and its monotonic clock are moved apart by hand."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000_000
        self.seconds = 100.0

    def now_ms(self) -> Millis:
        return Millis(self.wall)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += round(seconds * 1000)

    @property
    def truth(self) -> int:
        """What the exchange's clock shows."""
        return 1_700_000_000_000 + AHEAD_MS + round((self.seconds - 100) * 1000)


def exchanged(time: ExchangeTime, clock: HandClock, there: float = 0.02, back: float = 0.03) -> None:
    """One request and its reply."""
    sent = clock.seconds
    clock.seconds += there
    stamped = clock.truth
    clock.seconds += back
    time.observe(Millis(stamped), sent, clock.seconds)


def test_before_any_reply_it_is_our_own() -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    assert (time.now_ms(), time.offset_ms()) == (clock.wall, 0)


def test_it_is_never_ahead_and_behind_by_the_way_back_at_most() -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    exchanged(time, clock)
    assert clock.truth - 31 <= time.now_ms() <= clock.truth


def test_a_quicker_reply_makes_it_better_and_a_slower_one_no_worse() -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    exchanged(time, clock, back=0.5)
    exchanged(time, clock, back=0.01)
    exchanged(time, clock, back=2.0)
    clock.seconds += 60
    assert clock.truth - 11 <= time.now_ms() <= clock.truth


def test_the_offset_is_theirs_less_ours() -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    exchanged(time, clock, 0.02, 0.02)
    clock.wall += 40
    assert abs(time.offset_ms() - AHEAD_MS) <= 20


def test_a_step_of_our_wall_clock_changes_the_offset_and_nothing_else() -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    exchanged(time, clock)
    before = time.now_ms()
    clock.wall -= 3_600_000
    assert time.now_ms() == before
    assert time.offset_ms() > 3_600_000


@pytest.mark.parametrize("lie", [-86_400_000, 86_400_000])
def test_a_wrong_time_in_one_reply_lasts_until_the_next(lie: int) -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    exchanged(time, clock)
    time.observe(Millis(clock.truth + lie), clock.seconds, clock.seconds + 0.01)
    clock.seconds += 0.01
    assert abs(time.now_ms() - clock.truth) > 80_000_000
    exchanged(time, clock)
    assert clock.truth - 32 <= time.now_ms() <= clock.truth


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=20))
def test_however_slow_the_replies_it_is_never_ahead(ways: list[tuple[float, float]]) -> None:
    clock = HandClock()
    time = ExchangeTime(clock)
    for there, back in ways:
        exchanged(time, clock, there, back)
        assert time.now_ms() <= clock.truth + 1


class TestRequests:
    @pytest.mark.parametrize("step", [-86_400, -60, 60, 86_400])
    def test_stay_in_their_window_when_our_wall_clock_steps(self, step: float) -> None:
        """In the window of the shortest settle_after, half a second."""

        async def act(bench: Bench) -> None:
            await bench.read()
            exchange_clock = bench.exchange.truth.clock
            bench.exchange.truth.clock = _Ahead(exchange_clock, -step)
            bench.clock.step(step)
            await bench.read()
            assert (await bench.account.place(bench.order(-1_000))).fate is Fate.ACCEPTED

        play(act, settle_after_s=1.0)

    def test_are_right_from_the_first_on_even_if_our_clock_is_an_hour_off(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.truth.clock = _Ahead(bench.clock, 3_600)
            reading = await bench.read()
            assert abs(reading.exchange_offset_ms - 3_600_000) <= 11
            assert {outcome for _, outcome, _ in bench.metrics} == {"ok"}

        play(act, settle_after_s=1.0)

    @pytest.mark.parametrize(("settle_after", "window"), [(1, 500), (10, 5_000), (30, 15_000), (600, 20_000)])
    def test_may_arrive_within_half_of_settle_after(self, settle_after: float, window: int) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            windows = {r.headers["X-BAPI-RECV-WINDOW"] for r in bench.seen if "X-BAPI-SIGN" in r.headers}
            assert windows == {str(window)}

        play(act, settle_after_s=settle_after)


class _Ahead:
    """A clock that shows another time than ours."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._ms = round(seconds * 1000)

    def now_ms(self) -> Millis:
        return Millis(self._clock.now_ms() + self._ms)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
