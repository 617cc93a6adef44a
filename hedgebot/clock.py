"""The system's clock: the only place that asks the machine for the time."""

import asyncio
import time

from hedgebot.domain.units import Millis


class SystemClock:
    """Wall time for people, monotonic time for intervals."""

    def now_ms(self) -> Millis:
        return Millis(time.time_ns() // 1_000_000)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
