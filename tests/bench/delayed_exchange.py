"""The simulated exchange 50 ms away: a process of its own, and before it one that is the way to it.

Prints its address first, then the monotonic time (seconds, the machine's own clock) at which each order
request arrived. With ``--deposits`` a tenth of a coin
arrives every one and a half seconds, so that orders are due.

The way is a process apart because the exchange works through concurrent requests one after the other: a
request has arrived when its bytes have, not when the exchange gets round to it, and 50 ms after that its
reply passes, to the tenth of a millisecond (epoll would round it up to the next whole one).
"""

import asyncio
import random
import subprocess
import sys
from selectors import SelectSelector

from hedgebot.clock import SystemClock
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import HOST, serving
from tests.simulation.world import KEY, SECRET

DELAY = 0.05
ORDER = b"POST /v5/order/create"
NEAR = "--near"


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Way(asyncio.Protocol):
    """The client's end of a connection; what the exchange's end hears passes when it is due."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clock = SystemClock()
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._far = asyncio.ensure_future(self._connected())

    async def _connected(self) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        far, _ = await loop.create_connection(lambda: FarEnd(self), HOST, self._port)
        return far

    def data_received(self, data: bytes) -> None:
        self._asked = self._clock.monotonic()
        if data.startswith(ORDER):
            say(self._asked)
        if self._far.done():
            self._far.result().write(data)
        else:
            self._far.add_done_callback(lambda far: far.result().write(data))

    def replied(self, data: bytes) -> None:
        asyncio.get_running_loop().call_at(self._asked + DELAY, self.transport.write, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._far.add_done_callback(lambda far: far.result().close())


class FarEnd(asyncio.Protocol):
    def __init__(self, way: Way) -> None:
        self._way = way

    def data_received(self, data: bytes) -> None:
        self._way.replied(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._way.transport.close()


async def near(deposits: bool) -> None:
    """The exchange itself, which ends with the process that asked for it."""
    clock = SystemClock()
    exchange = SimulatedExchange(
        clock, Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], random.Random(1)
    )
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.set_margin_mode("main", MarginMode.CROSS)
    exchange.deposit("main", "BTC", 1)
    application = bybit.application(exchange)
    application[bybit.BYBIT].rate_limits.scale = None
    alone = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, alone.set)  # its other end closes with its owner
    async with serving(application) as url:
        say(url.rpartition(":")[2])
        while not alone.is_set():
            await clock.sleep(1.5)
            if deposits:
                exchange.deposit("main", "BTC", "0.1")


async def way_to(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Way(port), HOST, 0)
    say(f"http://{HOST}:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    if NEAR in arguments:
        asyncio.run(near("--deposits" in arguments))
        return
    command = [sys.executable, "-m", "tests.bench.delayed_exchange", NEAR, *arguments]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(SelectSelector())) as runner,
    ):
        assert process.stdout is not None
        runner.run(way_to(int(process.stdout.readline())))


if __name__ == "__main__":
    main(sys.argv[1:])
