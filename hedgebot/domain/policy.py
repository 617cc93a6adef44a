"""How the ratio follows time, the market or another program, as the configuration defines it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.units import Millis

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOURLY_UP_TO = 30 * DAY_MS
"""The longest window that is measured in hours; a longer one is measured in days."""


class Signal(StrEnum):
    """What steps can follow; see ``signals.measured`` for the formulas."""

    VOLATILITY = "volatility"
    DRAWDOWN = "drawdown"
    AVERAGE = "average"
    FUNDING = "funding"


class After(StrEnum):
    """What holds once another program's word has expired: the last target, or what holds without it."""

    KEEP = "keep"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Window:
    """A ratio from ``start`` until just before ``end``; without an end for good."""

    start: Millis
    end: Millis | None
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Steps:
    """Ratios by the level of one signal.

    ``levels`` are (signal, ratio), ascending: from that value of the signal on, that ratio holds, until the
    signal is below it by more than ``hysteresis``. Below the first, nothing is said.
    """

    signal: Signal
    window_ms: int
    levels: tuple[tuple[Decimal, Decimal], ...]
    hysteresis: Decimal

    @property
    def bar_ms(self) -> int:
        """How long each of the bars is that the signal is measured in."""
        return HOUR_MS if self.window_ms <= HOURLY_UP_TO else DAY_MS


@dataclass(frozen=True, slots=True)
class External:
    """Another program's ratio, good for ``valid_ms`` from when that program says it was written."""

    valid_ms: int
    after: After


@dataclass(frozen=True, slots=True)
class Policies:
    """All that may move the ratio. ``windows`` ascend and never overlap; at ``unwind_at``, the end of the
    last, the hedge is unwound."""

    steps: Steps | None = None
    external: External | None = None
    windows: tuple[Window, ...] = ()
    unwind_at: Millis | None = None
