"""What the guards of funding, basis, ends and outages tell their reader, word for word."""

from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from hedgebot.domain.account import Outage
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.funding import Action, Budget, Paid
from hedgebot.domain.hedge import LegDown
from hedgebot.domain.market import NO_FUNDING, Funding
from hedgebot.domain.records import Followed, Memory
from hedgebot.domain.signals import Signals, SpotPrice, Told
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.units import Coin, Millis
from hedgebot.risk import View
from tests.builders import (
    DATED,
    LEG,
    NOW,
    SYMBOL,
    hedge,
    instrument,
    leg,
    policy,
    price,
    quote,
    snapshot,
    view,
)

ANY, REDUCE_ONLY, NONE = Permission
D = Decimal
DAY = 86_400_000
SECOND = f"second:{SYMBOL}"
WAITS = "new risk waits, reductions go on"
YEAR = "{} a year"


def bounded(*legs: Leg, bound: str | None = "0.01", **spots: Told[SpotPrice]) -> View:
    policy = hedge(basis_max=None if bound is None else D(bound))
    return view(snapshot(*legs), hedge=policy, signals=Signals(spot_prices=spots))


def spot(usd: int) -> Told[SpotPrice]:
    return Told(SpotPrice(price(usd), 100.0), "", asked=True)


SILENT: Told[SpotPrice] = Told(None, "no answer", asked=True)
NEAR, OTHER = leg(-1), leg(-1, policy=policy(account="second"))
DEAD = replace(NEAR, dead=Outage(Millis(NOW - 600_000), seen=-500.0, reason="no answer"))
ASKED = "It is asked for every half minute; without the bound it is not needed"
AGREE = "Nothing: it is sold once the prices agree again; a wider bound sells sooner"

BASIS = [
    (bounded(NEAR, bound=None), Finding("basis", ANY, "0.0000", "", "the contract is where its index is")),
    (
        bounded(NEAR, main=spot(60_000)),
        Finding("basis", ANY, "0.0000", "0.01", "the contract is where its index and the spot market are"),
    ),
    (
        bounded(leg(policy=policy(weight=D(0))), main=spot(60_000)),  # nothing of it can mislead
        Finding("basis", ANY, "0.0000", "0.01", "the contract is where its index and the spot market are"),
    ),
    (bounded(DEAD, bound=None), Finding("basis", ANY, "0.0000", "", "the contract is where its index is")),
    (
        bounded(leg(-1, book=quote(index=None)), bound="0.02"),
        Finding(
            "basis", REDUCE_ONLY, "unknown", "0.02",
            f"the index of {LEG} is not known: {WAITS}", "Compare with the exchange's own page",
            alarms=True,
        ),
    ),
    (
        bounded(leg(-1, book=quote(index=price(50_000))), main=spot(60_000)),
        Finding(
            "basis", REDUCE_ONLY, "0.2000", "0.01",
            f"{LEG} is marked 20.00% above its index: {WAITS}", AGREE,
            alarms=True,
        ),
    ),
    (
        bounded(NEAR, main=spot(75_000)),
        Finding(
            "basis", REDUCE_ONLY, "-0.2000", "0.01",
            f"{LEG} is marked 20.00% below the spot price of BTC: {WAITS}", AGREE,
            alarms=True,
        ),
    ),
    (
        bounded(NEAR, OTHER, main=spot(60_000), second=SILENT),
        Finding(
            "basis", REDUCE_ONLY, "unknown", "0.01",
            f"the spot price of BTC on second is not known (no answer): {WAITS}", ASKED,
            alarms=True,
        ),
    ),
    (
        # of two that are not known, the one that was never asked for holds back what the other does not
        replace(bounded(NEAR, OTHER, main=SILENT), started_at=NOW),
        Finding(
            "basis", REDUCE_ONLY, "unknown", "0.01",
            f"the spot price of BTC on second is not known (it was not read yet): {WAITS}", ASKED,
        ),
    ),
]  # fmt: skip


def ending(symbol: str, days: str, size: int = -1) -> Leg:
    at = Millis(NOW + int(D(days) * DAY))
    return leg(size, contract=replace(instrument(), symbol=symbol, ends_at=at))


DATED_LEG = f"main:{DATED}"
DELISTED = "Make another contract the leg, and close this one: what is short in it is settled then"
LATE = "See in the plan why: what is open at the end is settled, and sold again in the next contract"

EXPIRY = [
    (view(snapshot(leg(-1))), Finding("expiry", ANY, "none", "", "no contract of a leg ends")),
    (
        view(snapshot(ending(DATED, "30"))),
        Finding(
            "expiry", ANY, "30.0 days", "3.0 days",
            f"{DATED_LEG} ends 2026-12-21T06:00:00Z, in 30.0 days",
        ),
    ),
    (
        view(snapshot(ending(DATED, "1"))),
        Finding(
            "expiry", ANY, "1.0 days", "3.0 days",
            f"{DATED_LEG} ends 2026-11-22T06:00:00Z, in 1.0 days, and what is short in it has not moved on",
            LATE, alarms=True,
        ),
    ),
    (
        view(snapshot(ending(SYMBOL, "7"), ending(DATED, "9", size=0))),
        Finding(
            "expiry", ANY, "7.0 days", "",
            f"{LEG} is to be delisted: it ends 2026-11-28T06:00:00Z, in 7.0 days", DELISTED,
            alarms=True,
        ),
    ),
    (
        view(snapshot(ending(DATED, "1"), ending(SYMBOL, "1"))),  # what restrains is told first
        Finding(
            "expiry", REDUCE_ONLY, "1.0 days", "",
            f"{LEG} is to be delisted: it ends 2026-11-22T06:00:00Z, in 1.0 days", DELISTED,
            alarms=True,
        ),
    ),
]  # fmt: skip


