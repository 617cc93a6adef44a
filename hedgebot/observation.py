"""OBSERVE: read the accounts a hedge needs, together and under one deadline, into one snapshot.

Hedges that share an account share one read of it (``AccountFeed``); an account that fails blinds only
the hedges that need it. Of a hedge with legs on several, one that can be read is enough: those that cannot
count as they were last confirmed since the start.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from hedgebot.domain.account import AccountReading, Needs, Outage, Position, Wallet
from hedgebot.domain.dated import configured, legs_now
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.instrument import Instrument, is_dated, settled_in
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Blind, Leg, Observation, Snapshot
from hedgebot.domain.units import Coin, Millis, Price
from hedgebot.errors import CredentialsError, HedgebotError, ReadError
from hedgebot.ports import Account, Clock

T = TypeVar("T")

BOOKED_MS = 900_000
"""How long after its last change a position may still appear in the ledger."""

UNIFIED, SPOT, MARGIN = "unified", "spot", "margin"
NOTHING: Mapping[str, AccountReading] = {}


class AccountFeed:
    """One account's readings, each shared by all hedges that ask while it is young enough."""

    def __init__(self, account: Account, needs: Needs, clock: Clock, deadline: float) -> None:
        self._account = account
        self._needs = needs
        self._also: dict[str, Needs] = {}
        self._clock = clock
        self._deadline = deadline
        self._started = float("-inf")
        self._reading: asyncio.Task[AccountReading] | None = None

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        """See ``ports.Account``. Raises ``ReadError``."""
        return await self._in_time(self._account.contracts(asset), "no list of its contracts")

    def want(self, hedge: str, needs: Needs) -> None:
        """What a hedge with dated legs needs as well, from now on."""
        if self._also.get(hedge) != needs:
            self._also[hedge] = needs
            self._started = float("-inf")  # a reading begun before would lack it

    def reading(self, since: float) -> asyncio.Future[AccountReading]:
        """A reading begun at or after the monotonic instant ``since``. Raises ``ReadError`` when awaited."""
        if self._reading is None or self._started < since:
            self._reading = self._begin()
        # Shielded: a hedge that stops must not take the reading away from its neighbours.
        return asyncio.shield(self._reading)

    def answers(self) -> bool:
        """Whether an account that failed may be waited for again: the last reading ended, and not for want of
        an answer. Begins another one where it did; nobody waits for that."""
        last = self._reading
        if last is not None and not last.done():
            return False
        if last is not None and not last.cancelled() and not isinstance(last.exception(), ReadError):
            return True
        self._reading = self._begin()
        return False

    def _begin(self) -> asyncio.Task[AccountReading]:
        self._started = self._clock.monotonic()
        reading = asyncio.create_task(self._read())
        reading.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody may ask
        return reading

    async def _read(self) -> AccountReading:
        needs = self._needs
        for also in self._also.values():
            needs |= also
        return await self._in_time(self._account.read(needs), "no complete reading")

    async def _in_time(self, asked: Coroutine[Any, Any, T], otherwise: str) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await asked
        except TimeoutError as cause:
            raise ReadError(f"{self._account.name}: {otherwise} within {self._deadline:g} s") from cause


async def in_force(hedge: Hedge, feeds: Mapping[str, AccountFeed], memory: Memory, at: Millis) -> Hedge:
    """``hedge`` with each dated leg as the contracts that it stands for now, which are read from now on.

    ``memory`` knows the legs that it had last. Raises ``ReadError``.
    """
    moved, seen = memory.policy.moved, _to_stay(memory, at)
    dated = {leg.account for leg in configured(hedge, moved=moved) if is_dated(leg.symbol)}
    if not dated:
        return hedge
    listed = {name: await feeds[name].contracts(hedge.asset) for name in sorted(dated)}
    try:
        now = replace(hedge, legs=_legs(hedge, listed, seen, at, moved=moved))
    except ValueError as none:
        raise ReadError(str(none)) from none
    for name in now.accounts:
        feeds[name].want(hedge.name, now.needs(name))
    return now


def _legs(
    hedge: Hedge, listed: Mapping[str, Iterable[Instrument]], seen: set[str], at: Millis, *, moved: bool
) -> tuple[LegPolicy, ...]:
    """``legs_now``; where there is no dated contract to have moved to any more, those before that."""
    try:
        return legs_now(hedge, listed, seen, at, moved=moved)
    except ValueError:
        return legs_now(hedge, listed, seen, at)


