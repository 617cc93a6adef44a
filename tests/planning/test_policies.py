"""What the ratio policies want: each alone, one over the other, and with nothing to go by."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decision import Target
from hedgebot.domain.market import Funding
from hedgebot.domain.policy import DAY_MS, HOUR_MS, After, External, Policies, Signal, Steps, Window
from hedgebot.domain.records import Control, Followed, Memory
from hedgebot.domain.signals import NOTHING, Measured, Signals, Told, Wanted
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Millis
from hedgebot.journal.codec import decode, encode
from hedgebot.planning import follow, target
from hedgebot.planning.policy import POLICIES
from tests.builders import NOW, hedge, hedged, leg, quote, snapshot

D = Decimal
NEVER, FREE = Followed(), Control()
STEPS = Steps(Signal.DRAWDOWN, 30 * DAY_MS, ((D("0.1"), D("0.5")), (D("0.2"), D(1))), D("0.02"))
KEEP, RETURN = External(3_600_000, After.KEEP), External(3_600_000, After.RETURN)
OVER = Policies(windows=(Window(Millis(NOW - DAY_MS), NOW, D(1)),), unwind_at=NOW)
MONTH = (Window(Millis(NOW - DAY_MS), Millis(NOW + 29 * DAY_MS), D(1)),)


def drawdown(value: str, *, hours_old: float = 0.5) -> Signals:
    return Signals(market=Told(Measured(D(value), Millis(NOW - int(hours_old * HOUR_MS))), "", asked=True))


def wanted(ratio: str, *, seconds_old: int = 10, problem: str = "") -> Signals:
    return Signals(wanted=Told(Wanted(D(ratio), Millis(NOW - seconds_old * 1000)), problem, asked=True))


def followed(
    policies: Policies,
    signals: Signals = NOTHING,
    before: Followed = NEVER,
    seen: Snapshot | None = None,
    control: Control = FREE,
    fixed: str = "0.2",
    **changes: Any,
) -> tuple[Followed, str]:
    memory, why = follow(
        hedge(fixed, policies=policies, **changes),
        control,
        seen or hedged(-12_000),
        signals,
        Memory(policy=before),
    )
    return memory.policy, why


def test_one_file_a_policy(root: Path) -> None:
    files = {path.stem for path in (root / "hedgebot" / "planning" / "policy").glob("*.py")}
    listed = {say.__module__.rpartition(".")[2] for say in POLICIES}
    assert files == listed | {"__init__", "word"}


class TestSteps:
    @pytest.mark.parametrize(
        ("value", "before", "step", "ratio"),
        [
            ("0", None, 0, "0.2"),
            ("0.0999", None, 0, "0.2"),
            ("0.1", None, 1, "0.5"),
            ("0.25", None, 2, "1"),  # the first look takes every step that is reached
            ("0.1", 0, 1, "0.5"),
            ("0.3", 0, 2, "1"),
            ("0.18", 2, 2, "1"),  # a hysteresis of 0.02 below the step, and it still holds
            ("0.1799", 2, 1, "0.5"),
            ("0.0799", 2, 0, "0.2"),
            ("0.08", 1, 1, "0.5"),
            ("0.08", 0, 0, "0.2"),  # the same value, from below
            ("0.15", 9, 1, "0.5"),  # there were more steps once
        ],
    )
    def test_are_taken_at_once_and_left_late(
        self, value: str, before: int | None, step: int, ratio: str
    ) -> None:
        found, _ = followed(Policies(steps=STEPS), drawdown(value), Followed(step=before))
        assert (found.step, found.wanted) == (step, D(ratio))

    @given(st.lists(st.decimals("0", "0.4", places=3), min_size=1, max_size=30))
    def test_a_signal_that_wavers_less_than_the_hysteresis_changes_nothing(
        self, values: list[Decimal]
    ) -> None:
        """Whatever came before: within half a hysteresis of one value there is one change at most."""
        found, changes = Followed(), 0
        for value in values:
            near = D("0.2") + (value - D("0.2")) / 20  # within 0.01 of 0.2
            after, _ = followed(Policies(steps=STEPS), drawdown(str(near)), found)
            changes, found = changes + (found.step is not None and after.step != found.step), after
        assert changes <= 1

    def test_funding_is_that_of_the_running_interval_for_a_year(self) -> None:
        cheap = Steps(Signal.FUNDING, DAY_MS, ((D("-0.2"), D(1)),), D(0))
        for rate, ratio in (("-0.0002", "0.2"), ("-0.0001", "1"), ("0.0001", "1")):
            book = quote(funding=Funding(D(rate), D(8), None))  # -21.9 %, -10.95 % and 10.95 % a year
            found, _ = followed(Policies(steps=cheap), seen=snapshot(leg(book=book)))
            assert found.wanted == D(ratio)


class TestExternal:
    @pytest.mark.parametrize(
        ("external", "signals", "ratio", "by"),
        [
            (KEEP, wanted("0.7"), "0.7", "external"),
            (KEEP, wanted("0.7", seconds_old=3600), "0.7", "external"),
            (KEEP, wanted("0.7", seconds_old=3601), "0.6", "kept without external"),
            (RETURN, wanted("0.7", seconds_old=3601), "0.2", "configured"),
            (KEEP, wanted("0.7", seconds_old=-60), "0.7", "external"),
            (KEEP, wanted("0.7", seconds_old=-61), "0.6", "kept without external"),
            (KEEP, wanted("0.7", problem="HTTP 500"), "0.7", "external"),  # the last good word is still good
            (RETURN, Signals(), "0.6", "kept without external"),  # not asked yet: not expired either
            (RETURN, Signals(wanted=Told(None, "no file", asked=True)), "0.6", "kept without external"),
            (RETURN, wanted("0.7", seconds_old=-61), "0.6", "kept without external"),
            (RETURN, wanted("0.7", seconds_old=3601, problem="no file"), "0.2", "configured"),
        ],
    )
    def test_holds_while_it_is_fresh(self, external: External, signals: Signals, ratio: str, by: str) -> None:
        found, _ = followed(Policies(external=external), signals, Followed(wanted=D("0.6")))
        assert (found.wanted, found.by) == (D(ratio), by)


class TestSchedule:
    @pytest.mark.parametrize(
        ("start", "end", "ratio"),
        [(-1, 1, "1"), (0, 1, "1"), (1, 2, "0.2"), (-2, 0, "0.2"), (-2, -1, "0.2"), (-1, None, "1")],
    )
    def test_a_window_begins_with_its_start_and_is_over_at_its_end(
        self, start: int, end: int | None, ratio: str
    ) -> None:
        window = Window(Millis(NOW + start), None if end is None else Millis(NOW + end), D(1))
        found, why = followed(Policies(windows=(window,)))
        assert (found.wanted, why) == (D(ratio), "")
        assert found.by == ("schedule" if ratio == "1" else "configured")

    def test_its_end_unwinds_once(self) -> None:
        found, why = followed(OVER)
        assert why == "the schedule ended at 2026-11-21T06:00:00Z"
        assert followed(OVER, before=found)[1] == ""

    @pytest.mark.parametrize(
        "control", [Control(paused=True), Control(ratio=D("0.4")), Control(unwind_to=D(0), unwound=True)]
    )
    def test_an_operators_word_holds_longer_than_the_schedule(self, control: Control) -> None:
        found, why = followed(OVER, control=control)
        assert (found.ended, why) == (0, "")
        assert followed(OVER, before=found)[1], "it unwinds once that is withdrawn"

    @pytest.mark.parametrize(("offset", "ended"), [(0, True), (5_000, True), (-1, False)])
    def test_it_is_over_only_when_both_clocks_say_so(self, offset: int, ended: bool) -> None:
        seen = replace(hedged(-12_000), offset_ms=offset)
        assert bool(followed(OVER, seen=seen)[1]) is ended


class TestTogether:
    def test_each_has_the_word_over_those_before_it(self) -> None:
        signals = replace(drawdown("0.15"), wanted=wanted("0.7").wanted)
        everything = Policies(STEPS, KEEP, MONTH)
        assert followed(everything, signals)[0].wanted == D(1)
        assert followed(replace(everything, windows=()), signals)[0].wanted == D("0.7")
        assert followed(Policies(STEPS), signals)[0].wanted == D("0.5")
        assert followed(Policies(), signals)[0].wanted == D("0.2")

    def test_a_later_one_speaks_also_where_an_earlier_one_cannot(self) -> None:
        assert followed(Policies(STEPS, windows=MONTH))[0].wanted == D(1)

    @pytest.mark.parametrize(
        "signals",
        [Signals(), Signals(market=Told(None, "no answer", asked=True)), drawdown("0.5", hours_old=2.1)],
    )
    def test_without_its_signal_the_last_target_is_kept(self, signals: Signals) -> None:
        found, _ = followed(Policies(steps=STEPS), signals, Followed(wanted=D("0.5"), step=1))
        assert (found.wanted, found.step, found.by) == (D("0.5"), 1, "kept without steps")

    def test_where_there_was_none_the_ratio_is_left_as_it_is_found(self) -> None:
        kept, _ = followed(Policies(steps=STEPS), seen=hedged(-21_000))
        assert kept.wanted == D("0.35")
        nothing, _ = followed(Policies(steps=STEPS), seen=hedged(0, coins=0))
        assert nothing.wanted == D("0.2")

    def test_the_last_word_is_clipped_to_the_bounds(self) -> None:
        bounded = hedge("0.5", policies=Policies(STEPS), max_ratio=D("0.8"))
        memory, _ = follow(bounded, Control(), hedged(-12_000), drawdown("0.3"), Memory())
        found = target(bounded, Control(), memory)
        assert (found.ratio, found.reason) == (D("0.8"), "steps 1, clipped to 0.8")

    def test_an_operators_ratio_goes_before_them_until_it_is_withdrawn(self) -> None:
        stepped = hedge("0.2", policies=Policies(STEPS))
        memory, _ = follow(stepped, Control(ratio=D("0.4")), hedged(), drawdown("0.3"), Memory())
        assert target(stepped, Control(ratio=D("0.4")), memory).ratio == D("0.4")
        assert target(stepped, Control(), memory).ratio == D(1)

    def test_a_change_is_exact_once(self) -> None:
        stepped, memory = hedge("0.2", policies=Policies(STEPS)), Memory(target=D("0.2"))
        exact = []
        for value, hedged_by in (("0", True), ("0.1", False), ("0.1", True), ("0.1", True)):
            memory, _ = follow(stepped, Control(), hedged(), drawdown(value), memory)
            found = target(stepped, Control(), memory)
            exact.append((str(found.ratio), found.exact))
            memory = memory.after(found.ratio, hedged=hedged_by)
        assert exact == [("0.2", False), ("0.5", True), ("0.5", True), ("0.5", False)]

    def test_what_is_remembered_survives_a_restart_and_older_journals_hold_none(self) -> None:
        known = Memory(policy=Followed(D("0.5"), "steps", 1, Millis(NOW), over_budget=True))
        assert decode(Memory, encode(known)) == known
        assert decode(Memory, "{}") == Memory()

    def test_a_policy_that_wants_another_ratio_than_before_has_it(self) -> None:
        before = Followed(D("0.5"), "steps", 1)
        assert followed(Policies(STEPS), drawdown("0.3"), before)[0] == Followed(D(1), "steps", 2)

    def test_a_memory_to_which_nothing_is_new_stays_the_same_value(self) -> None:
        stepped = hedge("0.2", policies=Policies(STEPS))
        first, _ = follow(stepped, Control(), hedged(), drawdown("0.3"), Memory())
        again, _ = follow(stepped, Control(), hedged(), drawdown("0.3"), first)
        assert again is first

    def test_without_policies_what_they_wanted_is_forgotten(self) -> None:
        left = Memory(policy=Followed(D("0.9"), "steps", 1))
        assert target(hedge("0.2"), Control(), left).ratio == D("0.2")

    def test_before_they_first_spoke_the_configured_ratio_holds(self) -> None:
        assert target(hedge("0.2", policies=Policies(STEPS)), Control(), Memory()).ratio == D("0.2")

    def test_an_unwind_goes_before_everything(self) -> None:
        known = Memory(policy=Followed(D("0.9"), "steps", 1))
        found = target(hedge("0.2", policies=Policies(STEPS)), Control(unwind_to=D(0)), known)
        assert found == Target(D(0), "unwinding as ordered", exact=True, reduce_only=True)

    def test_a_plain_ratio_remembers_nothing(self) -> None:
        assert follow(hedge(), Control(), hedged(), Signals(), Memory()) == (Memory(), "")
