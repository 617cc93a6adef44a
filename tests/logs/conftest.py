"""A process's logging, as it was before and after each test."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest

from hedgebot import logs
from hedgebot.scrubber import Scrubber
from tests.logging_state import logging_as_it_was

CANARY = "canary/Ax7+Qz9=w\"ell'é"
NOW_MS = 1_795_150_800_123  # 2026-11-20T05:00:00.123Z


class Terminal(StringIO):
    """Looks like a terminal to whoever asks."""

    def isatty(self) -> bool:
        return True


class Sink:
    """Where the logs of one test went."""

    def __init__(self, stream: StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.entries[-1]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture
def configure() -> Callable[..., Sink]:
    """Configure logging into a sink that knows one secret, the canary."""

    def to_sink(stream: StringIO | None = None, **options: Any) -> Sink:
        sink = Sink(StringIO() if stream is None else stream)
        logs.configure(scrubber=Scrubber(CANARY), now_ms=lambda: NOW_MS, stream=sink.stream, **options)
        return sink

    return to_sink


@pytest.fixture(params=["json", "console", "colours"])
def sink(request: pytest.FixtureRequest, configure: Callable[..., Sink]) -> Sink:
    """Each test with this one runs for every way to render a line."""
    return configure(Terminal() if request.param == "colours" else None, as_json=request.param == "json")
