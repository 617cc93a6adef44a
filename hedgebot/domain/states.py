"""Which word describes a hedge now (design.md section 6)."""

from hedgebot.domain.decision import Assessment, Plan
from hedgebot.domain.records import Control, State


def state_of(
    control: Control, assessment: Assessment, plan: Plan | None, *, busy: bool, sends: bool
) -> State:
    """``plan`` is None without a trustworthy snapshot; ``busy`` means an order of ours is on its way;
    ``sends`` is false in a mode that sends nothing."""
    hedged, acts = plan is not None and plan.hedged, plan is not None and plan.acts
    cases = (
        (assessment.halted, State.HALTED),
        (plan is None, State.BLIND),
        (control.unwound, State.UNWOUND),
        (control.paused, State.PAUSED),
        (control.unwind_to is not None, State.UNWINDING),
        (hedged, State.HEDGED),
        (busy or (acts and sends), State.ADJUSTING),
    )
    return next((state for holds, state in cases if holds), State.DRIFTING)
