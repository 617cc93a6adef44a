"""Is the account set up as the hedge was sized for?"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import AccountMode
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Leg
from hedgebot.risk.account_mode import check
from tests.builders import LEG, LINEAR, instrument, leg, policy, snapshot, view

ANY, REDUCE_ONLY, NONE = Permission
ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS


def judged(shown: Leg, **pinned: str) -> Finding:
    memory = Memory(specs=((LEG, pinned["spec"]),)) if pinned else Memory()
    found = check(view(snapshot(shown), memory))
    assert found.halts is (found.permission is NONE)
    assert found.alarms is (found.permission is not ANY)
    return found


def configured(**changes: Any) -> Leg:
    """A leg whose config names these; it runs in cross at leverage 2."""
    return leg(-100, policy=policy(**changes), mode=CROSS, leverage=2)


@pytest.mark.parametrize(
    "shown",
    [
        leg(-100),
        configured(leverage=Decimal(2), margin_mode=CROSS),
        configured(),  # unnamed: the account's own settings are taken
        leg(0, policy=policy(leverage=Decimal(5)), leverage=2),  # flat: it is set before the first sale
        leg(0, policy=policy(margin_mode=ISOLATED), margin_mode=CROSS),  # so is a contract's own mode
        leg(-100, policy=policy(leverage=Decimal(5)), leverage=None),  # not shown in this mode
        leg(-100, policy=policy(leverage=Decimal("2.0")), leverage="2.00"),
    ],
    ids=["plain", "as named", "unnamed", "flat", "flat mode", "not shown", "written otherwise"],
)
def test_as_configured(shown: Leg) -> None:
    assert judged(shown).permission is ANY


@pytest.mark.parametrize(
    ("shown", "permission", "says"),
    [
        (configured(leverage=Decimal(3)), REDUCE_ONLY, "runs at leverage 2, the config wants 3"),
        (leg(-1, contract=instrument(tradable=False)), REDUCE_ONLY, "is not open for trading"),
        (
            leg(-1, contract=replace(instrument(LINEAR), instead="BTC/USD:BTC")),
            REDUCE_ONLY,
            "main:BTC/USDT:USDT is linear, and BTC/USD:BTC is listed",
        ),
        (configured(margin_mode=ISOLATED), NONE, "margins cross, the config wants isolated"),
        (
            leg(-1, policy=policy(margin_mode=ISOLATED), margin_mode=CROSS),
            NONE,
            "margins cross, the config wants isolated",
        ),
        (leg(0, policy=policy(margin_mode=ISOLATED)), NONE, "margins cross, the config wants isolated"),
        (leg(0, hedge_mode=True), NONE, "is in hedge mode"),
        (
            replace(leg(-1), mode=AccountMode(MarginMode.PORTFOLIO, "portfolio margin")),
            NONE,
            "main: portfolio margin",
        ),
    ],
)
def test_faults(shown: Leg, permission: Permission, says: str) -> None:
    found = judged(shown)
    assert found.permission is permission
    assert says in found.reason
    assert found.next_step


@pytest.mark.parametrize(
    ("spec", "permission"),
    [("BTCUSD: 1 USD a contract, lots of 1", ANY), ("BTCUSD: 10 USD a contract, lots of 1", NONE)],
)
def test_a_contract_that_changed_since_it_was_pinned_halts(spec: str, permission: Permission) -> None:
    assert judged(leg(-1), spec=spec).permission is permission


def test_a_contract_without_a_pin_is_taken_as_it_is() -> None:
    assert judged(leg(-1, contract=instrument(face=100))).permission is ANY


def test_the_worst_of_several_faults_is_told() -> None:
    found = judged(leg(-1, policy=policy(leverage=Decimal(5)), hedge_mode=True))
    assert (found.permission, found.measured) == (NONE, "2 faults")
    assert "hedge mode" in found.reason


def test_of_equally_bad_ones_the_widest_is_told() -> None:
    """A whole account's mode before one contract's."""
    shown = replace(leg(-1, hedge_mode=True), mode=AccountMode(MarginMode.PORTFOLIO, "portfolio margin"))
    assert judged(shown).reason == "main: portfolio margin"
