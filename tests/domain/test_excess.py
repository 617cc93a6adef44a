"""What a margin holds beyond its need: measured, bounded by what may leave it, and worth a move or not.

60,000 dollars are short from 60,000, unless told otherwise; ``min_leverage`` is 2 and ``warn`` 0.3.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.excess import WORTH, Excess, excess
from hedgebot.domain.hedge import CollateralPolicy
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import SMALLEST
from tests.builders import LINEAR, coin, hedge, instrument, leg, quote, snapshot, split

D = Decimal
LOWEST = hedge(collateral=CollateralPolicy(min_leverage=D(2)))


def found(seen: Snapshot) -> Excess | None:
    return excess(LOWEST, seen, seen.legs[0])


@pytest.mark.parametrize(("margin", "too_much"), [("0.4999", False), ("0.5", False), ("0.5001", True)])
def test_a_leverage_at_its_bound_is_not_below_it(margin: str, too_much: bool) -> None:
    assert (found(split(-600, margin=margin, coins="0.6")) is not None) is too_much


@pytest.mark.parametrize(
    ("mark", "pays", "too_much"),
    [
        (54_000, 54_000, True),  # 1.98
        (54_000, 60_000, False),  # 2.22 once the mark is mended
        (60_000, 54_000, False),  # who pays less takes nothing from the mark
        (54_000, 54_500, True),  # 1.9995
    ],
)
def test_a_mark_below_what_the_book_pays_sets_nothing_free(mark: int, pays: int, too_much: bool) -> None:
    seen = split(-600, mark=mark, book=quote(pays), margin="0.45", coins="0.6")
    assert (found(seen) is not None) is too_much


def test_no_more_is_too_much_than_by_what_the_book_pays() -> None:
    mended = split(-600, mark=D("59999.5"), book=quote(60_000), margin="0.9", coins="0.9")
    marked_low = split(-600, mark=50_000, book=quote(60_000), margin="0.9", coins="0.9")
    assert found(marked_low) == found(mended)


def test_an_empty_book_says_nothing_against_the_mark() -> None:
    seen = split(-600, mark=54_000, book=quote(60_000, bids=()), margin="0.45", coins="0.6")
    assert found(seen) is not None


def test_it_is_worth_a_move_from_a_share_of_what_is_short_at_mark() -> None:
    short_of_two = found(split(-600, mark=30_000, margin="1", coins="1"))
    assert short_of_two is not None
    assert short_of_two.worth == 2 * WORTH


def test_a_tiny_short_moves_nothing_that_has_no_digits_of_its_own() -> None:
    tiny = found(split(-1, margin="0.3", coins="0.6"))
    assert tiny is not None
    assert tiny.worth == SMALLEST.value


def test_one_band_of_what_is_held_stays_in_a_cross_margin() -> None:
    seen = split(-600, margin="0", coins="2", spot="0.5", spare="1")
    [only] = seen.legs
    crossed = replace(only.position, margin=None, margin_mode=MarginMode.CROSS)
    of_cross = found(replace(seen, legs=(replace(only, position=crossed),)))
    assert of_cross is not None
    assert of_cross.free == 1 - LOWEST.band * D("2.5")


def test_nothing_is_said_of_a_leg_whose_margin_nobody_knows() -> None:
    seen = split(-600, margin="0.9", coins="1")
    [only] = seen.legs
    hidden = replace(only.position, margin=None, margin_mode=MarginMode.ISOLATED)
    assert found(replace(seen, legs=(replace(only, position=hidden),))) is None


def test_nothing_is_said_where_nothing_is_short() -> None:
    assert found(split(0, margin="0.5", coins="0.6")) is None


def test_nothing_is_said_of_dollars_behind_a_linear_leg() -> None:
    contract = instrument(LINEAR, face="0.001")
    rich = leg(-1_000, contract=contract, mode=MarginMode.ISOLATED, margin=coin(600_000))
    assert found(snapshot(rich, coins=0, spot=1, stable=600_000)) is None


@pytest.mark.parametrize(
    ("coins", "free", "moves"), [("0.3", "0.2", "0.2"), ("0.2", "0.3", "0.2"), ("0.1", "0.3", "0.1")]
)
def test_no_more_moves_than_is_too_much_and_free(coins: str, free: str, moves: str) -> None:
    assert Excess(D(1), D(coins), D(free), worth=D("0.1")).moves == D(moves)


def test_less_than_it_is_worth_does_not_move() -> None:
    assert Excess(D(1), D("0.0999"), D(1), worth=D("0.1")).moves == 0
