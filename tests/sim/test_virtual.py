"""Virtual time: instant, exact, deterministic, and loud when the program under it is stuck."""

import asyncio
import signal
import threading

import pytest

from hedgebot.sim import virtual
from hedgebot.sim.virtual import EPOCH_MS, DeadlockError, VirtualClock, VirtualLoop, run

DAY = 86_400.0


class TestTime:
    def test_a_day_of_five_second_timers_takes_two_turns_of_the_loop_for_each(
        self, turns: list[None]
    ) -> None:
        async def tick(clock: VirtualClock) -> int:
            ticks = 0
            while clock.monotonic() < DAY:
                await clock.sleep(5)
                ticks += 1
            return ticks

        assert run(tick) == DAY / 5
        assert len(turns) <= 2 * DAY / 5 + 10

    def test_starts_at_zero_and_moves_only_by_waiting(self) -> None:
        async def main(clock: VirtualClock) -> list[float]:
            seen = [clock.monotonic()]
            for _ in range(3):
                await asyncio.sleep(0)
            seen.append(clock.monotonic())
            await clock.sleep(2.5)
            return [*seen, clock.monotonic()]

        assert run(main) == [0.0, 0.0, 2.5]

    def test_short_timers_still_fire_after_thirty_years(self) -> None:
        async def main(clock: VirtualClock) -> float:
            for _ in range(30):
                await clock.sleep(365 * DAY)
            start = clock.monotonic()
            for _ in range(100):
                await clock.sleep(0.01)
            return clock.monotonic() - start

        assert run(main) == pytest.approx(1.0, abs=1e-4)

    def test_timers_fire_in_the_order_of_their_instants(self) -> None:
        async def main(clock: VirtualClock) -> list[float]:
            order: list[float] = []

            async def fire(seconds: float) -> None:
                await clock.sleep(seconds)
                order.append(clock.monotonic())

            await asyncio.gather(*(fire(seconds) for seconds in (3.0, 0.1, 7.0, 0.2)))
            return order

        assert run(main) == [0.1, 0.2, 3.0, 7.0]

    def test_deadlines_of_asyncio_are_virtual_too(self) -> None:
        async def main(clock: VirtualClock) -> float:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(3600):
                    await asyncio.Event().wait()
            return clock.monotonic()

        assert run(main) == 3600


class TestClock:
    def test_wall_time_follows_the_loop_from_its_epoch(self) -> None:
        async def main(clock: VirtualClock) -> tuple[int, int]:
            before = clock.now_ms()
            await clock.sleep(1.25)
            return before, clock.now_ms()

        assert run(main) == (EPOCH_MS, EPOCH_MS + 1250)
        assert run(main, epoch_ms=1000) == (1000, 2250)

    @pytest.mark.parametrize("seconds", [60.0, -60.0, -DAY])
    def test_a_step_moves_the_wall_clock_alone(self, seconds: float) -> None:
        async def main(clock: VirtualClock) -> tuple[int, float]:
            await clock.sleep(10)
            clock.step(seconds)
            return clock.now_ms() - EPOCH_MS, clock.monotonic()

        assert run(main) == (10_000 + seconds * 1000, 10.0)


class TestLiveness:
    def test_waiting_for_nothing_is_a_deadlock_that_names_the_place(self) -> None:
        async def forgotten() -> None:
            await asyncio.Event().wait()

        async def main(clock: VirtualClock) -> None:
            await clock.sleep(7)
            await asyncio.create_task(forgotten(), name="reader")

        with pytest.raises(
            DeadlockError, match=r"no timer is set at 7\.0+ s; .*reader at .*test_virtual\.py:\d+"
        ):
            run(main)

    def test_turning_for_ever_in_one_instant_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(virtual, "TURNS_PER_INSTANT", 100)

        async def spin(_: VirtualClock) -> None:
            for _turn in range(10**6):
                await asyncio.sleep(0)

        with pytest.raises(DeadlockError, match="turned 100 times without time passing"):
            run(spin)


class TestRun:
    def test_returns_what_main_returns_and_raises_what_it_raises(self) -> None:
        async def main() -> int:
            return 42

        async def fail(_: VirtualClock) -> None:
            raise LookupError("as it is")

        assert run(main()) == 42
        with pytest.raises(LookupError, match="as it is"):
            run(fail)

    def test_cancels_what_main_left_behind_in_the_order_it_was_started(self) -> None:
        ended: list[int] = []

        async def background(number: int) -> None:
            try:
                await asyncio.sleep(DAY)
            finally:
                ended.append(number)

        async def main(clock: VirtualClock) -> list[asyncio.Task[None]]:
            await asyncio.gather(
                *(clock.sleep(0) for _ in range(110))
            )  # later numbers wrap round a set's table
            tasks = [asyncio.create_task(background(number)) for number in range(20)]
            await clock.sleep(1)
            return tasks

        assert all(task.cancelled() for task in run(main))
        assert ended == list(range(20))

    def test_leaves_no_loop_behind(self) -> None:
        loops: list[asyncio.AbstractEventLoop] = []

        async def main(_: VirtualClock) -> None:
            loops.append(asyncio.get_running_loop())

        run(main)
        assert loops[0].is_closed()
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()

    def test_sets_of_tasks_iterate_in_the_order_of_creation(self) -> None:
        async def main(_: VirtualClock) -> list[str]:
            tasks = {asyncio.create_task(asyncio.sleep(1), name=str(number)) for number in range(50)}
            done, _pending = await asyncio.wait(tasks)
            return [task.get_name() for task in done]

        assert run(main) == [str(number) for number in range(50)]


class TestTheWorldOutside:
    def test_work_for_a_thread_is_done_at_once_in_this_one(self) -> None:
        async def main(clock: VirtualClock) -> tuple[bool, int, float]:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(None, threading.get_ident)
            return future.done(), await asyncio.to_thread(threading.get_ident), clock.monotonic()

        assert run(main) == (True, threading.get_ident(), 0.0)

    def test_work_for_a_thread_fails_where_it_is_awaited(self) -> None:
        async def main(_: VirtualClock) -> None:
            future = asyncio.get_running_loop().run_in_executor(None, int, "x")
            with pytest.raises(ValueError, match="invalid literal"):
                await future

        run(main)

    def test_waking_the_loop_from_elsewhere_is_harmless(self) -> None:
        async def main(clock: VirtualClock) -> int:
            calls: list[int] = []
            loop = asyncio.get_running_loop()
            for _ in range(10_000):
                loop.call_soon_threadsafe(calls.append, 1)
            await clock.sleep(1)
            return len(calls)

        assert run(main) == 10_000

    def test_signals_reach_the_simulated_process_only(self) -> None:
        before = signal.getsignal(signal.SIGTERM)

        async def main(_: VirtualClock) -> str:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            received: asyncio.Future[str] = loop.create_future()
            loop.add_signal_handler(signal.SIGTERM, received.set_result, "stop")
            assert signal.getsignal(signal.SIGTERM) is before
            loop.deliver(signal.SIGTERM)
            answer = await received
            assert loop.remove_signal_handler(signal.SIGTERM)
            assert not loop.remove_signal_handler(signal.SIGTERM)
            return answer

        assert run(main) == "stop"

    def test_there_is_no_way_to_a_real_network(self) -> None:
        async def main(_: VirtualClock) -> None:
            with pytest.raises(NotImplementedError, match="has no network"):
                await asyncio.open_connection("example.test", 443)

        run(main)
