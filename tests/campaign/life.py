"""Plays a plan: the daemon lives through it, troubles strike, the judge watches.

``play(plan, folder)`` returns what came of it. A trouble is given the ``Life``: the exchange, the daemons
that run (``main`` and perhaps others), what stands in their ways, and the few things that an operator can do.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from hedgebot.domain.records import Verb
from hedgebot.errors import HedgebotError, JournalError
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import RefusedError
from hedgebot.sim.virtual import VirtualClock
from tests.campaign import sightings
from tests.campaign.gates import Obstacle
from tests.campaign.hearing import hearing
from tests.campaign.judge import Violation
from tests.campaign.loop import apart, live
from tests.campaign.plan import Plan, Trouble
from tests.campaign.reloading import known, loaded
from tests.campaign.running import KEY, PASSPHRASE, SECRET, Crash, Disk, Running, Stage, settings_of
from tests.campaign.tally import Tally
from tests.campaign.trace import Trace
from tests.campaign.troubles import KINDS
from tests.campaign.watching import Watch
from tests.campaign.world import Exchange, opened
from tests.simulation.world import START_MS

RESTARTS = re.compile("restart|new store|another daemon|aside")
"""What an operator restarts a daemon for, once the exchange is as it was and nobody else is there."""

LOST = 3600.0
"""A move whose coins seem to have left, and that no history knows, is waited for so long (seconds)."""

RETRY = 5.0
"""Seconds after which what supervises a daemon starts it again; twice as long each time, up to a cycle."""

PATIENCE = 30.0
"""Seconds that an operator waits before he starts a daemon on a new journal, besides ``settle_after``."""


@dataclass(frozen=True)
class Outcome:
    """What came of a life: what was broken, what was reached, and the fingerprint of all that happened."""

    plan: Plan
    violations: tuple[Violation, ...]
    tally: Tally
    digest: str
    story: tuple[str, ...]


@dataclass
class Life:
    """One plan being played. ``obstacles`` stand before the exchange's port, ``disk_obstacles`` before the
    journal's; ``operating`` is held by whoever starts and stops processes. ``facts_changed``: what a daemon
    reads once an hour was different for a while."""

    plan: Plan
    folder: Path
    exchange: Exchange
    clock: VirtualClock
    watch: Watch
    stage: Stage
    obstacles: list[Obstacle]
    disk_obstacles: list[Obstacle]
    operating: asyncio.Lock = field(default_factory=asyncio.Lock)
    main: Running | None = None
    facts_changed: bool = False
    _crash: Crash | None = None
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return asyncio.get_running_loop().time()

    @property
    def settling(self) -> float:
        """Seconds after which nothing of an earlier daemon is on its way any more."""
        return self.plan.config.settle_after + PATIENCE

    async def until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.seconds))

    def hit(self, trouble: Trouble) -> None:
        """A trouble struck."""
        self.watch.tally.hits[trouble.kind] += 1
        self.watch.note(f"trouble {trouble.number} strikes: {trouble.kind}")

    async def obstruct(self, trouble: Trouble, obstacle: Obstacle, *, disk: bool = False) -> None:
        """Let an obstacle stand in the way while the trouble lasts."""
        obstacles = self.disk_obstacles if disk else self.obstacles
        obstacles.append(obstacle)
        await self.until(trouble.until)
        obstacles.remove(obstacle)

    async def provoke(self, trouble: Trouble, rng: Random) -> None:
        """Coins come and go a few times while the trouble lasts, so that orders are due that it can meet."""
        for part in sorted(rng.random() for _ in range(3)):
            await self.until(trouble.at + part * (trouble.until - trouble.at))
            with suppress(RefusedError), self.exchange.foreign() as exchange:
                if rng.random() < 0.7:
                    exchange.deposit("main", "BTC", "0.08")
                else:
                    exchange.withdraw("main", "BTC", "0.07")

    async def meet_orders(self, trouble: Trouble, rng: Random, obstacle: Obstacle) -> None:
        """``obstruct``, and orders to obstruct."""
        self.go_on(self.provoke(trouble, Random(rng.getrandbits(32))))
        await self.obstruct(trouble, obstacle)

    def go_on(self, way: Coroutine[Any, Any, Any]) -> None:
        """Something that goes on by itself, whoever waits for it."""
        task = apart(way)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    # Daemons

    async def start(self, name: str = "main", disk: Disk | None = None) -> Running:
        """Start a daemon on its disk. Raises what ``app.build`` raises."""
        running = Running(name, self.stage, disk or Disk(self.folder), self.watch.watcher, self.watch.hooks)
        running.crash, self._crash = self._crash, None
        self.watch.note(f"{name} starts")
        if name == "main":
            self.main = running
        await running.start()
        if not running.alive:
            return running  # it crashed on the way
        assert running.app is not None
        self.exchange.judge.begins(name, running.app.journal.instance, running.disk.store)
        return running

    async def stop(self, running: Running) -> None:
        """SIGTERM."""
        self.watch.note(f"{running.name} is told to stop")
        if running.alive and not await running.stop():
            self.exchange.judge.breach("L3", f"{running.name} did not stop when told to")
        self.exchange.judge.ends(running.name)

    async def kill(self, running: Running) -> None:
        """SIGKILL."""
        self.watch.note(f"{running.name} is killed")
        if running.alive:
            await running.kill()
        self._buried(running)

    async def bury(self, running: Running, crash: Crash) -> None:
        """Clear away what died where it was armed to."""
        self.watch.note(f"{running.name} crashed {crash.point} {crash.number}")
        await running.bury(crash.image.result())
        self._buried(running)

    def _buried(self, running: Running) -> None:
        if self.exchange.judge.ends(running.name):
            self.watch.tally.reach("order in flight at a kill")

    def arm_next(self, crash: Crash) -> None:
        """Have the next daemon that starts crash."""
        self._crash = crash

    async def revive(self, running: Running, down: float = 0.0) -> Running:
        """Start it again after a while on its disk; try again while that fails, and where a person is told to
        move the journal aside, do so, let orders arrive, and start anew."""
        await asyncio.sleep(down)
        pause, longest = RETRY, max(RETRY, self.plan.config.interval)
        while True:
            try:
                return await self.start(running.name, running.disk)
            except JournalError as error:
                self.watch.note(f"{running.name} does not start: {error.what[:80]}")
                self.watch.tally.reach("start refused")
                if not error.next_step:
                    self.exchange.judge.breach(
                        "L2", f"a start was refused without saying what to do: {error}"
                    )
                if "aside" in str(error) or self.seconds > self.plan.end:
                    running.disk.wipe()
                    self.exchange.judge.loses_journal(running.disk.store)
                    await asyncio.sleep(self.settling)
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)

    async def command(self, verb: Verb, ratio: Decimal | None = None) -> bool:
        """An operator's command to the daemon; whether it was taken."""
        running = self.main
        if running is None or running.app is None or not running.alive or running.process.frozen:
            return False
        ordered = running.process.start(running.app.daemon.command("btc", verb, ratio, "operator"))
        await asyncio.wait({ordered})
        if ordered.cancelled():
            return False  # the daemon died over it
        error = ordered.exception()
        if error is not None and not isinstance(error, HedgebotError):
            raise error
        return error is None

    # The course of a life

    async def run(self) -> None:
        """From the first start to the verdict."""
        striking = [
            apart(self._strike(trouble), f"trouble {trouble.number}") for trouble in self.plan.troubles
        ]
        async with self.operating:
            await asyncio.sleep(0)
            await self.start()
        await self.until(self.plan.quiet_at)
        async with self.operating:
            await self._mend()
        await asyncio.gather(*striking)
        await self.until(self.plan.end)
        self.verdict()
        await self._end()

    async def _end(self) -> None:
        """Stop, and see that a daemon that started on this journal twice would know what this one did."""
        main = self.main
        assert main is not None
        assert main.app is not None
        state = main.app.daemon.cycles["btc"].state
        await self.stop(main)
        if not state.fault and not self.exchange.judge.violations:
            again = [
                await loaded(main.disk.store, self.folder, self.stage.settings, self.clock) for _ in range(2)
            ]
            self.exchange.judge.replayed(known(state), *again)
        for book in self.exchange.judge.books.values():
            for written in book.intents.written.values():
                outcome, filled = str(written.body.get("outcome", "")), bool(written.filled)
                for reached in sightings.in_stages(written.stages, outcome, filled):
                    self.watch.tally.reach(reached)
        figures = self.watch.tally.figures
        figures["seconds"] = round(self.seconds)
        figures["orders"] = len(self.exchange.judge.orders.effects)
        figures["seeds"] = 1

    async def _strike(self, trouble: Trouble) -> None:
        kind, rng = KINDS[trouble.kind], Random(f"{self.plan.random_name} {trouble.kind} {trouble.at}")
        await self.until(trouble.at)
        if not kind.operates:
            await kind.strike(self, trouble, rng)
            return
        async with self.operating:
            if self.seconds < self.plan.quiet_at:
                await kind.strike(self, trouble, rng)

    async def _mend(self) -> None:
        """What an operator does once all is quiet: what he is told to on the exchange, start what is down,
        restart what wants it, or may believe for an hour what the exchange no longer says."""
        main = self.main
        assert main is not None
        await asyncio.sleep(0.001)  # troubles that end at this very moment come first
        self._mend_account()
        if not main.alive:
            await self.revive(main)
            return
        for _ in range(2):  # what a start has not mended may want a new journal
            await asyncio.sleep(3 * self.plan.config.interval + self.plan.config.deadline)
            told = [f for f in self.watch.findings.get("main", []) if f["alarm"]]
            if not self.facts_changed and not any(RESTARTS.search(_words(f)) for f in told):
                return
            # An hour-old fact may look like one that has changed: first a start that reads it again.
            wanted = "journal.*aside" if self.facts_changed else "journal.*aside|new store"
            anew = any(re.search(wanted, _words(f)) for f in told)
            self.facts_changed = False
            await self.stop(main)
            if anew:
                main.disk.wipe()
                self.exchange.judge.loses_journal(main.disk.store)
            main = await self.revive(main, self.settling if anew else 0.0)

    def _mend_account(self) -> None:
        """Close a long, which the daemon never does; hold some coins, so that they are listed."""
        symbol = self.exchange.symbol
        with suppress(RefusedError), self.exchange.foreign() as exchange:
            if exchange.wallet("main", "BTC").balance <= 0:
                exchange.deposit("main", "BTC", "0.1")
            held = exchange.position("main", symbol).contracts
            if held > 0:
                exchange.human_trade("main", symbol, Side.SELL, held)

    def verdict(self) -> None:
        main = self.main
        assert main is not None
        assert main.app is not None
        hedge = main.app.daemon.status()["hedges"]["btc"]
        rightly = {"limits"} | ({"transfers"} if self.seconds - self.plan.quiet_at < LOST else set())
        forbidding = [f for f in hedge["findings"] if f["guard"] in rightly and f["permission"] != "any"]
        excuse = forbidding[0]["reason"] if forbidding else ""
        reason = hedge["last_cycle"]["reason"] if hedge["last_cycle"] else "no cycle yet"
        self.exchange.judge.verdict("main", hedge["state"], reason, excuse)


