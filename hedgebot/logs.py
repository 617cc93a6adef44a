"""Logs: one line for each change, to stderr, for people on a terminal and as JSON otherwise.

Everything goes one way: ours through structlog, other libraries' through the standard library, warnings and
crashes too, to one handler that scrubs the finished line, tracebacks included, as the last thing it does.

Write ``log = structlog.get_logger(__name__)`` and ``log.info("order filled", leg=…)``; what is bound with
``structlog.contextvars.bound_contextvars(cycle=812)`` stands on every line of that cycle.
"""

import asyncio
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from hedgebot.scrubber import Scrubber

OURS = "hedgebot"  # only our own loggers may say DEBUG: libraries put signed URLs and headers there

_log = structlog.get_logger(__name__)


def configure(
    *,
    scrubber: Scrubber,
    now_ms: Callable[[], int],
    as_json: bool | None = None,
    level: int = logging.INFO,
    stream: TextIO | None = None,
) -> None:
    """Send all logs of this process, warnings and uncaught exceptions to ``stream`` (stderr), scrubbed.

    ``as_json`` None means: unless the stream is a terminal. ``level`` is that of our own loggers; other
    libraries' stay at INFO or above. Replaces what was configured before.
    """
    target = sys.stderr if stream is None else stream
    terminal = target.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _stamp(now_ms),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    handler = ScrubbingHandler(target, scrubber)
    handler.setFormatter(_formatter(shared, not terminal if as_json is None else as_json, colors=terminal))
    handler.addFilter(_own_or_above_debug)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger(OURS).setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # a line for each scrape is no change
    logging.captureWarnings(True)
    sys.excepthook = _on_crash
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread_crash


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Log what the loop would print: exceptions of tasks and callbacks that nobody awaited."""
    loop.set_exception_handler(_on_loop_exception)


class Changes:
    """Remembers what was said last of each topic, to log a state when it changes and not each cycle."""

    def __init__(self) -> None:
        self._said: dict[Hashable, object] = {}

    def is_news(self, topic: Hashable, value: object) -> bool:
        """True for the first value of a topic and whenever it differs from the one before."""
        news = topic not in self._said or self._said[topic] != value
        self._said[topic] = value
        return news


class ScrubbingHandler(logging.StreamHandler[TextIO]):
    """Writes lines that the scrubber has been over, also when logging itself fails."""

    def __init__(self, stream: TextIO, scrubber: Scrubber) -> None:
        super().__init__(stream)
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber.scrub(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:
        """Say so in a line made without what just failed; the caller goes on."""
        event = f"a line of {record.name} was not logged"
        line = json.dumps({"level": "error", "event": event, "exception": traceback.format_exc()})
        with suppress(OSError, ValueError):  # nobody reads, the disk is full, or the stream is closed
            self.stream.write(self._scrubber.scrub(line) + self.terminator)
            self.flush()


def _formatter(
    shared: list[Processor], as_json: bool, *, colors: bool
) -> structlog.stdlib.ProcessorFormatter:
    renderer: Processor
    if as_json:
        renderer = structlog.processors.JSONRenderer(serializer=json.dumps, default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors and "NO_COLOR" not in os.environ,
            sort_keys=False,
            exception_formatter=structlog.dev.plain_traceback,  # no locals
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _plain,
            renderer,
        ],
    )


def _stamp(now_ms: Callable[[], int]) -> Processor:
    def stamp(_logger: Any, _method: str, event: EventDict) -> EventDict:
        at = datetime.fromtimestamp(now_ms() / 1000, UTC)
        event["timestamp"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    return stamp


def _plain(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """What every line has comes first; exact numbers and enums as people read them, not as their ``repr``."""
    head = {key: event.pop(key) for key in ("timestamp", "level", "event", "logger") if key in event}
    return {**head, **{key: _readable(value) for key, value in event.items()}}


def _readable(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if isinstance(value, str | int | float | list | dict | tuple | None) else str(value)


def _own_or_above_debug(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO or record.name.partition(".")[0] == OURS


def _on_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("stopped by an error", exc_info=(kind, error, trace))


def _on_thread_crash(crash: threading.ExceptHookArgs) -> None:
    error = crash.exc_value or crash.exc_type()
    _log.critical("a thread was stopped by an error", exc_info=(crash.exc_type, error, crash.exc_traceback))


def _on_unraisable(lost: "sys.UnraisableHookArgs") -> None:
    _log.error(lost.err_msg or "an error was ignored", where=repr(lost.object), exc_info=lost.exc_value)


def _on_loop_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    where = context.get("task") or context.get("future") or context.get("handle")
    _log.error(context["message"], where=repr(where), exc_info=context.get("exception"))
