"""A process's logging, given back as it was by whoever configures it."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

LEVELS = ("hedgebot", "aiohttp.access", "ccxt")


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """After the block the process logs as it did before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in LEVELS}
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    try:
        with warnings.catch_warnings():
            yield
            logging.captureWarnings(False)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in levels.items():
            logging.getLogger(name).setLevel(before)
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
