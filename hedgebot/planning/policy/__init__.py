"""Where the ratio should be now: the ratio policies, one a file, and their last word.

To add a policy: one file with ``say(seen, word) -> Word``, one entry in ``POLICIES``. Each hears what those
before it want, and lets it be or puts its own in its place. What they want is worked out once a cycle, in
``follow``, and remembered; ``target`` says it, within the configured bounds, after the operator's own word.
"""

from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.decision import Target
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.policy import Policies
from hedgebot.domain.records import Control, Followed, Memory
from hedgebot.domain.signals import Signals
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import ZERO
from hedgebot.planning.policy import budget, external, schedule, steps
from hedgebot.planning.policy.word import Seen, Word

NONE = Policies()
POLICIES = (steps.say, external.say, schedule.say, budget.say)


def target(hedge: Hedge, control: Control, memory: Memory) -> Target:
    """The target; ``exact`` where the band does not apply on the way to it.

    The band is ignored by an unwind, at target 0, and once after a target changed, until it is reached.
    """
    if control.unwind_to is not None:
        return Target(control.unwind_to, "unwinding as ordered", exact=True, reduce_only=True)
    wanted, why = _wanted(hedge, control, memory.policy)
    ratio = min(max(wanted, hedge.min_ratio), hedge.max_ratio)
    if ratio != wanted:
        why = f"{why} {wanted}, clipped to {ratio}"
    return Target(ratio, why, exact=ratio == ZERO or _changed(ratio, memory))


def _wanted(hedge: Hedge, control: Control, followed: Followed) -> tuple[Decimal, str]:
    if control.ratio is not None:
        return control.ratio, "ordered"
    wanted, why = hedge.ratio, "configured"
    if hedge.policies is not None and followed.wanted is not None:
        wanted, why = followed.wanted, followed.by
    held = budget.held_down(hedge, followed, wanted)
    return (wanted, why) if held == wanted else (held, f"{why} {wanted}, held down by the funding budget to")


def _changed(ratio: Decimal, memory: Memory) -> bool:
    return memory.target is not None and (memory.target != ratio or not memory.reached)


def follow(
    hedge: Hedge, control: Control, snapshot: Snapshot, signals: Signals, memory: Memory
) -> tuple[Memory, str]:
    """The memory with what the policies want of this snapshot, and why the hedge is to be unwound, if it is.

    A policy that cannot say anything leaves the last target where it is; where there was none yet, the ratio
    as it is found. Nobody unwinds while an operator's word holds: it is asked again in the next cycle.
    """
    if hedge.policies is None and hedge.funding is None:
        return memory, ""
    seen = Seen(hedge, hedge.policies or NONE, snapshot, signals, control.free)
    word = Word(hedge.ratio, "configured", memory.policy)
    for say in POLICIES:
        word = say(seen, word)
    followed = word.followed if hedge.policies is None else _remembered(hedge, snapshot, word)
    return (memory if followed is memory.policy else replace(memory, policy=followed)), word.unwind


def _remembered(hedge: Hedge, snapshot: Snapshot, word: Word) -> Followed:
    """What to remember of the last word."""
    followed, wanted, by = word.followed, word.ratio, word.by
    if wanted is None:
        before, found = followed.wanted, snapshot.exposure.ratio
        wanted = before if before is not None else hedge.ratio if found is None else found
        by = f"kept without {by}"
    same = followed.wanted == wanted and followed.by == by  # nearly always: ``replace`` is slow
    return followed if same else replace(followed, wanted=wanted, by=by)
