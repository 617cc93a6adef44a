"""Every point at which the daemon can die, one after the other.

A change of the coins held makes an order due. On the way to it the daemon is killed at its first step, is
started again, and has to end where it should; then the coins change again and it is killed at its second
step, and so on, until it gets to its end alive. Likewise before and after each of its writes to the journal.
Each time it is killed again while it recovers, and again after that. Nothing is drawn: each ``Way`` is walked
whole.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

from hedgebot.domain.orders import Fate, Outcome
from tests.campaign.gates import Call
from tests.campaign.gates import Way as Rest
from tests.campaign.judge import Violation
from tests.campaign.life import Life, born
from tests.campaign.loop import live
from tests.campaign.plan import Config, Plan
from tests.campaign.running import Crash, Running
from tests.campaign.tally import Tally
from tests.campaign.trace import Trace

INTERVAL, DEADLINE, SETTLE_AFTER = 1.0, 2.0, 2.0
WHOLE = 4.0
"""Seconds within which a change of the coins has become an order and the order is seen."""

RECOVERED = 7.0
"""Seconds within which the last start must have settled what it found, and hedged."""

COINS = "0.05"
A_LIFE = 10
"""Points walked on one journal."""

AGAIN = (2, 3)
"""While it recovers it dies half as far on its way, and in the start after that a third as far."""

POINTS = ("step", "before", "after")
REPLIES = ("prompt", "slow", "lost", "late")
"""What becomes of the order's reply: it comes, it comes late, it never comes, the order itself is late."""


@dataclass(frozen=True, slots=True)
class Way:
    """One series of deaths: where it dies, what becomes of replies, what changes first, on what account."""

    point: str
    reply: str
    first: str
    latency: float
    margin_mode: str
    venue: str

    def __str__(self) -> str:
        return (
            f"{self.point}; reply {self.reply}, {self.latency:g} s away; a {self.first} first;"
            f" {self.margin_mode} margin on {self.venue}"
        )


FIRST, LATENCIES, MODES = ("deposit", "withdrawal"), (0.02, 0.2), ("cross", "isolated")
WAYS = tuple(
    Way(point, reply, first, latency, mode, venue)
    for point, reply, venue in product(POINTS, REPLIES, ("bybit", "binance", "okx"))
    for first, latency, mode in product(FIRST, LATENCIES, MODES)
    if (FIRST.index(first) + LATENCIES.index(latency) + MODES.index(mode)) % 2 == 0
)
"""Each point with each reply on each venue, and there each two of the other three together."""


@dataclass
class Walked:
    """How many times the daemon died on a way, how many of them while it recovered, and what was broken."""

    way: Way
    deaths: int = 0
    recovering: int = 0
    violations: list[Violation] = field(default_factory=list)
    story: tuple[str, ...] = ()


def walk(way: Way, folder: Path, *, keep: bool = False) -> Walked:
    """Walk a way from its first point to its last, ``A_LIFE`` points on each journal, in virtual time.

    ``folder`` is for journals; ``keep``: tell the story of the last.
    """
    walked = Walked(way)
    for first in count(1, A_LIFE):
        place = folder / str(first)
        trace = Trace(place, keep=keep)
        place.mkdir()
        alive = live(partial(_part, walked, first, place, trace))
        walked.story = tuple(trace.lines)
        if alive or walked.violations:
            return walked
    raise AssertionError("a way has an end")


async def _part(walked: Walked, first: int, folder: Path, trace: Trace) -> bool:
    """Walk some points; whether the end was reached alive."""
    way = walked.way
    async with born(_plan(way), folder, Tally(), trace) as life:
        life.obstacles.append(_reply(way.reply))
        main = await life.start()
        await asyncio.sleep(RECOVERED)
        alive = False
        for number in range(first, first + A_LIFE):
            _change(life, deposit=(number % 2 == 1) == (way.first == "deposit"))
            crash = Crash(way.point, number)
            main.arm(crash)
            await asyncio.wait({crash.image}, timeout=WHOLE)
            if not crash.image.done():
                main.disarm()
                alive = True
                break
            main = await _recover(life, main, crash, walked)
            life.verdict()
        await life.stop(main)
        walked.violations += life.exchange.judge.violations
        return alive


async def _recover(life: Life, main: Running, crash: Crash, walked: Walked) -> Running:
    """Bury it and start it again, to die ``AGAIN`` on the way."""
    walked.deaths += 1
    await life.bury(main, crash)
    for part in AGAIN:
        again = Crash(crash.point, 1 + crash.number // part)
        life.arm_next(again)
        main = await life.revive(main)
        await _settled(main, again)
        if not again.image.done():
            main.disarm()
            return main
        walked.recovering += 1
        await life.bury(main, again)
    main = await life.revive(main)
    await _settled(main)
    return main


async def _settled(main: Running, crash: Crash | None = None) -> None:
    """Wait until it believes that it is where it should be, or has died; at most ``RECOVERED`` seconds."""
    dying = crash.image if crash else asyncio.get_running_loop().create_future()
    for _ in range(round(RECOVERED / INTERVAL)):
        await asyncio.wait({dying}, timeout=INTERVAL)
        state = main.app.daemon.cycles["btc"].state if main.app else None
        last = state.last if state else None
        if dying.done() or (state and last and last.state == "hedged" and not state.open):
            return


def _change(life: Life, *, deposit: bool) -> None:
    with life.exchange.foreign() as exchange:
        (exchange.deposit if deposit else exchange.withdraw)("main", "BTC", COINS)


def _reply(kind: str) -> Any:
    async def obstacle(call: Call, rest: Rest) -> Any:
        if call.name != "place" or kind == "prompt":
            return await rest()
        if kind == "late":
            await asyncio.sleep(SETTLE_AFTER / 4)
        outcome = await rest()
        if kind == "slow":
            await asyncio.sleep(SETTLE_AFTER / 4)
        return outcome if kind == "slow" else Outcome(Fate.UNKNOWN, "no reply")

    return obstacle


def _plan(way: Way) -> Plan:
    limits = {"orders_per_hour": "10000", "turnover_per_day": "1000", "corrections_per_hour": "10000"}
    split = way.venue == "binance"
    isolated = way.margin_mode == "isolated"
    return Plan(
        seed=0,
        depth="port",
        venue=way.venue,
        config=Config(
            ratio="1" if not isolated else "0.5",
            band="0.005",
            leverage=5,
            margin_mode="isolated" if isolated else "cross",
            interval=INTERVAL,
            deadline=DEADLINE,
            settle_after=SETTLE_AFTER,
            limits=limits,
        ),
        coins="1",
        spot="0.4" if split else "0",
        prices=((0.0, 60_000),),
        funding="0.0001",
        latency=way.latency,
        troubles=(),
        quiet_at=0.0,
        end=0.0,
    )
