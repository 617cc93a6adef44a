"""The program ``hedgebot``: its commands, and how each way to fail is told."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import typer

from hedgebot.cli.about import schema, version
from hedgebot.cli.asking import health, status
from hedgebot.cli.check import check
from hedgebot.cli.demo import demo
from hedgebot.cli.init import init
from hedgebot.cli.ordering import RatioCommand, pause, ratio, resume, unwind
from hedgebot.cli.output import complain
from hedgebot.cli.plan import plan
from hedgebot.cli.run import run
from hedgebot.errors import ExitCode, HedgebotError

COMMANDS: tuple[Callable[..., Any], ...] = (
    init,
    demo,
    check,
    plan,
    run,
    status,
    health,
    pause,
    resume,
    ratio,
    unwind,
    schema,
    version,
)
"""Every command, in the order of the help. To add one, add its function here."""

CLASSES = {ratio: RatioCommand}
"""Commands whose arguments need more than typer's own class."""


def program() -> typer.Typer:
    """All commands in one."""
    app = typer.Typer(
        name="hedgebot",
        help="Keeps the dollar value of held coins from moving, with short inverse perpetuals.",
        no_args_is_help=True,
        rich_markup_mode=None,  # plain text needs no rich, which takes a tenth of a second to import
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for command in COMMANDS:
        first_line = (command.__doc__ or "").split("\n")[0]
        app.command(cls=CLASSES.get(command), short_help=first_line.rstrip("."))(command)
    return app


def main() -> NoReturn:
    """Run the command line of this process; never returns and never shows a traceback."""
    sys.excepthook = _on_bug
    try:
        typer.main.get_command(program())(prog_name="hedgebot")
    except HedgebotError as error:
        complain(error.what, error.next_step)
        sys.exit(error.exit_code)
    sys.exit(ExitCode.OK)


def _on_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """One line in place of a traceback, for what should not happen."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    complain(f"internal error: {kind.__name__}: {error}{where}", "This is a bug: report it with this line")
