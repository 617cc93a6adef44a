"""A file that another program writes. It should be put in place whole, by renaming it there."""

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from hedgebot.domain.signals import Wanted
from hedgebot.errors import ReadError
from hedgebot.external.document import LARGEST, parse


@dataclass(frozen=True, slots=True)
class RatioFile:
    """``hedgebot.ports.RatioSource``: read in a thread of its own, since a disk may take its time."""

    path: Path

    async def read(self) -> Wanted:
        return parse(await asyncio.to_thread(self._bytes), str(self.path))

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
