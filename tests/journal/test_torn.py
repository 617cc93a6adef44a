"""Cut, spoilt or half written at any byte, a journal is what was written or refused.

A log may lose its last writes, as in a power failure on a disk that lies: what is left is a prefix.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journal.torn import REFUSED, SECTOR, WRITES, Bench, Files, blanked, cut, flipped

HEADER, FRAME = 32, 24 + 4096
"""Bytes of a log's own header, and of each page in it with its header (sqlite.org/fileformat.html)."""

PAGE = 4096


@pytest.fixture
def bench(tmp_path: Path, careless_disk: None) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made
        assert made.wrong == []


@pytest.fixture
def used(bench: Bench) -> Files:
    """A journal in use: much of it is in the log alone."""
    return bench.written()[0]


@pytest.fixture
def closed(bench: Bench) -> Files:
    return bench.written()[1]


def spread(data: bytes, step: int, *, edges: range = range(0)) -> list[int]:
    """Places in a file: each byte of its header, one in so many of all, and those about each edge."""
    about = {near for edge in edges for near in (edge - 1, edge, edge + 1)}
    return sorted({*range(1, 100), *range(step, len(data), step), *about})


class TestLog:
    def test_cut_anywhere_it_leaves_a_prefix_that_grows_with_it(self, bench: Bench, used: Files) -> None:
        edges = range(HEADER, len(used.log), FRAME)
        found = bench.log_harmed(used, cut, [0, *spread(used.log, SECTOR, edges=edges), len(used.log)])
        assert found == sorted(found)
        assert set(found) == set(range(WRITES + 1)), "each write of its own is the last one somewhere"

    def test_a_sector_that_was_not_written_ends_it_at_a_prefix(self, bench: Bench, used: Files) -> None:
        found = bench.log_harmed(used, blanked, range(0, len(used.log), SECTOR))
        assert set(found) == set(range(WRITES + 1))

    def test_a_flipped_bit_ends_it_at_a_prefix(self, bench: Bench, used: Files) -> None:
        found = bench.log_harmed(used, flipped, spread(used.log, 797))
        assert set(found) == set(range(WRITES))

    def test_what_follows_its_end_is_not_part_of_it(self, bench: Bench, used: Files) -> None:
        for rubbish in (bytes(FRAME), b"\xff" * SECTOR, used.log[-FRAME:], used.log):
            assert bench.holds(Files(used.main, used.log + rubbish)) == WRITES

    @pytest.mark.parametrize("writes", range(WRITES))
    def test_one_beside_an_older_copy_of_the_database_is_followed_or_refused(
        self, bench: Bench, used: Files, writes: int
    ) -> None:
        """A backup was put back, and the log forgotten."""
        _, backup = bench.written(writes)
        assert bench.holds(Files(backup.main, used.log)) in {REFUSED, WRITES}


class TestDatabase:
    """Nothing of it is ever lost unsaid."""

    def test_cut_short_it_is_refused(self, bench: Bench, closed: Files) -> None:
        edges = range(PAGE, len(closed.main), PAGE)
        found = bench.main_harmed(closed, cut, spread(closed.main, SECTOR, edges=edges))
        assert set(found) == {REFUSED}

    def test_a_sector_that_was_not_written_is_noticed_where_it_matters(
        self, bench: Bench, closed: Files
    ) -> None:
        found = bench.main_harmed(closed, blanked, range(0, len(closed.main), SECTOR))
        assert set(found) == {REFUSED, WRITES}

    def test_a_flipped_bit_is_noticed_where_it_matters(self, bench: Bench, closed: Files) -> None:
        found = bench.main_harmed(closed, flipped, spread(closed.main, 397))
        assert set(found) == {REFUSED, WRITES}
        assert found.count(REFUSED) > 20

    def test_its_log_makes_up_for_what_a_checkpoint_left_half_written(
        self, bench: Bench, used: Files
    ) -> None:
        edges = range(PAGE, len(used.main), PAGE)
        found = bench.main_harmed(used, cut, spread(used.main, SECTOR, edges=edges))
        found += bench.main_harmed(used, blanked, range(0, len(used.main), SECTOR))
        found += bench.main_harmed(used, flipped, spread(used.main, 1597))
        assert set(found) == {REFUSED, WRITES}
        # Pages of tables that nothing was written to are not in the log.
        assert 2 * found.count(WRITES) > found.count(REFUSED)
