"""Why what was decided and written down is not sent after all."""

from collections.abc import Callable

Holds = Callable[[], bool]
"""Whether what was planned on still holds: no other command came meanwhile."""


def always() -> bool:
    """Nobody commands anything."""
    return True


def withheld(now: float, until: float, holds: Holds) -> str:
    """Why nothing is sent at the monotonic instant ``now``; "" where it is.

    A process or a disk that was frozen lets ``until`` pass. A machine that slept may not: on Linux the
    monotonic clock sleeps with it, and then it is the exchange that refuses what comes after its own window.
    """
    if now > until:
        return "not sent: decided too long ago"
    return "" if holds() else "not sent: another command came"
