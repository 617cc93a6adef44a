"""Killed, torn, cut or flipped: a journal holds a prefix of what was written, or says that it is damaged."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from hedgebot.errors import JournalError
from tests.journal.script import Moment, moment_of, moments, steps
from tests.journal.support import contents, open_sqlite, place

SCRIPT = Path(__file__).with_name("script.py")
WRITES = 30


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


async def held_in(path: Path, *, verify: bool = True) -> Moment:
    """What a journal holds when opened again."""
    journal = await open_sqlite(path)
    try:
        if verify:
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


@pytest.mark.usefixtures("careless_disk")
class TestTorn:
    """The log cut or spoilt anywhere, as by a power failure on a disk that lies, leaves a prefix."""

    @pytest.fixture
    async def written(self, path: Path) -> AsyncIterator[list[bytes]]:
        """Database and log of a journal in use."""
        journal = await open_sqlite(path.with_name("whole.db"))
        for write, _ in islice(steps(), WRITES):
            await write(journal)
        yield contents(path.with_name("whole.db"))
        await journal.close()

    async def test_a_log_cut_short_leaves_a_prefix(self, path: Path, written: list[bytes]) -> None:
        database, log = written
        known, found = moments(WRITES), []
        for cut in range(0, len(log) + 1, 1499):
            place(path, database, log[:cut])
            found.append(known.index(await held_in(path)))
        assert found == sorted(found)
        assert found[0] == 0
        assert found[-1] > WRITES - 3

    async def test_a_log_with_a_flipped_byte_leaves_a_prefix(self, path: Path, written: list[bytes]) -> None:
        database, log = written
        known, rng = moments(WRITES), Random(1)
        found = set()
        for _ in range(60):
            place(path, database, flipped(log, rng))
            found.add(known.index(await held_in(path)))
        assert len(found) > 5


@pytest.mark.usefixtures("careless_disk")
class TestDamage:
    """A database cut or flipped anywhere is as it was or refused; no other content is ever believed."""

    @pytest.fixture
    async def written(self, path: Path) -> bytes:
        journal = await open_sqlite(path)
        for write, _ in islice(steps(), WRITES):
            await write(journal)
        await journal.close()
        return contents(path)[0]

    async def test_a_database_cut_short_is_refused(self, path: Path, written: bytes) -> None:
        for cut in [1, 16, 99, 100, *range(1000, len(written), 1777), len(written) - 1]:
            place(path, written[:cut])
            with pytest.raises(JournalError):
                await held_in(path)

    async def test_no_flipped_byte_is_believed(self, path: Path, written: bytes) -> None:
        rng, whole, refused = Random(2), moments(WRITES)[-1], 0
        for _ in range(250):
            place(path, flipped(written, rng))
            try:
                assert await held_in(path, verify=False) == whole
            except JournalError:
                refused += 1
        assert refused > 50


def flipped(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


class TestSpace:
    pytestmark = pytest.mark.slow

    @pytest.mark.parametrize("ration", [1000, 10_000])
    def test_files_that_cannot_grow_refuse_writes_until_they_can(
        self, path: Path, root: Path, ration: int
    ) -> None:
        with writing(path, root, "--ration", str(ration)) as process:
            (refused,) = lines(process)
        assert refused > 0
