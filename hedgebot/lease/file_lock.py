"""A lock file beside the store: the kernel holds it for one process and frees it when that process ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hedgebot.errors import HedgebotError, LockHeldError


class FileLock:
    """At most one process holds the lock of a path; the file stays and names its holder for people.

    The file is never deleted: a new one in its place could be locked by a second process beside the first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lock at once. Raises ``LockHeldError``; ``HedgebotError`` if there can be no such file."""
        if self._file is not None:
            return
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            refusal = self._refusal(file, error)
            os.close(file)
            raise refusal from error
        _write(file, f"{os.getpid()}\n")
        self._file = file

    def release(self) -> None:
        """Let go of the lock; nothing happens where it is not held."""
        if self._file is not None:
            file, self._file = self._file, None
            _write(file, "")
            fcntl.flock(file, fcntl.LOCK_UN)  # closing alone would leave it to a forked child
            os.close(file)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            what = f"The lock file {self._path} cannot be opened ({error.strerror})"
            step = "Its folder must exist and be writable, and the file must not be a symbolic link."
            raise HedgebotError(what, step) from error

    def _refusal(self, file: int, error: OSError) -> HedgebotError:
        if not isinstance(error, BlockingIOError):
            what = f"The file system cannot lock {self._path} ({error.strerror})"
            return HedgebotError(what, "Put the store on a local disk.")
        pid = os.pread(file, 32, 0).decode("ascii", "replace").strip()
        holder, stop = (f"process {pid}", f"kill {pid}") if pid.isdigit() else ("another process", "SIGTERM")
        return LockHeldError(
            f"{self._path} is locked by {holder}: one daemon already trades from this store",
            f"Let it work (see `hedgebot status`), end it first ({stop}), or name another `store.url`.",
        )


def _write(file: int, text: str) -> None:
    """Put the text into the file, for people only: a full disk must not decide who holds the lock."""
    with suppress(OSError):
        os.fchmod(file, 0o600)
        os.truncate(file, 0)
        os.pwrite(file, text.encode(), 0)
