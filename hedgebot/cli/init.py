"""``init``: a first configuration, after three questions."""

from importlib import resources
from typing import Annotated

import typer

from hedgebot.cli.options import DEFAULT_CONFIG, ConfigFile
from hedgebot.cli.output import text
from hedgebot.errors import HedgebotError


def init(
    config: ConfigFile = DEFAULT_CONFIG,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing: Bitcoin on Bybit.")] = False,
) -> None:
    """Write a commented configuration after three questions.

    Every key is in it, explained; those with a default are commented out. It starts in mode "observe",
    which sends nothing. An existing file is never overwritten.
    """
    from hedgebot.settings.load import load
    from hedgebot.settings.schema import dump

    if config.exists():
        raise HedgebotError(f"{config} exists already", "Name another file with --config, or remove it")
    exchange, asset, ratio = ("bybit", "BTC", "1") if defaults else _ask()
    schema = config.with_name("hedgebot.schema.json")
    try:
        config.write_text(written(exchange, asset, ratio))
        load(config, {})
        if not schema.exists():
            schema.write_text(dump())
    except OSError as cause:
        raise HedgebotError(f"{config} cannot be written: {cause.strerror}", "Name another place") from cause
    except HedgebotError:
        config.unlink()
        raise
    text(f"wrote {config}; next: put the key where `hedgebot check -c {config}` looks for it, and run that")


def _ask() -> tuple[str, str, str]:
    from hedgebot.settings.model import SUPPORTED_EXCHANGES

    names = ", ".join(SUPPORTED_EXCHANGES)
    exchange = typer.prompt(f"Which exchange ({names})?", default=SUPPORTED_EXCHANGES[0])
    asset = typer.prompt("Which coin is to be protected?", default="BTC")
    ratio = typer.prompt("Which share of it (0 to 1)?", default="1")
    return str(exchange).strip().lower(), str(asset).strip().upper(), str(ratio).strip()


def written(exchange: str, asset: str, ratio: str) -> str:
    """The example file with three answers in it."""
    example = resources.files("hedgebot.settings").joinpath("example.toml").read_text()
    answers = (
        ('exchange = "bybit"', f'exchange = "{exchange}"'),
        ("BTC/USD:BTC", f"{asset}/USD:{asset}"),
        ('"BTC"', f'"{asset}"'),
        ("hedges.btc", f"hedges.{asset.lower()}"),
        ('here "btc"', f'here "{asset.lower()}"'),
        ("#ratio = 1\n", f"ratio = {ratio}\n"),
    )
    for shown, chosen in answers:
        example = example.replace(shown, chosen)
    return example
