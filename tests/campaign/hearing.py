"""What the daemon says while it lives: its log, through the production pipeline, line by line."""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from hedgebot import logs
from hedgebot.scrubber import Scrubber


class Ear(io.TextIOWrapper):
    """A stream that hands over each line."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__(io.BytesIO())
        self._hear = hear

    def write(self, text: str) -> int:
        if line := text.strip():
            self._hear(line)
        return len(text)


@contextmanager
def hearing(hear: Callable[[str], None], now_ms: Callable[[], int], *secrets: str) -> Iterator[None]:
    """Hand every line that is logged to ``hear`` while the block runs, then leave logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger(logs.OURS)
    handlers, levels = root.handlers[:], (root.level, ours.level)
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    logs.configure(scrubber=Scrubber(*secrets), now_ms=now_ms, as_json=True, stream=Ear(hear))
    try:
        yield
    finally:
        logging.captureWarnings(False)
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
        structlog.reset_defaults()
