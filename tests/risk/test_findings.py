"""What each guard tells its reader, word for word: measured, limit, reason, and what to do next."""

from dataclasses import replace
from decimal import Decimal
from importlib import import_module

import pytest

from hedgebot.domain.account import AccountMode
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Intent, Stage
from hedgebot.domain.records import Doubt, Memory
from hedgebot.domain.snapshot import Blind
from hedgebot.domain.units import Millis
from hedgebot.risk import View
from tests.builders import (
    DATED,
    INSTANCE,
    LEG,
    NOW,
    client_id,
    coin,
    hedged,
    instrument,
    intent,
    leg,
    open_order,
    policy,
    position,
    quote,
    snapshot,
    view,
)

ANY, REDUCE_ONLY, NONE = Permission

CONTENT = [
    Finding("account_mode", ANY, "as configured", "", "modes and contracts are as expected"),
    Finding("clock", ANY, "0 ms", "2000 ms", "the clocks agree"),
    Finding("coherence", ANY, "0.05 s", "", "complete, and its parts agree"),
    Finding("collateral", ANY, "1.00", "", "margin is in proportion"),
    Finding("drift", ANY, "0.0005", "0.06", "what is off target is worth little"),
    Finding("foreign", ANY, "0", "0", "every position and order is ours"),
    Finding("in_flight", ANY, "0", "0", "nothing is on its way"),
    Finding("jump", ANY, "steady", "0.2", "coins and prices moved in believable steps"),
    Finding("key", ANY, "as asked", "", "each key may do what it has to, and no more"),
    Finding("limits", ANY, "0 orders, 0 USD", "20 an hour", "within all limits"),
]


@pytest.mark.parametrize("finding", CONTENT, ids=lambda each: each.guard)
def test_of_a_hedge_that_is_as_it_should_be(finding: Finding) -> None:
    assert found(view(), finding.guard) == finding


def found(seen: View, guard: str) -> Finding:
    finding = import_module(f"hedgebot.risk.{guard}").check(seen)
    assert isinstance(finding, Finding)
    return finding


def done(number: int, size: int = -1, *, correction: bool = False) -> Intent:
    return intent(size, Stage.CLOSED, number=number, filled=size, correction=correction)


ADD_MARGIN = "Add margin to the leg, or lower the ratio"
WAIT = "Nothing: it is looked up each cycle until its fate is certain"

ACCOUNT_MODE = [
    (
        view(snapshot(replace(leg(-1), mode=AccountMode(MarginMode.PORTFOLIO, "portfolio margin")))),
        Finding(
            "account_mode", NONE, "1 faults", "0",
            "main: portfolio margin", "Change the account's mode",
            halts=True, alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-1)), Memory(specs=((LEG, "BTCUSD: 10 USD a contract, lots of 1"),))),
        Finding(
            "account_mode", NONE, "1 faults", "0",
            f"{LEG} was BTCUSD: 10 USD a contract, lots of 1; now it is BTCUSD: 1 USD a contract, lots of 1",
            "Check the size of the hedge, then start with a new store",
            halts=True, alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-1, hedge_mode=True))),
        Finding(
            "account_mode", NONE, "1 faults", "0",
            f"{LEG} is in hedge mode", "Set the contract to one-way mode",
            halts=True, alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-1, policy=policy(margin_mode=MarginMode.ISOLATED)))),
        Finding(
            "account_mode", NONE, "1 faults", "0",
            "main margins cross, the config wants isolated",
            "Change the account's margin mode, or the config",
            halts=True, alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-1, contract=instrument(tradable=False)))),
        Finding(
            "account_mode", REDUCE_ONLY, "1 faults", "0",
            f"{LEG} is not open for trading", "Read the exchange's notice",
            alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-1, policy=policy(leverage=Decimal(3))))),
        Finding(
            "account_mode", REDUCE_ONLY, "1 faults", "0",
            f"{LEG} runs at leverage 2, the config wants 3", "Set it on the exchange, or change the config",
            alarms=True,
        ),
    ),
]  # fmt: skip

CLOCK = [
    (
        view(replace(hedged(), offset_ms=-2_345)),
        Finding(
            "clock", ANY, "-2345 ms", "2000 ms",
            "this machine's clock is -2.3 s from the exchange's", "Synchronise the clock (NTP)",
            alarms=True,
        ),
    ),
]  # fmt: skip

READ_AGAIN = "Nothing: it is read again each cycle"

COHERENCE = [
    (
        view(Blind("btc", NOW, ("main: no answer",))),
        Finding(
            "coherence", NONE, "1 faults", "0", "main: no answer", READ_AGAIN, blinds=True, alarms=True
        ),
    ),
    (
        view(Blind("btc", NOW, ("main: the key is refused",), refused=True)),
        Finding(
            "coherence", NONE, "1 faults", "0",
            "main: the key is refused", "Renew the key, then restart",
            blinds=True, halts=True, alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-60_000, book=quote(at=Millis(NOW - 600_000))))),
        Finding(
            "coherence", NONE, "1 faults", "0",
            f"{LEG}: its prices are 600 s old", READ_AGAIN,
            blinds=True, alarms=True,
        ),
    ),
]  # fmt: skip

COLLATERAL = [
    (
        view(hedged(-60_000, coins="0.25")),
        Finding(
            "collateral", ANY, "4.00", "3.0",
            f"{LEG} runs at leverage 4.00, set to 2", ADD_MARGIN,
            alarms=True,
        ),
    ),
    (
        view(hedged(-60_000, coins="0.5", mark=120_000)),
        Finding("collateral", ANY, "none left", "", f"{LEG} has no margin left", ADD_MARGIN, alarms=True),
    ),
]  # fmt: skip

