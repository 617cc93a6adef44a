"""The ratio by the calendar: windows, and what happens when the last one ends."""

from dataclasses import replace

from hedgebot.domain.readings import agreed_time
from hedgebot.domain.status import iso
from hedgebot.planning.policy.word import Seen, Word


def say(seen: Seen, word: Word) -> Word:
    """The running window's ratio; between windows, what holds without them. Unwinds once, at the end."""
    policies, now = seen.policies, agreed_time(seen.snapshot)
    for window in policies.windows:
        if window.start <= now and (window.end is None or now < window.end):
            return word._replace(ratio=window.ratio, by="schedule")
    end = policies.unwind_at
    if end is None or now < end or word.followed.ended >= end or not seen.free:
        return word
    followed = replace(word.followed, ended=end)
    return word._replace(followed=followed, unwind=f"the schedule ended at {iso(end)}")
