"""A small journal harmed at every byte of its files: it is never opened as another one.

``python -m tests.journal.torn`` tries each byte of the database and of its log; the tests take one in many.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

from hedgebot.errors import JournalError
from hedgebot.journal import database
from tests.journal.script import Moment, moment_of, moments, steps
from tests.journal.support import InlineLoop, contents, open_sqlite, place

WRITES = 8
"""One order through all its stages, a record, a command, and the next order."""

SECTOR = 512
"""Bytes that a disk writes at once or not at all."""

REFUSED = -1

Harm = Callable[[bytes, int], bytes]
"""A file's content with something done to it at a place."""


def cut(data: bytes, at: int) -> bytes:
    """Nothing from there on was written."""
    return data[:at]


def blanked(data: bytes, at: int) -> bytes:
    """The sector that begins there was not written."""
    return data[:at] + bytes(len(data[at : at + SECTOR])) + data[at + SECTOR :]


def flipped(data: bytes, at: int) -> bytes:
    """One bit of that byte, always the same."""
    return data[:at] + bytes([data[at] ^ (1 << Random(at).randrange(8))]) + data[at + 1 :]


HARMS: tuple[Harm, ...] = (cut, blanked, flipped)


@dataclass(frozen=True)
class Files:
    """A database, and its log while it is in use."""

    main: bytes
    log: bytes = b""


class Bench:
    """Opens journals one after the other in one folder; ``wrong`` tells of those that must not be."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hedgebot.db"
        self._runner = asyncio.Runner(loop_factory=InlineLoop)
        self._known = moments(WRITES)
        self.wrong: list[str] = []

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()

    def written(self, writes: int = WRITES) -> tuple[Files, Files]:
        """The same journal in use, and closed."""
        place(self._path, b"")
        return self._runner.run(self._write(writes))

    async def _write(self, writes: int) -> tuple[Files, Files]:
        journal = await open_sqlite(self._path)
        for write, _ in islice(steps(), writes):
            await write(journal)
        used = Files(*contents(self._path))
        await journal.close()
        return used, Files(contents(self._path)[0])

    def holds(self, files: Files) -> int:
        """How many of the writes a journal in these files holds; ``REFUSED`` with a sentence that helps.

        Raises ``AssertionError`` for anything else.
        """
        place(self._path, files.main, files.log)
        try:
            moment = self._runner.run(self._open())
        except JournalError as refused:
            if not refused.next_step:
                raise AssertionError(f"refused without a next step: {refused}") from refused
            return REFUSED
        assert moment in self._known, "it holds what was never written"
        return self._known.index(moment)

    async def _open(self) -> Moment:
        journal = await open_sqlite(self._path)
        try:
            return await moment_of(journal)
        finally:
            await journal.close()

    def log_harmed(self, files: Files, harm: Harm, at: Iterable[int]) -> list[int]:
        """How many writes are left for each place in the log: of those after it, any may be lost."""
        name = f"log {harm.__name__} at byte"
        return [self._judged(replace(files, log=harm(files.log, n)), 0, f"{name} {n}") for n in at]

    def main_harmed(self, files: Files, harm: Harm, at: Iterable[int]) -> list[int]:
        """The same for the database, of which nothing may be lost unsaid."""
        name = f"database {harm.__name__} at byte"
        return [self._judged(replace(files, main=harm(files.main, n)), WRITES, f"{name} {n}") for n in at]

    def _judged(self, files: Files, least: int, name: str) -> int:
        try:
            held = self.holds(files)
            assert held == REFUSED or held >= least, f"{held} of {least} writes are left, and nothing is said"
        except AssertionError as wrong:
            self.wrong.append(f"{name}: {wrong}")
            return REFUSED
        return held


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.journal.torn", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--every", type=int, default=1, help="one byte in so many (default: %(default)s)")
    step = parser.parse_args().every
    told = {}
    for level in ("SYNCED", "NOTED"):  # nobody pulls the plug here: the harm is done to copies
        setattr(database, level, "PRAGMA synchronous = OFF")
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        used, closed = bench.written()
        for harm in HARMS:
            for name, found in (
                ("log", bench.log_harmed(used, harm, range(0, len(used.log), step))),
                ("database in use", bench.main_harmed(used, harm, range(1, len(used.main), step))),
                ("database closed", bench.main_harmed(closed, harm, range(1, len(closed.main), step))),
            ):
                held = Counter(found)
                told[f"{name}, {harm.__name__}"] = {
                    "tried": len(found),
                    "refused": held[REFUSED],
                    "whole": held[WRITES],
                }
    summary = {"harms": told, "violations": len(bench.wrong), "shown": bench.wrong[:20]}
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
