"""``status --watch``: the same view again each second, on a terminal in its place."""

import re
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import typer

from hedgebot.cli import output
from hedgebot.errors import ExitCode, HedgebotError

REDRAW_SECONDS = 1.0
CLEAR, HOME, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"
STYLE = re.compile(r"\x1b\[[0-9;]*m")

Body = dict[str, Any]


def watch(
    ask: Callable[[], Body], view: Callable[[Body], Sequence[str]], verdict: Callable[[Body], ExitCode]
) -> ExitCode:
    """Show ``view`` of what ``ask`` returns until Ctrl-C; the exit code of the last answer.

    A daemon that does not answer is said to be away, and waited for.
    """
    code, pause = ExitCode.OK, threading.Event()
    draw = _redraw if sys.stdout.isatty() else _append
    try:
        if draw is _redraw:
            sys.stdout.write(CLEAR)
        while True:
            try:
                found = ask()
                code, told = verdict(found), view(found)
            except HedgebotError as error:
                code, told = error.exit_code, [error.what, f"  {error.next_step}", "  Ctrl-C ends this"]
            draw(told)
            pause.wait(REDRAW_SECONDS)
    except KeyboardInterrupt:
        typer.echo()
        return code


def _redraw(lines: Sequence[str]) -> None:
    """Over the last view, in one write: nothing flickers, and 24 lines do not scroll 24 rows."""
    told = lines if output.colours() is not False else [STYLE.sub("", line) for line in lines]
    sys.stdout.write(HOME + "\n".join(f"{line}{REST_OF_LINE}" for line in told) + REST_OF_SCREEN)
    sys.stdout.flush()


def _append(lines: Sequence[str]) -> None:
    output.text(*lines, "")
    sys.stdout.flush()
