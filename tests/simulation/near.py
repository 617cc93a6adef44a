"""The daemon's port on the simulated exchange itself, and the way there: it takes time, and goes wrong.

For stories about decisions, in which a cycle costs a tenth of what it does over HTTP. A fault is written as
one of HTTP; its path is the port's method, of a transfer with the pocket that it goes to (``/read``,
``/place``, ``/transfer/isolated``), and its method is POST where something is asked for.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import TransferRequest
from hedgebot.errors import ReadError
from hedgebot.ports import Account
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.faults import Fault, Faults
from hedgebot.sim.port import HOUSES, PortAccount
from tests.campaign.gates import AccountGate, Call, Way

WRITES = {"place", "cancel", "transfer", "set_leverage"}
SILENCE = Outcome(Fate.UNKNOWN, "no reply")


def near(exchange: SimulatedExchange, name: str, venue: str, faults: Faults, latency: float) -> Account:
    """The account ``name``, there and here, ``latency`` seconds away and back, with faults on the way."""
    port = PortAccount(exchange, name, faults.clock, HOUSES[venue], delay=lambda _: latency / 2)
    return AccountGate(port, [NearFaults(faults).meet], lambda *_: None, far=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What faults know of a call."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Struck:
    """A call that a fault has struck, and the rest of its way."""

    faults: Faults
    fault: Fault
    call: Call
    way: Way

    def unheard(self) -> Outcome:
        """No reply: of a read that is an error."""
        if self.call.name in WRITES:
            return SILENCE
        raise ReadError(f"no reply to {self.call.name}")


class NearFaults:
    """Faults in the way of a port's calls."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def meet(self, call: Call, way: Way) -> Any:
        """A request that has left goes on whatever becomes of who sent it."""
        asked = Asked("POST" if call.name in WRITES else "GET", _path(call))
        for number, fault in reversed(self._faults.drawn(asked)):
            way = partial(self._met, number, fault, asked, call, way)
        return await (self._faults.detached(way()) if call.name in WRITES else way())

    async def _met(self, number: int, fault: Fault, asked: Asked, call: Call, way: Way) -> Any:
        if not self._faults.strikes(number, fault, asked):
            return await way()
        return await EFFECTS[fault.kind](Struck(self._faults, fault, call, way))


def _path(call: Call) -> str:
    pocket = f"/{call.given.target}" if isinstance(call.given, TransferRequest) else ""
    return f"/{call.name}{pocket}"


Effect = Callable[[Struck], Awaitable[Any]]


async def _lose_request(struck: Struck) -> Any:
    return struck.unheard()


async def _late_arrival(struck: Struck) -> Any:
    async def arrive() -> Any:
        await struck.faults.sleep(struck.fault.seconds)
        return await struck.way()

    return await struck.faults.detached(arrive())


async def _delay_reply(struck: Struck) -> Any:
    reply = await struck.way()
    await struck.faults.sleep(struck.fault.seconds)
    return reply


async def _no_reply(struck: Struck) -> Any:
    """The reply is lost, or another one that says nothing comes in its place."""
    if struck.fault.processed:
        await struck.way()
    return struck.unheard()


EFFECTS: dict[str, Effect] = {
    "lose_request": _lose_request,
    "late_arrival": _late_arrival,
    "lose_reply": _no_reply,
    "delay_reply": _delay_reply,
    "http_status": _no_reply,
}
