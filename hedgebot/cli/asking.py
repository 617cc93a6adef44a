"""``status`` and ``health``: what the running daemon says of itself."""

from functools import partial
from typing import Annotated, Any

import typer

from hedgebot.cli import daemon_client, output
from hedgebot.cli.options import DEFAULT_CONFIG, AnyHedge, AsJson, ConfigFile
from hedgebot.cli.status_view import lines
from hedgebot.errors import ExitCode, HedgebotError

FINE = frozenset({"hedged", "adjusting", "paused", "unwinding", "unwound"})


def status(
    hedge: AnyHedge = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it each second, until Ctrl-C.")] = False,
) -> None:
    """Show what the running daemon sees and does.

    Exit code 0: hedged, adjusting, paused, unwinding or unwound; 8: drifting; 6: blind, halted or starting;
    4: no daemon; 7: no answer in 5 s. Of several hedges the worst counts, of a watch the last answer.
    """
    if watch and as_json:
        raise typer.BadParameter("--watch is for people; a program asks with --json again and again")
    client = daemon_client.of(config)
    if watch:
        from hedgebot.cli import watching

        ask = partial(_ask, client, hedge)
        raise typer.Exit(watching.watch(ask, lambda found: [*lines(found)], worst))
    found = _ask(client, hedge)
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


def _ask(client: daemon_client.DaemonClient, hedge: str | None) -> dict[str, Any]:
    """The status, of one hedge only if it is named. Raises ``HedgebotError``."""
    found = client.status()
    if hedge is None:
        return found
    if hedge not in found["hedges"]:
        raise HedgebotError(f'there is no hedge "{hedge}"', f"There are: {', '.join(found['hedges'])}")
    return found | {"hedges": {hedge: found["hedges"][hedge]}}
