"""What is believed at once, and what only once it has lasted: coins, prices, and who moved the position."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import EntryKind
from hedgebot.domain.decision import Permission
from hedgebot.domain.forced import Forced
from hedgebot.domain.orders import Intent, Stage
from hedgebot.domain.records import Doubt, Followed, Memory
from hedgebot.domain.snapshot import Blind
from hedgebot.domain.units import Millis
from hedgebot.risk import View, assess, changed, disturbed
from hedgebot.risk.jump import check as jump
from hedgebot.risk.memory import remember
from tests.builders import (
    DATED,
    LEG,
    NOW,
    coin,
    contracts,
    hedge,
    hedged,
    instrument,
    intent,
    leg,
    position,
    price,
    snapshot,
    view,
)

HELD_ONE = Memory(held=coin(1))

RENEWED = {
    "held", "fall", "marks", "moved", "disturbed", "contracts", "updated", "specs", "since", "ledger_at",
}  # fmt: skip
"""What a snapshot may change of a memory."""


def coins_seen(*readings: tuple[float, str], memory: Memory = HELD_ONE) -> Memory:
    """The memory after snapshots of so many coins held, each at its monotonic second."""
    for now, coins in readings:
        memory = remember(view(snapshot(leg(), coins=coins), memory, now=now))
    return memory


def marks_seen(*marks: str, memory: Memory | None = None) -> Memory:
    """The memory after snapshots at these prices, five seconds apart."""
    found = memory or Memory()
    for turn, mark in enumerate(marks):
        found = remember(view(snapshot(leg(mark=mark)), found, now=100.0 + 5 * turn))
    return found


class TestCoins:
    def test_the_first_reading_is_believed(self) -> None:
        assert coins_seen((0, "5"), memory=Memory()).held == coin(5)

    @pytest.mark.parametrize("coins", ["1.0001", "2", "1000", "0.8", "0.99"])
    def test_a_rise_or_a_small_fall_is_believed_at_once(self, coins: str) -> None:
        found = coins_seen((0, coins))
        assert (found.held, found.fall) == (coin(coins), None)

    @pytest.mark.parametrize("coins", ["0.7999", "0.5", "0", "-1"])
    def test_a_fall_of_more_than_a_fifth_is_not(self, coins: str) -> None:
        found = coins_seen((0, coins))
        assert found.held == coin(1)
        assert found.fall is not None
        assert (found.fall.value, found.fall.count, found.fall.since) == (coin(coins).value, 1, 0)

    @pytest.mark.parametrize(
        ("readings", "believed"),
        [
            ([(0, "0.5"), (5, "0.5"), (30, "0.5")], True),
            ([(0, "0.5"), (30, "0.5")], False),  # two snapshots
            ([(0, "0.5"), (5, "0.5"), (10, "0.5")], False),  # ten seconds
            ([(0, "0.5"), (5, "0.5"), (10, "0.5"), (29.9, "0.5")], False),
            ([(0, "0.5"), (5, "0.5"), (10, "0.5"), (30, "0.5")], True),
            ([(0, "0.5"), (15, "0.51"), (30, "0.49")], True),  # they agree within 1 %
            ([(0, "0.5"), (15, "0.5101"), (30, "0.5")], False),  # they do not: it starts anew
            ([(0, "0.5"), (15, "1"), (30, "0.5")], False),  # a bouncing reading starts anew
            ([(0, "0.5"), (15, "0.9"), (30, "0.5"), (60, "0.5")], False),
            ([(0, "0.5"), (10, "0.4"), (20, "0.5"), (30, "0.4"), (40, "0.5")], False),
        ],
    )
    def test_it_is_after_three_agreeing_snapshots_over_thirty_seconds(
        self, readings: list[tuple[float, str]], believed: bool
    ) -> None:
        found = coins_seen(*readings)
        assert (found.fall is None) is believed
        assert (found.held == coin(readings[-1][1])) is believed

    def test_agreement_is_meant_against_what_was_held(self) -> None:
        assert coins_seen((0, "1"), (15, "1.02"), (30, "1"), memory=Memory(held=coin(2))).fall is None

    @pytest.mark.parametrize(("times", "count"), [([100], 1), ([100, 110], 2), ([100, 110, 120], 3)])
    def test_a_doubt_tells_how_many_snapshots_agree_and_since_when(
        self, times: list[float], count: int
    ) -> None:
        found = coins_seen(*((now, "0.5") for now in times))
        assert (found.held, found.fall) == (coin(1), Doubt(Decimal("0.5"), count, 100))

    def test_a_rise_back_ends_the_doubt_at_once(self) -> None:
        found = coins_seen((0, "0.5"), (5, "1"))
        assert (found.held, found.fall) == (coin(1), None)

    @pytest.mark.parametrize(
        ("before", "after", "doubted"),
        [
            ("-1", "-1", False),  # more owed than held: the same is no fall
            ("-1", "-1.2", False),
            ("-1", "-1.21", True),
            ("-1", "-0.5", False),
            ("0", "0", False),
            ("0", "-0.1", True),
        ],
    )
    def test_coins_owed(self, before: str, after: str, doubted: bool) -> None:
        assert (coins_seen((0, after), memory=Memory(held=coin(before))).fall is not None) is doubted

    def test_a_fall_below_nothing_is_believed_like_any_other(self) -> None:
        readings = [(0.0, "-0.1"), (15.0, "-0.1001"), (30.0, "-0.0999")]
        assert coins_seen(*readings, memory=Memory(held=coin(0))).fall is None

    def test_the_limit_is_the_configured_one(self) -> None:
        found = hedge(limits=replace(hedge().limits, jump=coin("0.5").value))
        seen = view(snapshot(leg(), coins="0.5"), HELD_ONE, hedge=found)
        assert remember(seen).fall is None


class TestPrices:
    @pytest.mark.parametrize("mark", ["72000", "48000", "60001"])
    def test_a_step_within_the_limit_is_believed_at_once(self, mark: str) -> None:
        found = marks_seen("60000", mark)
        assert (found.marks, found.moved) == (((LEG, price(mark)),), None)

    @pytest.mark.parametrize("mark", ["72001", "47999", "600000", "6000"])
    def test_a_larger_one_is_not(self, mark: str) -> None:
        found = marks_seen("60000", mark)
        assert found.marks == ((LEG, price(60_000)),)
        assert found.moved is not None
        assert (found.moved.value, found.moved.count) == (price(mark).value, 1)

    @pytest.mark.parametrize(
        ("marks", "believed"),
        [
            (("30000",), False),
            (("30000", "30100"), False),
            (("30000", "30100", "29900"), True),  # two more agree
            (("30000", "36000", "36000"), True),  # within the same limit
            (("30000", "60000"), True),  # it was a bad tick
            (("30000", "45000", "45000"), False),  # they do not agree: it starts anew
            (("30000", "45000", "45000", "45000"), True),
            (("30000", "30000", "1", "30000", "30000"), False),
        ],
    )
    def test_it_is_once_two_more_snapshots_agree(self, marks: tuple[str, ...], believed: bool) -> None:
        found = marks_seen("60000", *marks)
        assert (found.moved is None) is believed
        assert (found.marks == ((LEG, price(marks[-1])),)) is believed

    @pytest.mark.parametrize(("marks", "count"), [(("30000",), 1), (("30000", "30001"), 2)])
    def test_a_doubt_tells_how_many_snapshots_agree_and_since_when(
        self, marks: tuple[str, ...], count: int
    ) -> None:
        assert marks_seen("60000", *marks).moved == Doubt(Decimal(marks[-1]), count, 105.0)

    def test_a_crash_in_believable_steps_is_never_doubted(self) -> None:
        assert marks_seen("60000", "50000", "41000", "33000", "27000").moved is None


class TestJumpGuard:
    def test_steady(self) -> None:
        found = jump(view(memory=HELD_ONE))
        assert (found.permission, found.measured, found.alarms) == (Permission.ANY, "steady", False)

    @pytest.mark.parametrize(
        ("memory", "says"),
        [
            (coins_seen((70.1, "0.5"), (90.1, "0.5")), "2 of 3 snapshots agree, 30 of 30 s"),
            (marks_seen("60000", "30000"), "1 of 3 snapshots agree"),
        ],
        ids=["coins fell", "price moved"],
    )
    def test_a_doubt_holds_every_order_and_says_so_at_once(self, memory: Memory, says: str) -> None:
        found = jump(view(memory=memory))
        assert (found.permission, found.alarms, found.blinds) == (Permission.NONE, True, False)
        assert says in found.reason


def closed(filled: int, believed: int = -60_000, stage: Stage = Stage.CLOSED) -> Intent:
    return intent(filled or -100, stage, believed=believed, filled=filled)


def turn(size: int, memory: Memory | None = None, **changes: Any) -> View:
    known = Memory(contracts=((LEG, contracts(-60_000)),)) if memory is None else memory
    return view(hedged(size), known, **changes)


class TestDisturbance:
    @pytest.mark.parametrize(
        ("size", "changes", "is_disturbed"),
        [
            (-60_000, {}, False),
            (-59_000, {}, True),  # bought back by hand, or ADL
            (-61_000, {}, True),
            (0, {}, True),  # liquidated
            (-61_000, {"closed": (closed(-1_000),)}, False),  # our own fill
            (-60_400, {"closed": (closed(-400),)}, False),  # a partial one
            (-60_000, {"closed": (closed(0),)}, False),  # none at all
            (-60_000, {"closed": (closed(0, stage=Stage.REJECTED),)}, False),
            (-61_000, {"closed": (closed(0, stage=Stage.ABSENT),)}, True),  # absent, and yet it moved
            (-60_900, {"closed": (closed(-1_000),)}, True),  # somebody else at the same time
        ],
    )
    def test_a_position_that_our_own_orders_do_not_explain(
        self, size: int, changes: dict[str, Any], is_disturbed: bool
    ) -> None:
        assert disturbed(turn(size, **changes)) is is_disturbed
        assert changed(turn(size, **changes)) == ([LEG] if is_disturbed else [])

    @pytest.mark.parametrize(("size", "legs"), [(-60_000, []), (-61_000, [LEG])])
    def test_one_that_an_order_of_ours_under_way_may_have_changed_is_nobodys_disturbance_yet(
        self, size: int, legs: list[str]
    ) -> None:
        seen = turn(size, open=(intent(-1_000, Stage.UNKNOWN),))
        assert changed(seen) == legs
        assert not disturbed(seen)

    def test_a_first_sight_disturbs_nothing(self) -> None:
        assert not disturbed(turn(-60_000, Memory()))
        assert not changed(turn(-60_000, Memory()))

    def test_it_is_remembered_until_it_was_corrected(self) -> None:
        after = remember(turn(-50_000))
        assert after.disturbed
        again = remember(turn(-50_000, after))
        assert again.disturbed
        assert not again.after(hedge().ratio, hedged=True).disturbed

    def test_any_of_several_legs_is_enough(self) -> None:
        both = snapshot(leg(-1), leg(-2, contract=instrument(DATED)))
        known = Memory(contracts=((LEG, contracts(-1)), (f"main:{DATED}", contracts(-3))))
        assert disturbed(view(both, known))
        elsewhere = (intent(-1_000, Stage.UNKNOWN),)
        assert disturbed(view(both, known, open=elsewhere))


class TestRemembering:
    def test_positions_contracts_and_the_start_of_the_count(self) -> None:
        after = remember(view(hedged(-60_000), Memory()))
        assert after.contracts == ((LEG, contracts(-60_000)),)
        assert after.specs == ((LEG, "BTCUSD: 1 USD a contract, lots of 1"),)
        assert (after.since, after.ledger_at) == (NOW, NOW)

    def test_of_when_a_position_was_changed_the_latest_stays(self) -> None:
        assert remember(view(hedged(), Memory(updated=((LEG, Millis(NOW - 1)),)))).updated == ((LEG, NOW),)
        earlier = snapshot(leg(updated_at=Millis(NOW - 2)))
        seen = Memory(updated=((LEG, Millis(NOW - 1)),))
        assert remember(view(earlier, seen)).updated == ((LEG, Millis(NOW - 1)),)

    def test_no_date_is_remembered_that_has_not_come(self) -> None:
        ahead = snapshot(leg(updated_at=Millis(NOW + 86_400_000)))
        assert remember(view(ahead)).updated == ((LEG, NOW),)
        assert remember(view(replace(ahead, offset_ms=500))).updated == ((LEG, Millis(NOW + 500)),)

    def test_a_position_without_a_date_has_none(self) -> None:
        assert remember(view(snapshot(leg(updated_at=Millis(0))))).updated == ((LEG, Millis(0)),)

    def test_a_contract_is_pinned_when_it_is_first_seen(self) -> None:
        pinned = Memory(specs=((LEG, "as it was"),))
        assert remember(view(memory=pinned)).specs == pinned.specs

    def test_all_else_stays_as_it_was(self) -> None:
        known = Memory(
            target=Decimal("0.5"),
            reached=False,
            rival="hb0000000000001",
            funding_received=coin("0.3"),
            funding_paid=coin("0.2"),
            fees=coin("0.1"),
            policy=Followed(wanted=Decimal("0.5")),
            forced=(Forced(EntryKind.ADL, LEG, contracts(1), None, NOW, NOW),),
            orphans=(("gone:BTC/USD:BTC", contracts(-5)),),
        )
        kept = [field for field in fields(Memory) if field.name not in RENEWED]
        assert all(getattr(known, field.name) != field.default for field in kept), "each is told apart"
        found = remember(view(hedged(), known))
        assert all(getattr(found, field.name) == getattr(known, field.name) for field in kept)

    def test_a_view_with_a_new_memory_is_otherwise_the_same(self) -> None:
        facts: dict[str, Any] = {field.name: object() for field in fields(View)}
        seen = View(**facts)
        assert seen.remembering(HELD_ONE) == replace(seen, memory=HELD_ONE)

    def test_a_rival_is_not_forgotten_between_cycles(self) -> None:
        assert remember(view(memory=Memory(rival="hb1"))).rival == "hb1"

    def test_an_incoherent_snapshot_is_never_remembered(self) -> None:
        known = Memory(held=coin(1), contracts=((LEG, contracts(-60_000)),))
        vanished = hedged(-60_000, mark=30_000)
        bad = replace(vanished, legs=(replace(vanished.legs[0], position=position(mark=30_000)),))
        assessment, after = assess(view(bad, known))
        assert assessment.blind
        assert after == known

    def test_what_our_own_orders_did_meanwhile_is(self) -> None:
        """Else the fill would look like somebody else's once the exchange answers again."""
        known = Memory(contracts=((LEG, contracts(-60_000)),))
        blind = Blind("btc", NOW, ("no answer",))
        _, after = assess(turn(-60_000, known, closed=(closed(-1_000),), observed=blind))
        assert not disturbed(turn(-61_000, after))
        assert disturbed(turn(-60_000, after))

    def test_an_order_that_filled_nothing_says_nothing_of_what_was_seen_after_it_was_sent(self) -> None:
        seen = Memory(contracts=((LEG, contracts(-50_000)),))
        late = intent(-1_000, Stage.ABSENT, believed=-60_000)
        assert not disturbed(turn(-50_000, seen, closed=(late,)))
        assert disturbed(turn(-60_000, seen, closed=(late,)))


@pytest.mark.parametrize(("offset", "begins"), [(-86_400_000, NOW - 86_400_000), (5_000, NOW)])
def test_funding_and_fees_are_counted_from_the_earlier_of_both_clocks(offset: int, begins: int) -> None:
    seen = replace(snapshot(leg()), offset_ms=offset)
    assert remember(view(seen, Memory())).ledger_at == begins
