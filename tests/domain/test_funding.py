"""What funding costs a year, and when that is over its budget."""

from decimal import Decimal

import pytest

from hedgebot.domain.account import EntryKind, LedgerEntry
from hedgebot.domain.funding import Action, Budget, annual, carry, costs, over, paid
from hedgebot.domain.market import Funding
from hedgebot.domain.units import Coin, Contracts, Millis
from tests.builders import NOW, SYMBOL, price, quote

D = Decimal
HOUR, DAY = 3_600_000, 86_400_000
BUDGET = Budget(D("0.3"), (DAY, 7 * DAY), Action.FLOOR, D("0.5"))


def entry(coins: str, hours_ago: int, kind: EntryKind = EntryKind.FUNDING) -> LedgerEntry:
    return LedgerEntry(
        str(hours_ago),
        kind,
        SYMBOL,
        "",
        Contracts.zero(),
        None,
        Coin.of(coins),
        Millis(NOW - hours_ago * HOUR),
    )


def test_windows_count_what_was_paid_less_what_was_received() -> None:
    book = [
        entry("-1", 24),
        entry("-0.5", 23),
        entry("0.2", 8),
        entry("-9", 4, EntryKind.TRADE),
        entry("-0.1", 0),
    ]
    found = paid(book, (DAY, 7 * DAY), NOW)
    assert found.windows == ((DAY, Coin.of("0.4")), (7 * DAY, Coin.of("1.4")))
    assert found.until == NOW


def test_what_is_booked_after_the_end_belongs_to_the_next_reading() -> None:
    assert paid([entry("-1", -1)], (DAY,), NOW).windows == ((DAY, Coin.zero()),)


def test_a_cost_is_a_share_of_the_exposure_a_year() -> None:
    """Three payments of 0.05 % a day on all of it are 54.75 % a year."""
    book = [entry("-0.001", hours) for hours in (16, 8, 0)]
    assert costs(paid(book, (DAY,), NOW), Coin.of(2)) == (D("0.5475"),)


def test_without_exposure_nothing_costs_anything() -> None:
    assert costs(paid([entry("-1", 1)], (DAY,), NOW), Coin.zero()) == (D(0),)


@pytest.mark.parametrize(
    ("rate", "hours", "year"),
    [
        ("-0.0005", D(8), D("-0.5475")),
        ("0.0001", D(1), D("0.876")),
        ("0.0001", D(4), D("0.219")),
        ("1", None, None),
    ],
)
def test_a_rate_is_that_of_its_own_interval(rate: str, hours: Decimal | None, year: Decimal | None) -> None:
    assert annual(Funding(D(rate), hours, None)) == year


@pytest.mark.parametrize(
    ("found", "running", "before", "now"),
    [
        (("0.30", "0.30"), "0.5", False, False),  # just inside
        (("0.31", "0.10"), "0.5", False, True),
        (("0.10", "0.31"), "0.0", False, True),
        (("0.31", "0.31"), "-1", True, True),
        (("0.25", "0.10"), "0.0", True, True),  # cheaper, and not cheap
        (("0.24", "0.24"), "0.24", True, False),
        (("0.24", "0.24"), "0.25", True, True),  # the low ratio is what is cheap, not the rate
        (("0.24", "0.24"), None, True, True),
        (("0", "0"), "-0.1", True, False),
    ],
)
def test_over_its_budget(found: tuple[str, ...], running: str | None, before: bool, now: bool) -> None:
    measured = [D(cost) for cost in found]
    assert over(BUDGET, measured, None if running is None else D(running), before=before) is now


@pytest.mark.parametrize(
    ("mark", "index", "days", "cost"),
    [
        (60_000, "60000", 73, "0"),
        (57_000, "60000", 73, "0.25"),  # 5 % below its index for a fifth of a year
        (63_000, "60000", 73, "-0.25"),
        (57_000, None, 73, None),
        (57_000, "60000", 0, None),
        (57_000, "60000", -1, None),
    ],
)
def test_a_dated_contract_costs_what_it_is_below_its_index(
    mark: int, index: str | None, days: int, cost: str | None
) -> None:
    book = quote(mark, index=None if index is None else price(index))
    assert carry(book, Millis(book.at + days * DAY)) == (None if cost is None else D(cost))
