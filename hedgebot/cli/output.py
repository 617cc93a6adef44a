"""What the commands write: data to stdout, complaints to stderr."""

import json
import os
import textwrap
from collections.abc import Mapping
from typing import Any

import typer

from hedgebot.scrubber import Scrubber

WIDTH = 80
SCRUBBER = Scrubber()
"""Knows every secret that this process has loaded."""


def data(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    typer.echo(json.dumps(value, indent=2))


def text(*lines: str) -> None:
    """Lines for people on stdout; colours only on a terminal that wants them."""
    for line in lines:
        typer.echo(line, color=colours())


def colours() -> bool | None:
    """False where the reader wants none; None leaves it to whether stdout is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def note(line: str) -> None:
    """A line beside the data, on stderr."""
    typer.echo(SCRUBBER.scrub(line), err=True)


def complain(what: str, next_step: str = "") -> None:
    """What went wrong, and what to do, on stderr."""
    for line in what.splitlines():
        note(f"hedgebot: {line}")
    if next_step:
        note(f"  {next_step}")


def field(label: str, value: str, *, most: int = 0) -> list[str]:
    """``label`` and a text beside it, in lines of 80 columns; ``most`` cuts it to so many lines."""
    lines = textwrap.wrap(
        printable(value),
        WIDTH,
        initial_indent=f"  {label:<13}",
        subsequent_indent=" " * 15,
        max_lines=most or None,
        placeholder=" …",
    )
    return lines or [f"  {label}"]


def printable(value: str) -> str:
    """Without control characters: an exchange's words must not steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in value)
