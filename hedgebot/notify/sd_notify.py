"""What the service manager that started us is told, as sd_notify(3) has it: datagrams to a Unix socket."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who started us. What is told is never waited for, and lost where nobody listens or the socket fails.

    ``address`` is the socket's path, with a leading ``@`` in the abstract namespace; "" where there is none.
    ``watchdog`` is after how many seconds without a sign of life it ends us; None for never.
    """

    address: str = ""
    watchdog: float | None = None

    def ready(self, patience: float) -> None:
        """We listen. A watchdog shorter than the ``patience`` seconds that cycles may take becomes that."""
        short = self.watchdog is not None and self.watchdog < patience
        self._tell("READY=1", *([f"WATCHDOG_USEC={round(patience * MICROSECONDS)}"] if short else []))

    def alive(self, status: str) -> None:
        """A sign of life, and one line for people."""
        self._tell("WATCHDOG=1", f"STATUS={status}")

    def stopping(self) -> None:
        """We end, and it was meant."""
        self._tell("STOPPING=1", "STATUS=stopping; the hedge stays on the exchange as it is")

    def _tell(self, *lines: str) -> None:
        if not self.address.startswith(("/", "@")):
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.connect(address)
            sender.send("\n".join(lines).encode())


def supervisor(env: Mapping[str, str], pid: int) -> Supervisor:
    """The supervisor that ``env`` names to the process ``pid``. A watchdog of another process is not ours."""
    microseconds = env.get("WATCHDOG_USEC", "")
    ours = env.get("WATCHDOG_PID", str(pid)) == str(pid)
    watched = ours and microseconds.isascii() and microseconds.isdecimal() and int(microseconds) > 0
    return Supervisor(env.get("NOTIFY_SOCKET", ""), int(microseconds) / MICROSECONDS if watched else None)
