"""Messages to one web address: a JSON POST each, in order, behind the back of whoever tells them.

Nothing waits for it: an address that is dead, slow or wrong loses messages after a while and says so in the
log, and that is all it can do.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import structlog
from tenacity import AsyncRetrying, RetryError, stop_after_attempt, wait_exponential

from hedgebot.ports import Clock

log = structlog.get_logger("hedgebot.notify")

WAITING = 100
"""Messages kept while the address does not answer; beyond them the oldest are dropped."""

SECONDS = 10.0
"""How long one attempt may take."""

TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
LAST_WORDS = 3.0
"""How long an ordered end waits for what is still to be told."""

Message = Mapping[str, object]


class _NotTakenError(Exception):
    """The address answered with anything but success."""


class Webhook:
    """``tell`` takes a message and returns at once."""

    def __init__(self, url: str, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._url = url
        self._session = session
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=WAITING)
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def tell(self, message: Message) -> None:
        if len(self._messages) == WAITING:
            log.warning("a message is dropped: the webhook takes none", code=self._messages[0].get("code"))
        self._messages.append(message)
        self._idle.clear()
        self._news.set()

    async def deliver(self) -> None:
        """Deliver what is told, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._messages:
                await self._deliver(self._messages.popleft())
            self._idle.set()

    async def delivered(self) -> None:
        """Wait until nothing is left to tell."""
        await self._idle.wait()

    async def _deliver(self, message: Message) -> None:
        """Whatever it fails by, it is tried again, and the next message is delivered."""
        tries = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        )
        try:
            await tries(self._post, message)
        except RetryError as error:
            reason = type(error.last_attempt.exception()).__name__  # its text may hold the address, a secret
            log.warning("a message was not taken by the webhook", code=message.get("code"), reason=reason)

    async def _post(self, message: Message) -> None:
        async with self._session.post(self._url, json=message, allow_redirects=False) as reply:
            if not 200 <= reply.status < 300:
                raise _NotTakenError(reply.status)


@asynccontextmanager
async def webhook(
    url: str, clock: Clock, connector: Callable[[], aiohttp.BaseConnector | None]
) -> AsyncIterator[Webhook]:
    """A webhook that delivers while the block runs, and a moment longer for what is still to be told."""
    limit = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=limit, connector=connector(), trust_env=False) as session:
        hook = Webhook(url, session, clock)
        delivering = asyncio.create_task(hook.deliver(), name="webhook")
        try:
            yield hook
        finally:
            try:
                async with asyncio.timeout(LAST_WORDS):
                    await hook.delivered()
            except TimeoutError:
                log.warning("messages are left that the webhook did not take")
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
