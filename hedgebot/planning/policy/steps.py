"""The ratio in steps over one signal. A step is left again only a hysteresis below where it was taken."""

from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.policy import Steps
from hedgebot.domain.readings import signal
from hedgebot.planning.policy.word import Seen, Word


def say(seen: Seen, word: Word) -> Word:
    """The highest step that the signal has reached; below all of them, what holds without this policy."""
    steps = seen.policies.steps
    if steps is None:
        return word
    value = signal(steps, seen.snapshot, seen.signals).value
    if value is None:
        return word._replace(ratio=None, by="steps")
    step = climbed(steps, value, word.followed.step)
    if step != word.followed.step:
        word = word._replace(followed=replace(word.followed, step=step))
    return word._replace(ratio=steps.levels[step - 1][1], by="steps") if step else word


def climbed(steps: Steps, value: Decimal, before: int | None) -> int:
    """How many steps are climbed at ``value``, when ``before`` were; None where nothing is remembered."""
    step = sum(value >= level for level, _ in steps.levels)
    if before is None or step >= before:
        return step
    return sum(value >= level - steps.hysteresis for level, _ in steps.levels[:before])
