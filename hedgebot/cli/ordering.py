"""``pause``, ``resume``, ``ratio`` and ``unwind``: orders to the running daemon."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from hedgebot.cli import daemon_client, output
from hedgebot.cli.options import DEFAULT_CONFIG, AnyHedge, AsJson, ConfigFile, decimal

TO_CONFIG = "--to-config"


class RatioCommand(TyperCommand):
    """``--config`` with a file names the file, as everywhere; alone it returns to the file's ratio."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Tell the two apart by what follows."""
        last = [*args[1:], "-"]
        alone = [
            TO_CONFIG if arg == "--config" and last[i].startswith("-") else arg for i, arg in enumerate(args)
        ]
        return super().parse_args(ctx, alone)


def pause(hedge: AnyHedge = None, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Trade nothing until resume; keep watching."""
    _order(config, hedge, "pause", None, as_json=as_json)


def resume(hedge: AnyHedge = None, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """End a pause, an unwind and an unwound state."""
    _order(config, hedge, "resume", None, as_json=as_json)


def ratio(
    hedge: Annotated[str, typer.Argument(metavar="HEDGE", help="The hedge.")],
    value: Annotated[
        Decimal | None,
        typer.Argument(metavar="VALUE", parser=decimal, show_default=False, help="Such as 0.5."),
    ] = None,
    to_config: Annotated[
        bool,
        typer.Option(TO_CONFIG, help="Return to the configuration's ratio; also --config without a file."),
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Aim at another ratio, or at the configuration's again.

    It is traded to at once, inside the band too, and holds over restarts. An unwind goes on regardless.
    """
    if (value is None) != to_config:
        raise typer.BadParameter("give either a VALUE, or --config alone to return to the configuration's")
    _order(config, hedge, "ratio", value, as_json=as_json)


def unwind(
    hedge: AnyHedge = None,
    to: Annotated[
        Decimal, typer.Option("--to", metavar="R", parser=decimal, help="Down to this ratio.")
    ] = Decimal(0),
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Buy the short back, down to a ratio or entirely.

    It is reached exactly, ignoring the band; then nothing is traded until resume.
    """
    _order(config, hedge, "unwind", to, as_json=as_json)


def _order(config: Path, hedge: str | None, verb: str, value: Decimal | None, *, as_json: bool) -> None:
    done = daemon_client.of(config).command(hedge, verb, None if value is None else f"{value:f}")
    if as_json:
        output.data(done)
        return
    to = "" if done["ratio"] is None else f" {done['ratio']}"
    output.text(f"{done['verb']}{to}: {', '.join(done['hedges'])} (ordered by {done['who']})")
