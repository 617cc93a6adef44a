"""Work spread over processes, which are replaced now and then, so that nothing they have kept grows."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def spread(work: Callable[[Item], Done], items: Sequence[Item], jobs: int, life: int) -> Iterator[Done]:
    """What ``work`` makes of each item, in order; after ``life`` of them each, all processes are new.

    A pool that replaces them one by one (``maxtasksperchild``) once waited for ever at the end of its work.
    """
    context, many = multiprocessing.get_context("spawn"), jobs * life
    for first in range(0, len(items), many):
        with context.Pool(jobs) as pool:
            yield from pool.imap(work, items[first : first + many])
