"""Does what the ratio follows still speak? Where not, the last target is kept, and somebody should know.

It restrains nothing: the short that was wanted last is the best that is known.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.policy import After, External, Signal, Steps
from hedgebot.domain.readings import agreed_time, signal, wish
from hedgebot.domain.records import Followed
from hedgebot.domain.status import iso
from hedgebot.domain.units import Millis, plain
from hedgebot.risk.view import View

FIXED = Finding("policy", Permission.ANY, "fixed", "", "no policy moves the ratio")

GRACE_MS = 120_000
"""What was not read yet is no alarm so shortly after the start."""


class Part(NamedTuple):
    """What one policy follows: its value, its limit, what is wrong with it, and whether that was to be
    expected so early."""

    measured: str
    limit: str
    problem: str = ""
    early: bool = False


def check(view: View) -> Finding:
    policies, followed = view.hedge.policies, view.memory.policy
    if policies is None:
        return FIXED
    parts = list(_parts(view))
    measured = ", ".join([part.measured for part in parts])
    limit = ", ".join([part.limit for part in parts if part.limit])
    problems = [part for part in parts if part.problem]
    if not problems:
        return Finding("policy", Permission.ANY, measured, limit, _who(followed))
    reason = "; ".join([part.problem for part in problems])
    alarms = not all(part.early for part in problems)
    step = "Mend what writes or serves it; an operator's ratio goes before every policy"
    return Finding("policy", Permission.ANY, measured, limit, reason, step, alarms=alarms)


def _who(followed: Followed) -> str:
    if followed.wanted is None:
        return "no policy has said anything yet"
    who = "the fixed ratio" if followed.by == "configured" else followed.by
    return f"{who} wants {plain(followed.wanted, 4)}"


def _parts(view: View) -> Iterator[Part]:
    policies = view.hedge.policies
    assert policies is not None
    if policies.steps is not None:
        yield _steps(policies.steps, view)
    if policies.external is not None:
        yield _external(policies.external, view)
    if policies.windows:
        now = agreed_time(view.snapshot)
        turns = (
            at for each in policies.windows for at in (each.start, each.end) if at is not None and at > now
        )
        turn = next(turns, None)
        yield Part("schedule", "" if turn is None else _turn(turn))


def _steps(steps: Steps, view: View) -> Part:
    now = signal(steps, view.snapshot, view.signals)
    limit = _levels(steps)
    if now.value is not None:
        return Part(f"{steps.signal} {plain(now.value, 4)}", limit)
    early = steps.signal is not Signal.FUNDING and _early(view, asked=view.signals.market.asked)
    problem = f"the {steps.signal} is not known, the last target is kept: {now.problem}"
    return Part(f"{steps.signal} unknown", limit, problem, early)


def _external(external: External, view: View) -> Part:
    now, asked = wish(external, view.snapshot, view.signals), view.signals.wanted.asked
    limit = f"good for {external.valid_ms / 1000:.0f} s"
    if now.value is not None:
        problem = view.signals.wanted.problem
        late = f"the external ratio holds for now, but: {problem}" if problem else ""
        return Part(f"external {plain(now.value)}", limit, late)
    kept = external.after is After.KEEP or not now.expired
    then = "the last target is kept" if kept else "what holds without it is taken"
    return Part(
        "external unknown", limit, f"no external ratio, {then}: {now.problem}", _early(view, asked=asked)
    )


@lru_cache(maxsize=64)
def _levels(steps: Steps) -> str:
    return f"steps at {' and '.join([plain(level) for level, _ in steps.levels])}"


@lru_cache(maxsize=64)
def _turn(at: Millis) -> str:
    return f"next turn {iso(at)}"


def _early(view: View, *, asked: bool) -> bool:
    return not asked and view.at - view.started_at < GRACE_MS
