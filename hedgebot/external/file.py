"""A file that another program writes. It should be put in place whole, by renaming it there."""

import asyncio
import os
import stat
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import ParamSpec, TypeVar

from hedgebot.domain.signals import Wanted
from hedgebot.errors import ReadError
from hedgebot.external.document import LARGEST, parse

P = ParamSpec("P")
T = TypeVar("T")


class Aside(Executor):
    """A thread for each piece of work: nobody else needs it, and the end of the process waits for none."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except ReadError as error:
                future.set_exception(error)
            except BaseException as error:
                future.set_exception(error)
                raise

        Thread(target=work, name="ratio file", daemon=True).start()
        return future


@dataclass(slots=True)
class RatioFile:
    """``hedgebot.ports.RatioSource``: read in a thread, since a disk may never answer. While one reading
    hangs no other begins."""

    path: Path
    _reading: asyncio.Future[bytes] | None = field(default=None, init=False, repr=False)

    async def read(self) -> Wanted:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().run_in_executor(Aside(), self._bytes)
        return parse(await asyncio.shield(self._reading), str(self.path))

    def _bytes(self) -> bytes:
        """Only a regular file is read, and no more of it than a document may have: a pipe would wait."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ReadError(f"{self.path}: is no file")
                return file.read(LARGEST + 1)
        except OSError as cause:
            raise ReadError(f"{self.path}: cannot be read: {cause.strerror}") from cause
