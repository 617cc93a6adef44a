"""The composition root: settings in, a running daemon out, torn down in order.

What a mode or a simulation changes is composed here and nowhere else: the clock, the source of
randomness, the way to the network, what opens an account, what stands before the journal, what carries
plans out.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Unpack

import aiohttp
import structlog

from hedgebot.accounting import Accounting
from hedgebot.alarms import Alarms
from hedgebot.clock import SystemClock
from hedgebot.cycle import Cycle
from hedgebot.daemon import CycleEnded, Daemon
from hedgebot.domain.account import Needs
from hedgebot.domain.dated import whole
from hedgebot.domain.hedge import Hedge, LegDown, LegPolicy, Limits
from hedgebot.domain.instrument import is_dated
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orphans import orphans
from hedgebot.domain.records import CycleRecord, Memory
from hedgebot.domain.units import Coin, Millis, Usd
from hedgebot.errors import JournalError
from hedgebot.exchange.opening import Options
from hedgebot.exchange.registry import open_account
from hedgebot.execution import Execution, Executor, Rehearsal, Settler
from hedgebot.external import source
from hedgebot.hedge_state import HedgeState
from hedgebot.journal.sqlite import SqliteJournal
from hedgebot.key_watch import KeyWatch, Use
from hedgebot.notify.webhook import webhook
from hedgebot.observation import AccountFeed
from hedgebot.ports import Account, Clock, Journal
from hedgebot.settings.model import Hedge as HedgeSettings
from hedgebot.settings.model import Settings
from hedgebot.settings.paths import Paths
from hedgebot.settings.ratio import Ratio
from hedgebot.settings.secrets import Credentials
from hedgebot.signal_watch import SignalWatch

log = structlog.get_logger("hedgebot.app")

LEDGER_SECONDS = 60.0
REMEMBERED_MS = 30 * 86_400_000
"""How much of the past the charts show."""


class Opener(Protocol):
    """What opens an account; see ``exchange.registry.open_account``."""

    def __call__(
        self, name: str, exchange: str, credentials: Credentials, /, **options: Unpack[Options]
    ) -> Account: ...


@dataclass(frozen=True)
class World:
    """What live running and simulation differ in.

    ``account`` opens each account; ``journal`` puts something before the one that was opened, so that a
    simulation can see, hold or fail what passes.
    """

    clock: Clock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=random.SystemRandom)
    connector: Callable[[], aiohttp.BaseConnector | None] = lambda: None
    account: Opener = open_account
    journal: Callable[[SqliteJournal], Journal] = lambda stored: stored


@dataclass(frozen=True)
class Hooks:
    """Who is told of ended cycles, and of requests: account, endpoint, outcome, seconds."""

    ended: CycleEnded = lambda *_: None
    requested: Callable[[str, str, str, float], None] = lambda *_: None


def hedge_of(name: str, settings: HedgeSettings, settle_after: float) -> Hedge:
    """A hedge's definition in the words of ``domain``."""
    limits, ratio = settings.limits, settings.ratio
    return Hedge(
        name=name,
        asset=settings.asset,
        ratio=ratio.fixed if isinstance(ratio, Ratio) else ratio,
        band=settings.band,
        min_ratio=settings.min_ratio,
        max_ratio=settings.max_ratio,
        spot_accounts=tuple(entry.account for entry in settings.spot if entry.account is not None),
        outside=tuple((e.name, Coin(e.quantity)) for e in settings.spot if e.name and e.quantity is not None),
        legs=tuple(
            LegPolicy(
                leg.account,
                whole(leg.symbol, settings.asset),
                leg.leverage,
                MarginMode(leg.margin_mode) if leg.margin_mode else None,
                leg.weight,
            )
            for leg in settings.legs
        ),
        limits=Limits(
            slippage=limits.slippage,
            orders_per_hour=limits.orders_per_hour,
            turnover_per_day=limits.turnover_per_day,
            corrections_per_hour=limits.corrections_per_hour,
            jump=limits.jump,
            max_order=None if limits.max_order_usd is None else Usd(limits.max_order_usd),
        ),
        liquidation_warn=settings.liquidation.warn,
        liquidation_act=settings.liquidation.act,
        settle_after=settle_after,
        collateral=settings.collateral.defined(),
        policies=ratio.defined() if isinstance(ratio, Ratio) else None,
        funding=settings.funding.defined(),
        basis_max=settings.basis.max,
        roll=settings.roll.defined(),
        if_leg_down=LegDown(settings.if_leg_down),
    )


