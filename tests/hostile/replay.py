"""The real accounts on taped replies: their own clients, without a network, an exchange or a wait."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import SimpleNamespace
from typing import Any

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, Sighting
from hedgebot.domain.orders import Outcome
from hedgebot.domain.transfers import TransferSighting
from hedgebot.domain.units import Millis
from hedgebot.errors import ReadError
from hedgebot.exchange.binance import venue as binance
from hedgebot.exchange.binance.account import BinanceAccount
from hedgebot.exchange.bybit import venue as bybit
from hedgebot.exchange.bybit.account import BybitAccount
from hedgebot.exchange.client import Client, Endpoint, Venue
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx import venue as okx
from hedgebot.exchange.okx.account import OkxAccount
from hedgebot.exchange.wire import RESEND, Reply
from hedgebot.ports import Account
from tests.hostile.draw import Pattern
from tests.hostile.tape import Request, Tape

Said = AccountReading | Sighting | Ledger | Outcome | KeyScope | TransferSighting
Call = Callable[[Account, Tape], Awaitable[Said]]

CALLS: Mapping[str, Call] = {
    "read": lambda account, tape: account.read(tape.needs),
    "find": lambda account, tape: account.find(tape.order),
    "ledger": lambda account, tape: account.ledger([tape.order.symbol], tape.since),
    "place": lambda account, tape: account.place(tape.order),
    "refused": lambda account, tape: account.place(tape.huge),
    "cancel": lambda account, tape: account.cancel(tape.order),
    "set_leverage": lambda account, tape: account.set_leverage(
        tape.order.symbol, "3", tape.order.margin_mode
    ),
    "transfer": lambda account, tape: account.transfer(tape.move),
    "find_transfer": lambda account, tape: account.find_transfer(tape.move, tape.since),
    "key_scope": lambda account, tape: account.key_scope(),
}
"""What the program asks of an account."""


class StillClock:
    """Stands still but for those who sleep, who wait for nothing."""

    def __init__(self, now_ms: Millis) -> None:
        self._start_ms = now_ms
        self._seconds = 0.0

    def now_ms(self) -> Millis:
        return Millis(self._start_ms + round(self._seconds * 1000))

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        self._seconds += seconds
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Damaged:
    """A reply that comes in place of the true one."""

    request: Request
    reply: Reply


class TapedClient(Client):
    """The real client, which hears the tape's replies. Those that are undamaged it judges once for all."""

    def __init__(self, venue: Venue, clock: StillClock, source: "Source", damaged: Damaged | None) -> None:
        super().__init__("main", venue, _vendor(), _wire(), clock, write_timeout=5.0, scrub=lambda text: text)
        self._source = source
        self._damaged = damaged

    async def read(self, endpoint: Endpoint, params: Mapping[str, object]) -> Answer:
        request = self._source.request(endpoint, params)
        if self._damaged is not None and request == self._damaged.request:
            return await self._read_once(endpoint, params)  # it would be no better at a second try
        if request not in self._source.answers:
            self._source.answers[request] = self._source.heard(request, await super().read(endpoint, params))
        return self._source.answers[request]

    async def _call(
        self, endpoint: Endpoint, params: Mapping[str, object], seconds: float, headers: Mapping[str, str]
    ) -> tuple[Reply | None, str]:
        request = self._source.request(endpoint, params)
        if self._damaged is not None and request == self._damaged.request:
            return self._damaged.reply, ""
        return self._source.reply(request), ""


def _vendor() -> Any:
    return SimpleNamespace(options={}, has={})


def _wire() -> Any:
    return SimpleNamespace(session=SimpleNamespace(**{RESEND: False}), tls=None)


class Watched(dict[str, Any]):
    """An object of a reply that notes which of its fields somebody looks at."""

    __slots__ = ("path", "seen")

    def __init__(self, row: Mapping[str, Any], path: Pattern, seen: dict[Pattern, None]) -> None:
        super().__init__((key, watched(value, (*path, key), seen)) for key, value in row.items())
        self.path, self.seen = path, seen

    def __getitem__(self, key: str) -> Any:
        self.seen[(*self.path, key)] = None
        return super().__getitem__(key)