def _words(finding: Mapping[str, Any]) -> str:
    """All that the operator is told."""
    return f"{finding['guard']}: {finding['reason']}. {finding['next_step']}"


@asynccontextmanager
async def born(plan: Plan, folder: Path, tally: Tally, trace: Trace) -> AsyncIterator[Life]:
    """The exchange is up, nothing runs on it yet."""
    loop = asyncio.get_running_loop()
    async with opened(plan, loop.time) as exchange:
        clock = VirtualClock(loop, START_MS)
        watch = Watch(exchange, tally, trace)
        exchange.judge.also = watch.happened
        obstacles: list[Obstacle] = []
        disk_obstacles: list[Obstacle] = []
        stage = Stage(
            settings=settings_of(plan, folder),
            clock=clock,
            rng=Random(f"{plan.random_name} daemon"),
            account=(lambda: exchange.account(clock)) if plan.depth == "port" else None,
            connect=exchange.network,
            on_account=obstacles,
            on_journal=disk_obstacles,
        )
        with hearing(exchange.judge.health.line, clock.now_ms, KEY, SECRET, PASSPHRASE):
            yield Life(plan, folder, exchange, clock, watch, stage, obstacles, disk_obstacles)


def play(plan: Plan, folder: Path, *, keep: bool = False) -> Outcome:
    """Live through a plan. ``folder`` is empty and gets the daemon's files; ``keep``: the whole story."""
    tally, trace = Tally(), Trace(folder, keep=keep)

    async def main() -> tuple[Violation, ...]:
        async with born(plan, folder, tally, trace) as life:
            await life.run()
            return tuple(life.exchange.judge.violations)

    violations = live(main)
    return Outcome(plan, violations, tally, trace.digest, tuple(trace.lines))
