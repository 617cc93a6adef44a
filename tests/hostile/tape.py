"""True replies of every endpoint that the program reads or writes, by the request that each answers.

They are taken while the real account talks to the simulated exchange in its own dialect; recorded ones of
the real exchanges take the place of single replies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, cast

from hedgebot.domain.account import Needs
from hedgebot.domain.orders import OrderRequest
from hedgebot.domain.transfers import Pocket, TransferRequest
from hedgebot.domain.units import Coin, Millis
from hedgebot.exchange.client import Client
from hedgebot.exchange.wire import Reply
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Shape, Side
from tests.exchange.kit import KEY, MARK, VENUES, Bench, Venue, play

Params = tuple[tuple[str, str], ...]

MOVING = {"startTime", "endTime", "begin", "fromId", "page", "cursor", "after"}
"""Parameters by which a past is asked for in parts: whichever part is asked for, the same reply comes."""

EIGHT_HOURS = 8 * 3600.0
HEDGED, CROSSED, UNHEDGED, DUST, LONG, BOTH = "hedged", "crossed", "unhedged", "dust", "long", "both sides"


@dataclass(frozen=True)
class Request:
    """What was asked for: a path, and what tells this request from others of it."""

    path: str
    params: Params

    @classmethod
    def of(cls, path: str, params: Mapping[str, object]) -> "Request":
        return cls(path, tuple(sorted((k, str(v)) for k, v in params.items() if k not in MOVING)))

    def __str__(self) -> str:
        return f"{self.path} {dict(self.params)}" if self.params else self.path


@dataclass(frozen=True)
class Tape:
    """One account at one moment: what the exchange answers to whatever the program asks.

    ``order`` is one that was filled, ``huge`` one that was refused.
    """

    venue: Venue
    scene: str
    now_ms: Millis
    since: Millis
    needs: Needs
    order: OrderRequest
    huge: OrderRequest
    replies: Mapping[Request, Reply]

    @property
    def name(self) -> str:
        return f"{self.venue.name} {self.scene}"

    @property
    def move(self) -> TransferRequest:
        """Coins for the leg's isolated margin; refused where it has none."""
        coins, symbol = Coin.of("0.01000078"), self.venue.symbol
        return TransferRequest("hb09move", "main", "BTC", coins, Pocket.MARGIN, Pocket.ISOLATED, symbol)

    def with_reply(self, scene: str, request: Request, body: bytes) -> "Tape":
        """The same account, on which one request is answered otherwise."""
        reply = replace(self.replies[request], body=body)
        return replace(self, scene=scene, replies={**self.replies, request: reply})


@dataclass
class Recorder:
    """Keeps the last reply to each request."""

    replies: dict[Request, Reply] = field(default_factory=dict)

    def listen(self, client: Client) -> None:
        send = client._call

        async def call(endpoint: Any, params: Any, *rest: Any) -> tuple[Reply | None, str]:
            reply, failure = await send(endpoint, params, *rest)
            request = Request.of(endpoint.path, params)
            if reply is not None:
                self.replies[request] = Reply(reply.status, {}, reply.body, 0.0, 0.0)
            return reply, failure

        vars(client)["_call"] = call


def tapes() -> list[Tape]:
    """Every scene on every exchange."""
    return [taped(venue, scene) for venue in VENUES.values() for scene in SCENES]


def taped(venue: Venue, scene: str) -> Tape:
    found: list[Tape] = []

    async def act(bench: Bench) -> None:
        found.append(await _play(bench, scene))

    play(act, venue, **SCENES[scene])
    return found[0]


SCENES: Mapping[str, Mapping[str, Any]] = {
    HEDGED: {"margin_mode": MarginMode.ISOLATED},
    CROSSED: {"margin_mode": MarginMode.CROSS},
    UNHEDGED: {"margin_mode": MarginMode.CROSS},
    DUST: {"margin_mode": MarginMode.CROSS, "coins": "0.00001"},
    LONG: {"margin_mode": MarginMode.CROSS},
    BOTH: {"margin_mode": MarginMode.ISOLATED},
}
"""What each begins with; see ``_play`` for how it goes on."""


async def _play(bench: Bench, scene: str) -> Tape:
    """A hedge that lives through a funding and a change of price, in company; or an account without one."""
    exchange, account, recorder = bench.exchange, cast(Any, bench.account), Recorder()
    for client in vars(account).values():
        if isinstance(client, Client):
            recorder.listen(client)
    native, other = (contract.symbol for contract in bench.venue.contracts)
    since, order, huge = bench.clock.now_ms(), bench.order(-59_900), bench.order(-90_000_000)
    if scene in {HEDGED, CROSSED}:
        exchange.deposit("main", "ETH", "2")
        exchange.human_trade("main", other, Side.SELL, 1_000 // bench.venue.usd)
        await account.place(order)
        exchange.human_order("main", native, Side.SELL, 100, MARK + 5_000)
        await bench.clock.sleep(EIGHT_HOURS)
        exchange.change_feed(native, path=level(MARK - 3_000 if scene == HEDGED else MARK + 3_000))
    if scene == LONG:
        exchange.human_trade("main", native, Side.BUY, 6_000 // bench.venue.usd)
    if scene == DUST:
        exchange.set_key(replace(exchange.truth.keys[KEY], withdraw=True))
    if scene == BOTH and exchange.truth.rules.hedge_mode_offered:
        exchange.set_hedge_mode("main", native, hedge=True)
    # Mark, index and entry all differ, so that none can stand in for another; few levels, for speed.
    shape = Shape(contracts=Fraction(50_000, bench.venue.usd), levels=4)
    exchange.change_feed(native, basis=level("0.0007"), shape=shape)
    await bench.clock.sleep(1)
    account._slow.doubt()  # so that every reply is of this moment
    await account.read(bench.needs)
    now = bench.clock.now_ms()
    await account.find(order)
    await account.ledger([order.symbol], since)
    await account.place(huge)
    await account.cancel(order)
    await account.set_leverage(order.symbol, "3", order.margin_mode)
    await account.key_scope()
    tape = Tape(bench.venue, scene, now, since, bench.needs, order, huge, recorder.replies)
    await account.transfer(tape.move)
    await account.find_transfer(tape.move, since)
    return tape
