"""What the operator's commands amount to, and when a changed target has been reached."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.records import POLICY, Command, Control, Memory, Verb
from tests.builders import NOW

PAUSE, RESUME, UNWOUND = (Verb.PAUSE, None), (Verb.RESUME, None), (Verb.UNWOUND, "0")
HOME = (Verb.HOME, "0")
UNWIND, HALF_WAY = (Verb.UNWIND, "0"), (Verb.UNWIND, "0.5")
RATIO, OWN_RATIO = (Verb.RATIO, "0.7"), (Verb.RATIO, None)
Order = tuple[Verb, str | None]


def control(*orders: Order) -> Control:
    found = Control()
    for verb, ratio in orders:
        found = found.after(Command("btc", verb, None if ratio is None else Decimal(ratio), "ops", NOW))
    return found


ZERO, HALF, OTHER = Decimal(0), Decimal("0.5"), Decimal("0.7")


@pytest.mark.parametrize(
    ("orders", "amounts_to"),
    [
        ([], Control()),
        ([PAUSE], Control(paused=True)),
        ([PAUSE, RESUME], Control()),
        ([RATIO], Control(ratio=OTHER)),
        ([RATIO, OWN_RATIO], Control()),
        ([RATIO, PAUSE, RESUME], Control(ratio=OTHER)),
        ([UNWIND], Control(unwind_to=ZERO)),
        ([HALF_WAY], Control(unwind_to=HALF)),
        ([UNWIND, HALF_WAY], Control(unwind_to=HALF)),
        ([PAUSE, UNWIND], Control(unwind_to=ZERO)),
        ([UNWIND, PAUSE], Control(paused=True, unwind_to=ZERO)),
        ([UNWIND, RESUME], Control()),
        ([UNWIND, UNWOUND], Control(unwind_to=ZERO, unwound=True)),
        ([UNWIND, UNWOUND, PAUSE], Control(paused=True, unwind_to=ZERO, unwound=True)),
        ([UNWIND, UNWOUND, RATIO], Control(ratio=OTHER, unwind_to=ZERO, unwound=True)),
        ([RATIO, UNWIND, UNWOUND, RESUME], Control(ratio=OTHER)),
        ([UNWIND, UNWOUND, UNWIND], Control(unwind_to=ZERO)),
        ([UNWIND, UNWOUND, HOME], Control(unwind_to=ZERO, unwound=True, home=True)),
        ([UNWIND, UNWOUND, HOME, PAUSE], Control(paused=True, unwind_to=ZERO, unwound=True, home=True)),
        ([UNWIND, UNWOUND, HOME, RESUME], Control()),
        ([UNWIND, UNWOUND, HOME, UNWIND], Control(unwind_to=ZERO)),
        # The operator spoke while the daemon wrote its note down:
        ([UNWIND, RESUME, UNWOUND], Control()),
        ([UNWIND, HALF_WAY, UNWOUND], Control(unwind_to=HALF)),
        ([UNWIND, PAUSE, UNWOUND], Control(paused=True, unwind_to=ZERO, unwound=True)),
        ([UNWIND, UNWOUND, RESUME, HOME], Control()),
        ([UNWIND, UNWOUND, HALF_WAY, HOME], Control(unwind_to=HALF)),
    ],
)
def test_commands_in_order(orders: list[Order], amounts_to: Control) -> None:
    assert control(*orders) == amounts_to


@pytest.mark.parametrize(
    ("orders", "counts"),
    [([], True), ([PAUSE, RESUME], True), ([PAUSE], False), ([RATIO], False), ([HALF_WAY], False)],
)
def test_a_policys_unwind_counts_only_while_no_operators_word_holds(
    orders: list[Order], counts: bool
) -> None:
    before = control(*orders)
    after = before.after(Command("btc", Verb.UNWIND, ZERO, f"{POLICY}the schedule ended", NOW))
    assert after == (Control(unwind_to=ZERO) if counts else before)


@pytest.mark.parametrize(
    ("before", "target", "hedged", "reached"),
    [
        (Memory(), "1", True, True),
        (Memory(), "1", False, True),  # nothing was changed: the band holds from the start
        (Memory(target=Decimal(1)), "1", False, True),
        (Memory(target=Decimal(1)), "0.5", False, False),
        (Memory(target=Decimal(1)), "0.5", True, True),
        (Memory(target=HALF, reached=False), "0.5", False, False),
        (Memory(target=HALF, reached=False), "0.5", True, True),
    ],
)
def test_a_changed_target_is_reached_once_the_hedge_is_there(
    before: Memory, target: str, hedged: bool, reached: bool
) -> None:
    after = before.after(Decimal(target), hedged=hedged)
    assert (after.target, after.reached) == (Decimal(target), reached)


@pytest.mark.parametrize("hedged", [True, False])
def test_a_disturbance_is_over_when_nothing_is_left_to_correct(hedged: bool) -> None:
    assert replace(Memory(), disturbed=True).after(Decimal(1), hedged=hedged).disturbed is not hedged
    assert not Memory().after(Decimal(1), hedged=hedged).disturbed
