"""The exact cases of the money contract, through the functions that the daemon decides with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain import margin
from hedgebot.domain.decision import Plan
from hedgebot.domain.inverse import Gap
from hedgebot.domain.liquidation import Figure, NoFigure
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.units import Coin, Contracts, Price
from hedgebot.planning import decide
from hedgebot.planning.decide import inside
from hedgebot.planning.hedge_size import contracts_to_target, whole_lots
from hedgebot.planning.legs import parts
from tests.builders import allowing, flat_quote, hedge, instrument, leg, snapshot, to
from tests.ledger import Ledger

NUMBERS = [f"{n:02d}" for n in range(1, 26) if n != 6]  # no case is numbered 06


@dataclass(frozen=True)
class Case:
    """One case of the file as values of the domain."""

    inputs: dict[str, Any]
    expected: dict[str, Any]
    snapshot: Snapshot

    @property
    def traded(self) -> Leg:
        number: int = self.inputs["trade_on_leg"]
        return self.snapshot.legs[number]

    def plan(self) -> Plan:
        policy = hedge(self.inputs["ratio"], self.inputs["band"])
        return decide(policy, self.snapshot, allowing(), to(self.inputs["ratio"]), Control())


def read(path: Path) -> Iterator[tuple[str, Case]]:
    for raw in json.loads(path.read_text()):
        inputs = raw["inputs"]
        legs = [as_leg(each, inputs) for each in inputs["legs"]]
        dollars = inputs.get("venue_fields", {}).get("usdt_collateral", 0)
        seen = snapshot(*legs, coins=inputs["collateral"], dollars=dollars, spot=inputs["spot"])
        yield raw["name"][:2], Case(inputs, raw["expected"], seen)


def as_leg(raw: dict[str, Any], inputs: dict[str, Any]) -> Leg:
    venue = inputs.get("venue_fields", {})
    isolated = venue.get("isolated_margin")
    return leg(
        -Decimal(raw["contracts"]),
        entry=raw["entry"] or 1,
        mark=raw["mark"],
        contract=instrument(raw["symbol"], face=raw.get("face") or raw["size"], lot=raw["lot"]),
        fee=venue.get("close_fee", inputs["fee"]),
        maintenance=venue.get("mmr", "0.005"),
        book=flat_quote(raw["mark"], raw["symbol"]),
        mode=MarginMode.ISOLATED if isolated else MarginMode.CROSS,
        margin=Coin.of(isolated) if isolated else None,
    )


@pytest.fixture(scope="session")
def cases(shared: Path) -> dict[str, Case]:
    return dict(read(shared / "money-cases.json"))


@pytest.fixture(params=NUMBERS)
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[request.param]


def test_every_case_of_the_file_is_run(cases: dict[str, Case]) -> None:
    assert sorted(cases) == NUMBERS
    assert len(cases) == 24


def test_exposure_in_coins(case: Case) -> None:
    seen = case.snapshot.exposure
    names = ("spot", "collateral", "held", "sold", "U", "X", "Q", "net")
    measured = (
        seen.spot, seen.collateral, seen.held, seen.sold, seen.unrealized, seen.exposure, seen.short, seen.net
    )  # fmt: skip
    assert dict(zip(names, measured, strict=True)) == {name: Coin.of(case.expected[name]) for name in names}


def test_ratio_is_null_where_nothing_is_held(case: Case) -> None:
    expected = case.expected["ratio"]
    assert case.snapshot.exposure.ratio == (None if expected is None else Decimal(expected))


def gap_of(case: Case) -> Gap:
    seen = case.snapshot.exposure
    return Gap(seen.held.value, seen.sold.value, Decimal(case.inputs["ratio"]))


def test_target_before_rounding(case: Case) -> None:
    """An exact fraction in the file; a quotient of 28 digits here."""
    size = case.traded.position.contracts
    wanted = contracts_to_target(gap_of(case), case.traded, case.traded.mark)
    off = -Fraction(size.value + wanted) - Fraction(case.expected["target_unrounded"])
    assert abs(off) < Fraction(1, 10**20)


def test_target_in_whole_contracts(case: Case) -> None:
    target = to(case.inputs["ratio"])
    gap = gap_of(case)
    assert [part.leg for part in parts(hedge(), case.snapshot, gap, target)][:1] == [case.traded]
    order = whole_lots(gap, case.traded, contracts_to_target(gap, case.traded, case.traded.mark))
    assert -(case.traded.position.contracts + order) == Contracts.of(case.expected["target_contracts"])


def test_inside_band(case: Case) -> None:
    expected = case.expected["inside_band"]
    exposure, target = case.snapshot.exposure, to(case.inputs["ratio"])
    assert inside(exposure, target, Decimal(case.inputs["band"])) is bool(expected)
    assert (exposure.ratio is None) == (expected is None)


def test_order_that_is_planned(case: Case) -> None:
    order = case.plan().order
    assert (order.contracts if order else Contracts.zero()) == Contracts.of(case.expected["order_contracts"])


@pytest.mark.parametrize("number", ["01", "07"])
def test_after_the_fill_at_mark(number: str, cases: dict[str, Case]) -> None:
    case = cases[number]
    order, short = case.plan().order, case.traded.short
    assert order is not None
    mark, usd = Fraction(case.traded.mark.value), Fraction(order.contracts.value)
    before = Ledger(
        Fraction(case.snapshot.exposure.held.value),
        Fraction(short.notional.value),
        Fraction(short.sold.value),
        Fraction(case.inputs["fee"]),
    )
    after = before.after([(usd, mark)])
    seen = after.seen(case.traded.mark.value).exposure
    figures = {
        "fee": Coin.of(Decimal(case.inputs["fee"]) * abs(order.contracts.value) / case.traded.mark.value),
        "collateral": seen.collateral,
        "held": seen.held,
        "U": seen.unrealized,
        "X": seen.exposure,
        "Q": seen.short,
        "net": seen.net,
    }
    expected = dict(case.expected["after_fill_at_mark"])
    ratio = expected.pop("ratio", None)
    assert {name: figures[name] for name in expected} == {n: Coin.of(v) for n, v in expected.items()}
    assert ratio is None or seen.ratio == Decimal(ratio)


def as_figure(text: str | None) -> Figure:
    return NoFigure.NEVER if text is None else Price.of(text)


def test_liquidation_of_two_legs_in_one_wallet_moves_both_by_one_factor(cases: dict[str, Case]) -> None:
    case = cases["15"]
    perp, dated = case.snapshot.legs
    assert margin.pool(case.snapshot, perp).factor_at_mark() == Decimal(
        case.expected["liquidation_cross_A_factor"]
    )
    for leg_, name in ((perp, "liquidation_perp"), (dated, "liquidation_dated")):
        at_mark, _ = margin.pool(case.snapshot, leg_).figures(leg_.mark)
        assert at_mark == Price.of(case.expected[name])


def test_liquidation_with_dollars_as_margin(cases: dict[str, Case]) -> None:
    case = cases["23"]
    at_mark, _ = margin.pool(case.snapshot, case.traded).figures(case.traded.mark)
    assert at_mark == Price.of(case.expected["liquidation_usd_margin_A"])


@pytest.mark.parametrize("number", ["24", "25"])
def test_liquidation_of_an_isolated_leg(number: str, cases: dict[str, Case]) -> None:
    case = cases[number]
    at_mark, at_entry = margin.pool(case.snapshot, case.traded).figures(case.traded.mark)
    assert at_mark == as_figure(case.expected["liquidation_A"])
    assert at_entry == as_figure(case.expected["liquidation_B"])
    assert margin.liquidation(case.snapshot, case.traded) == Price.of(case.expected["worst"])
    assert margin.distance(case.snapshot, case.traded) == Decimal(case.expected["distance"])
