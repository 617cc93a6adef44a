"""All that happened in a life, in order, as lines; and their fingerprint."""

from hashlib import sha256
from pathlib import Path

from hedgebot.sim.events import (
    Event,
    Filled,
    FundingPaid,
    Liquidated,
    Moved,
    OrderAccepted,
    OrderEnded,
    OrderRefused,
)


class Trace:
    """``keep``: whether the lines are kept, for people. The ``folder`` of a life is another each time, and is
    left out of them."""

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        self.lines: list[str] = []
        self._folder = f"{folder}/"
        self._keep = keep
        self._hash = sha256()

    def note(self, seconds: float, what: str) -> None:
        line = f"{seconds:12.3f}  {what}".replace(self._folder, "")
        self._hash.update(line.encode())
        if self._keep:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def told(event: Event) -> str:
    """An event of the exchange in words."""
    words = type(event).__name__
    match event:
        case OrderAccepted(order=order):
            words = f"{order.side.value} {order.contracts} taken in, {order.client_id or 'by hand'}"
        case OrderRefused():
            words = f"order {event.client_id} refused: {event.reason.value}"
        case OrderEnded(order=order):
            words = f"order {order.client_id} ended: {order.ending.value}, {order.left} left"
        case Filled():
            size = f"{event.side.value} {event.contracts} at {event.price}"
            words = f"{event.kind.value}: {size}, now {event.after}"
        case FundingPaid():
            words = f"funding {float(event.change):.8f}"
        case Moved():
            words = f"{event.kind.value} {event.change} {event.wallet}"
        case Liquidated():
            words = f"liquidated {event.contracts} at {float(event.mark):.2f}"
    return words
