"""How many contracts close a gap: exactly, through the book, and never a contract lost to rounding."""

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from random import Random

import pytest

from hedgebot.domain.inverse import Gap
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import Contracts
from hedgebot.planning.hedge_size import contracts_to_target, through_book, whole_lots, within
from tests.builders import LINEAR, contracts, instrument, leg, levels, price, quote

D = Decimal


def gap(held: str, sold: str, target: str = "1") -> Gap:
    return Gap(D(held), D(sold), D(target))


class TestContractsToTarget:
    @pytest.mark.parametrize(
        ("what", "short", "at", "wanted"),
        [
            (gap("1", "0"), leg(), 60_000, D(-40_000_000) / 667),  # 60,000 / 1.0005
            (gap("1", "0", "0.5"), leg(), 60_000, D(-120_000_000) / 4_001),  # 30,000 / 1.00025
            (gap("0.4", "1"), leg(-60_000), 60_000, D(72_000_000) / 1_999),  # 36,000 / 0.9995
            (gap("1", "0.5", "0.2"), leg(-40_000, entry=80_000, fee="0"), 20_000, D(15_000)),
            (gap("1", "1", "0"), leg(-60_000), 1, D(60_000)),  # all of it, at any price
            (gap("1", "0.98", "0"), leg(-60_001, entry=D("61234.5")), 60_000, D(60_001)),  # to the last lot
            (gap("0", "1"), leg(-60_000), 30_000, D(60_000)),  # whatever its profit
            (gap("-1", "1"), leg(-60_000), 60_000, D(60_000)),
            (gap("0.2", "1"), leg(-60_000), 120_000, D(60_000)),  # never more than is open
            (gap("1", "1"), leg(-60_000), 60_000, D(0)),
        ],
    )
    def test_size(self, what: Gap, short: Leg, at: int, wanted: Decimal) -> None:
        assert abs(contracts_to_target(what, short, price(at)) - wanted) < D("1e-20")

    @pytest.mark.parametrize(("sold", "wanted"), [("0.5", -500), ("1.5", 500)])
    @pytest.mark.parametrize("at", [1, 60_000])
    def test_a_linear_leg_trades_gap_over_contract_size_at_any_price(
        self, sold: str, wanted: int, at: int
    ) -> None:
        short = leg(-1_500, contract=instrument(LINEAR, face="0.001"))
        assert contracts_to_target(gap("1", sold), short, price(at)) == wanted


class TestThroughBook:
    def sized(self, what: Gap, bids: list[tuple[int, int]], size: int = 0) -> Decimal:
        book = quote(bids=levels(*bids), asks=levels(*((120_000 - at, n) for at, n in bids)))
        return through_book(what, leg(size, book=book, fee="0")).quantize(D("1e-12"))

    def test_each_level_at_its_own_price(self) -> None:
        """Half a coin at 59,000, the other half at 50,000."""
        assert self.sized(gap("1", "0"), [(59_000, 29_500), (50_000, 90_000)]) == -54_500

    def test_a_purchase_too(self) -> None:
        """Half a coin at 61,000, the other half at 70,000."""
        bids = [(59_000, 30_500), (50_000, 90_000)]
        assert self.sized(gap("1", "2"), bids, -120_000) == 65_500

    def test_beyond_the_book_at_mark(self) -> None:
        assert self.sized(gap("1", "0"), [(59_000, 29_500)]) == -59_500
        assert self.sized(gap("1", "0"), []) == -60_000

    def test_a_sale_beyond_it_is_one_whatever_is_short_already(self) -> None:
        """A coin bought back at 60,000 of those sold at 30,000 would close more."""
        short = leg(-7_500, entry=30_000, book=quote(bids=()), fee="0")
        assert through_book(gap("1", "0.25", "0.5"), short).quantize(D("1e-12")) == -15_000

    def test_a_sale_at_more_than_mark_is_sized_at_mark(self) -> None:
        """The book may be gone by then; sized at its price, more would be sold than there is."""
        assert self.sized(gap("1", "0"), [(61_000, 90_000)]) == -60_000

    def test_a_purchase_is_sized_at_what_it_costs(self) -> None:
        assert self.sized(gap("1", "2"), [(61_000, 90_000)], -120_000) == 59_000

    def test_never_more_than_is_open(self) -> None:
        assert self.sized(gap("0.1", "2"), [(10_000, 10**9)], -120_000) == 120_000

    def test_everything_is_everything_whatever_the_book(self) -> None:
        assert self.sized(gap("1", "2", "0"), [], -120_000) == 120_000
        assert self.sized(gap("0", "2"), [(1, 1)], -120_000) == 120_000
        odd = leg(-60_001, entry=D("61234.5"), book=quote(asks=levels((60_007, 33))))
        assert through_book(Gap(D(1), odd.short.sold.value, D(0)), odd) == 60_001


