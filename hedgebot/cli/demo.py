"""``demo``: see it work, without an account."""

from hedgebot.cli.output import text


def demo() -> None:
    """Watch the daemon hedge on a simulated exchange, for about a minute.

    Quiet, a crash by half, a rally of 80 % from the low, a deposit, a human trading beside the bot, an
    outage. Everything runs on this machine; the daemon is the real one.
    """
    import asyncio

    from hedgebot.cli.demo_play import play, summary

    text(summary(asyncio.run(play(text))))