@dataclass(frozen=True)
class App:
    """Everything built, before the first request."""

    daemon: Daemon
    accounts: Mapping[str, Account]
    journal: Journal
    keys: KeyWatch


@asynccontextmanager
async def build(
    settings: Settings,
    paths: Paths,
    credentials: Mapping[str, Credentials],
    world: World,
    hooks: Hooks = Hooks(),
    *,
    again: bool = False,
) -> AsyncIterator[App]:
    """The app of one configuration; each part's teardown is registered the moment the part exists.

    ``again``: a daemon was here before, so that a journal which is new stands in for one that was lost.
    """
    async with AsyncExitStack() as stack:
        settle = settings.cycle.settle_after.total_seconds() if again else 0.0
        stored = await SqliteJournal.open(
            paths.store, clock=world.clock, rng=world.rng, keep=settings.store.keep, settle=settle
        )
        stack.push_async_callback(stored.close)
        journal = world.journal(stored)
        accounts = await stack.enter_async_context(open_accounts(settings, credentials, world, hooks))

        def execution(hedge: Hedge) -> Execution:
            live = settings.mode == "live"
            return Executor(hedge, accounts, journal, world.clock) if live else Rehearsal()

        keys = watch_over_keys(settings, accounts, world.clock)
        signals = watch_over_signals(settings, paths.store.parent, accounts, world)
        cycles = cycles_of(settings, accounts, journal, world.clock, execution, keys, signals)
        for cycle in cycles.values():
            await cycle.state.load(journal, world.clock.now_ms())
            cycle.state.started += stored.waits
        adopt(cycles, await stored.memories())
        for cycle in cycles.values():
            for leg, contracts in cycle.state.memory.orphans:
                log.warning("a short is in no leg of the config any more", leg=leg, contracts=str(contracts))
        interval = settings.cycle.interval.total_seconds()
        tell = await stack.enter_async_context(_alarms(settings, world))

        def ended(record: CycleRecord, *rest: Any) -> None:
            tell(record)
            hooks.ended(record, *rest)

        chores = [keys.keep, signals.keep]
        daemon = Daemon(settings.mode, interval, cycles, journal, world.clock, ended, chores)
        await _remember(daemon, stored, world.clock)
        yield App(daemon, accounts, journal, keys)


def adopt(cycles: Mapping[str, Cycle], memories: Mapping[str, Memory]) -> None:
    """Give each hedge the shorts to look after that were taken out of the config."""
    for name, lost in orphans({name: cycle.hedge for name, cycle in cycles.items()}, memories).items():
        state = cycles[name].state
        state.memory = replace(state.memory, orphans=lost)


@asynccontextmanager
async def _alarms(settings: Settings, world: World) -> AsyncIterator[Callable[[CycleRecord], None]]:
    """What tells the operator's webhook of a cycle's alarms; without one it tells nobody."""
    url = settings.alarms.webhook.get_secret_value()
    if not url:
        yield lambda _: None
        return
    async with webhook(url, world.clock, world.connector) as hook:
        alarms = Alarms()

        def tell(record: CycleRecord) -> None:
            for notice in alarms.after(record, world.clock.monotonic()):
                hook.tell(notice.body())

        yield tell


async def _remember(daemon: Daemon, journal: SqliteJournal, clock: Clock) -> None:
    """Begin the charts with what the journal holds. No hedge waits for want of them."""
    since = Millis(clock.now_ms() - REMEMBERED_MS)
    for name in daemon.cycles:
        try:
            past = await journal.past(name, since)
            daemon.remember(name, ((each.number, each) for each in past))
        except (JournalError, LookupError, ArithmeticError, TypeError) as error:
            log.warning("the charts begin anew: earlier cycles cannot be read", hedge=name, reason=str(error))