class TestWholeLots:
    @pytest.mark.parametrize(
        ("lot", "wanted", "size"),
        [
            (1, D("-59.9"), -59),
            (1, D("-0.9"), 0),
            (1, D(-1), -1),
            (100, D(-599), -500),
            (1, D("59.9"), 60),
            (1, D("0.9"), 0),
            (100, D(501), 600),
            (100, D(9_950), 10_000),
            (100, D(10_050), 10_050),  # all of it, an odd lot included
        ],
    )
    def test_towards_the_smaller_short(self, lot: int, wanted: Decimal, size: int) -> None:
        short = leg(-10_050, contract=instrument(lot=lot))
        assert whole_lots(gap("0.1", "0.2"), short, wanted) == contracts(size)

    @pytest.mark.parametrize(("mark", "bought"), [(60_000, 200), (170_000, 200), (300_000, 100)])
    def test_far_above_its_entry_a_purchase_is_rounded_down(self, mark: int, bought: int) -> None:
        """There 20 contracts too many would be more than 20, and at last a lot of 100, to sell again."""
        short = leg(-10_000, mark=mark, contract=instrument(lot=100), fee="0")
        found = whole_lots(gap("0.1", "0.2", "0.2"), short, D(180 if mark < 300_000 else 120))
        assert found == contracts(bought)

    def test_what_would_be_exactly_a_lot_to_sell_again_is_rounded_down(self) -> None:
        """A purchase closes four times what a sale opens, and a quarter of a lot is missing."""
        short = leg(-10_000, entry=64_000, mark=320_000, contract=instrument(lot=100), fee="0")
        assert whole_lots(gap("0.1", "0.2", "0.25"), short, D(175)) == contracts(100)
        assert whole_lots(gap("0.1", "0.2", "0.25"), short, D(176)) == contracts(200)


@pytest.mark.parametrize(
    ("size", "bound", "lot", "left"),
    [
        (-500, 1_000, 1, -500),
        (-500, 250, 100, -200),
        (500, 250, 100, 200),
        (500, 99, 100, 0),
        (-500, 0, 1, 0),
    ],
)
def test_a_cut_keeps_sign_and_lots(size: int, bound: int, lot: int, left: int) -> None:
    assert within(contracts(size), contracts(bound), instrument(lot=lot)) == contracts(left)


def naive(held: Decimal, ratio: Decimal, short: int, at: Decimal, fee: Decimal) -> int:
    """The same in plain ``Decimal``: what a quotient of 28 digits makes of it."""
    wanted = (ratio * held - Decimal(short) / at) * at / (1 + ratio * fee)
    return int(wanted.to_integral_value(ROUND_FLOOR))


def integer_case(rng: Random, bases: dict[str, Leg]) -> tuple[Gap, Leg, int, int]:
    """A gap, its leg, the exact answer, and the one in plain ``Decimal``."""
    ratio, fee = Decimal(rng.choice(("0.2", "0.5", "1"))), rng.choice(tuple(bases))
    wanted = rng.randrange(1, 50) * (10_000 if fee != "0" else 1)
    at, held = Decimal(rng.randrange(3_000, 100_000)) * 10, Decimal(rng.randrange(100, 500))
    short = int(ratio * held * at - wanted * (1 + ratio * Decimal(fee)))
    shown = replace(bases[fee].position, contracts=contracts(-short), entry=price(at), mark=price(at))
    seen = replace(bases[fee], position=shown)
    return (
        Gap(held, seen.short.sold.value, ratio), seen, wanted, naive(held, ratio, short, at, Decimal(fee))
    )  # fmt: skip


def test_a_target_that_is_an_integer_never_loses_a_contract() -> None:
    """5,000 sales whose exact answer is a whole number, at prices most of which divide nothing evenly."""
    rng, lost = Random(5_000), 0
    bases = {fee: leg(-1, fee=fee, book=quote(bids=(), asks=())) for fee in ("0", "0.0005")}
    for _ in range(5_000):
        what, seen, wanted, in_decimals = integer_case(rng, bases)
        assert whole_lots(what, seen, through_book(what, seen)) == Contracts.of(-wanted)
        lost += in_decimals != wanted
    assert lost > 1_000, "else these cases are too easy to prove anything"
