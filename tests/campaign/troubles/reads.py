"""Reads over the port that fail, hang, lag, lie, or tell of another account."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from hedgebot.domain.account import AccountReading, Wallet
from hedgebot.domain.units import Price
from hedgebot.errors import ConversionError, ReadError
from tests.campaign.gates import Call, Way
from tests.campaign.plan import Trouble
from tests.campaign.troubles.kinds import Scope, for_a_while, stretch, trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life

READS = frozenset({"read", "find", "ledger", "key_scope"})


def sometimes(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"probability": rng.choice((0.2, 0.6, 1.0))}


@trouble("read fails", sometimes, depths=("port",))
async def read_fails(life: "Life", trouble: Trouble, rng: Random) -> None:
    async def fail(call: Call, way: Way) -> Any:
        if call.name in READS and rng.random() < trouble.how["probability"]:
            life.hit(trouble)
            raise ReadError(f"{call.name}: no reply")
        return await way()

    await life.obstruct(trouble, fail)


@trouble("read hangs", sometimes, depths=("port",))
async def read_hangs(life: "Life", trouble: Trouble, rng: Random) -> None:
    async def hang(call: Call, way: Way) -> Any:
        if call.name in READS and rng.random() < trouble.how["probability"]:
            life.hit(trouble)
            await asyncio.Event().wait()
        return await way()

    await life.obstruct(trouble, hang)


LAGGING = {
    "position": 1.5,
    "wallet": 1.5,
    "spot_wallet": 1.5,
    "order": 0.5,
    "order_history": 0.5,
    "execution": 1.5,
    "ticker": 1.0,
    "book": 1.0,
}
"""How many ``settle_after`` each read may lag: what shows orders, half of one, since an order may be on its
way for the other half; what shows fills, less than the two for which they are waited for."""


def lagging(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    reads = rng.sample(sorted(LAGGING), rng.randint(1, 4))
    settle = scope.config.settle_after
    lags = {read: round(min(60.0, LAGGING[read] * settle * rng.random()), 3) for read in reads}
    return stretch(rng, scope), {"steady": rng.random() < 0.5, **lags}


@trouble("read lags", lagging)
async def read_lags(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Replicas of single endpoints fall behind, steadily or each time as it comes, while orders are due."""
    lags = {read: lag for read, lag in trouble.how.items() if read != "steady"}
    exchange = life.exchange

    def drawn(longest: float) -> float:
        life.watch.tally.hits[trouble.kind] += 1
        return longest if trouble.how["steady"] else longest * rng.random()

    for read, lag in lags.items():
        exchange.truth.lags[read] = partial(drawn, lag)
    exchange.lagging[trouble.number] = max(lags.values())
    await life.provoke(trouble, rng)
    await life.until(trouble.until)
    for read in lags:
        exchange.truth.lags.pop(read, None)
    del exchange.lagging[trouble.number]


@trouble("old reading again", sometimes, depths=("port",))
async def old_reading_again(life: "Life", trouble: Trouble, rng: Random) -> None:
    """A cache between answers with what it once heard, all of it of one moment."""
    kept: AccountReading | None = None
    kept_at = 0.0

    async def remember(call: Call, way: Way) -> Any:
        nonlocal kept, kept_at
        if call.name != "read":
            return await way()
        if kept is None:
            kept_at = life.seconds
            kept = await way()
            return kept
        if rng.random() >= trouble.how["probability"]:
            return await way()
        life.hit(trouble)
        life.exchange.aged[id(call)] = life.seconds - kept_at
        now = life.clock.monotonic()
        return replace(kept, started=now, ended=now)

    await life.obstruct(trouble, remember)


def lie(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"factor": rng.choice(("0", "0.1", "10"))}


def short(reading: AccountReading) -> bool:
    """A lie about an account in which nothing is open contradicts nothing: nobody could tell."""
    return any(position.contracts.value < 0 for position in reading.positions)


def bound(reading: AccountReading) -> bool:
    """Whether its wallets are those of an account in which something is open."""
    return any(wallet.position_margin.value > 0 for wallet in reading.wallets)


