"""Requests that go out together: all succeed, or the first failure ends the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hedgebot.errors import BackOffError, CredentialsError


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises one plain error, the most telling; no task outlives the block."""
    failures: tuple[Exception, ...] = ()
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as several:
        failures = several.exceptions
    if failures:
        raise min(failures, key=_rank)


def _rank(failure: Exception) -> int:
    """What matters first: a refused key, then a ban, then whatever failed first."""
    return 0 if isinstance(failure, CredentialsError) else 1 if isinstance(failure, BackOffError) else 2