def watched(value: Any, path: Pattern, seen: dict[Pattern, None]) -> Any:
    if isinstance(value, dict):
        return Watched(value, path, seen)
    return [watched(each, (*path, "*"), seen) for each in value] if isinstance(value, list) else value


ENVELOPES: Mapping[str, Pattern] = {"bybit": ("result",), "okx": ("data",), "binance": ()}
"""Where the result of a reply lies in it."""


@dataclass
class Source:
    """A tape with the answers that were made of it, and the requests seen since ``asked`` was emptied.

    ``used`` has the fields of each reply that the program looked at.
    """

    tape: Tape
    answers: dict[Request, Answer] = field(default_factory=dict)
    asked: dict[Request, None] = field(default_factory=dict)
    used: dict[Request, dict[Pattern, None]] = field(default_factory=dict)
    watches: bool = True
    _known: dict[Any, Request] = field(default_factory=dict)

    def request(self, endpoint: Endpoint, params: Mapping[str, object]) -> Request:
        """What is asked for, noted as such."""
        asked = (endpoint.path, *params.items())
        if asked not in self._known:
            self._known[asked] = Request.of(endpoint.path, params)
        request = self._known[asked]
        self.asked[request] = None
        return request

    def heard(self, request: Request, answer: Answer) -> Answer:
        """An answer; while the source watches, one that tells which of its fields are used."""
        if not self.watches:
            return answer
        seen = self.used.setdefault(request, {})
        return replace(answer, result=watched(answer.result, ENVELOPES[self.tape.venue.name], seen))

    def reply(self, request: Request) -> Reply:
        """The reply to a request, or to another of the same path: damage may ask for what does not exist."""
        found = self.tape.replies.get(request)
        if found is not None:
            return found
        like = (reply for known, reply in self.tape.replies.items() if known.path == request.path)
        if (other := next(like, None)) is not None:
            return other
        raise ReadError(f"the tape has no {request.path}")


class Facts(Enum):
    """What the account knows of the things that rarely change before it is asked."""

    UNREAD = "unread"
    OLD = "old"
    KNOWN = "known"


@dataclass
class Rig:
    """A tape that can be played any number of times, each time with other damage.

    ``asks`` are the requests of each call, ``quick`` those of them that are made with known facts too.
    """

    tape: Tape
    source: Source
    facts: tuple[Any, Any] = (None, None)
    asks: dict[str, tuple[Request, ...]] = field(default_factory=dict)
    quick: frozenset[tuple[str, Request]] = frozenset()

    @classmethod
    async def of(cls, tape: Tape) -> "Rig":
        """Ready to play: what rarely changes was read once, and the requests of each call are known."""
        rig = cls(tape, Source(tape))
        for name in CALLS:
            rig.asks[name] = await rig._asked(name, Facts.UNREAD)
        account = rig.account(None)
        await account.read(tape.needs)
        rig.facts = account._slow._listing, account._slow._facts
        quick = [(name, request) for name in CALLS for request in await rig._asked(name, Facts.KNOWN)]
        rig.quick = frozenset(quick)
        rig.source.answers.clear()  # those that watch are slow
        rig.source.watches = False
        return rig

    async def _asked(self, call: str, facts: Facts) -> tuple[Request, ...]:
        self.source.asked.clear()
        await self.play(call, facts=facts)
        return tuple(self.source.asked)

    async def play(self, call: str, damaged: Damaged | None = None, facts: Facts = Facts.KNOWN) -> Said:
        """What the account makes of the replies."""
        account = self.account(damaged)
        if facts is not Facts.UNREAD:
            listing, known = self.facts
            account._slow._listing, account._slow._facts = listing, known
            if facts is Facts.OLD:
                account._slow.doubt()
        return await CALLS[call](account, self.tape)

    def account(self, damaged: Damaged | None) -> Any:
        clock = StillClock(self.tape.now_ms)

        def client(venue: Venue) -> TapedClient:
            return TapedClient(venue, clock, self.source, damaged)

        match self.tape.venue.name:
            case "bybit":
                return BybitAccount("main", client(bybit.VENUE), clock)
            case "binance":
                clients = client(binance.SPOT), client(binance.COIN_M)
                return BinanceAccount("main", *clients, clock, sandbox=False)
            case _:
                return OkxAccount("main", client(okx.VENUE), clock, window_ms=15_000)