@trouble("balance wrong", lie, depths=("port",))
async def balance_wrong(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """Zero, a tenth, or ten times of every figure of the wallets."""
    factor = Decimal(trouble.how["factor"])

    def scaled(wallet: Wallet) -> Wallet:
        return replace(
            wallet,
            coins=wallet.coins * factor,
            unrealized=wallet.unrealized * factor,
            position_margin=wallet.position_margin * factor,
            withdrawable=wallet.withdrawable * factor,
        )

    async def scale(call: Call, way: Way) -> Any:
        reading = await way()
        if call.name != "read" or not short(reading):
            return reading
        life.hit(trouble)
        return replace(reading, wallets=tuple(scaled(wallet) for wallet in reading.wallets))

    await life.obstruct(trouble, scale)


LARGE = Decimal("0.75")
"""A fall to less than this share is not believed at once: the limit ``jump`` is a fifth."""


def moment(rng: Random, _scope: Scope) -> tuple[float, Mapping[str, Any]]:
    """Seconds: shorter than a large fall of the coins held has to last before anybody acts on it."""
    return round(rng.uniform(3, 25), 3), {"share": round(rng.uniform(0, 0.3), 3)}


@trouble("coins missing", moment, depths=("port",), venues=("binance",), operates=True, chances=3)
async def coins_missing(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """The spot wallet shows a part of what is in it, and nothing contradicts that but what was there before:
    so it is shown to a daemon that has seen much more, and to no other. Coins that it moves are not missing
    to it where they are not shown yet."""
    main, part = life.main, Decimal(str(trouble.how["share"]))
    outside = Decimal(life.plan.config.outside)

    async def hide(call: Call, way: Way) -> Any:
        reading = await way()
        app = main.app if main is not None and main.alive else None
        if call.name != "read" or app is None:
            return reading
        hidden = [replace(w, coins=w.coins * part) if w.id.wallet == "spot" else w for w in reading.wallets]
        state, shown = app.daemon.cycles["btc"].state, sum(w.coins.value for w in hidden) + outside
        moved = sum(transfer.request.coins.value for transfer in state.moving)
        held = state.memory.held
        if held is None or shown + moved > held.value * LARGE:
            return reading
        life.hit(trouble)
        return replace(reading, wallets=tuple(hidden))

    await life.obstruct(trouble, hide)


@trouble("balance empty", for_a_while, depths=("port",))
async def balance_empty(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """No wallet is shown."""

    async def empty(call: Call, way: Way) -> Any:
        reading = await way()
        if call.name != "read":
            return reading
        life.hit(trouble)
        return replace(reading, wallets=())

    await life.obstruct(trouble, empty)


def confusion(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"part": rng.choice(("wallets", "positions"))}


@trouble("another account", confusion, depths=("port",))
async def another_account(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """Wallets or positions of somebody else, who has coins and nothing open. Not both: nobody could tell such
    a reading from the truth once everything was closed by hand."""
    exchange, name = life.exchange.truth, f"other {trouble.number}"
    exchange.open_account(name, pot=exchange.account("main").pot)
    exchange.deposit(name, "BTC", Fraction(37, 10))
    if life.plan.spot != "0":
        exchange.deposit(name, "BTC", Fraction(2), "spot")
    other = life.exchange.account(life.clock, name)

    async def confuse(call: Call, way: Way) -> Any:
        reading = await way()
        if call.name != "read" or not short(reading) or not bound(reading):
            return reading
        life.hit(trouble)
        strange = await other.read(call.given)
        if trouble.how["part"] == "positions":
            return replace(reading, positions=strange.positions)
        ours = tuple(replace(w, id=replace(w.id, account="main")) for w in strange.wallets)
        return replace(reading, wallets=ours)

    await life.obstruct(trouble, confuse)


def tick(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {
        "factor": rng.choice(("0", "0.1", "10")),
        "probability": rng.choice((0.3, 1.0)),
    }


@trouble("bad tick", tick, depths=("port",))
async def bad_tick(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Mark and index are nought, a tenth, or ten times what they are."""
    factor = Decimal(trouble.how["factor"])

    async def spoil(call: Call, way: Way) -> Any:
        reading = await way()
        if call.name != "read" or rng.random() >= trouble.how["probability"]:
            return reading
        life.hit(trouble)
        if not factor:
            raise ConversionError("markPrice", "is 0, not above zero")
        quotes = (
            replace(q, mark=Price(q.mark.value * factor), index=Price(q.index.value * factor))
            for q in reading.quotes
        )
        return replace(reading, quotes=tuple(quotes))

    await life.obstruct(trouble, spoil)
