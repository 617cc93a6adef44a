"""``plan``: one look at the accounts, and what the daemon would do."""

import os

import typer

from hedgebot.cli import output
from hedgebot.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile


def plan(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Say what would be done now, why and at what cost.

    Looks at the accounts once and sends no order. Works beside a running daemon and without one.
    Exit code 0: nothing to do; 8: it would trade; 6: a guard or the operator forbids it; 5: credentials are
    missing or refused; 1: the accounts cannot be seen.
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
    from hedgebot.cli import plan_view, rehearsal

    world = World()
    logs.configure(scrubber=output.SCRUBBER, now_ms=world.clock.now_ms, level=logging.ERROR)
    looks = asyncio.run(rehearsal.look(settings, places.store, credentials, world))
    if as_json:
        hedges = {look.hedge: plan_view.as_data(look) for look in looks}
        output.data({"schema": 1, "mode": settings.mode, "hedges": hedges})
    else:
        output.text(*(line for look in looks for line in plan_view.lines(look)))
    for look in looks:
        if look.refused is not None:
            output.complain(look.refused.what, look.refused.next_step)
    raise typer.Exit(plan_view.exit_code(looks))
