"""Faults of the wire and of HTTP mixed, over real sockets in real time: the promises hold there too.

Nothing here depends on how fast the machine is: the faults last until those that a seed is about have
struck, and the hedge has all the time it wants to get there.
"""

import asyncio
import logging
import random
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from io import StringIO
from pathlib import Path

import pytest
import structlog

from hedgebot import logs
from hedgebot.app import App, World, build
from hedgebot.clock import SystemClock
from hedgebot.scrubber import Scrubber
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults, bybit_error
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from hedgebot.sim.tcp_proxy import TcpFault, TcpProxy
from tests.simulation.judge import violations
from tests.simulation.test_order_fate import AROUND_ORDERS, AROUND_READS, READS
from tests.simulation.world import KEY, SECRET, Setup, composed

AT_ONCE, BLOCKS = 9, 2
FAULTY_SECONDS, PATIENCE = 2.0, 120
WINDOW = 2.0
"""settle_after: half of it is the window in which an order may arrive."""

LAGS = (0.0, WINDOW / 4, WINDOW / 2)
"""Seconds by which a read may be behind the truth."""

ECHO = bybit_error(10001, f"params error: origin_string[{KEY}] {SECRET}")
ORDER = b"POST /v5/order/create"
AROUND_ORDERS_ON_THE_WIRE = (
    TcpFault("delay", request=ORDER, at=(0, 400), seconds=(0.05, 2 * WINDOW)),
    TcpFault("drip", request=ORDER, at=(0, 100), piece=100, seconds=(0.01, 0.2)),
    TcpFault("cut", request=ORDER, at=(0, 400)),
    TcpFault("reset", request=ORDER, at=(0, 400)),
    TcpFault("truncate", request=ORDER, at=(0, 400)),
    TcpFault("half_open", speaker="client", request=ORDER, at=(0, 400)),
    TcpFault("half_open", speaker="server", request=ORDER, at=(0, 400)),
    TcpFault("close_idle", seconds=(0.0, 0.3)),
    TcpFault("refuse", seconds=(0.05, 0.5), limit=2),
)
AROUND_ALL_ON_THE_WIRE = (
    TcpFault("delay", at=(0, 900), seconds=(0.05, 0.5)),
    TcpFault("drip", piece=200, seconds=(0.01, 0.05)),
    TcpFault("cut", at=(0, 900)),
    TcpFault("reset", at=(0, 900)),
    TcpFault("truncate", at=(0, 900)),
    TcpFault("half_open", speaker="server", limit=1),
    TcpFault("refuse", seconds=(0.05, 0.5)),
)


def on_the_wire(seed: int) -> list[TcpFault]:
    """First what this seed is about, around orders; then up to two rarer ones around everything."""
    rng = random.Random(seed)
    about = AROUND_ORDERS_ON_THE_WIRE[seed % len(AROUND_ORDERS_ON_THE_WIRE)]
    more = rng.sample(AROUND_ALL_ON_THE_WIRE, rng.randint(0, 2))
    return [about, *(replace(fault, probability=0.05) for fault in more)]


def in_http(seed: int) -> list[Fault]:
    """Up to two around orders and one around reads, with delays that fit the window, and an echo."""
    rng = random.Random(-seed)
    chosen = [replace(fault, probability=0.3) for fault in rng.sample(AROUND_ORDERS, rng.randint(0, 2))]
    chosen += [replace(fault, probability=0.05) for fault in rng.sample(AROUND_READS, rng.randint(0, 1))]
    echo = Fault("exchange_error", method="GET", body=ECHO, processed=False, probability=0.05)
    return [*(replace(fault, seconds=(0.05, WINDOW / 3)) for fault in chosen), echo]


