"""Arguments and options that several commands share."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("hedgebot.toml")


def decimal(text: str | Decimal) -> Decimal:
    """A ratio as people write it; a default passes."""
    if isinstance(text, Decimal):
        return text
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,18})?", text):
        return Decimal(text)
    raise typer.BadParameter(f"{text!r} is not a ratio; write a number such as 0.5")


ConfigFile = Annotated[
    Path, typer.Option("-c", "--config", metavar="FILE", parser=Path, help="The configuration.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for programs.")]
AnyHedge = Annotated[str | None, typer.Argument(metavar="HEDGE", help="One hedge only.", show_default=False)]
