"""The demo: simulated exchanges on loopback, the real daemon against them, and a story."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from hedgebot.cli.demo_tally import Tally, heading, line
from hedgebot.cli.demo_venues import HEDGE, KEY, PASSPHRASE, SECRET, Venue
from hedgebot.clock import SystemClock
from hedgebot.errors import HedgebotError
from hedgebot.sim import story
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.server import serving

RHYTHM = """
mode = "live"

[cycle]
interval = "1s"
deadline = "3s"
settle_after = "2s"

[api]
listen = ""
"""

NOT_THE_DEMOS = (
    "HEDGEBOT_",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "NOTIFY_SOCKET",
)
"""Variables that are meant for a real daemon beside the demo."""

Say = Callable[[str], None]


async def play(say: Say, venues: Sequence[Venue]) -> list[Tally]:
    """Play the whole story. Raises ``HedgebotError`` where the daemon does not do its part."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hedgebot-demo-")))
        config, tallies = RHYTHM, []
        for venue in venues:
            exchange = venue.opened(clock)
            url = await stack.enter_async_context(_served(venue, exchange, clock))
            config += HEDGE.format(name=venue.name, url=url)
            tallies.append(Tally(venue.name, exchange, venue.symbol))
            say(f"a simulated {venue.name} answers at {url}")
        daemon = await stack.enter_async_context(_daemon(folder, config, venues))
        await _tell(say, tallies, folder, daemon, clock)
    return tallies


@asynccontextmanager
async def _served(venue: Venue, exchange: SimulatedExchange, clock: SystemClock) -> AsyncIterator[str]:
    since, until = story.OUTAGE
    outage = Fault("http_status", status=503, processed=False, since=since, until=until)
    application = venue.application(exchange)
    Faults(random.Random(1), [outage], clock).install(application)
    async with serving(application) as url:
        yield url


@asynccontextmanager
async def _daemon(
    folder: Path, config: str, venues: Sequence[Venue]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real daemon, a process of its own; SIGTERM ends it."""
    file = folder / "hedgebot.toml"
    file.write_text(config)
    command = (sys.executable, "-m", "hedgebot", "run", "--config", str(file))
    secrets = {
        f"HEDGEBOT_ACCOUNTS__{venue.name.upper()}__{kind}": value
        for venue in venues
        for kind, value in (("API_KEY", KEY), ("SECRET", SECRET), ("PASSWORD", PASSPHRASE))
    }
    usual = {name: value for name, value in os.environ.items() if not name.startswith(NOT_THE_DEMOS)}
    with (folder / "daemon.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env={**usual, **secrets}, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _tell(
    say: Say,
    tallies: Sequence[Tally],
    folder: Path,
    daemon: asyncio.subprocess.Process,
    clock: SystemClock,
) -> None:
    """One line a second, and a sentence for each deed as it happens."""
    began, deeds = clock.monotonic(), list(story.DEEDS)
    say(f"\n{heading(tallies)}")
    for second in range(story.SECONDS + 1):
        await clock.sleep(max(0.0, began + second - clock.monotonic()))
        while deeds and deeds[0].second <= second:
            deed = deeds.pop(0)
            for tally in tallies:
                deed.do(tally.exchange, tally.symbol)
            say(f"-- {deed.words}")
        if daemon.returncode is not None:
            raise HedgebotError("the daemon ended early", (folder / "daemon.log").read_text()[-2000:])
        states = await _states(folder)
        for tally in tallies:
            tally.look(second, states.get(tally.name, "starting"))
        say(line(second, tallies))


async def _states(folder: Path) -> dict[str, str]:
    """Each hedge's state in the daemon's own words, by its control socket; nothing before it listens."""
    connector = aiohttp.UnixConnector(str(folder / "hedgebot.sock"))
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=0.8)
    ) as session:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get("http://hedgebot/api/v1/status") as reply:
                hedges = (await reply.json())["hedges"]
                return {name: str(hedge["state"]) for name, hedge in hedges.items()}
    return {}
