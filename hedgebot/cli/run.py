"""``run``: the daemon."""

import os
from typing import Annotated

import typer

from hedgebot.cli.options import DEFAULT_CONFIG, ConfigFile
from hedgebot.cli.output import SCRUBBER


def run(
    config: ConfigFile = DEFAULT_CONFIG,
    debug: Annotated[bool, typer.Option("--debug", help="Log more.")] = False,
) -> None:
    """Run the daemon that keeps the hedges, until SIGTERM.

    The log goes to stderr. The hedge itself stays on the exchange when this program ends.
    Exit code 0: stopped by a signal; 3: the configuration is wrong; 5: credentials are missing, or refused
    before there was a hedge to watch; 6: another daemon holds the store. No failing exchange ends it.
    """
    import asyncio
    import logging

    from hedgebot import logs
    from hedgebot.cli import configuration
    from hedgebot.settings.paths import paths

    settings = configuration.read(config).settings
    places = paths(settings, os.environ)
    credentials = configuration.credentials(settings)

    from hedgebot.app import World
    from hedgebot.serve import serve

    world = World()
    level = logging.DEBUG if debug else logging.INFO
    logs.configure(scrubber=SCRUBBER, now_ms=world.clock.now_ms, level=level)

    async def life() -> None:
        logs.watch(asyncio.get_running_loop())
        await serve(settings, places, credentials, world)

    asyncio.run(life())
