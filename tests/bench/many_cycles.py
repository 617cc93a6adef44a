"""As many cycles as asked for, in virtual time on the exchange's port; prints what the process holds.

Each line: cycles so far, bytes resident, objects that the collector tracks, tasks. A deposit or a
withdrawal, and the order after it, come every thousand cycles, so that what orders leave behind counts too.
"""

import asyncio
import gc
import logging
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import structlog

from hedgebot.app import World, build
from hedgebot.ports import Account
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.port import PortAccount
from hedgebot.sim.virtual import VirtualClock, run
from tests.simulation.world import KEY, SECRET, START_MS, Setup, composed

SETUP = Setup(
    margin_mode=MarginMode.CROSS,
    leverage=None,
    limits="orders_per_hour = 1000\nturnover_per_day = 1000",
    more='[store]\nkeep = "1h"',
)
INTERVAL, BATCH = 5, 1000


def held(cycles: int) -> str:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return f"{cycles} {resident} {len(gc.get_objects())} {len(asyncio.all_tasks())}"


async def main(clock: VirtualClock, cycles: int, folder: Path) -> None:
    rng = random.Random(1)
    market = Market({"BTCUSD": Feed(path=level(60_000))})
    exchange = SimulatedExchange(clock, market, [btcusd()], rng)
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 10)

    def account(*_: Any, **__: Any) -> Account:
        return PortAccount(exchange, "main", clock)

    async with build(*composed(SETUP, folder), World(clock, rng, account=account)) as app:
        stop = asyncio.Event()
        running = asyncio.create_task(app.daemon.run(stop))
        for batch in range(1, cycles // BATCH + 1):
            await clock.sleep(BATCH * INTERVAL)
            turn = exchange.withdraw if batch % 2 else exchange.deposit
            turn("main", "BTC", "0.5")
            if batch * BATCH % (cycles // 10) == 0:
                sys.stdout.write(held(batch * BATCH) + "\n")
        stop.set()
        await running


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as place:
        run(lambda clock: main(clock, int(sys.argv[1]), Path(place)), epoch_ms=START_MS)
