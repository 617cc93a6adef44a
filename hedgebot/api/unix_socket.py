"""A Unix socket that only its owner can reach, and who is at its other end."""

import os
import pwd
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hedgebot.errors import HedgebotError, LockHeldError

PEER = struct.Struct("iII")
"""pid, uid and gid, as Linux tells them of a connection's other end (unix(7), ``SO_PEERCRED``)."""


@contextmanager
def private_socket(path: Path) -> Iterator[socket.socket]:
    """A listening socket at ``path``, mode 0600 from its first moment; its file is removed at the end.

    A file that a dead daemon left is replaced. Raises ``LockHeldError`` where somebody listens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            _make_room(path)
            os.fchmod(listener.fileno(), 0o600)  # on Linux the file is made with the socket's own mode
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen()
        except OSError as cause:
            step = "See that its folder exists and that this user may write there"
            raise HedgebotError(f"{path}: no control socket: {cause.strerror}", step) from cause
        ours = _identity(path)
        try:
            yield listener
        finally:
            if _identity(path) == ours:
                path.unlink()


def peer(connection: socket.socket) -> str:
    """The user at the other end, as the kernel knows them; their number where they have no name."""
    if not hasattr(socket, "SO_PEERCRED"):
        return "unknown"
    _, uid, _ = PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _make_room(path: Path) -> None:
    """Remove a socket that nobody listens on."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            what = f"{path} is in the way of the control socket"
            raise HedgebotError(what, "Move it away, then start again")
        if _answers(path):
            raise LockHeldError(
                f"another daemon listens on {path}", "Stop it, or give this one a folder of its own"
            )
        path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:  # it listens, with a full queue
            return True
        return True


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        found = path.lstat()
        return found.st_dev, found.st_ino
    return None
