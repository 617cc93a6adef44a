"""Requests to one exchange, signed by one ccxt instance: what is sent and what a reply means is ours.

Reads are tried again a few times within their caller's deadline. Writes are sent once.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.errors import BackOffError, ConversionError, CredentialsError, ReadError
from hedgebot.exchange.exchange_time import ExchangeTime
from hedgebot.exchange.fates import Answer, Codes, Operation
from hedgebot.exchange.limiter import Priority, TokenBucket
from hedgebot.exchange.vendor import clean, release, signed, tame, why_not
from hedgebot.exchange.wire import NO_HEADERS, Reply, Wire
from hedgebot.ports import Clock

READ_TIMEOUT = 4.0  # seconds; a deadline of ten leaves room for a second try
READ_TRIES = 3
FIRST_PAUSE = 0.2  # seconds before the second try
ROUNDING = 1e-6  # seconds
CHECK_KEY = "Check the account's key, its permissions and the addresses it may be used from"

OnRequest = Callable[[str, str, float], None]
"""Called after each request with its endpoint, its outcome in a word and its seconds."""


@dataclass(frozen=True, slots=True)
class Quota:
    """``capacity`` requests may go out at once, ``rate`` a second in the long run."""

    capacity: float
    rate: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, for people and metrics, and ccxt's method for it; with a ``quota`` where it has its own.

    ``weight`` is how many requests of a quota one of these counts for.
    """

    path: str
    method: str
    quota: Quota | None = None
    weight: float = 1


@dataclass(frozen=True, slots=True)
class Venue:
    """What a client has to know of an exchange.

    ``capacity`` requests may go out at once, ``rate`` a second in the long run, to all endpoints that have
    no quota of their own. ``answer`` reads a reply, given the words that errors begin with, or raises
    ``ConversionError``; ``pause`` says how many seconds a reply asks us to wait, given the exchange's time
    in ms, or None before any reply told it.
    """

    name: str
    hosts: frozenset[str]
    sandbox_hosts: frozenset[str]
    capacity: float
    rate: float
    codes: Codes
    answer: Callable[[Reply, str], Answer]
    pause: Callable[[Reply, Answer | None, int | None], float | None]


class PassingError(ReadError):
    """A read failed in a way in which the next try may not."""


class NotSentError(PassingError):
    """A request that never left us."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply: an answer, or why it is none; and for how long the exchange wants no more requests."""

    status: int
    answer: Answer | None
    problem: str
    pause: float | None

    @property
    def outcome(self) -> str:
        """In a word, for metrics."""
        if self.answer is None:
            return "malformed" if self.status == 200 else f"http_{self.status}"
        return "ok" if self.answer.ok else f"code_{self.answer.code}"


class _Ended:
    """A block that an exception may end; ``by`` is its class's name, the one thing of it that goes further.

    The class that a library chooses decides nothing, and its text may hold a signed URL.
    """

    by = ""

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        self.by = type(error).__name__
        return isinstance(error, Exception)


