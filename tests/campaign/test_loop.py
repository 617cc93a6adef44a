"""Processes in virtual time: frozen ones do nothing, others go on; each step is counted, in order."""

import asyncio

from tests.campaign.loop import Process, apart, live


async def ticking(ticks: list[float]) -> None:
    while True:
        await asyncio.sleep(1)
        ticks.append(asyncio.get_running_loop().time())


def test_a_frozen_process_does_nothing_and_time_passes_for_others() -> None:
    async def main() -> tuple[list[float], list[float]]:
        mine, others, process = list[float](), list[float](), Process()
        process.start(ticking(mine))
        apart(ticking(others))
        await asyncio.sleep(2.5)
        process.freeze()
        await asyncio.sleep(3)
        process.thaw()
        await asyncio.sleep(2)
        return mine, others

    mine, others = live(main)
    assert mine == [1, 2, 5.5, 6.5, 7.5]
    assert others == [1, 2, 3, 4, 5, 6, 7]


def test_what_a_process_starts_belongs_to_it() -> None:
    async def main() -> list[float]:
        ticks, process = list[float](), Process()

        async def parent() -> None:
            await asyncio.create_task(ticking(ticks))

        process.start(parent())
        await asyncio.sleep(1.5)
        process.freeze()
        await asyncio.sleep(5)
        frozen = ticks.copy()
        process.thaw()
        return frozen

    assert live(main) == [1]


def test_a_time_out_waits_with_its_process() -> None:
    async def main() -> float:
        ended, process = asyncio.get_running_loop().create_future(), Process()

        async def wait() -> None:
            try:
                async with asyncio.timeout(2):
                    await asyncio.Event().wait()
            except TimeoutError:
                ended.set_result(asyncio.get_running_loop().time())

        process.start(wait())
        await asyncio.sleep(1)
        process.freeze()
        await asyncio.sleep(9)
        process.thaw()
        seconds: float = await ended
        return seconds

    assert live(main) == 10


def test_steps_are_counted_and_told_before_they_run() -> None:
    async def main() -> tuple[int, list[int], list[float]]:
        told, ticks, process = list[int](), list[float](), Process()
        process.on_step = lambda step: told.append(step * 10 + len(ticks))
        process.start(ticking(ticks))
        await asyncio.sleep(2.5)
        return process.steps, told.copy(), ticks.copy()

    steps, told, ticks = live(main)
    assert ticks == [1, 2]
    assert [each // 10 for each in told] == list(range(1, steps + 1))
    assert told[-1] % 10 == 1, "the last step told is the one that made the second tick"
