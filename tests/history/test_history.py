"""What a hedge did, in memory: bounded for years, gaps left open, decisions kept."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.records import State
from hedgebot.domain.status import iso
from hedgebot.domain.units import Millis
from hedgebot.history import DECISIONS, History
from tests.history.past import HOUR, NOW, Cycle, cycle, month

DAYS = 24.0


def at(seconds: float, *, price: str = "60000", held: str = "1", **told: Any) -> Cycle:
    """A cycle so many seconds after the start, with one coin sold."""
    return cycle(NOW + round(seconds * 1000), Decimal(price), Decimal(held), Decimal(1), **told)


def fed(*cycles: Cycle, patience_ms: int = 30_000) -> History:
    history = History(patience_ms)
    for number, one in enumerate(cycles, 1):
        history.add(number, one)
    return history


class TestSeries:
    def test_a_point_a_cycle(self) -> None:
        told = fed(at(0), at(5, price="30000", held="1.01"), at(10)).told(hours=1)["series"]
        assert told["at_ms"] == [NOW, NOW + 5_000, NOW + 10_000]
        assert told["price_usd"] == ["60000", "30000", "60000"]
        assert told["ratio"] == ["1", "0.99009901", "1"]
        assert told["net"] == ["0", "0.01", "0"]
        assert (told["target_ratio"], told["band"]) == (["1"] * 3, ["0.02"] * 3)

    def test_with_and_without_the_hedge_it_begins_at_one_value_and_deposits_count_on_both_sides(self) -> None:
        history = fed(at(0), at(5, price="30000"), at(10, price="30000", held="2"))
        told = history.told(hours=1)["series"]
        assert told["value_usd"] == ["60000", "60000", "90000"]
        assert told["unhedged_usd"] == ["60000", "30000", "60000"]

    def test_only_the_hours_asked_for(self) -> None:
        history = fed(*(at(3600 * hour) for hour in range(5)), patience_ms=2 * HOUR)
        assert history.told(hours=2)["series"]["at_ms"] == [NOW + hour * HOUR for hour in (2, 3, 4)]
        assert history.told(hours=0.5)["series"]["at_ms"] == [NOW + 4 * HOUR]

    def test_before_the_first_cycle_there_is_nothing(self) -> None:
        told = History(30_000).told(hours=24)
        assert (told["series"]["at_ms"], told["decisions"]) == ([], [])

    def test_a_blind_cycle_is_a_gap_and_no_old_figure(self) -> None:
        told = fed(at(0), at(5, seen=False, state=State.BLIND), at(10)).told(hours=1)["series"]
        assert told["value_usd"] == ["60000", None, "60000"]
        assert told["unhedged_usd"] == ["60000", None, "60000"]

    def test_what_moved_while_it_was_blind_or_away_is_counted_right(self) -> None:
        blind = at(5, seen=False, state=State.BLIND)
        told = fed(at(0), blind, at(90_000, price="30000", held="2")).told(hours=30)["series"]
        assert told["unhedged_usd"][-1] == "60000", "two coins, one of them deposited"

    def test_a_daemon_that_was_away_leaves_a_gap(self) -> None:
        told = fed(at(0), at(5), at(900), at(905)).told(hours=1)["series"]
        assert told["ratio"] == ["1", "1", None, "1", "1"]
        assert told["at_ms"][1] < told["at_ms"][2] < told["at_ms"][3]

    def test_slow_cycles_leave_none(self) -> None:
        told = fed(at(0), at(60), at(120), patience_ms=180_000).told(hours=1)["series"]
        assert None not in told["ratio"]

    def test_a_clock_set_back_does_not_draw_backwards(self) -> None:
        told = fed(at(0), at(20), at(10), at(15)).told(hours=1)["series"]
        assert told["at_ms"] == [NOW, NOW + 10_000, NOW + 15_000]


class TestSize:
    def test_a_month_of_cycles_stays_within_1600_points(self) -> None:
        history = month()
        assert len(history.points) <= 1_600

    @pytest.mark.parametrize("hours", [1, 24, 168, 720])
    def test_an_answer_is_as_long_as_a_screen_is_wide(self, hours: float) -> None:
        told = month().told(hours)["series"]
        assert 100 <= len(told["at_ms"]) <= 900
        assert told["at_ms"] == sorted(told["at_ms"])
        assert told["at_ms"][-1] == NOW - 5_000, "the newest is always there"

    def test_a_drift_of_an_hour_still_shows_after_ten_days(self) -> None:
        lowest = min(float(ratio) for ratio in month().told(20 * DAYS)["series"]["ratio"] if ratio)
        assert lowest < 0.85

    def test_the_begin_of_a_drift_is_not_lost_in_a_busy_second(self) -> None:
        history = fed(*(at(n / 5, held="2" if n == 333 else "1") for n in range(1000)))
        assert "0.5" in history.told(hours=1)["series"]["ratio"]


class TestDecisions:
    def test_each_change_of_state_or_reason_newest_first(self) -> None:
        paused = {"state": State.PAUSED, "reason": "paused by the operator"}
        history = fed(at(0), at(5), at(10, **paused), at(15, **paused), at(20))
        told = history.told(hours=1)["decisions"]
        assert [(each["id"], each["state"]) for each in told] == [(5, "hedged"), (3, "paused"), (1, "hedged")]
        assert told[1] == {
            "id": 3,
            "at": iso(Millis(NOW + 10_000)),
            "state": "paused",
            "reason": "paused by the operator",
            "acted": False,
        }

    def test_each_act_even_for_the_same_reason(self) -> None:
        history = fed(at(0, acted=True), at(5, acted=True), at(10))
        assert [each["acted"] for each in history.told(hours=1)["decisions"]] == [True, True]

    def test_the_last_ones_only_but_the_last_act_for_as_long_as_it_takes(self) -> None:
        history = fed(at(0, acted=True), *(at(n, reason=f"because {n}") for n in range(1, 200)))
        assert len(history.told(hours=1)["decisions"]) == DECISIONS
        assert history.last_act is not None
        assert history.last_act["id"] == 1
