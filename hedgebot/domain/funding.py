"""What funding costs: paid over windows of the past, and what the running rate would make of a year.

A cost is a share of the exposure a year, above zero where the short pays:
``(coins paid - coins received) / exposure * year / window``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.account import EntryKind, LedgerEntry
from hedgebot.domain.market import Funding, Quote
from hedgebot.domain.units import ONE, ZERO, Coin, Millis

YEAR_MS = 365 * 86_400_000
HOURS_A_YEAR = Decimal(365 * 24)

CHEAP = Decimal("0.8")
"""Below this share of the budget funding counts as cheap again."""


class Action(StrEnum):
    """What is done when funding costs more than its budget, besides the alarm."""

    ALARM = "alarm"
    FLOOR = "floor"
    DATED = "dated"
    UNWIND = "unwind"


@dataclass(frozen=True, slots=True)
class Budget:
    """``most`` a year may cost, measured over each window (ms); with ``FLOOR`` the ratio is held at ``floor``
    meanwhile, or below."""

    most: Decimal
    windows: tuple[int, ...]
    action: Action
    floor: Decimal


@dataclass(frozen=True, slots=True)
class Paid:
    """Coins that the exchange booked as funding up to ``until``: for each window (ms), paid less received."""

    windows: tuple[tuple[int, Coin], ...]
    until: Millis


def paid(entries: Sequence[LedgerEntry], windows: Sequence[int], until: Millis) -> Paid:
    """What the windows that end at ``until`` cost, out of a ledger that reaches back as far."""
    booked = [entry for entry in entries if entry.kind is EntryKind.FUNDING and entry.at <= until]
    sums = ((w, sum((e.coins.value for e in booked if e.at > until - w), ZERO)) for w in windows)
    return Paid(tuple([(window, Coin(-coins)) for window, coins in sums]), until)


def costs(found: Paid, exposure: Coin) -> tuple[Decimal, ...]:
    """The cost of each window, as a share of the exposure a year; nothing where there is no exposure."""
    if exposure.value <= ZERO:
        return tuple(ZERO for _ in found.windows)
    return tuple([coins.value * YEAR_MS / (exposure.value * window) for window, coins in found.windows])


def annual(funding: Funding) -> Decimal | None:
    """The running interval's rate for a year of such; None where its length is not known."""
    hours = funding.interval_hours
    return None if not hours else funding.rate * HOURS_A_YEAR / hours


def carry(quote: Quote, ends_at: Millis) -> Decimal | None:
    """What a dated contract costs a year, ``(1 - mark / index) * year / time to its end``: above zero where
    it is below its index, whose rise to it the short pays. None where it has no index, or ended."""
    left = ends_at - quote.at
    if quote.index is None or left <= 0:
        return None
    return (ONE - quote.mark.value / quote.index.value) * YEAR_MS / left


def over(budget: Budget, found: Sequence[Decimal], running: Decimal | None, *, before: bool) -> bool:
    """Whether funding is over its budget, when it was or was not before.

    It is once a window cost more; and is no more when all of them, and the ``running`` rate at the ratio that
    would hold then, are cheap: a low ratio must not look like a low rate.
    """
    if any(cost > budget.most for cost in found):
        return True
    cheap = budget.most * CHEAP
    return before and (running is None or running > cheap or any(cost > cheap for cost in found))