class Client:
    """One account's requests to its exchange."""

    def __init__(
        self,
        account: str,
        venue: Venue,
        vendor: Any,
        wire: Wire,
        clock: Clock,
        *,
        write_timeout: float,
        scrub: Callable[[str], str],
        on_request: OnRequest | None = None,
    ) -> None:
        self.time = ExchangeTime(clock)
        self._account = account
        self._venue = venue
        self._vendor = vendor
        self._wire = wire
        self._clock = clock
        self._write_timeout = write_timeout
        self._scrub = scrub
        self._on_request = on_request
        self._buckets = {"": TokenBucket(clock, capacity=venue.capacity, rate=venue.rate)}
        self._held_until = clock.monotonic()
        tame(vendor, wire, self.time)

    async def read(self, endpoint: Endpoint, params: Mapping[str, object]) -> Answer:
        """A successful answer, or one by which the exchange says that there is nothing (``Codes.absent``).

        Raises ``ReadError``, ``BackOffError`` or ``CredentialsError``.
        """
        with suppress(PassingError):  # tenacity's bookkeeping is for failures: it costs a tenth of a request
            return await self._read_once(endpoint, params)
        await self._clock.sleep(FIRST_PAUSE)
        more = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=stop_after_attempt(READ_TRIES - 1),
            wait=wait_exponential(multiplier=2 * FIRST_PAUSE, max=1),
            retry=retry_if_exception_type(PassingError),
            reraise=True,
        )
        answer: Answer = await more(self._read_once, endpoint, params)
        return answer

    async def write(
        self,
        operation: Operation,
        endpoint: Endpoint,
        params: Mapping[str, object],
        accepted: Callable[[Answer], str],
        priority: Priority,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Outcome:
        """Send once and say what became of it; ``accepted`` finds the order's id in a success."""
        if reason := why_not(self._vendor, self._wire):
            return Outcome(Fate.REJECTED, f"not sent: {reason}")
        try:
            heard = await self._send(endpoint, params, priority, self._write_timeout, headers)
        except (NotSentError, BackOffError) as held:
            return Outcome(Fate.REJECTED, f"not sent: {held}")
        except ReadError as doubt:
            return Outcome(Fate.UNKNOWN, str(doubt))
        if heard.answer is None:
            return Outcome(Fate.UNKNOWN, heard.problem)
        return self._venue.codes.judge(operation, heard.answer, accepted)

    async def close(self) -> None:
        await release(self._vendor, self._wire)

    async def _read_once(self, endpoint: Endpoint, params: Mapping[str, object]) -> Answer:
        heard = await self._send(endpoint, params, Priority.READ, READ_TIMEOUT)
        name, answer, codes = self._name(endpoint), heard.answer, self._venue.codes
        if heard.pause is not None:
            raise BackOffError(f"{name}: the exchange wants {heard.pause:g} s without requests", heard.pause)
        if heard.status == 401 and answer is None:
            raise CredentialsError(f"{name}: the key is refused (HTTP 401)", CHECK_KEY)
        if answer is None:  # a 4xx does not pass by itself
            raise ReadError(heard.problem) if 300 <= heard.status < 500 else PassingError(heard.problem)
        if answer.ok or answer.code in codes.absent:
            return answer
        said = f"{name}: code {answer.code}: {answer.message}"
        if meaning := codes.credentials.get(answer.code):
            raise CredentialsError(f"{said} ({meaning})", CHECK_KEY)
        raise PassingError(said) if answer.code in codes.passing else ReadError(said)

    async def _send(
        self,
        endpoint: Endpoint,
        params: Mapping[str, object],
        priority: Priority,
        seconds: float,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Heard:
        """One request, one reply. Raises ``NotSentError``, ``BackOffError``, ``PassingError`` (no reply)."""
        await self._admit(endpoint, priority, seconds)
        started = self._clock.monotonic()
        reply, failure = await self._call(endpoint, params, seconds, headers)
        if reply is None:
            self._report(endpoint, "no_reply", started)
            raise PassingError(f"{self._name(endpoint)}: no reply ({failure})")
        heard = self._heard(endpoint, reply)
        self._report(endpoint, heard.outcome, started)
        return heard

    async def _admit(self, endpoint: Endpoint, priority: Priority, seconds: float) -> None:
        """Wait for our own rate limit; in a ban, or when the wait outlasts a request, raise instead."""
        self.check_ban(endpoint)
        bucket = self._bucket(endpoint)
        if bucket.spend(endpoint.weight, priority):
            return
        try:
            async with asyncio.timeout(seconds):
                await bucket.acquire(endpoint.weight, priority)
        except TimeoutError:
            raise NotSentError(f"{self._name(endpoint)}: our own rate limit is spent") from None
        self.check_ban(endpoint)

    def _bucket(self, endpoint: Endpoint) -> TokenBucket:
        quota = endpoint.quota
        if quota is None:
            return self._buckets[""]
        if endpoint.path not in self._buckets:
            own = TokenBucket(self._clock, capacity=quota.capacity, rate=quota.rate)
            self._buckets[endpoint.path] = own
        return self._buckets[endpoint.path]

    def check_ban(self, endpoint: Endpoint) -> None:
        """Raises ``BackOffError`` while the exchange wants no request of this client."""
        left = self._held_until - self._clock.monotonic()
        if left > ROUNDING:
            raise BackOffError(f"{self._name(endpoint)}: {left:.1f} s more without requests, as asked", left)

    async def _call(
        self, endpoint: Endpoint, params: Mapping[str, object], seconds: float, headers: Mapping[str, str]
    ) -> tuple[Reply | None, str]:
        """The reply as it came, or in a word what happened instead."""
        ended = _Ended()
        try:
            async with asyncio.timeout(seconds):
                with ended:
                    request = signed(self._vendor, endpoint.method, params, headers)
                    return await self._wire.send(request), ""
        except TimeoutError:
            return None, f"none within {seconds:g} s"
        return None, ended.by

    def _heard(self, endpoint: Endpoint, reply: Reply) -> Heard:
        """The reply once its clock is read, and its wish that we wait obeyed."""
        answer, problem = None, ""
        try:
            answer = self._venue.answer(reply, self._name(endpoint))
            if not answer.ok:
                answer = replace(answer, message=clean(answer.message, self._scrub))
        except ConversionError as malformed:
            problem = str(malformed)
        if answer is not None and answer.at:
            self.time.observe(answer.at, reply.sent, reply.received)
        pause = self._venue.pause(reply, answer, self.time.now_ms() if self.time.known else None)
        if pause is not None:
            self._held_until = max(self._held_until, self._clock.monotonic() + pause)
            for bucket in self._buckets.values():
                bucket.hold(self._held_until)
        return Heard(reply.status, answer, problem, pause)

    def _report(self, endpoint: Endpoint, outcome: str, started: float) -> None:
        if self._on_request is not None:
            self._on_request(endpoint.path, outcome, self._clock.monotonic() - started)

    def _name(self, endpoint: Endpoint) -> str:
        return f"{self._account}: {self._venue.name} {endpoint.path}"
