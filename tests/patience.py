"""Waiting for what happens elsewhere, in another process or task, on a machine of any speed.

A test that has to wait in real time names the condition and polls it. No length of time decides a test,
except that a wait beyond all hope fails it.
"""

import asyncio
from collections.abc import Callable

PATIENCE_S = 60.0
"""So long nothing takes, even on a machine that is ten times slower than usual."""

POLL_S = 0.02


async def until(holds: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(POLL_S)
