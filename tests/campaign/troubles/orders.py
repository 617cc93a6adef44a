"""Orders over the port whose fate is not known, that arrive late, twice, or are never heard of."""

import asyncio
from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.sim.market import thinned
from tests.campaign.gates import Call, Way
from tests.campaign.plan import Trouble
from tests.campaign.troubles.kinds import Scope, stretch, trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life

SILENCE = Outcome(Fate.UNKNOWN, "no reply")


def sometimes(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    """Longer than others: orders are rare."""
    lasts = stretch(rng, scope) + 10 * scope.config.interval
    return lasts, {"probability": rng.choice((0.3, 0.7, 1.0))}


def late(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    lasts, how = sometimes(rng, scope)
    return lasts, {**how, "seconds": round(1.3 * scope.window * rng.random(), 3)}


@trouble("order hangs", sometimes, depths=("port",))
async def order_hangs(life: "Life", trouble: Trouble, rng: Random) -> None:
    """No reply, ever; in half of the cases it was taken."""

    async def hang(call: Call, way: Way) -> Any:
        if call.name != "place" or rng.random() >= trouble.how["probability"]:
            return await way()
        life.hit(trouble)
        if rng.random() < 0.5:
            await way()
        return await asyncio.Event().wait()

    await life.meet_orders(trouble, rng, hang)


@trouble("order taken, reply lost", sometimes, depths=("port",))
async def order_taken_reply_lost(life: "Life", trouble: Trouble, rng: Random) -> None:
    async def lose(call: Call, way: Way) -> Any:
        outcome = await way()
        if call.name != "place" or rng.random() >= trouble.how["probability"]:
            return outcome
        life.hit(trouble)
        return SILENCE

    await life.meet_orders(trouble, rng, lose)


@trouble("order lost", sometimes, depths=("port",), chances=2)
async def order_lost(life: "Life", trouble: Trouble, rng: Random) -> None:
    async def lose(call: Call, way: Way) -> Any:
        if call.name != "place" or rng.random() >= trouble.how["probability"]:
            return await way()
        life.hit(trouble)
        return SILENCE

    await life.meet_orders(trouble, rng, lose)


@trouble("order arrives late", late, depths=("port",), chances=2)
async def order_arrives_late(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Within the time that it may be on its way, or after, when the exchange takes it no more; the daemon is
    told at once that the connection broke, or waits."""
    window = Scope(life.plan.depth, life.plan.venue, life.plan.config).window

    async def delay(call: Call, way: Way) -> Any:
        if call.name != "place" or rng.random() >= trouble.how["probability"]:
            return await way()
        life.hit(trouble)
        seconds = trouble.how["seconds"]

        async def arrive() -> Any:
            await asyncio.sleep(seconds)
            return await way() if seconds < window else Outcome(Fate.REJECTED, "outside the time window")

        if rng.random() < 0.7:
            life.go_on(arrive())
            return SILENCE
        return await arrive()

    await life.meet_orders(trouble, rng, delay)


@trouble("order sent twice", sometimes, depths=("port",), venues=("bybit",), chances=3)
async def order_sent_twice(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Something between repeats the request; the second reply is heard. Nobody could defend himself where a
    client id is free again once its order is over, or where only the copy is refused, for coming too late."""

    async def repeat(call: Call, way: Way) -> Any:
        first = await way()
        if call.name != "place" or rng.random() >= trouble.how["probability"]:
            return first
        life.hit(trouble)
        second = await way()
        lies = second.fate is Fate.REJECTED is not first.fate
        return SILENCE if lies else second

    await life.meet_orders(trouble, rng, repeat)


@trouble("book thins before an order", sometimes, depths=("port",))
async def book_thins_before_an_order(life: "Life", trouble: Trouble, rng: Random) -> None:
    """What was offered a moment ago is offered no more, but for a part."""
    exchange, symbol = life.exchange.truth, life.exchange.symbol

    async def thin(call: Call, way: Way) -> Any:
        if call.name != "place" or rng.random() >= trouble.how["probability"]:
            return await way()
        life.hit(trouble)
        feed = exchange.truth.market.feed(symbol)
        wanted = abs(Fraction(call.given.contracts.value))
        few = max(wanted * rng.choice((1, 4, 8)) / 10 / feed.shape.levels, Fraction(1))
        exchange.change_feed(symbol, shape=thinned(feed, few / feed.shape.contracts).shape)
        try:
            return await way()
        finally:
            exchange.change_feed(symbol, shape=life.exchange.usual.feed.shape)

    await life.meet_orders(trouble, rng, thin)
    exchange.change_feed(symbol, shape=life.exchange.usual.feed.shape)  # an order that hangs never comes back