def cost(*shares: str) -> Signals:
    """Windows of a day, two and so on that cost so much a year of one coin's exposure."""
    windows = tuple((n * DAY, Coin(D(share) * n / 365)) for n, share in enumerate(shares, 1))
    return Signals(funding=Told(Paid(windows, NOW), "", asked=True))


def budgeted(
    *shares: str, action: Action = Action.FLOOR, over: bool = False, moved: bool = False, **changes: Any
) -> View:
    windows = tuple(n * DAY for n in range(1, len(shares) + 1))
    policy = hedge(funding=Budget(D("0.3"), windows, action, D("0.5")))
    memory = Memory(policy=Followed(over_budget=over, moved=moved))
    return view(memory=memory, hedge=policy, **{"signals": cost(*shares)} | changes)


def charged(rate: str, hours: int | None) -> Snapshot:
    interval = None if hours is None else D(hours)
    return snapshot(leg(book=quote(funding=Funding(D(rate), interval, None))))


RECEIVES = f"{LEG} receives 11.0% a year at the rate of these 8 h, next on 2026-11-21T07:00:00Z"
LOWER = "Wait, lower the ratio, or raise the budget"
FLOOR = "the ratio is held at 0.5 or below until it is cheap again"
DEAR = "funding costs more than its budget"

FUNDING = [
    (view(), Finding("funding", ANY, "0.0001", "", RECEIVES)),
    (
        view(charged("0", 8)),
        Finding(
            "funding", ANY, "0", "",
            f"{LEG} receives 0.0% a year at the rate of these 8 h, at a time not known",
        ),
    ),
    (
        view(charged("-0.0005", None)),
        Finding("funding", ANY, "-0.0005", "", f"{LEG}: for how long its funding rate runs is not known"),
    ),
    (
        view(snapshot(leg(book=quote(funding=NO_FUNDING)))),
        Finding("funding", ANY, "none", "", "dated contracts pay no funding"),
    ),
    (
        budgeted("0.1", "0.29"),
        Finding("funding", ANY, "10.0% over 1 d, 29.0% over 2 d", YEAR.format("30.0%"), RECEIVES),
    ),
    (
        budgeted("0.1", "0.31"),
        Finding(
            "funding", ANY, "10.0% over 1 d, 31.0% over 2 d", YEAR.format("30.0%"),
            f"{DEAR}: {FLOOR}", LOWER,
            alarms=True,
        ),
    ),
    (
        budgeted("0.3", over=True),
        Finding(
            "funding", ANY, "30.0% over 1 d", YEAR.format("30.0%"),
            f"funding was over its budget and is not cheap enough yet: {FLOOR}", LOWER,
            alarms=True,
        ),
    ),
    (
        budgeted("0.4", action=Action.DATED, over=True, moved=True),
        Finding(
            "funding", ANY, "40.0% over 1 d", YEAR.format("30.0%"),
            f"{DEAR}: the hedge is in dated contracts until it is cheap again", LOWER,
            alarms=True,
        ),
    ),
    (
        budgeted("0.4", signals=Signals(funding=Told(None, "no answer", asked=True))),
        Finding(
            "funding", ANY, "unknown", YEAR.format("30.0%"),
            "what funding cost is not known: no answer", "Nothing: the ledger is read again every minute",
            alarms=True,
        ),
    ),
]  # fmt: skip


def lost(*names: str, then: LegDown = LegDown.WAIT) -> View:
    """Two legs, of which some cannot be read."""
    seen = snapshot(leg(-30_000), leg(-30_000, policy=policy(account="second")))
    outages = {"main": LEG, "second": SECOND}
    legs = tuple(
        replace(each, dead=replace(DEAD.dead, reason=f"{outages[each.policy.account]} is silent"))
        if each.policy.account in names and DEAD.dead is not None
        else each
        for each in seen.legs
    )
    return view(replace(seen, legs=legs), hedge=hedge(if_leg_down=then))


def confirmed(name: str) -> str:
    short = "30000 contracts short, with 1 BTC behind them"
    return f"{name} was last read on 2026-11-21T05:50:00Z and counts as then, {short}: {name} is silent"


OUTAGE = [
    (lost(), Finding("outage", ANY, "0", "0", "every leg can be read")),
    (
        lost("second"),
        Finding(
            "outage", ANY, "1 of 2 legs", "0", confirmed(SECOND),
            'Nothing, if the exchange comes back; if_leg_down = "others" sells its share elsewhere',
            alarms=True,
        ),
    ),
    (
        lost("main", "second", then=LegDown.OTHERS),
        Finding(
            "outage", ANY, "2 of 2 legs", "0", f"{confirmed(LEG)}; {confirmed(SECOND)}",
            "Nothing, if the exchange comes back: what is still to be sold goes to the other legs",
            alarms=True,
        ),
    ),
]  # fmt: skip

TOLD = [*BASIS, *EXPIRY, *FUNDING, *OUTAGE]


@pytest.mark.parametrize(
    ("seen", "finding"), TOLD, ids=[f"{finding.guard}: {finding.reason}" for _, finding in TOLD]
)
def test_of_what_time_brings(seen: View, finding: Finding) -> None:
    assert import_module(f"hedgebot.risk.{finding.guard}").check(seen) == finding
