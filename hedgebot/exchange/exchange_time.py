"""The exchange's clock as its replies show it, carried on by our monotonic clock."""

import math

from hedgebot.domain.units import Millis
from hedgebot.ports import Clock


class ExchangeTime:
    """Time on the exchange, whatever our own wall clock says or does.

    A reply made at ``server`` that was asked for at ``sent`` and arrived at ``received`` bounds the
    difference between the two clocks. Bounds that agree narrow each other; one that contradicts the
    rest replaces it, so a wrong time in one reply lasts until the next.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._low = -math.inf
        self._high = math.inf

    def observe(self, server: Millis, sent: float, received: float) -> None:
        """Take in a reply's own time, in whole milliseconds; instants are monotonic seconds."""
        low, high = server - received * 1000, server + 1 - sent * 1000
        narrowed = max(low, self._low), min(high, self._high)
        self._low, self._high = narrowed if narrowed[0] <= narrowed[1] else (low, high)

    @property
    def known(self) -> bool:
        """Whether any reply has told it yet."""
        return self._low > -math.inf

    def now_ms(self) -> int:
        """The earliest that it may be there now, so that no request is stamped ahead of its time.

        Our wall clock before the first reply.
        """
        if not self.known:
            return self._clock.now_ms()
        return int(self._low + self._clock.monotonic() * 1000)

    def offset_ms(self) -> int:
        """The exchange's clock less our wall clock, wrong by half a round trip at most."""
        if not self.known:
            return 0
        middle = (self._low + self._high) / 2
        return round(middle + self._clock.monotonic() * 1000 - self._clock.now_ms())
