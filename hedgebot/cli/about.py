"""``schema`` and ``version``."""

import platform

from hedgebot import __version__
from hedgebot.cli import output
from hedgebot.cli.options import AsJson


def schema(as_json: AsJson = False) -> None:
    """Print the JSON Schema of the configuration file."""
    from hedgebot.settings import schema as config

    if as_json:
        output.data({"schema": 1, "config": config.schema()})
    else:
        output.text(config.dump().rstrip("\n"))


def version(as_json: AsJson = False) -> None:
    """Print the version."""
    if as_json:
        output.data({"schema": 1, "version": __version__, "python": platform.python_version()})
    else:
        output.text(f"hedgebot {__version__}")
