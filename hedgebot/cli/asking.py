"""``status`` and ``health``: what the running daemon says of itself."""

from typing import Any

import typer

from hedgebot.cli import daemon_client, output
from hedgebot.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from hedgebot.cli.status_view import lines
from hedgebot.errors import ExitCode

FINE = frozenset({"hedged", "adjusting", "paused", "unwinding", "unwound"})


def status(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show what the running daemon sees and does.

    Exit code 0: hedged, adjusting, paused, unwinding or unwound; 8: drifting; 6: blind, halted or starting;
    4: no daemon; 7: no answer in 5 s. Of several hedges the worst counts.
    """
    found = daemon_client.of(config).status()
    if as_json:
        output.data(found)
    else:
        output.text(*lines(found))
    raise typer.Exit(worst(found))


def health(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say whether the running daemon still ends its cycles.

    Exit code 0 while it does; 1: it does not; 4: no daemon; 7: no answer in 5 s.
    """
    healthy = daemon_client.of(config).healthy()
    if as_json:
        output.data({"schema": 1, "healthy": healthy})
    else:
        output.text("healthy" if healthy else "unhealthy: no cycle ended in time")
    raise typer.Exit(ExitCode.OK if healthy else ExitCode.ERROR)


def worst(found: dict[str, Any]) -> ExitCode:
    """The exit code of the hedge that needs attention most."""
    states = {hedge["state"] for hedge in found["hedges"].values()}
    if states - FINE - {"drifting"}:
        return ExitCode.FORBIDDEN
    return ExitCode.DRIFT if "drifting" in states else ExitCode.OK