def _to_stay(memory: Memory, at: Millis) -> set[str]:
    """The legs that were short last, or lately: what was paid for the last of it is booked a moment later."""
    lately = {name for name, changed in memory.updated if at - changed < BOOKED_MS}
    return lately | {name for name, contracts in memory.contracts if contracts}


async def observe(
    hedge: Hedge,
    feeds: Mapping[str, AccountFeed],
    since: float,
    at: Millis,
    confirmed: Mapping[str, AccountReading] = NOTHING,
) -> Observation:
    """The snapshot of a hedge from readings begun at or after ``since``, or why there is none.

    ``confirmed`` are the accounts' readings in the last snapshot that was believed.
    """
    readings, failures = await _answers(hedge, feeds, since, confirmed)
    refused = any(isinstance(failure, CredentialsError) for failure in failures.values())
    old = {} if refused else dict(_as_confirmed(hedge, failures, since, at, confirmed))
    hedge = _as_read(hedge, old)
    carrying = {leg.account for leg in hedge.legs}
    if failures.keys() != old.keys() or not old.keys() <= carrying or not carrying & readings.keys():
        return Blind(hedge.name, at, tuple(str(failure) for failure in failures.values()), refused)
    return assemble(hedge, {name: (readings | old)[name] for name in hedge.accounts}, at)


async def _answers(
    hedge: Hedge, feeds: Mapping[str, AccountFeed], since: float, confirmed: Mapping[str, AccountReading]
) -> tuple[dict[str, AccountReading], dict[str, HedgebotError]]:
    """Each account's reading, or why there is none. An account that was dead is not waited for until it
    answers: what the others show would grow old meanwhile."""
    readings, failures = dict[str, AccountReading](), dict[str, HedgebotError]()
    for name in hedge.accounts:
        outage = confirmed[name].dead if name in confirmed else None
        if outage is not None and not feeds[name].answers():
            failures[name] = ReadError(outage.reason)
    asked = [name for name in hedge.accounts if name not in failures]
    answers = await asyncio.gather(*(feeds[name].reading(since) for name in asked), return_exceptions=True)
    for name, answer in zip(asked, answers, strict=True):
        if isinstance(answer, AccountReading):
            readings[name] = answer
        elif isinstance(answer, HedgebotError):
            failures[name] = answer
        else:
            raise answer
    return readings, failures


def _as_confirmed(
    hedge: Hedge,
    failures: Mapping[str, HedgebotError],
    since: float,
    at: Millis,
    confirmed: Mapping[str, AccountReading],
) -> Iterator[tuple[str, AccountReading]]:
    """The last confirmed readings, marked dead, of those accounts that failed and carry a leg."""
    carrying = {leg.account for leg in hedge.legs}
    for name, failure in failures.items():
        if name in confirmed and name in carrying:
            last = confirmed[name]
            seen = last.ended if last.dead is None else last.dead.seen
            began = Millis(at - round((since - seen) * 1000)) if last.dead is None else last.dead.since
            yield name, replace(last, dead=Outage(min(began, at), seen, str(failure)))


def _as_read(hedge: Hedge, old: Mapping[str, AccountReading]) -> Hedge:
    """Without the contracts that a dead account was not yet asked for: nothing is in them."""
    shown = {name: {facts.instrument.symbol for facts in reading.facts} for name, reading in old.items()}
    legs = [leg for leg in hedge.legs if leg.account not in shown or leg.symbol in shown[leg.account]]
    return replace(hedge, legs=tuple(legs))


def assemble(hedge: Hedge, readings: Mapping[str, AccountReading], at: Millis) -> Observation:
    """Pure: one snapshot out of complete readings, each wallet counted once and in one role.

    Of the readings that are marked dead only coins and positions are taken, at the mark of a living leg.
    """
    spot, margin = _wallets(hedge, readings)
    wallets = {leg.name: _margin_wallet(leg, readings[leg.account]) for leg in hedge.legs}
    missing = [f"{name}: its margin wallet" for name, wallet in wallets.items() if wallet is None]
    shown = {wallet.id.account for wallet in (*spot, *margin) if wallet.id.wallet != MARGIN}
    missing += [f"{account}: its spot wallet" for account in hedge.spot_accounts if account not in shown]
    if missing:
        return Blind(hedge.name, at, tuple(f"{wallet} was not shown" for wallet in missing))
    living = [reading for reading in readings.values() if reading.dead is None]
    return Snapshot(
        hedge=hedge.name,
        asset=hedge.asset,
        at=at,
        started=min(r.started for r in living),
        ended=max(r.ended for r in living),
        offset_ms=max((r.exchange_offset_ms for r in living), key=abs),
        spot_wallets=spot,
        margin_wallets=margin,
        outside=sum((coins for _, coins in hedge.outside), Coin.zero()),
        legs=_marked([_leg(leg, readings[leg.account], wallets[leg.name]) for leg in hedge.legs]),
        others=tuple(_others(hedge, readings)),
        orders=tuple((r.account, order) for r in living for order in r.orders),
        beside=tuple(_beside(hedge, readings)),
        readings=tuple(readings.values()),
    )


