"""Our own rate limit: one token bucket for each quota that an exchange publishes.

A bucket fills at ``rate`` tokens a second up to ``capacity``: a quiet spell is credit for a burst, and over
any ``t`` seconds never more than ``capacity + rate·t`` tokens are spent, the bound that exchanges check.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from hedgebot.ports import Clock

ROUNDING = 1e-9  # tokens; what adding up fractions of a second may lack
SHORTEST_SLEEP = 1e-4  # seconds; a shorter one might not move the clock at all


class Priority(IntEnum):
    """Who goes first when a bucket runs low; within a priority, who asked first."""

    EMERGENCY = 0
    ORDER = 1
    READ = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    cost: float
    priority: Priority
    granted: asyncio.Future[None]


class TokenBucket:
    """One quota. ``reserve`` is the share of ``capacity`` that reads leave to orders and emergencies.

    It keeps no task while nobody waits, and one sleeping task, for the first in line, while somebody does.
    """

    def __init__(self, clock: Clock, *, capacity: float, rate: float, reserve: float = 0.3) -> None:
        if not (capacity > 0 and rate > 0 and 0 <= reserve < 1):
            raise ValueError("a bucket needs capacity > 0, rate > 0 and a reserve from 0 to below 1")
        self._clock = clock
        self._capacity = capacity
        self._rate = rate
        self._reserve = capacity * reserve
        self._tokens = capacity
        self._counted_at = clock.monotonic()
        self._held_until = self._counted_at
        self._lanes: dict[Priority, deque[_Waiter]] = {priority: deque() for priority in Priority}
        self._next: _Waiter | None = None  # whom the timer is set for
        self._timer: asyncio.Task[None] | None = None

    @property
    def tokens(self) -> float:
        """Tokens in the bucket now."""
        self._refill()
        return self._tokens

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(map(len, self._lanes.values()))

    def spend(self, cost: float = 1, priority: Priority = Priority.READ) -> bool:
        """Spend ``cost`` tokens if that takes no waiting; whether it did.

        Raises ``ValueError`` for a cost that the bucket can never hold for this priority.
        """
        most = self._capacity - self._kept_from(priority)
        if not 0 < cost <= most:
            raise ValueError(f"a {priority.name.lower()} may cost up to {most:g} tokens here, not {cost:g}")
        if self._head() or self._delay(cost, priority) > 0:
            return False
        self._tokens -= cost
        return True

    async def acquire(self, cost: float = 1, priority: Priority = Priority.READ) -> None:
        """Wait until ``cost`` tokens are there, and spend them. A cancelled wait spends nothing.

        Raises ``ValueError`` for a cost that the bucket can never hold for this priority.
        """
        if self.spend(cost, priority):
            return
        waiter = _Waiter(cost, priority, asyncio.get_running_loop().create_future())
        self._lanes[priority].append(waiter)
        self._serve()
        if waiter.granted.done():
            return
        try:
            await waiter.granted
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def hold(self, until: float) -> None:
        """Let nobody pass, emergencies included, before ``until`` on the monotonic clock (a 429, a ban)."""
        self._held_until = max(self._held_until, until)

    def _withdraw(self, waiter: _Waiter) -> None:
        if not waiter.granted.cancelled():  # granted in the same turn of the loop: hand it back
            self._tokens = min(self._capacity, self._tokens + waiter.cost)
            self._stop_timer()  # it was set for an emptier bucket
        elif waiter in self._lanes[waiter.priority]:
            self._lanes[waiter.priority].remove(waiter)
        self._serve()

    def _serve(self) -> None:
        """Grant whatever can be granted now, and set the timer for the first who must wait."""
        delay = 0.0
        while head := self._head():
            delay = self._delay(head.cost, head.priority)
            if delay > 0:
                break
            self._lanes[head.priority].popleft()
            self._tokens -= head.cost
            head.granted.set_result(None)
        if head is self._next:
            return
        self._stop_timer()
        if head is not None:
            self._next, self._timer = head, asyncio.create_task(self._serve_after(delay))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = self._timer = None

    async def _serve_after(self, delay: float) -> None:
        await self._clock.sleep(max(delay, SHORTEST_SLEEP))
        self._next = self._timer = None
        self._serve()

    def _head(self) -> _Waiter | None:
        for lane in self._lanes.values():
            while lane and lane[0].granted.cancelled():
                lane.popleft()
            if lane:
                return lane[0]
        return None

    def _delay(self, cost: float, priority: Priority) -> float:
        """Seconds until one may pass, if nobody else spends meanwhile; 0 when it may now."""
        self._refill()
        missing = cost + self._kept_from(priority) - self._tokens
        refilled = missing / self._rate if missing > ROUNDING else 0.0
        return max(refilled, self._held_until - self._clock.monotonic(), 0.0)

    def _kept_from(self, priority: Priority) -> float:
        return self._reserve if priority is Priority.READ else 0.0

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now
