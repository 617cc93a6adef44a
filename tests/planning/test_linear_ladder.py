"""The ladder of a leg that dollars margin: they move to an isolated margin, and coins cannot help.

A coin is short from 60,000 with 60,000 dollars isolated; ``warn`` is 0.3, ``act`` 0.15.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.decision import Plan
from hedgebot.domain.hedge import CollateralPolicy
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import Pocket
from hedgebot.domain.units import Usd
from hedgebot.planning import decide
from tests.builders import LINEAR, allowing, coin, contracts, hedge, instrument, leg, policy, snapshot, to

FAR, NEAR, CLOSE = 91_000, 93_000, 105_000
"""Marks from which liquidation, at 119,403, is 0.312, 0.284 and 0.137 away."""

CONTRACT = instrument(LINEAR, face="0.001")
POLICY, USUAL = hedge(legs=(policy(LINEAR),)), CollateralPolicy()


def at(
    mark: int, *, size: int = -1_000, spare: str = "0", own: str | None = "60000", spot: str = "1"
) -> Snapshot:
    """``spare`` dollars in the pot besides the isolated margin; in cross (no ``own``) 60,000 in all."""
    mode = MarginMode.CROSS if own is None else MarginMode.ISOLATED
    margin = None if own is None else coin(own)
    short = leg(size, mark=mark, contract=CONTRACT, mode=mode, margin=margin)
    seen = snapshot(short, coins=0, spot=spot, stable=Decimal(own or 60_000) + Decimal(spare))
    [found] = seen.legs
    wallet = replace(found.wallet, withdrawable=coin(spare))
    return replace(seen, legs=(replace(found, wallet=wallet),))


def planned(seen: Snapshot, collateral: CollateralPolicy = USUAL) -> Plan:
    plan = decide(replace(POLICY, collateral=collateral), seen, allowing(), to(1), Control())
    assert plan.target == to(1)
    return plan


@pytest.mark.parametrize(
    ("seen", "coins"),
    [
        (at(60_000, spare="10000"), None),
        (at(FAR, spare="10000"), None),
        (at(NEAR, spare="50000"), "15524.25"),  # 1.5 times ``warn`` away
        (at(NEAR, spare="10000"), "10000"),
        (at(NEAR, spare="50"), None),  # not worth a request
        (at(NEAR), None),
        (at(CLOSE, spare="10000"), "10000"),
    ],
)
def test_dollars_of_the_pot_move_to_its_isolated_margin(seen: Snapshot, coins: str | None) -> None:
    moved = planned(seen).transfer
    assert (moved and str(moved.coins)) == coins
    if moved is not None:
        assert (moved.source, moved.target, moved.symbol) == (Pocket.MARGIN, Pocket.ISOLATED, LINEAR)
        assert "USDT from margin to isolated on main" in planned(seen).reason


@pytest.mark.parametrize("own", ["60000", None])
def test_where_there_are_none_part_of_it_is_bought_back(own: str | None) -> None:
    order = planned(at(CLOSE, own=own)).order
    assert order is not None
    assert 0 < order.contracts.value < 1_000
    left = at(CLOSE, size=int(order.contracts.value) - 1_000, own=own)
    assert distance(left, left.legs[0]) is not NoFigure.UNKNOWN


def test_a_purchase_that_is_made_anyway_is_enough() -> None:
    """Half of what is short is too much, and far less would do."""
    plan = planned(at(CLOSE, spot="0.5"))
    assert plan.order is not None
    assert (plan.order.contracts, plan.rescues) == (contracts(500), False)


def test_coins_in_spot_wallets_cannot_help() -> None:
    assert planned(at(NEAR, spot="9")).transfer is None


def test_switched_off_nothing_moves_and_nothing_is_bought() -> None:
    plan = planned(at(CLOSE, spare="10000"), CollateralPolicy(enabled=False))
    assert (plan.transfer, plan.order) == (None, None)


@pytest.mark.parametrize(("highest", "moves"), [("4", False), ("2.5", False), ("2", True)])
def test_its_leverage_is_kept_below_a_bound(highest: str, moves: bool) -> None:
    """At 80,000 it runs at leverage 2, a liquidation 0.49 away; at 4 it would be 0.25 away, at 2.5 0.4."""
    plan = planned(at(80_000, spare="20000"), CollateralPolicy(max_leverage=Decimal(highest)))
    assert (plan.transfer is not None) is moves


class TestASale:
    @pytest.mark.parametrize(("dollars", "sold"), [("90000", "-1000"), ("10000", "-542"), ("0", None)])
    def test_is_no_larger_than_the_dollars_carry(self, dollars: str, sold: str | None) -> None:
        order = planned(at(60_000, size=0, own="0", spare=dollars)).order
        assert (order and str(order.contracts)) == sold

    @pytest.mark.parametrize(("dollars", "sold"), [("360", None), ("375", None), ("390", "-21")])
    def test_cut_to_the_band_or_less_is_not_worth_it(self, dollars: str, sold: str | None) -> None:
        """The band is 20 contracts wide: 20 or fewer would be sold again and again as the price falls."""
        plan = planned(at(60_000, size=0, own="0", spare=dollars))
        assert (plan.order and str(plan.order.contracts)) == sold

    def test_cut_below_the_least_order_waits_for_collateral(self) -> None:
        seen = at(60_000, size=0, own="0", spare="10000")
        [flat] = seen.legs
        facts = replace(flat.facts, instrument=replace(CONTRACT, min_order=contracts(543)))
        plan = planned(replace(seen, legs=(replace(flat, facts=facts),)))
        assert plan.reason == f"the collateral of {flat.name} does not carry a larger short"
        assert (plan.hedged, plan.forbidden) == (False, True)

    @pytest.mark.parametrize(("least", "sold"), [(60_000, "-1000"), (61_000, None)])
    def test_is_worth_what_the_exchange_asks_at_least(self, least: int, sold: str | None) -> None:
        seen = at(60_000, size=0, own="0", spare="90000")
        [flat] = seen.legs
        facts = replace(flat.facts, instrument=replace(CONTRACT, min_value=Usd.of(least * Decimal("0.99"))))
        plan = planned(replace(seen, legs=(replace(flat, facts=facts),)))
        assert (plan.order and str(plan.order.contracts)) == sold
        if sold is None:
            assert "too few for the first" in plan.reason

    def test_a_purchase_may_be_smaller(self) -> None:
        seen = at(60_000, size=-1_100, own="60000", spare="90000")
        [short] = seen.legs
        facts = replace(short.facts, instrument=replace(CONTRACT, min_value=Usd.of(60_000)))
        plan = planned(replace(seen, legs=(replace(short, facts=facts),)))
        assert plan.order is not None
        assert plan.order.contracts == contracts(100)
