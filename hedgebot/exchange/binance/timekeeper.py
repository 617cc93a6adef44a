"""The exchange's time, asked for: Binance's replies do not tell it."""

from hedgebot.exchange.client import Client, Endpoint
from hedgebot.ports import Clock

YOUNG = 60.0  # seconds; our monotonic clock drifts by a few milliseconds in that time at most


class Timekeeper:
    """Keeps what a client knows of the exchange's time from growing old; the client itself carries it on."""

    def __init__(self, client: Client, endpoint: Endpoint, clock: Clock) -> None:
        self._client = client
        self._endpoint = endpoint
        self._clock = clock
        self._read_at: float | None = None

    def doubt(self) -> None:
        """Have it read again before the next signed request: one may have been outside its time window."""
        self._read_at = None

    async def known(self) -> None:
        """Make sure that it was read, for nothing may be signed before. Raises ``ReadError``."""
        if self._read_at is None:
            await self._read()

    async def renewed(self) -> None:
        """Read it again if it has grown old; other requests need not wait for this. Raises ``ReadError``."""
        if self._read_at is None or self._clock.monotonic() - self._read_at > YOUNG:
            await self._read()

    async def _read(self) -> None:
        await self._client.read(self._endpoint, {})
        self._read_at = self._clock.monotonic()