def _wallets(
    hedge: Hedge, readings: Mapping[str, AccountReading]
) -> tuple[tuple[Wallet, ...], tuple[Wallet, ...]]:
    """Spot and margin wallets of the asset. A unified pot is collateral where its account carries a leg that
    settles in it, else spot."""
    carrying = {leg.account for leg in hedge.legs if settled_in(leg.symbol) == hedge.asset}
    holding = {*hedge.spot_accounts, *(leg.account for leg in hedge.legs)}
    spot, margin = [], []
    for wallet in chain.from_iterable(reading.wallets for reading in readings.values()):
        if wallet.id.asset != hedge.asset:
            continue
        kind, account = wallet.id.wallet, wallet.id.account
        if account in carrying and kind in {UNIFIED, MARGIN}:
            margin.append(wallet)
        elif account in (holding if kind == UNIFIED else hedge.spot_accounts) and kind in {UNIFIED, SPOT}:
            spot.append(wallet)
    return tuple(spot), tuple(margin)


def _margin_wallet(leg: LegPolicy, reading: AccountReading) -> Wallet | None:
    """The wallet of the coin that a leg settles in."""
    coin = settled_in(leg.symbol)
    return next((w for w in reading.wallets if w.id.asset == coin and w.id.wallet in {UNIFIED, MARGIN}), None)


def _leg(policy: LegPolicy, reading: AccountReading, wallet: Wallet | None) -> Leg:
    if wallet is None:
        raise ValueError(f"{policy.name} has no margin wallet")
    return Leg(
        policy=policy,
        position=reading.position(policy.symbol),
        quote=reading.quote(policy.symbol),
        facts=reading.leg_facts(policy.symbol),
        wallet=wallet,
        mode=reading.mode,
        dead=reading.dead,
    )


def _marked(legs: list[Leg]) -> tuple[Leg, ...]:
    """The dead ones at the mark of a living leg."""
    mark = next(leg.mark for leg in legs if leg.dead is None)
    return tuple(leg if leg.dead is None else _at(leg, mark) for leg in legs)


def _at(leg: Leg, mark: Price) -> Leg:
    return replace(leg, position=replace(leg.position, mark=mark), quote=replace(leg.quote, mark=mark))


def _others(hedge: Hedge, readings: Mapping[str, AccountReading]) -> Iterator[tuple[str, Position]]:
    """Open positions of the asset that are no leg of this hedge, be it only in their margin mode: a contract
    may be held in both. Coin-margined ones, and those in a stable coin that margins a leg."""
    legs = [readings[leg.account].position(leg.symbol) for leg in hedge.legs]
    for name, position, coin in _open(hedge, readings):
        of_asset = coin == hedge.asset or position.symbol.startswith(f"{hedge.asset}/")
        if of_asset and not any(position is leg for leg in legs):
            yield name, position


def _beside(hedge: Hedge, readings: Mapping[str, AccountReading]) -> Iterator[tuple[str, Position]]:
    """Open positions of other assets in the stable coins that margin legs."""
    for name, position, coin in _open(hedge, readings):
        if coin != hedge.asset and not position.symbol.startswith(f"{hedge.asset}/"):
            yield name, position


def _open(hedge: Hedge, readings: Mapping[str, AccountReading]) -> Iterator[tuple[str, Position, str]]:
    """Open positions that settle in the asset or in a stable coin that margins a leg, each with that coin."""
    stable = {(leg.account, settled_in(leg.symbol)) for leg in hedge.legs}
    for name, reading in readings.items():
        for position in reading.positions:
            coin = settled_in(position.symbol)
            if position.contracts and (coin == hedge.asset or (name, coin) in stable):
                yield name, position, coin
