"""The demo: the simulated exchange on loopback, the real daemon against it, and a story."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiohttp

from hedgebot.clock import SystemClock
from hedgebot.errors import HedgebotError
from hedgebot.sim import bybit, story
from hedgebot.sim.events import Filled, FundingPaid
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Market
from hedgebot.sim.server import serving

KEY, SECRET = "demo-key", "demo-secret-of-no-account"

CONFIG = """
mode = "live"

[cycle]
interval = "1s"
deadline = "3s"
settle_after = "2s"

[api]
listen = ""

[accounts.demo]
exchange = "bybit"
base_url = "{url}"

[hedges.btc]
asset = "BTC"
ratio = 1.0
legs = [{{ account = "demo", symbol = "BTC/USD:BTC", leverage = 2, margin_mode = "isolated" }}]
"""

ANSWER_SECONDS = 4
"""So long a deed may take to be answered: the daemon's three cycles of a second, and one to look."""

Say = Callable[[str], None]


@dataclass
class Tally:
    """What the story did to the coins, from the exchange's own books."""

    exchange: SimulatedExchange
    worst: Fraction = Fraction(0)
    worst_settled: Fraction = Fraction(0)
    lowest: tuple[Fraction, Fraction] = (Fraction(10**12), Fraction(0))

    @property
    def mark(self) -> Fraction:
        return self.exchange.quote(story.SYMBOL).mark

    @property
    def protected(self) -> Fraction:
        """Dollars that the coins are worth with the hedge."""
        return self.exchange.equity(story.ACCOUNT, story.COIN) * self.mark

    @property
    def unhedged(self) -> Fraction:
        """Dollars that the deposited coins alone would be worth."""
        return self.deposited * self.mark

    @property
    def deposited(self) -> Fraction:
        wallet = self.exchange.wallet(story.ACCOUNT, story.COIN)
        return wallet.balance - sum((e.change for e in self.trades + self.funding), Fraction(0))

    @property
    def net(self) -> Fraction:
        position = self.exchange.position(story.ACCOUNT, story.SYMBOL)
        return self.exchange.wallet(story.ACCOUNT, story.COIN).balance - abs(position.entry_coins)

    @property
    def trades(self) -> list[Filled]:
        return [e for e in self.exchange.events(story.ACCOUNT) if isinstance(e, Filled)]

    @property
    def funding(self) -> list[FundingPaid]:
        return [e for e in self.exchange.events(story.ACCOUNT) if isinstance(e, FundingPaid)]

    def look(self, second: int) -> None:
        """Note the moment; ``worst_settled`` leaves out the seconds in which a deed is being answered."""
        self.lowest = min(self.lowest, (self.unhedged, self.protected))
        if second >= ANSWER_SECONDS:
            self.worst = max(self.worst, abs(self.net))
        if not any(0 <= second - deed.second < ANSWER_SECONDS for deed in story.DEEDS):
            self.worst_settled = max(self.worst_settled, abs(self.net))


