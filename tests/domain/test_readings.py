"""What is known beside the snapshot, for how long it holds, and the words where it does not."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.account import Outage
from hedgebot.domain.funding import Paid
from hedgebot.domain.market import Funding
from hedgebot.domain.policy import After, External, Signal, Steps
from hedgebot.domain.readings import (
    AHEAD_MS,
    BARS,
    LEDGER_MS,
    SPOT_SECONDS,
    Now,
    agreed_time,
    paid,
    signal,
    spot_price,
    wish,
)
from hedgebot.domain.signals import Measured, Signals, SpotPrice, Told, Wanted
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Coin, Millis
from tests.builders import LEG, NOW, leg, price, quote, snapshot

D = Decimal
HOUR = 3_600_000
SEEN = snapshot(leg(-60_000))
STEPS = Steps(Signal.DRAWDOWN, 24 * HOUR, ((D("0.1"), D(1)),), D(0))
EXTERNAL = External(HOUR, After.KEEP)

Known = Callable[[int, str], Signals]


def market(age: int, problem: str) -> Signals:
    return Signals(market=Told(Measured(D("0.3"), Millis(NOW - age)), problem, asked=True))


def written(age: int, problem: str) -> Signals:
    return Signals(wanted=Told(Wanted(D("0.7"), Millis(NOW - age)), problem, asked=True))


def spot(age: float, problem: str) -> Signals:
    return Signals(spot_prices={"main": Told(SpotPrice(price(60_000), 1_000 - age), problem, asked=True)})


def ledger(age: int, problem: str) -> Signals:
    cost = Paid(((365 * 24 * HOUR, Coin.of("0.1")),), Millis(NOW - age))
    return Signals(funding=Told(cost, problem, asked=True))


@pytest.mark.parametrize(("offset", "agreed"), [(0, 0), (5_000, 0), (-5_000, -5_000)])
def test_the_earlier_of_two_clocks_is_agreed_on(offset: int, agreed: int) -> None:
    assert agreed_time(replace(SEEN, offset_ms=offset)) == NOW + agreed


class TestASignalOfTheMarket:
    @pytest.mark.parametrize(
        ("age", "problem", "now"),
        [
            (0, "", Now(D("0.3"))),
            (BARS * HOUR, "no answer", Now(D("0.3"))),
            (BARS * HOUR + 1, "no answer", Now(None, "its last bar ended 2.0 h ago: no answer")),
            (4_000 * HOUR, "", Now(None, "its last bar ended 4000.0 h ago: no newer one")),
        ],
    )
    def test_holds_for_two_bars(self, age: int, problem: str, now: Now) -> None:
        assert signal(STEPS, SEEN, market(age, problem)) == now

    def test_by_the_clock_that_is_behind(self) -> None:
        late = replace(SEEN, offset_ms=-1)
        assert signal(STEPS, late, market(BARS * HOUR + 1, "")).value == D("0.3")

    def test_that_was_never_known_says_why(self) -> None:
        assert signal(STEPS, SEEN, Signals(market=Told(None, "no answer"))) == Now(None, "no answer")


class TestFundingAsASignal:
    FOLLOWED = replace(STEPS, signal=Signal.FUNDING)

    def at(self, hours: Decimal | None) -> Snapshot:
        return snapshot(leg(-60_000, book=quote(funding=Funding(D("0.0001"), hours, None))))

    def test_is_the_running_rate_for_a_year(self) -> None:
        assert signal(self.FOLLOWED, self.at(D(8)), Signals()) == Now(D("0.1095"))

    def test_without_a_length_of_its_interval_is_not_known(self) -> None:
        found = signal(self.FOLLOWED, self.at(None), Signals())
        assert found == Now(None, "the funding interval is not known")

    def test_of_a_leg_that_cannot_be_read_is_not_known(self) -> None:
        dead = replace(SEEN.legs[0], dead=Outage(NOW, seen=0.0, reason="no answer"))
        found = signal(self.FOLLOWED, replace(SEEN, legs=(dead,)), Signals())
        assert found == Now(None, f"{LEG} cannot be read")


@pytest.mark.parametrize(
    ("age", "problem", "found"),
    [
        (0, "", ((D("0.1"),), "")),
        (LEDGER_MS, "no answer", ((D("0.1"),), "")),
        (LEDGER_MS + 1, "refused", ((), "the ledger was last read 3.0 h ago: refused")),
        (4_000 * HOUR, "", ((), "the ledger was last read 4000.0 h ago: no answer")),
    ],
)
def test_what_funding_cost_holds_for_three_hours(
    age: int, problem: str, found: tuple[tuple[Decimal, ...], str]
) -> None:
    assert paid(SEEN, ledger(age, problem)) == found


def test_what_funding_cost_says_why_where_it_was_never_known() -> None:
    assert paid(SEEN, Signals(funding=Told(None, "no answer"))) == ((), "no answer")


@pytest.mark.parametrize(
    ("age", "problem", "found"),
    [
        (0, "", Now(D(60_000))),
        (SPOT_SECONDS, "refused", Now(D(60_000))),
        (SPOT_SECONDS + 0.1, "refused", Now(None, "not read for 3 minutes: refused", expired=True)),
        (999, "", Now(None, "not read for 3 minutes: no answer", expired=True)),
    ],
)
def test_a_spot_price_holds_for_three_minutes(age: float, problem: str, found: Now) -> None:
    assert spot_price("main", 1_000, spot(age, problem)) == found


def test_a_spot_price_that_was_never_asked_for_is_not_known() -> None:
    assert spot_price("other", 1_000, spot(0, "")) == Now(None, "it was not read yet")


@pytest.mark.parametrize(
    ("age", "problem", "found"),
    [
        (0, "", Now(D("0.7"))),
        (HOUR, "no file", Now(D("0.7"))),
        (
            HOUR + 1,
            "",
            Now(None, "it was written 3600 s ago, and is good for 3600 s", expired=True),
        ),
        (
            4_000 * HOUR,
            "no file",
            Now(None, "it was written 14400000 s ago, and is good for 3600 s: no file", expired=True),
        ),
        (-AHEAD_MS, "", Now(D("0.7"))),
        (-4_000 * HOUR, "", Now(None, "it is dated 14400000 s in the future")),
    ],
)
def test_another_programs_ratio_holds_as_long_as_configured(age: int, problem: str, found: Now) -> None:
    assert wish(EXTERNAL, SEEN, written(age, problem)) == found


def test_another_programs_ratio_says_why_where_it_was_never_read() -> None:
    assert wish(EXTERNAL, SEEN, Signals(wanted=Told(None, "no file"))) == Now(None, "no file")