@dataclass
class Place:
    """One world: the exchange behind its faults, and the daemon of production on it."""

    seed: int
    exchange: SimulatedExchange
    faults: Faults
    proxy: TcpProxy
    app: App

    def judge(self) -> None:
        found = violations(self.exchange, most=60_000 * self.exchange.wallet("main", "BTC").balance)
        assert not found, f"seed {self.seed}: {found}"

    async def until(self, holds: Callable[[], bool]) -> None:
        """Judge the truth until something holds."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    self.judge()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            struck, status = f"{dict(self.faults.hits)} {dict(self.proxy.hits)}", self.app.daemon.status()
            pytest.fail(f"seed {self.seed} after {struck}: not {holds.__name__}, {status['hedges']}")

    def struck(self) -> bool:
        """What this seed is about has happened; it takes an order, so more of them are called for."""
        struck = on_the_wire(self.seed)[0].kind in self.proxy.hits
        if not struck and self.on_target():
            self.exchange.deposit("main", "BTC", "0.1")
        return struck

    def on_target(self) -> bool:
        """In truth, and by the daemon's own account, with nothing on its way."""
        position = self.exchange.position("main", "BTCUSD")
        net = self.exchange.wallet("main", "BTC").balance - abs(position.entry_coins)
        hedge = self.app.daemon.status()["hedges"]["btc"]
        return 0 <= net <= Fraction("0.002") and hedge["state"] == "hedged" and self.app.daemon.ready()


@asynccontextmanager
async def place(seed: int, folder: Path) -> AsyncIterator[Place]:
    """The exchange is up with 1 BTC in the account, the daemon runs, the faults are in force."""
    folder.mkdir()
    clock, rng = SystemClock(), random.Random(seed)
    exchange = SimulatedExchange(clock, Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 1)
    exchange.lags |= {read: rng.choice(LAGS) for read in READS}
    faults, proxy = Faults(rng, in_http(seed), clock), TcpProxy(rng, on_the_wire(seed), clock)
    application = bybit.application(exchange)
    faults.install(application)
    async with serving(application) as direct, proxy.before(direct) as url:
        setup = Setup(
            interval="500ms",
            settle_after=f"{WINDOW:g}s",
            margin_mode=MarginMode.CROSS,
            leverage=10,
            url=url,
            limits="orders_per_hour = 1000\nturnover_per_day = 1000",
        )
        async with build(*composed(setup, folder), World(clock, rng)) as app:
            stop = asyncio.Event()
            daemon = asyncio.create_task(app.daemon.run(stop))
            yield Place(seed, exchange, faults, proxy, app)
            stop.set()
            await daemon


async def live_through(seed: int, folder: Path) -> None:
    async with place(seed, folder) as here:
        await here.until(here.struck)
        here.exchange.deposit("main", "BTC", "0.25")
        for _ in range(20):
            await asyncio.sleep(FAULTY_SECONDS / 20)
            here.judge()
        here.faults.stop()
        here.proxy.stop()
        await here.until(here.on_target)
        await asyncio.sleep(WINDOW)  # whatever is still under way arrives, too late
        here.judge()
        assert here.on_target(), f"seed {seed}: it did not stay there"


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
async def test_no_fault_on_real_sockets_doubles_or_drops_an_order(
    tmp_path: Path, block: int, log: StringIO
) -> None:
    seeds = range(block * AT_ONCE, block * AT_ONCE + AT_ONCE)
    await asyncio.gather(*(live_through(seed, tmp_path / str(seed)) for seed in seeds))
    said = log.getvalue()
    assert "origin_string" in said, "the exchange's echo left its trace"
    assert not [secret for secret in (KEY, SECRET) if secret in said]


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that this process logs, as the daemon's own process would."""
    root, ours = logging.getLogger(), logging.getLogger("hedgebot")
    before: tuple[Sequence[logging.Handler], int, int] = (root.handlers[:], root.level, ours.level)
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    stream = StringIO()
    scrubber = Scrubber(KEY, SECRET)
    logs.configure(scrubber=scrubber, now_ms=SystemClock().now_ms, level=logging.DEBUG, stream=stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    structlog.reset_defaults()
