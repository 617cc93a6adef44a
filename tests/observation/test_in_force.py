"""A hedge as it is in force: each dated leg as the contracts that it stands for now, which are then read."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import cast

import pytest

from hedgebot.domain.account import Needs
from hedgebot.domain.funding import Action, Budget
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.records import Followed, Memory
from hedgebot.domain.units import Millis
from hedgebot.errors import ReadError
from hedgebot.observation import BOOKED_MS, AccountFeed, in_force
from tests.builders import DATED, NOW, SYMBOL, contracts, hedge, instrument

DAY = 86_400_000
OLD = "BTC/USD:BTC-261120"
"""Ends in an hour; the one after it in a month."""

CONTRACTS = (
    instrument(),
    replace(instrument(), symbol=OLD, ends_at=Millis(NOW + DAY // 24)),
    replace(instrument(DATED), ends_at=Millis(1_798_185_600_000)),
)
NEXT = hedge(legs=(LegPolicy("main", "BTC/USD:BTC-next-quarter"),))
MOVABLE = hedge(funding=Budget(Decimal("0.3"), (DAY,), Action.DATED, Decimal("0.5")))


@dataclass
class Lists:
    """A feed that lists contracts and notes what is wanted of it."""

    listed: tuple[Instrument, ...] = CONTRACTS
    asked: list[str] = field(default_factory=list)
    wanted: list[tuple[str, Needs]] = field(default_factory=list)

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        self.asked.append(asset)
        return self.listed

    def want(self, hedge: str, needs: Needs) -> None:
        self.wanted.append((hedge, needs))


async def legs(
    policy: Hedge, memory: Memory | None = None, feed: Lists | None = None
) -> list[tuple[str, int]]:
    feeds = {"main": cast(AccountFeed, feed or Lists())}
    now = await in_force(policy, feeds, memory or Memory(), NOW)
    return [(leg.symbol, int(leg.weight)) for leg in now.legs]


async def test_without_a_dated_leg_it_is_what_it_is_and_nothing_is_asked() -> None:
    feed = Lists()
    policy = hedge()
    assert await in_force(policy, {"main": cast(AccountFeed, feed)}, Memory(), NOW) is policy
    assert (feed.asked, feed.wanted) == ([], [])


async def test_a_dated_leg_is_a_contract_and_that_is_read_from_now_on() -> None:
    feed = Lists()
    assert await legs(NEXT, feed=feed) == [(DATED, 1)]
    assert feed.asked == ["BTC"]
    assert feed.wanted == [("btc", Needs(frozenset({DATED}), frozenset({"BTC"})))]


@pytest.mark.parametrize(
    ("memory", "stays"),
    [
        (Memory(contracts=((f"main:{OLD}", contracts(-5)),)), True),
        (Memory(contracts=((f"main:{OLD}", contracts(0)),)), False),
        (Memory(updated=((f"main:{OLD}", Millis(NOW - BOOKED_MS + 1)),)), True),
        (Memory(updated=((f"main:{OLD}", Millis(NOW - BOOKED_MS)),)), False),
    ],
    ids=["short", "flat", "flat of late", "flat for long"],
)
async def test_one_that_it_was_in_stays_until_all_of_it_is_booked(memory: Memory, stays: bool) -> None:
    assert await legs(NEXT, memory) == [(DATED, 1), *([(OLD, 0)] if stays else [])]


@pytest.mark.parametrize("moved", [False, True])
async def test_a_hedge_that_moved_for_its_funding_has_its_share_there(moved: bool) -> None:
    memory = Memory(policy=Followed(moved=moved))
    assert await legs(MOVABLE, memory) == [(SYMBOL, int(not moved)), (DATED, int(moved))]


async def test_where_nothing_is_left_to_have_moved_to_it_is_in_the_perpetual_one_again() -> None:
    memory = Memory(policy=Followed(moved=True))
    assert await legs(MOVABLE, memory, Lists((instrument(),))) == [(SYMBOL, 1)]


async def test_it_keeps_what_it_was_short_in_there() -> None:
    """Not usable as a choice any more, it is left, not forgotten."""
    paused = replace(CONTRACTS[2], ends_at=Millis(NOW + DAY // 24))
    memory = Memory(contracts=((f"main:{DATED}", contracts(-5)),))
    assert await legs(MOVABLE, memory, Lists((instrument(), paused))) == [(SYMBOL, 1), (DATED, 0)]


async def test_a_leg_that_could_be_in_no_contract_is_no_reading() -> None:
    says = "main lists no dated contract for BTC/USD:BTC-next-quarter"
    with pytest.raises(ReadError, match=says):
        await legs(NEXT, feed=Lists((instrument(),)))
