"""The ratio that another program wants, while its word is fresh."""

from hedgebot.domain.policy import After
from hedgebot.domain.readings import wish
from hedgebot.planning.policy.word import Seen, Word


def say(seen: Seen, word: Word) -> Word:
    """That ratio; expired, the last target or what holds without it, as configured.

    What was never read, or is dated in the future, has not expired.
    """
    external = seen.policies.external
    if external is None:
        return word
    now = wish(external, seen.snapshot, seen.signals)
    if now.value is not None:
        return word._replace(ratio=now.value, by="external")
    if external.after is After.RETURN and now.expired:
        return word
    return word._replace(ratio=None, by="external")
