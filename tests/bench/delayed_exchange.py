"""The simulated exchange as a process of its own, every reply 50 ms away.

Prints its address first, then the monotonic time (seconds, the machine's own clock) at which each order
request arrived. With ``--deposits`` a tenth of a coin
arrives every one and a half seconds, so that orders are due.
"""

import asyncio
import random
import sys

from aiohttp import web

from hedgebot.clock import SystemClock
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Handler
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from tests.simulation.world import KEY, SECRET

DELAY = 0.05


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@web.middleware
async def far_away(request: web.Request, handler: Handler) -> web.StreamResponse:
    arrived = SystemClock().monotonic()
    if request.path == "/v5/order/create":
        say(arrived)
    reply = await handler(request)
    await asyncio.sleep(max(0.0, arrived + DELAY - SystemClock().monotonic()))
    return reply


async def main(deposits: bool) -> None:
    clock = SystemClock()
    exchange = SimulatedExchange(
        clock, Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], random.Random(1)
    )
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 1)
    application = bybit.application(exchange)
    application[bybit.BYBIT].rate_limits.scale = None
    application.middlewares.insert(0, far_away)
    async with serving(application) as url:
        say(url)
        while True:
            await clock.sleep(1.5)
            if deposits:
                exchange.deposit("main", "BTC", "0.1")


if __name__ == "__main__":
    asyncio.run(main("--deposits" in sys.argv))