DRIFT = [
    (
        view(hedged(-45_000)),
        Finding(
            "drift", ANY, "0.2500", "0.06",
            "0.25 BTC off target are 25.0% of what the coins are worth", "A narrower band trades sooner",
            alarms=True,
        ),
    ),
]  # fmt: skip

THEIRS = client_id(instance=INSTANCE + 1)

FOREIGN = [
    (
        view(snapshot(leg(-60_000), orders=[("main", open_order(client_id=THEIRS))])),
        Finding(
            "foreign", NONE, "1", "0",
            f"order {THEIRS} was sent by another hedgebot while this one runs",
            "Stop one of the two, then restart this one",
            halts=True, alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-60_000), others=[("main", position(-5, contract=instrument(DATED)))])),
        Finding(
            "foreign", REDUCE_ONLY, "1", "0",
            f"-5 contracts of {DATED} on main are in no leg", "Make it a leg, or close it",
            alarms=True,
        ),
    ),
    (
        view(snapshot(leg(5))),
        Finding(
            "foreign", REDUCE_ONLY, "1", "0",
            f"{LEG} is long 5 contracts", "Close the long",
            alarms=True,
        ),
    ),
    (
        view(snapshot(leg(-60_000), orders=[("main", open_order(client_id="mine"))])),
        Finding(
            "foreign", ANY, "1", "0",
            "an order of -100 BTC/USD:BTC on main is not ours", "Cancel it if you did not place it",
            alarms=True,
        ),
    ),
]  # fmt: skip

IN_FLIGHT = [
    (
        view(started_at=Millis(NOW + 12_501)),
        Finding(
            "in_flight", NONE, "13 s", "0 s",
            "the journal is new, the one before it lost: an order of that one may still arrive, for 13 s",
            "Nothing: it passes by itself",
        ),
    ),
    (
        view(open=(intent(age_ms=4_000),)),
        Finding("in_flight", NONE, "1", "0", f"order {client_id()} is unresolved, 4 s old", WAIT),
    ),
    (
        view(open=(intent(stage=Stage.FILLED, filled=-59_970, age_ms=64_000),)),
        Finding(
            "in_flight", NONE, "1", "0",
            f"order {client_id()} filled -59970 contracts that the position does not show yet, 64 s old",
            WAIT,
            alarms=True,
        ),
    ),
]  # fmt: skip

JUMP = [
    (
        view(memory=Memory(held=coin(2), fall=Doubt(Decimal(1), 2, 88.0))),
        Finding(
            "jump", NONE, "2 to 1", "0.2",
            "coins held fell by more than 0.2: 2 of 3 snapshots agree, 12 of 30 s",
            "Check the wallets if you moved no coins",
            alarms=True,
        ),
    ),
    (
        view(memory=Memory(moved=Doubt(Decimal(90_000), 2, 88.0))),
        Finding(
            "jump", NONE, "90000", "0.2",
            "the price moved by more than 0.2 at once: 2 of 3 snapshots agree",
            "Nothing: orders wait for two more snapshots",
            alarms=True,
        ),
    ),
]  # fmt: skip

RAISE = "Wait, or raise the limit if this is wanted"

LIMITS = [
    (
        view(memory=Memory(disturbed=True), recent=tuple(done(n, correction=True) for n in range(10))),
        Finding(
            "limits", NONE, "10 corrections in an hour", "10",
            "the position was corrected as often as allowed against changes that are not ours",
            "Find out who else trades this account",
            alarms=True,
        ),
    ),
    (
        view(recent=tuple(done(n) for n in range(20))),
        Finding(
            "limits", REDUCE_ONLY, "20 orders", "20",
            "as many orders as allowed were sent within an hour", RAISE,
            alarms=True,
        ),
    ),
    (
        view(recent=(done(1, -120_000), intent(-60_000))),
        Finding(
            "limits", REDUCE_ONLY, "180000 USD", "180000 USD",
            "the turnover of the last day reached its limit", RAISE,
            alarms=True,
        ),
    ),
]  # fmt: skip

LEVELS = "warn 0.3, act 0.15"

LIQUIDATION = [
    (view(hedged(-30_000)), Finding("liquidation", ANY, "none", LEVELS, "no price liquidates it")),
    (
        view(hedged(-60_000, coins="0.5")),
        Finding("liquidation", ANY, "0.9802", LEVELS, f"{LEG} would be liquidated 98.0% above its mark"),
    ),
    (
        view(hedged(-60_000, coins="0.2")),
        Finding(
            "liquidation", ANY, "0.2422", LEVELS,
            f"{LEG} would be liquidated 24.2% above its mark", ADD_MARGIN,
            alarms=True,
        ),
    ),
    (
        view(hedged(-60_000, coins="0.1")),
        Finding(
            "liquidation", ANY, "0.1050", LEVELS,
            f"{LEG} would be liquidated 10.5% above its mark", f"{ADD_MARGIN}, now",
            alarms=True, critical=True,
        ),
    ),
    (
        view(snapshot(leg(-60_000, mode=MarginMode.ISOLATED), coins=50)),
        Finding(
            "liquidation", REDUCE_ONLY, "unknown", LEVELS,
            f"the liquidation price of {LEG} is not known", "Compare with the exchange's own page",
            alarms=True,
        ),
    ),
]  # fmt: skip

TOLD = [
    *ACCOUNT_MODE, *CLOCK, *COHERENCE, *COLLATERAL, *DRIFT,
    *FOREIGN, *IN_FLIGHT, *JUMP, *LIMITS, *LIQUIDATION,
]  # fmt: skip


@pytest.mark.parametrize(("seen", "finding"), TOLD, ids=[finding.reason for _, finding in TOLD])
def test_of_one_that_is_not(seen: View, finding: Finding) -> None:
    assert found(seen, finding.guard) == finding
