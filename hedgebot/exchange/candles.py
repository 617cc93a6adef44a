"""Bars as all three exchanges write them: lists that begin with start, open, high, low and close."""

from hedgebot.domain.signals import Candle
from hedgebot.domain.units import Millis
from hedgebot.errors import ConversionError
from hedgebot.exchange.convert import Fields

START, CLOSE = "start", "close"
HOUR_MS = 3_600_000
WIDTHS = {HOUR_MS: "hour", 24 * HOUR_MS: "day"}
"""The bars that are asked for."""


def candles(rows: object, where: str, *, width: int, bar_ms: int, now_ms: int) -> list[Candle]:
    """The bars of ``width`` columns that have ended by ``now_ms``, in the order of the reply.

    Raises ``ConversionError`` for a row of another shape, and for a bar that does not start on the grid.
    """
    if not isinstance(rows, list):
        raise ConversionError(where, "is no list of bars")
    found = []
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            raise ConversionError(f"{where}[{number}]", f"is no bar of {width} columns")
        bar = Fields({START: row[0], CLOSE: row[4]}, f"{where}[{number}]")
        start, close = bar.millis(START), bar.price(CLOSE)
        if start % bar_ms:
            raise bar.wrong(START, f"is {start}, not on the grid of {WIDTHS[bar_ms]}s")
        if start + bar_ms <= now_ms:
            found.append(Candle(Millis(start + bar_ms), close))
    return found
