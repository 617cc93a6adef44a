"""What the ratio policies look at besides the snapshot: read beside the cycles, judged by its age in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Generic, TypeVar

from hedgebot.domain.funding import Paid
from hedgebot.domain.policy import DAY_MS, Signal, Steps
from hedgebot.domain.units import ONE, ZERO, Millis, Price

T = TypeVar("T")

YEAR_MS = 365 * DAY_MS
ROUGH = Context(prec=15)
"""For signals, which are no money: logarithms with 28 digits would take a multiple of the time."""


@dataclass(frozen=True, slots=True)
class Candle:
    """The last price of a bar that has ended, and when it did."""

    end: Millis
    close: Price


@dataclass(frozen=True, slots=True)
class Measured:
    """A signal over the bars up to the one that ended at ``until``."""

    value: Decimal
    until: Millis


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ratio that another program wants, and when that program says that it wrote it."""

    ratio: Decimal
    at: Millis


@dataclass(frozen=True, slots=True)
class SpotPrice:
    """What a coin costs on an exchange's spot market, and the monotonic second in which that was asked."""

    price: Price
    asked_at: float


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """The last good answer, and what was wrong with the last one; ``asked`` is false before the first."""

    value: T | None = None
    problem: str = "it was not read yet"
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known for one hedge. Nothing of it is asked for that the hedge does not need.

    ``spot_prices`` are by account, one for each that carries a leg.
    """

    market: Told[Measured] = Told()
    wanted: Told[Wanted] = Told()
    funding: Told[Paid] = Told()
    spot_prices: Mapping[str, Told[SpotPrice]] = field(default_factory=dict)


NOTHING = Signals()


def measured(steps: Steps, candles: Sequence[Candle], now: Millis) -> Measured:
    """The signal of ``steps`` over its window, from closes alone: no single price can start anything.

    - volatility: ``sqrt(mean(ln(c'/c)^2) * bars a year)`` (realised: Andersen and Bollerslev, 1998)
    - drawdown: ``1 - close / highest close``
    - average: ``close / mean of all closes - 1``

    Raises ``ValueError``, saying what is missing, unless every bar of the window is there, up to the last
    that has ended.
    """
    bar = steps.bar_ms
    last = Millis(now // bar * bar)
    closes: dict[int, Decimal] = {candle.end: candle.close.value for candle in candles}
    if last not in closes:
        last = Millis(last - bar)  # the newest may take a moment to appear
    ends = range(last - steps.window_ms, last + 1, bar)
    if missing := sum(end not in closes for end in ends):
        raise ValueError(f"{missing} of {len(ends)} bars are missing")
    return Measured(_signal(steps.signal, [closes[end] for end in ends], bar), last)


def _signal(signal: Signal, closes: list[Decimal], bar_ms: int) -> Decimal:
    match signal:
        case Signal.VOLATILITY:
            return _volatility(closes, Decimal(YEAR_MS) / bar_ms)
        case Signal.DRAWDOWN:
            return ROUGH.subtract(ONE, ROUGH.divide(closes[-1], max(closes)))
        case Signal.AVERAGE:
            return ROUGH.subtract(ROUGH.divide(closes[-1] * len(closes), sum(closes, ZERO)), ONE)
        case Signal.FUNDING:
            raise ValueError("funding is read with each snapshot, not from bars")


def _volatility(closes: list[Decimal], bars_a_year: Decimal) -> Decimal:
    squares, before = ZERO, closes[0]
    for close in closes[1:]:
        change = ROUGH.ln(ROUGH.divide(close, before))
        squares, before = ROUGH.add(squares, ROUGH.multiply(change, change)), close
    return ROUGH.sqrt(ROUGH.multiply(ROUGH.divide(squares, Decimal(len(closes) - 1)), bars_a_year))
