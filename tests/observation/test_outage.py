"""A dead account in a snapshot: its coins and positions as last confirmed, everything else of the living."""

import asyncio
from dataclasses import replace
from typing import Any

from hedgebot.domain.account import AccountReading, Outage
from hedgebot.domain.hedge import LegPolicy
from hedgebot.domain.snapshot import Blind, Snapshot
from hedgebot.domain.units import ZERO, Millis
from hedgebot.errors import ReadError
from hedgebot.observation import AccountFeed, assemble, observe
from tests.builders import (
    DATED,
    NOW,
    SYMBOL,
    coin,
    hedge,
    open_order,
    position,
    price,
    quote,
    reading,
    wallet,
)

LOST = Outage(Millis(NOW - 600_000), seen=90.0, reason="no answer")
BOTH = hedge(legs=(LegPolicy("main", SYMBOL), LegPolicy("other", SYMBOL)))


def account(name: str, mark: int, **changes: Any) -> AccountReading:
    held = position(-30_000, mark=mark)
    found = reading(name, [wallet("0.5", [held])], [held], quotes=(quote(mark),))
    return replace(found, orders=(open_order(),), **changes)


class Feed(AccountFeed):
    """Answers at once."""

    def __init__(self, answer: AccountReading | ReadError) -> None:
        self._answer = answer

    def reading(self, since: float) -> asyncio.Future[AccountReading]:
        done = asyncio.get_running_loop().create_future()
        if isinstance(self._answer, ReadError):
            done.set_exception(self._answer)
        else:
            done.set_result(self._answer)
        return done


def seen(*, first_dead: bool) -> Snapshot:
    old = account("main" if first_dead else "other", 60_000, dead=LOST, started=40.0, ended=41.0)
    old = replace(old, exchange_offset_ms=9_000)
    new = account("other" if first_dead else "main", 42_000)
    found = assemble(BOTH, {each.account: each for each in (old, new)}, NOW)
    assert isinstance(found, Snapshot)
    return found


def test_it_counts_with_its_coins_and_its_short() -> None:
    for first_dead in (True, False):
        exposure = seen(first_dead=first_dead).exposure
        assert (exposure.held, exposure.sold) == (coin(1), coin(1))


def test_at_the_mark_of_a_living_leg() -> None:
    for first_dead in (True, False):
        found = seen(first_dead=first_dead)
        assert {leg.mark for leg in found.legs} == {price(42_000)} == {found.mark}
        assert found.exposure.exposure == found.exposure.short, "at ratio 1 all of the value is sold"


def test_which_legs_are_dead_is_marked() -> None:
    found = seen(first_dead=True)
    assert [leg.dead for leg in found.legs] == [LOST, None]
    assert found.dead == {"main"}
    assert [leg.policy.account for leg in found.living] == ["other"]


def test_time_and_orders_are_those_of_the_living() -> None:
    found = seen(first_dead=True)
    assert (found.started, found.ended, found.offset_ms) == (100.0, 100.05, 0)
    assert [account for account, _ in found.orders] == ["other"]


async def test_a_contract_that_a_dead_account_was_never_asked_for_is_left_out() -> None:
    """A roll that begins while nobody answers: what was confirmed knows the old contract alone."""
    old, new = LegPolicy("main", SYMBOL), LegPolicy("main", DATED)
    rolls = replace(BOTH, legs=(replace(old, weight=ZERO), new, LegPolicy("other", SYMBOL)))
    feeds = {"main": Feed(ReadError("no answer")), "other": Feed(account("other", 42_000))}
    confirmed = {name: account(name, 60_000) for name in ("main", "other")}
    found = await observe(rolls, feeds, 100.0, NOW, confirmed)
    assert isinstance(found, Snapshot)
    assert [leg.policy.symbol for leg in found.legs] == [SYMBOL, SYMBOL]
    assert found.exposure.held == coin(1)


async def test_where_nothing_confirmed_is_left_of_an_account_the_hedge_is_blind() -> None:
    """Its coins would be missing."""
    rolls = replace(BOTH, legs=(LegPolicy("main", DATED), LegPolicy("other", SYMBOL)))
    feeds = {"main": Feed(ReadError("no answer")), "other": Feed(account("other", 42_000))}
    confirmed = {name: account(name, 60_000) for name in ("main", "other")}
    assert isinstance(await observe(rolls, feeds, 100.0, NOW, confirmed), Blind)