@asynccontextmanager
async def open_accounts(
    settings: Settings, credentials: Mapping[str, Credentials], world: World, hooks: Hooks = Hooks()
) -> AsyncIterator[Mapping[str, Account]]:
    """The accounts that there are credentials for, open while the block runs; no request is made yet."""
    accounts: dict[str, Account] = {}
    async with AsyncExitStack() as stack:
        for name, known in credentials.items():
            accounts[name] = world.account(
                name,
                settings.accounts[name].exchange,
                known,
                clock=world.clock,
                sandbox=settings.accounts[name].sandbox,
                base_url=settings.accounts[name].base_url,
                settle_after_s=settings.cycle.settle_after.total_seconds(),
                connector=world.connector(),
                on_request=partial(hooks.requested, name),
            )
            stack.push_async_callback(accounts[name].close)
        yield accounts


def watch_over_keys(settings: Settings, accounts: Mapping[str, Account], clock: Clock) -> KeyWatch:
    """What asks the exchanges what our keys may do: to trade is asked of those that carry a leg, live."""
    carrying = {leg.account for hedge in settings.hedges.values() for leg in hedge.legs}
    uses = {
        name: Use(settings.mode == "live" and name in carrying, settings.accounts[name].allow_withdraw)
        for name in accounts
    }
    return KeyWatch(accounts, uses, clock, settings.cycle.deadline.total_seconds())


def watch_over_signals(
    settings: Settings, folder: Path, accounts: Mapping[str, Account], world: World
) -> SignalWatch:
    """What reads what the ratios follow; another program's file lies in ``folder``, unless it says where."""
    hedges = {name: hedge_of(name, hedge, 0.0) for name, hedge in settings.hedges.items()}
    tables = {n: h.ratio.external for n, h in settings.hedges.items() if isinstance(h.ratio, Ratio)}
    sources = {
        name: source(table.file, table.address, folder, world.connector)
        for name, table in tables.items()
        if table is not None
    }
    return SignalWatch(hedges, accounts, sources, world.clock, settings.cycle.deadline.total_seconds())


def cycles_of(
    settings: Settings,
    accounts: Mapping[str, Account],
    journal: Journal,
    clock: Clock,
    execution: Callable[[Hedge], Execution],
    keys: KeyWatch,
    signals: SignalWatch,
) -> dict[str, Cycle]:
    """Each hedge's loop body; ``execution`` is what carries out its plans."""
    deadline = settings.cycle.deadline.total_seconds()
    settle_after = settings.cycle.settle_after.total_seconds()
    hedges = {name: hedge_of(name, hedge, settle_after) for name, hedge in settings.hedges.items()}
    feeds = _feeds(hedges, accounts, clock, deadline)
    every = min(LEDGER_SECONDS, 2 * settle_after)
    accounting = Accounting(accounts, clock, every, int(settle_after * 1000), deadline)
    return {
        name: Cycle(
            configured=hedge,
            feeds=feeds,
            settler=Settler(accounts, journal, clock, settle_after, deadline),
            execution=execution(hedge),
            accounting=accounting,
            journal=journal,
            clock=clock,
            fresh_for=deadline,
            state=HedgeState(name, journal.instance, clock.monotonic(), keys.keys, signals.signals, hedges),
        )
        for name, hedge in hedges.items()
    }


def _feeds(
    hedges: Mapping[str, Hedge], accounts: Mapping[str, Account], clock: Clock, deadline: float
) -> dict[str, AccountFeed]:
    """One feed an account, reading what all its hedges need."""
    feeds = {}
    for name, account in accounts.items():
        needs = Needs(frozenset(), frozenset())
        for hedge in hedges.values():
            lasting = replace(hedge, legs=tuple(leg for leg in hedge.legs if not is_dated(leg.symbol)))
            needs = needs | lasting.needs(name) if name in hedge.accounts else needs
        feeds[name] = AccountFeed(account, needs, clock, deadline)
    return feeds
