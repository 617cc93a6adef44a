"""A service manager's ear: a real datagram socket that keeps what it was told."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.patience import until


@dataclass
class Listener:
    """``address`` is what $NOTIFY_SOCKET says; ``messages`` are those taken so far, each a list of lines."""

    address: str
    ear: socket.socket
    messages: list[list[str]] = field(default_factory=list)

    def take(self) -> list[list[str]]:
        """All that was told until now."""
        while True:
            try:
                self.messages.append(self.ear.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return self.messages

    async def until(self, line: str, times: int = 1) -> None:
        """Wait until so many messages had this line."""
        await until(lambda: self.told(line) >= times)

    def told(self, line: str) -> int:
        """How many messages had this line."""
        return sum(line in message for message in self.take())


@contextmanager
def listening(address: str) -> Iterator[Listener]:
    """Listen at a path, or at a name in the abstract namespace that begins with ``@``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.setblocking(False)
        ear.bind("\0" + address[1:] if address.startswith("@") else address)
        yield Listener(address, ear)
