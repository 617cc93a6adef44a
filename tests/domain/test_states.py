"""Which word describes a hedge now."""

from typing import Any

import pytest

from hedgebot.domain.decision import Assessment, Finding, Permission, Plan, PlannedOrder
from hedgebot.domain.records import Control, State
from hedgebot.domain.states import state_of
from hedgebot.domain.units import ZERO
from hedgebot.planning import decide
from tests.builders import allowing, hedge, leg, snapshot, to

CALM, RESTRAINED = allowing(), allowing(Permission.NONE)
HALTED = Assessment((Finding("key", Permission.NONE, "", "", "the key is refused", halts=True),))
BLIND = Assessment((Finding("coherence", Permission.NONE, "", "", "no answer", blinds=True),))
DONE = Plan("inside the band", True, to(1))
SELL = decide(hedge(), snapshot(leg()), CALM, to(1), Control())
FORBIDDEN = Plan("not now", False, to(1), forbidden=True)
TOO_SMALL = Plan("too few coins", False, to(1))
PAUSED, UNWINDING, UNWOUND = (
    Control(paused=True),
    Control(unwind_to=ZERO),
    Control(unwind_to=ZERO, unwound=True),
)


@pytest.mark.parametrize(
    ("control", "assessment", "plan", "circumstances", "state"),
    [
        (Control(), CALM, DONE, {}, State.HEDGED),
        (Control(), RESTRAINED, DONE, {}, State.HEDGED),
        (Control(), CALM, SELL, {}, State.ADJUSTING),
        (Control(), RESTRAINED, FORBIDDEN, {"busy": True}, State.ADJUSTING),
        (Control(), RESTRAINED, FORBIDDEN, {}, State.DRIFTING),
        (Control(), CALM, TOO_SMALL, {}, State.DRIFTING),
        (Control(), CALM, SELL, {"sends": False}, State.DRIFTING),
        (Control(), BLIND, None, {}, State.BLIND),
        (Control(), BLIND, None, {"busy": True}, State.BLIND),
        (Control(), HALTED, DONE, {}, State.HALTED),
        (PAUSED, HALTED, None, {}, State.HALTED),
        (UNWOUND, HALTED, DONE, {}, State.HALTED),
        (PAUSED, BLIND, None, {}, State.BLIND),
        (PAUSED, CALM, DONE, {}, State.PAUSED),
        (PAUSED, CALM, FORBIDDEN, {}, State.PAUSED),
        (UNWINDING, CALM, SELL, {}, State.UNWINDING),
        (UNWINDING, CALM, DONE, {}, State.UNWINDING),
        (Control(paused=True, unwind_to=ZERO), CALM, FORBIDDEN, {}, State.PAUSED),
        (UNWOUND, CALM, DONE, {}, State.UNWOUND),
        (Control(True, unwind_to=ZERO, unwound=True), CALM, DONE, {}, State.UNWOUND),
    ],
)
def test_state(
    control: Control, assessment: Assessment, plan: Plan | None, circumstances: dict[str, Any], state: State
) -> None:
    assert state_of(control, assessment, plan, **{"busy": False, "sends": True} | circumstances) is state


def test_the_plan_to_sell_of_this_table_is_one() -> None:
    assert isinstance(SELL.order, PlannedOrder)


def test_starting_is_nothing_that_a_cycle_concludes() -> None:
    assert {state.value for state in State} == {
        "starting", "hedged", "adjusting", "drifting", "blind", "paused", "halted", "unwinding", "unwound",
    }  # fmt: skip
