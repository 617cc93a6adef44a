"""Bars of the exchanges: a row is what it must be, or an error names it; one that still runs is left out."""

from typing import Any

import pytest

from hedgebot.domain.signals import Candle
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import ConversionError
from hedgebot.exchange.candles import HOUR_MS, candles

START = 1_795_240_800_000
GOOD: list[Any] = [str(START), "60000.5", "60100", "59900", "60050.1", "12", "0.0002"]


def read(rows: Any, now_ms: int = START + HOUR_MS) -> list[Candle]:
    return candles(rows, "main: kline", width=7, bar_ms=HOUR_MS, now_ms=now_ms)


def test_a_bar_is_its_close_and_its_end() -> None:
    assert read([GOOD]) == [Candle(Millis(START + HOUR_MS), Price.of("60050.1"))]
    assert read([[START, *GOOD[1:]]]) == read([GOOD])


def test_a_bar_that_still_runs_is_left_out() -> None:
    assert read([GOOD], START + HOUR_MS - 1) == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (None, "main: kline: is no list of bars"),
        ([None], r"main: kline\[0\]: is no bar of 7 columns"),
        ([GOOD, GOOD[:-1]], r"main: kline\[1\]: is no bar of 7 columns"),
        ([[str(START + 1), *GOOD[1:]]], r"kline\[0\].start: is 1795240800001, not on the grid of hours"),
        ([["soon", *GOOD[1:]]], r"kline\[0\].start: is 'soon', not a whole number"),
        ([[*GOOD[:4], "0", *GOOD[5:]]], r"kline\[0\].close: is 0, not above zero"),
        ([[*GOOD[:4], 60050.1, *GOOD[5:]]], r"kline\[0\].close: is 60050.1, not a number"),
        ([[*GOOD[:4], "NaN", *GOOD[5:]]], r"kline\[0\].close: is 'NaN', not a number"),
        ([[*GOOD[:4], "", *GOOD[5:]]], r"kline\[0\].close: is '', not a number"),
    ],
)
def test_anything_else_is_an_error(rows: Any, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        read(rows)
