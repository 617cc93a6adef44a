"""What a daemon that runs for months must not do: hold its own loop up, or grow. `make bench` prints it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.test_bench import MIB, Report, Times, daemon, exchange, report

__all__ = ["report"]

LONGEST_CALLBACK = 0.050
CYCLES = 100_000


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Seconds of this thread's own work in each callback of the loop: a busy machine does not count."""
    lengths: list[float] = []
    run = asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        started = time.thread_time()
        run(self)
        lengths.append(time.thread_time() - started)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    yield lengths
    monkeypatch.undo()


async def test_nothing_holds_the_loop_up(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first request on, through orders, with real sockets, ccxt and the journal."""
    with exchange(deposits=True) as other:
        async with daemon(other.url, tmp_path, Times()):
            with held(monkeypatch) as lengths:
                await asyncio.sleep(15)
    lengths.sort()
    longest, usual = lengths[-1] * 1000, lengths[len(lengths) * 999 // 1000] * 1000
    report(f"longest of {len(lengths)} callbacks: {longest:.1f} ms; 99.9 % within {usual:.1f} ms")
    assert longest < LONGEST_CALLBACK * 1000


def test_a_hundred_thousand_cycles_leave_nothing_behind(report: Report) -> None:
    """The first fifth fills what is kept: a day of orders, the charts' points, the exchange's own books."""
    command = [sys.executable, "-m", "tests.bench.many_cycles", str(CYCLES)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    held = [tuple(map(int, line.split())) for line in lines]
    (_, before, _, tasks), (_, after, _, tasks_after) = held[1], held[-1]
    report(f"from cycle {held[1][0]} to {held[-1][0]}: {(after - before) / MIB:+.2f} MiB resident")
    assert len(held) == 10
    assert after - before <= 2 * MIB
    assert tasks_after == tasks
