"""A contract beside the hedge's own, without a share and without a short: it may hold nothing up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.units import Contracts, Price
from hedgebot.risk import assess
from tests.builders import DATED, hedge, instrument, leg, policy, quote, snapshot, view

ODD = [
    pytest.param({"bids": (), "asks": ()}, id="no book"),
    pytest.param({"mark": Price(Decimal(20_000))}, id="a mark far from its index"),
    pytest.param({"index": None}, id="no index"),
]


def beside(size: int, weight: int, **odd: Any) -> Snapshot:
    """A hedge that is whole in the perpetual contract, and a dated one beside it, marked 5 % higher."""
    contract = replace(instrument(DATED), tradable=False)
    book = replace(quote(63_000, DATED, index=Price(Decimal(60_000))), **odd)
    other: Leg = leg(
        size, mark=63_000, contract=contract, policy=policy(DATED, weight=Decimal(weight)), book=book
    )
    return snapshot(leg(-59_970), other)


@pytest.mark.parametrize("odd", [*ODD, pytest.param({}, id="not traded, and not at its index")])
def test_it_holds_nothing_up(odd: dict[str, Any]) -> None:
    seen = beside(0, 0, **odd)
    assert seen.legs[1].idle
    assessment, _ = assess(view(seen, hedge=hedge(basis_max=None)))
    assert (assessment.permission, assessment.blind) == (Permission.ANY, False)


def test_its_basis_is_not_the_hedges() -> None:
    found, _ = assess(view(beside(0, 0), hedge=hedge(basis_max=Decimal("0.01"))))
    basis = next(each for each in found.findings if each.guard == "basis")
    assert DATED not in basis.reason


@pytest.mark.parametrize(("size", "weight"), [(-10, 0), (0, 1)])
def test_with_a_short_or_a_share_it_counts(size: int, weight: int) -> None:
    seen = beside(size, weight, bids=(), asks=())
    assert not seen.legs[1].idle
    assert seen.legs[1].position.contracts == Contracts.of(size)
    assessment, _ = assess(view(seen))
    assert assessment.blind
