"""What the bars amount to, and when they amount to nothing."""

from decimal import Decimal
from itertools import pairwise
from math import log, sqrt

import pytest

from hedgebot.domain.policy import DAY_MS, HOUR_MS, Signal, Steps
from hedgebot.domain.signals import Candle, measured
from hedgebot.domain.units import Millis, Price
from tests.builders import NOW

HOUR = Millis(NOW // HOUR_MS * HOUR_MS)


def steps(signal: Signal, window_ms: int = DAY_MS) -> Steps:
    return Steps(signal, window_ms, ((Decimal(0), Decimal(1)),), Decimal(0))


def bars(*closes: float, last: int = HOUR, bar_ms: int = HOUR_MS) -> list[Candle]:
    """Closes one bar apart, the last one ending at ``last``."""
    first = last - (len(closes) - 1) * bar_ms
    return [Candle(Millis(first + n * bar_ms), Price.of(str(close))) for n, close in enumerate(closes)]


def test_volatility_is_realised_and_annualised() -> None:
    closes = [100 + (n * 7) % 11 for n in range(25)]
    returns = [log(after / before) for before, after in pairwise(closes)]
    expected = sqrt(sum(r * r for r in returns) / 24 * 365 * 24)
    found = measured(steps(Signal.VOLATILITY), bars(*closes), NOW)
    assert abs(float(found.value) - expected) < 1e-9
    assert found.until == HOUR


def test_a_level_price_has_no_volatility_no_drawdown_and_no_distance() -> None:
    for signal in (Signal.VOLATILITY, Signal.DRAWDOWN, Signal.AVERAGE):
        assert measured(steps(signal), bars(*[100] * 25), NOW).value == 0


@pytest.mark.parametrize(("closes", "value"), [((200, 150), "0.25"), ((100, 150), "0")])
def test_drawdown_is_measured_from_the_highest_close(closes: tuple[int, int], value: str) -> None:
    found = measured(steps(Signal.DRAWDOWN), bars(*[closes[0]] * 24, closes[1]), NOW)
    assert found.value == Decimal(value)


def test_the_distance_from_the_average_has_a_sign() -> None:
    falling = measured(steps(Signal.AVERAGE), bars(*[100] * 24, 75), NOW)
    assert (
        falling.value == Decimal(75 * 25) / Decimal(2475) - 1 or abs(falling.value + Decimal("0.2424")) < 1e-4
    )
    assert measured(steps(Signal.AVERAGE), bars(*[100] * 24, 125), NOW).value > 0


def test_what_is_older_than_the_window_does_not_count() -> None:
    assert measured(steps(Signal.DRAWDOWN), bars(1_000, *[100] * 25), NOW).value == 0


def test_windows_longer_than_a_month_are_measured_in_days() -> None:
    assert steps(Signal.AVERAGE, 30 * DAY_MS).bar_ms == HOUR_MS
    assert steps(Signal.AVERAGE, 31 * DAY_MS).bar_ms == DAY_MS
    day = NOW // DAY_MS * DAY_MS
    daily = bars(*[100] * 201, last=day, bar_ms=DAY_MS)
    assert measured(steps(Signal.AVERAGE, 200 * DAY_MS), daily, NOW).until == day


def test_the_newest_bar_may_appear_a_moment_late() -> None:
    found = measured(steps(Signal.DRAWDOWN), bars(*[100] * 25, last=HOUR - HOUR_MS), NOW)
    assert found.until == HOUR - HOUR_MS


def test_a_bar_that_is_missing_is_not_made_up() -> None:
    gap = bars(*[100] * 25)
    del gap[7]
    with pytest.raises(ValueError, match="1 of 25 bars are missing"):
        measured(steps(Signal.DRAWDOWN), gap, NOW)
    with pytest.raises(ValueError, match="25 of 25 bars are missing"):
        measured(steps(Signal.DRAWDOWN), [], NOW)


def test_funding_is_in_no_bar() -> None:
    with pytest.raises(ValueError, match=r"^funding is read with each snapshot, not from bars$"):
        measured(steps(Signal.FUNDING), bars(*[100] * 25), NOW)
