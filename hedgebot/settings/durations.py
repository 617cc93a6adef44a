"""Lengths of time as the configuration writes them: a whole number and a unit, such as ``"500ms"``."""

import re
from datetime import timedelta

UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
PATTERN = r"^([0-9]{1,9})(ms|s|m|h|d)$"


def parse(value: object) -> timedelta:
    """``"500ms"``, ``"5s"``, ``"10m"``, ``"8h"`` or ``"30d"``; a ``timedelta`` passes."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(PATTERN, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a whole number with its unit (ms, s, m, h or d) in quotes, such as "5s"')
    try:
        return int(found[1]) * UNITS[found[2]]
    except OverflowError:
        raise ValueError("is longer than any hedge lasts") from None


def text(value: timedelta) -> str:
    """``value`` in the largest unit that leaves a whole number; finer than a millisecond is cut off."""
    for name, unit in UNITS.items():
        if value and value % unit == timedelta(0):
            return f"{value // unit}{name}"
    return f"{value // UNITS['ms']}ms"
