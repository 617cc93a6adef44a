"""``demo``: see it work, without an account."""

from typing import Annotated

import typer

from hedgebot.cli.output import text


def demo(
    exchange: Annotated[
        str, typer.Option("--exchange", help="Play one exchange only: bybit, binance or okx.")
    ] = "",
) -> None:
    """Watch the daemon hedge on simulated exchanges, for about a minute.

    Quiet, a crash by half, a rally of 80 % from the low, a deposit, a human trading beside the bot, an
    outage. Everything runs on this machine; the daemon is the real one.
    """
    import asyncio

    from hedgebot.cli.demo_play import play
    from hedgebot.cli.demo_tally import summary
    from hedgebot.cli.demo_venues import VENUES

    if exchange and exchange not in VENUES:
        raise typer.BadParameter(f"there are {', '.join(VENUES)}", param_hint="--exchange")
    venues = [venue for name, venue in VENUES.items() if exchange in ("", name)]
    text(summary(asyncio.run(play(text, venues))))
