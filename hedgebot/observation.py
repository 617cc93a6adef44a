"""OBSERVE: read the accounts a hedge needs, together and under one deadline, into one snapshot.

Hedges that share an account share one read of it (``AccountFeed``); an account that fails blinds only
the hedges that need it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import chain

from hedgebot.domain.account import AccountReading, Needs, Position, Wallet
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.snapshot import Blind, Leg, Observation, Snapshot
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import CredentialsError, HedgebotError, ReadError
from hedgebot.ports import Account, Clock

UNIFIED, SPOT, MARGIN = "unified", "spot", "margin"


class AccountFeed:
    """One account's readings, each shared by all hedges that ask while it is young enough."""

    def __init__(self, account: Account, needs: Needs, clock: Clock, deadline: float) -> None:
        self._account = account
        self._needs = needs
        self._clock = clock
        self._deadline = deadline
        self._started = float("-inf")
        self._reading: asyncio.Task[AccountReading] | None = None

    def reading(self, since: float) -> asyncio.Future[AccountReading]:
        """A reading begun at or after the monotonic instant ``since``. Raises ``ReadError`` when awaited."""
        if self._reading is None or self._started < since:
            self._started = self._clock.monotonic()
            self._reading = asyncio.create_task(self._read())
        # Shielded: a hedge that stops must not take the reading away from its neighbours.
        return asyncio.shield(self._reading)

    async def _read(self) -> AccountReading:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._account.read(self._needs)
        except TimeoutError as cause:
            raise ReadError(
                f"{self._account.name}: no complete reading within {self._deadline:g} s"
            ) from cause


async def observe(hedge: Hedge, feeds: Mapping[str, AccountFeed], since: float, at: Millis) -> Observation:
    """The snapshot of a hedge from readings begun at or after ``since``, or why there is none."""
    names = hedge.accounts
    answers = await asyncio.gather(*(feeds[name].reading(since) for name in names), return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    for failure in failures:
        if not isinstance(failure, HedgebotError):
            raise failure
    if failures:
        refused = any(isinstance(failure, CredentialsError) for failure in failures)
        return Blind(hedge.name, at, tuple(str(failure) for failure in failures), refused)
    return assemble(hedge, {a.account: a for a in answers if isinstance(a, AccountReading)}, at)


def assemble(hedge: Hedge, readings: Mapping[str, AccountReading], at: Millis) -> Observation:
    """Pure: one snapshot out of complete readings, each wallet counted once and in one role."""
    spot, margin = _wallets(hedge, readings)
    missing = [f"{leg.name}: its margin wallet" for leg in hedge.legs if _margin_wallet(leg, margin) is None]
    shown = {wallet.id.account for wallet in (*spot, *margin) if wallet.id.wallet != MARGIN}
    missing += [f"{account}: its spot wallet" for account in hedge.spot_accounts if account not in shown]
    if missing:
        return Blind(hedge.name, at, tuple(f"{wallet} was not shown" for wallet in missing))
    return Snapshot(
        hedge=hedge.name,
        asset=hedge.asset,
        at=at,
        started=min(r.started for r in readings.values()),
        ended=max(r.ended for r in readings.values()),
        offset_ms=max((r.exchange_offset_ms for r in readings.values()), key=abs),
        spot_wallets=spot,
        margin_wallets=margin,
        outside=sum((coins for _, coins in hedge.outside), Coin.zero()),
        legs=tuple(_leg(leg, readings[leg.account], margin) for leg in hedge.legs),
        others=tuple(_others(hedge, readings)),
        orders=tuple((name, order) for name, r in readings.items() for order in r.orders),
    )


def _wallets(
    hedge: Hedge, readings: Mapping[str, AccountReading]
) -> tuple[tuple[Wallet, ...], tuple[Wallet, ...]]:
    """Spot and margin wallets. A unified pot is collateral where its account carries a leg, else spot."""
    carrying = {leg.account for leg in hedge.legs}
    spot, margin = [], []
    for wallet in chain.from_iterable(reading.wallets for reading in readings.values()):
        if wallet.id.asset != hedge.asset:
            continue
        kind, account = wallet.id.wallet, wallet.id.account
        if account in carrying and kind in {UNIFIED, MARGIN}:
            margin.append(wallet)
        elif account in hedge.spot_accounts and kind in {UNIFIED, SPOT}:
            spot.append(wallet)
    return tuple(spot), tuple(margin)


def _margin_wallet(leg: LegPolicy, margin: tuple[Wallet, ...]) -> Wallet | None:
    return next((wallet for wallet in margin if wallet.id.account == leg.account), None)


def _leg(policy: LegPolicy, reading: AccountReading, margin: tuple[Wallet, ...]) -> Leg:
    wallet = _margin_wallet(policy, margin)
    if wallet is None:
        raise ValueError(f"{policy.name} has no margin wallet")
    return Leg(
        policy=policy,
        position=reading.position(policy.symbol),
        quote=reading.quote(policy.symbol),
        facts=reading.leg_facts(policy.symbol),
        wallet=wallet,
        mode=reading.mode,
    )


def _others(hedge: Hedge, readings: Mapping[str, AccountReading]) -> Iterator[tuple[str, Position]]:
    """Open coin-margined positions of the asset that are no leg of this hedge, be it only in their margin
    mode: a contract may be held in both."""
    legs = [readings[leg.account].position(leg.symbol) for leg in hedge.legs]
    for name, reading in readings.items():
        for position in reading.positions:
            known = any(position is leg for leg in legs)
            if not known and position.contracts and _settles_in(position, hedge.asset):
                yield name, position


def _settles_in(position: Position, asset: str) -> bool:
    return position.symbol.partition(":")[2].partition("-")[0] == asset
