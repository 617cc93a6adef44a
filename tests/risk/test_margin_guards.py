"""Leverage and liquidation: measured, alarmed in time, and never a reason to add risk."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import EntryKind
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.forced import TOLD_MS, Forced
from hedgebot.domain.hedge import CollateralPolicy
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Millis, Price
from hedgebot.risk.collateral import check as collateral
from hedgebot.risk.liquidation import check as liquidation
from tests.builders import (
    DATED,
    LEG,
    NOW,
    coin,
    contracts,
    hedge,
    hedged,
    instrument,
    leg,
    policy,
    price,
    snapshot,
    view,
)

ANY, REDUCE_ONLY = Permission.ANY, Permission.REDUCE_ONLY


def isolated(distance: str) -> Snapshot:
    """A leg that its exchange liquidates so far above its mark of 60,000; ours are further away."""
    told = Price(price(60_000).value * (1 + coin(distance).value))
    return snapshot(leg(-60_000, mode=MarginMode.ISOLATED, margin=coin("0.9"), liquidation=told))


class TestLiquidation:
    @pytest.mark.parametrize(
        ("distance", "alarms", "critical"),
        [
            ("0.5", False, False),
            ("0.3", False, False),
            ("0.2999", True, False),  # warn
            ("0.15", True, False),
            ("0.1499", True, True),  # act
            ("0", True, True),
            ("-0.1", True, True),
        ],
    )
    def test_distance(self, distance: str, alarms: bool, critical: bool) -> None:
        found = liquidation(view(isolated(distance)))
        assert (found.permission, found.alarms, found.critical) == (ANY, alarms, critical)
        assert found.measured == f"{coin(distance).value:.4f}"

    @pytest.mark.parametrize("size", [0, 100, -30_000], ids=["flat", "long", "never"])
    def test_no_price_liquidates_it(self, size: int) -> None:
        found = liquidation(view(hedged(size)))
        assert (found.permission, found.measured, found.alarms) == (ANY, "none", False)

    def test_a_price_that_is_not_known_is_not_a_safe_one(self) -> None:
        found = liquidation(view(snapshot(leg(-60_000, mode=MarginMode.ISOLATED), coins=50)))
        assert (found.permission, found.measured, found.alarms) == (REDUCE_ONLY, "unknown", True)

    def test_no_figure_of_the_exchange_is_made_up_for_by_ours(self) -> None:
        found = liquidation(view(hedged(-60_000, coins="0.1")))
        assert (found.alarms, found.measured) == (True, "0.1050")

    def test_the_nearest_leg_counts(self) -> None:
        near = leg(-60_000, contract=instrument(DATED), margin=coin("0.1"))
        far = leg(-60_000, margin=coin("0.5"))
        found = liquidation(view(snapshot(far, near, coins=3)))
        assert DATED in found.reason
        assert found.alarms


def forced(
    kind: EntryKind = EntryKind.LIQUIDATION, age_ms: int = 0, told: Price | None = price(71_200)
) -> Forced:
    return Forced(kind, LEG, contracts(12_000), told, Millis(NOW - age_ms), Millis(NOW - age_ms))


class TestClosedByForce:
    @pytest.mark.parametrize(
        ("happened", "reason", "step"),
        [
            (
                forced(),
                f"a liquidation took 12000 contracts of {LEG} at 71200, 2026-11-21T06:00:00Z",
                "Add coins or lower the leverage",
            ),
            (
                forced(EntryKind.ADL, told=None),
                f"auto-deleveraging took 12000 contracts of {LEG}, 2026-11-21T06:00:00Z",
                "Nothing: what was closed is sold again",
            ),
        ],
    )
    def test_it_is_told_beside_the_distance_and_forbids_nothing(
        self, happened: Forced, reason: str, step: str
    ) -> None:
        found = liquidation(view(hedged(-30_000), Memory(forced=(happened,))))
        assert found.reason == f"{reason}; no price liquidates it"
        assert found.next_step.startswith(step)
        assert (found.permission, found.alarms, found.critical) == (ANY, True, True)

    @pytest.mark.parametrize(("age_ms", "told"), [(TOLD_MS - 1, True), (TOLD_MS, False)])
    def test_for_an_hour(self, age_ms: int, told: bool) -> None:
        found = liquidation(view(hedged(-30_000), Memory(forced=(forced(age_ms=age_ms),))))
        assert (found.alarms, found.critical) == (told, told)

    def test_what_comes_next_is_more_urgent_than_what_was(self) -> None:
        found = liquidation(view(isolated("0.1"), Memory(forced=(forced(),))))
        assert found.next_step == "Add margin to the leg, or lower the ratio, now"
        assert found.measured == "0.1000"


class TestCollateral:
    @pytest.mark.parametrize(
        ("coins", "alarms"),
        [("1", False), ("0.5", False), ("0.3334", False), ("0.3333", True), ("0.05", True)],
    )
    def test_leverage_against_the_legs_own_setting(self, coins: str, alarms: bool) -> None:
        """Set to 2: half as much again is too much."""
        found = collateral(view(hedged(-60_000, coins=coins)))
        assert (found.permission, found.alarms) == (ANY, alarms)

    def test_exactly_half_as_much_again_is_not(self) -> None:
        found = collateral(view(hedged(-45_000, coins="0.25")))
        assert (found.measured, found.alarms) == ("3.00", False)

    @pytest.mark.parametrize(("wanted", "alarms"), [(1, True), (2, False)])
    def test_the_configured_setting_comes_before_the_exchanges(self, wanted: int, alarms: bool) -> None:
        named = policy(leverage=price(wanted).value)
        found = collateral(view(snapshot(leg(-60_000, policy=named, leverage=5), coins="0.5")))
        assert found.alarms is alarms

    @pytest.mark.parametrize(
        ("changes", "measured"),
        [({"leverage": None}, "5.00"), ({"size": 0}, "0.00")],
        ids=["no setting", "flat"],
    )
    def test_without_anything_to_compare_it_is_measured_only(
        self, changes: dict[str, Any], measured: str
    ) -> None:
        found = collateral(view(snapshot(leg(**{"size": -60_000} | changes), coins="0.2")))
        assert (found.measured, found.alarms) == (measured, False)

    def test_no_margin_left(self) -> None:
        found = collateral(view(hedged(-60_000, coins="0.5", mark=120_000)))
        assert (found.permission, found.measured, found.alarms) == (ANY, "none left", True)
        assert found.next_step

    def test_more_coins_are_no_higher_leverage(self) -> None:
        assert collateral(view(hedged(-60_000, coins=coin(9).value))).measured == "0.11"


TOO_LITTLE = "too little of its margin can leave it, as unrealised profit cannot"


class TestBounds:
    """60,000 dollars short from 60,000, isolated; its margin is what the leverage needs."""

    @staticmethod
    def found(margin: str | None, bounds: CollateralPolicy, setting: int | None = 2) -> Finding:
        own = None if margin is None else coin(margin)
        named = leg(-60_000, mode=MarginMode.ISOLATED, margin=own, leverage=setting)
        asked = hedge(collateral=bounds)
        return collateral(view(snapshot(named, coins=1, spot="0.5"), hedge=asked))

    @pytest.mark.parametrize(
        ("margin", "alarms", "reason"),
        [
            ("0.4", True, f"{LEG} runs at leverage 2.50, above max_leverage 2.4"),
            ("0.41666667", False, "margin is in proportion"),  # 2.4
        ],
    )
    def test_above_the_highest_is_an_alarm(self, margin: str, alarms: bool, reason: str) -> None:
        found = self.found(margin, CollateralPolicy(max_leverage=Decimal("2.4")))
        assert (found.alarms, found.reason) == (alarms, reason)

    @pytest.mark.parametrize(
        ("margin", "setting", "measured", "reason"),
        [
            ("0.8", 2, "1.25", f"{LEG} runs at leverage 1.25, below min_leverage 1.5"),
            ("0.66666666", 2, "1.50", "margin is in proportion"),
            (
                "0.8",
                None,
                "1.25",
                f"{LEG} runs at leverage 1.25, below min_leverage 1.5; {TOO_LITTLE}",
            ),
            (None, 2, "unknown", f"the margin of {LEG} is not known"),
        ],
        ids=["acts", "just inside", "nothing can leave", "not known"],
    )
    def test_below_the_lowest_is_told(
        self, margin: str | None, setting: int | None, measured: str, reason: str
    ) -> None:
        found = self.found(margin, CollateralPolicy(min_leverage=Decimal("1.5")), setting)
        assert (found.measured, found.reason, found.alarms) == (measured, reason, False)
        assert found.permission is ANY
