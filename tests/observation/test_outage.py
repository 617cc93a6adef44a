"""A dead account in a snapshot: its coins and positions as last confirmed, everything else of the living."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hedgebot.domain.account import AccountReading, Outage
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.snapshot import Blind, Observation, Snapshot
from hedgebot.domain.units import ZERO, Millis
from hedgebot.errors import CredentialsError, HedgebotError, ReadError
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
    """Answers at once; ``again`` says whether one that was dead is to be waited for."""

    def __init__(self, answer: AccountReading | Exception, *, again: bool = True) -> None:
        self._answer = answer
        self._again = again
        self.since: float | None = None

    def answers(self) -> bool:
        return self._again

    def reading(self, since: float) -> asyncio.Future[AccountReading]:
        self.since = since
        done = asyncio.get_running_loop().create_future()
        if isinstance(self._answer, Exception):
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


NO_ANSWER = ReadError("main: no answer")
CONFIRMED = {name: account(name, 60_000, ended=95.0) for name in ("main", "other")}
STILL = CONFIRMED | {"main": replace(CONFIRMED["main"], dead=LOST)}


async def observed(
    main: AccountReading | Exception,
    *,
    policy: Hedge = BOTH,
    confirmed: Mapping[str, AccountReading] = CONFIRMED,
    again: bool = True,
) -> Observation:
    feeds = {"main": Feed(main, again=again), "other": Feed(account("other", 42_000))}
    return await observe(policy, feeds, 100.0, NOW, confirmed)


class TestAnAccountThatFails:
    async def test_counts_as_last_confirmed_since_then(self) -> None:
        found = await observed(NO_ANSWER)
        assert isinstance(found, Snapshot)
        assert found.legs[0].dead == Outage(Millis(NOW - 5_000), seen=95.0, reason="main: no answer")
        assert [each.dead for each in found.readings] == [found.legs[0].dead, None]
        assert (found.hedge, found.asset, found.at) == ("btc", "BTC", NOW)

    async def test_is_marked_where_the_living_are_in_its_market_too(self) -> None:
        found = await observed(NO_ANSWER)
        assert isinstance(found, Snapshot)
        assert found.legs[0].quote.mark == price(42_000)

    async def test_still_failing_has_been_dead_since_it_was(self) -> None:
        found = await observed(NO_ANSWER, confirmed=STILL)
        assert isinstance(found, Snapshot)
        assert found.legs[0].dead == replace(LOST, reason="main: no answer")

    async def test_is_not_waited_for_until_it_answers(self) -> None:
        found = await observed(account("main", 42_000), confirmed=STILL, again=False)
        assert isinstance(found, Snapshot)
        assert found.legs[0].dead == LOST, "for the reason that was given"
        back = await observed(account("main", 42_000), confirmed=STILL)
        assert isinstance(back, Snapshot)
        assert not back.dead

    async def test_one_that_lives_is_asked_whatever_it_answers_later(self) -> None:
        found = await observed(account("main", 42_000), again=False)
        assert isinstance(found, Snapshot)
        assert not found.dead

    async def test_is_read_from_the_same_instant_as_the_others(self) -> None:
        feeds = {name: Feed(account(name, 42_000)) for name in ("main", "other")}
        await observe(BOTH, feeds, 77.0, NOW)
        assert [feed.since for feed in feeds.values()] == [77.0, 77.0]

    @pytest.mark.parametrize(
        ("policy", "confirmed", "failure", "refused"),
        [
            (BOTH, {}, NO_ANSWER, False),
            (BOTH, {"other": CONFIRMED["other"]}, NO_ANSWER, False),
            (BOTH, CONFIRMED, CredentialsError("main: the key was refused"), True),
            (hedge(legs=BOTH.legs[:1], spot_accounts=("other",)), CONFIRMED, NO_ANSWER, False),
            (hedge(legs=BOTH.legs[1:], spot_accounts=("main",)), CONFIRMED, NO_ANSWER, False),
        ],
        ids=["never read", "not this one", "a refused key", "the only leg", "no leg"],
    )
    async def test_blinds_the_hedge_where_it_cannot_be_done_without(
        self, policy: Hedge, confirmed: Mapping[str, AccountReading], failure: HedgebotError, refused: bool
    ) -> None:
        found = await observed(failure, policy=policy, confirmed=confirmed)
        assert found == Blind("btc", NOW, (str(failure),), refused)

    async def test_all_dead_the_hedge_is_blind_for_each_reason(self) -> None:
        feeds = {name: Feed(ReadError(f"{name}: no answer")) for name in ("main", "other")}
        found = await observe(BOTH, feeds, 100.0, NOW, CONFIRMED)
        assert found == Blind("btc", NOW, ("main: no answer", "other: no answer"))

    async def test_what_is_no_failure_of_a_read_is_a_fault_of_ours(self) -> None:
        with pytest.raises(KeyError):
            await observed(KeyError("wallet"))
