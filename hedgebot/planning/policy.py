"""Where the ratio should be now. The last word is always clipped to the configured bounds."""

from decimal import Decimal

from hedgebot.domain.decision import Target
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.records import Control, Memory
from hedgebot.domain.units import ZERO


def target(hedge: Hedge, control: Control, memory: Memory) -> Target:
    """The target; ``exact`` where the band does not apply on the way to it.

    The band is ignored by an unwind, at target 0, and once after a target changed, until it is reached.
    """
    if control.unwind_to is not None:
        return Target(control.unwind_to, "unwinding as ordered", exact=True, reduce_only=True)
    wanted, why = (hedge.ratio, "configured") if control.ratio is None else (control.ratio, "ordered")
    ratio = min(max(wanted, hedge.min_ratio), hedge.max_ratio)
    if ratio != wanted:
        why = f"{why} {wanted}, clipped to {ratio}"
    return Target(ratio, why, exact=ratio == ZERO or _changed(ratio, memory))


def _changed(ratio: Decimal, memory: Memory) -> bool:
    return memory.target is not None and (memory.target != ratio or not memory.reached)
