"""Killed, or out of space: a journal holds what was promised. ``test_torn`` has what a bad disk does."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.journal.script import Moment, moment_of, moments
from tests.journal.support import open_sqlite

SCRIPT = Path(__file__).with_name("script.py")


@contextmanager
def writing(path: Path, root: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The script at work in a process of its own, killed at the end."""
    command = [sys.executable, str(SCRIPT), str(path), *options]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str]) -> Iterator[int]:
    assert process.stdout
    return map(int, process.stdout)


async def held_in(path: Path) -> Moment:
    """What a journal holds when opened again."""
    journal = await open_sqlite(path)
    try:
        await journal.verify()
        return await moment_of(journal)
    finally:
        await journal.close()


class TestKill:
    """``kill -9`` loses nothing that was promised; at most the write under way is there as well."""

    pytestmark = pytest.mark.slow

    @pytest.mark.parametrize("seed", range(8))
    async def test_every_write_that_returned_is_there(self, path: Path, root: Path, seed: int) -> None:
        done = kill_after(path, root, Random(seed).randrange(1, 60))
        held = await held_in(path)
        assert held in moments(done + 1)[done:]

    @pytest.mark.parametrize("delay", [0, 0.001, 0.004])
    async def test_a_journal_killed_in_the_making_can_be_made(
        self, path: Path, root: Path, delay: float
    ) -> None:
        done = kill_in_the_making(path, root, delay)
        assert await held_in(path) in moments(done + 1)[done:]


def kill_after(path: Path, root: Path, count: int) -> int:
    """Kill a writer after it said ``count``; return the last that it said."""
    with writing(path, root) as process:
        said = lines(process)
        for done in said:
            if done == count:
                process.kill()
                break
        return max(said, default=count)


def kill_in_the_making(path: Path, root: Path, delay: float) -> int:
    """Kill a writer about as soon as its file is there; return the last that it said, mostly nothing."""
    with writing(path, root) as process:
        while not path.exists():
            assert process.poll() is None
        time.sleep(delay)
        process.kill()
        return max(lines(process), default=0)


class TestSpace:
    pytestmark = pytest.mark.slow

    @pytest.mark.parametrize("ration", [1000, 10_000])
    def test_files_that_cannot_grow_refuse_writes_until_they_can(
        self, path: Path, root: Path, ration: int
    ) -> None:
        with writing(path, root, "--ration", str(ration)) as process:
            (refused,) = lines(process)
        assert refused > 0