async def play(say: Say) -> Tally:
    """Play the whole story. Raises ``HedgebotError`` where the daemon does not do its part."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hedgebot-demo-")))
        exchange = _exchange(clock)
        url = await stack.enter_async_context(_served(exchange, clock))
        say(f"a simulated exchange answers at {url}, and the daemon starts")
        daemon = await stack.enter_async_context(_daemon(folder, url))
        tally = Tally(exchange)
        await _tell(say, tally, folder, daemon, clock)
    return tally


def _exchange(clock: SystemClock) -> SimulatedExchange:
    market = Market({story.SYMBOL: story.feed(clock.now_ms())})
    exchange = SimulatedExchange(clock, market, [story.contract()], random.Random(1))
    exchange.open_account(story.ACCOUNT, key=KEY, secret=SECRET)
    exchange.set_margin_mode(story.ACCOUNT, MarginMode.ISOLATED)
    exchange.deposit(story.ACCOUNT, story.COIN, 1)
    return exchange


@asynccontextmanager
async def _served(exchange: SimulatedExchange, clock: SystemClock) -> AsyncIterator[str]:
    since, until = story.OUTAGE
    outage = Fault("http_status", status=503, processed=False, since=since, until=until)
    application = bybit.application(exchange)
    Faults(random.Random(1), [outage], clock).install(application)
    async with serving(application) as url:
        yield url


@asynccontextmanager
async def _daemon(folder: Path, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real daemon, a process of its own; SIGTERM ends it."""
    config = folder / "hedgebot.toml"
    config.write_text(CONFIG.format(url=url))
    keys = {"HEDGEBOT_ACCOUNTS__DEMO__API_KEY": KEY, "HEDGEBOT_ACCOUNTS__DEMO__SECRET": SECRET}
    command = (sys.executable, "-m", "hedgebot", "run", "--config", str(config))
    with (folder / "daemon.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env={**os.environ, **keys}, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _tell(
    say: Say, tally: Tally, folder: Path, daemon: asyncio.subprocess.Process, clock: SystemClock
) -> None:
    """One line a second, and a sentence for each deed as it happens."""
    began, deeds = clock.monotonic(), list(story.DEEDS)
    for second in range(story.SECONDS + 1):
        await clock.sleep(max(0.0, began + second - clock.monotonic()))
        while deeds and deeds[0].second <= second:
            deed = deeds.pop(0)
            deed.do(tally.exchange)
            say(f"\n-- {deed.words}")
        if daemon.returncode is not None:
            raise HedgebotError("the daemon ended early", (folder / "daemon.log").read_text()[-2000:])
        tally.look(second)
        say(_line(second, tally, await _state(folder / "hedgebot.sock")))


async def _state(socket: Path) -> str:
    """The hedge's state in the daemon's own words, by its control socket."""
    connector = aiohttp.UnixConnector(str(socket))
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=0.8)
    ) as session:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get("http://hedgebot/api/v1/status") as reply:
                status: dict[str, Any] = await reply.json()
                return str(status["hedges"]["btc"]["state"])
    return "starting"


def _line(second: int, tally: Tally, state: str) -> str:
    return (
        f"{second:4} s  price {float(tally.mark):9,.0f}  {state:<10} net {float(tally.net):+8.4f} BTC"
        f"   with the hedge {float(tally.protected):10,.0f} USD   without {float(tally.unhedged):10,.0f} USD"
    )


def summary(tally: Tally) -> str:
    """What it came to, from the exchange's own books."""
    ours = {t.order_id for t in tally.trades if t.client_id}
    fees = [(t.fee, t.fee * t.price) for t in tally.trades]
    funding = [(f.change, f.change * tally.mark) for f in tally.funding]
    low_without, low_with = tally.lowest
    rows = (
        ("at the low, without a hedge", f"{float(low_without):12,.0f} USD"),
        ("at the low, with the hedge", f"{float(low_with):12,.0f} USD"),
        ("at the end, without a hedge", f"{float(tally.unhedged):12,.0f} USD"),
        ("at the end, with the hedge", f"{float(tally.protected):12,.0f} USD"),
        ("orders sent", f"{len(ours):12}"),
        ("fees paid", _both(fees)),
        ("funding received", _both(funding)),
        ("worst net exposure, prices alone", f"{float(tally.worst_settled):12.6f} BTC"),
        ("worst net exposure, until corrected", f"{float(tally.worst):12.6f} BTC"),
    )
    return "\n".join(["", "What it came to", *(f"  {name:<38}{value}" for name, value in rows)])


def _both(amounts: list[tuple[Fraction, Fraction]]) -> str:
    coins, dollars = (
        (float(sum(column, Fraction(0))) for column in zip(*amounts, strict=True)) if amounts else (0, 0)
    )
    return f"{coins:12.6f} BTC  {dollars:10,.2f} USD"
