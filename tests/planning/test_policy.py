"""Where the ratio should be now: the operator's word before the file's, always within the bounds."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.records import Control, Memory
from hedgebot.planning import target
from tests.builders import hedge

D = Decimal
REACHED, ON_THE_WAY = Memory(target=D(1)), Memory(target=D(1), reached=False)


@pytest.mark.parametrize(
    ("control", "memory", "ratio", "reason", "exact"),
    [
        (Control(), Memory(), "1", "configured", False),
        (Control(), REACHED, "1", "configured", False),
        (Control(), ON_THE_WAY, "1", "configured", True),
        (Control(), Memory(target=D("0.5")), "1", "configured", True),  # the file changed
        (Control(ratio=D("0.7")), REACHED, "0.7", "ordered", True),
        (Control(ratio=D("0.7")), Memory(target=D("0.7")), "0.7", "ordered", False),
        (Control(ratio=D("0.995")), REACHED, "0.995", "ordered", True),  # inside the band too
        (Control(ratio=D(0)), Memory(target=D(0)), "0", "ordered", True),  # zero is always exact
        (Control(paused=True), REACHED, "1", "configured", False),
    ],
)
def test_target(control: Control, memory: Memory, ratio: str, reason: str, exact: bool) -> None:
    found = target(hedge(), control, memory)
    assert (found.ratio, found.reason, found.exact, found.reduce_only) == (D(ratio), reason, exact, False)


@pytest.mark.parametrize("to", ["0", "0.5"])
@pytest.mark.parametrize("unwound", [False, True])
def test_an_unwind_comes_before_everything_and_only_reduces(to: str, unwound: bool) -> None:
    control = Control(ratio=D("0.7"), unwind_to=D(to), unwound=unwound)
    found = target(hedge(min_ratio=D("0.6")), control, REACHED)
    assert (found.ratio, found.exact, found.reduce_only) == (D(to), True, True)


@pytest.mark.parametrize(
    ("wanted", "ratio", "reason"),
    [
        ("0.1", "0.3", "ordered 0.1, clipped to 0.3"),
        ("0.3", "0.3", "ordered"),
        ("0.8", "0.8", "ordered"),
        ("1", "0.8", "ordered 1, clipped to 0.8"),
    ],
)
def test_the_last_word_is_clipped_to_the_bounds(wanted: str, ratio: str, reason: str) -> None:
    bounded = hedge(min_ratio=D("0.3"), max_ratio=D("0.8"))
    found = target(bounded, Control(ratio=D(wanted)), Memory())
    assert (found.ratio, found.reason) == (D(ratio), reason)


RATIOS = st.decimals("-1", "2", places=3)


@given(RATIOS, st.none() | RATIOS)
def test_no_source_leads_out_of_the_bounds(configured: Decimal, ordered: Decimal | None) -> None:
    bounds = hedge(configured, min_ratio=D("0.1"), max_ratio=D("0.9"))
    found = target(bounds, Control(ratio=ordered), Memory())
    assert D("0.1") <= found.ratio <= D("0.9")


def test_a_changed_target_is_exact_until_it_is_reached_and_then_no_more() -> None:
    ordered, memory = Control(ratio=D("0.9")), REACHED
    for hedged, exact in ((False, True), (False, True), (True, True), (True, False)):
        found = target(hedge(), ordered, memory)
        assert found.exact is exact
        memory = memory.after(found.ratio, hedged=hedged)
