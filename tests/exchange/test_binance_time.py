"""Binance's replies do not tell its time: it is asked for, carried on by the monotonic clock, and doubted."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from hedgebot.domain.account import Needs
from hedgebot.domain.orders import Fate
from hedgebot.errors import ReadError
from hedgebot.sim.faults import Fault
from tests.exchange.kit import BINANCE, Bench, play

ASKED = "GET /dapi/v1/time"
HOUR = 3600


def scene(act: Any, **setup: Any) -> None:
    play(act, BINANCE, **setup)


def signed(bench: Bench) -> list[web.BaseRequest]:
    return [request for request in bench.seen if "signature" in request.query]


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
def test_a_wall_clock_that_is_hours_wrong_is_no_obstacle(hours: int) -> None:
    async def act(bench: Bench) -> None:
        bench.exchange.truth.clock = _Ahead(bench.clock, hours * HOUR * 1000)
        bench.clock.step(-hours * HOUR)
        reading = await bench.read()
        assert abs(reading.exchange_offset_ms - hours * HOUR * 1000) < 100
        assert (await bench.account.place(bench.order(-1_000))).fate is Fate.ACCEPTED

    scene(act)


@pytest.mark.parametrize("seconds", [-3_600, -2, 2, 3_600])
def test_a_step_of_our_wall_clock_changes_no_time_stamp(seconds: float) -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        asked = bench.arrived[ASKED]
        bench.exchange.truth.clock = _Ahead(bench.clock, round(-seconds * 1000))
        bench.clock.step(seconds)
        reading = await bench.read()
        assert abs(reading.exchange_offset_ms + seconds * 1000) < 100
        assert bench.arrived[ASKED] == asked

    scene(act)


def test_it_is_asked_for_before_anything_is_signed_and_then_once_a_minute() -> None:
    async def act(bench: Bench) -> None:
        for _ in range(61):
            await bench.read()
            await bench.clock.sleep(5 - bench.clock.monotonic() % 5)
        assert 5 <= bench.arrived[ASKED] <= 6
        first = [request.path for request in bench.seen].index("/dapi/v1/time")
        assert bench.seen.index(signed(bench)[0]) > first

    scene(act)


def test_a_request_outside_its_window_has_the_time_asked_for_anew() -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        bench.exchange.truth.clock = _Ahead(bench.clock, 60_000)
        with pytest.raises(ReadError, match="-1021"):
            await bench.read()
        assert (await bench.read()).wallets

    scene(act)


@pytest.mark.parametrize(("settle_after", "window"), [(1, 500), (10, 5_000), (30, 15_000), (3600, 20_000)])
def test_the_window_in_which_an_order_is_taken_comes_from_settle_after(
    settle_after: float, window: int
) -> None:
    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-1_000))
        [placed] = [request for request in bench.seen if request.method == "POST"]
        assert isinstance(placed, web.Request)
        sent = parse_qs((await placed.read()).decode())
        assert sent["recvWindow"] == [str(window)]

    scene(act, settle_after_s=settle_after)


def test_an_order_that_arrives_after_its_window_is_refused() -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        order = bench.order(-1_000)
        assert (await bench.account.place(order)).fate is Fate.UNKNOWN
        await bench.clock.sleep(30)
        assert bench.effective == 0

    scene(act, settle_after_s=10, plan=[Fault("late_arrival", method="POST", seconds=6)])


def test_each_api_has_its_own_time() -> None:
    async def act(bench: Bench) -> None:
        await bench.account.read(Needs(frozenset(), frozenset({"BTC"})))
        assert (bench.arrived["GET /api/v3/time"], bench.arrived[ASKED]) == (1, 0)

    scene(act)


class _Ahead:
    """The exchange's clock, a fixed time ahead of ours (behind, if negative)."""

    def __init__(self, clock: Any, ms: int) -> None:
        self._clock = clock
        self._ms = ms

    def now_ms(self) -> Any:
        return self._clock.now_ms() + self._ms

    def monotonic(self) -> float:
        return float(self._clock.monotonic())

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
