"""The ratio that another program wants, while its word is fresh."""

from hedgebot.domain.policy import After
from hedgebot.domain.readings import wish
from hedgebot.planning.policy.word import Seen, Word


def say(seen: Seen, word: Word) -> Word:
    """That ratio; expired, the last target or what holds without it, as configured.

    Before the first reading nothing is known of it, not even that it expired.
    """
    external = seen.policies.external
    if external is None:
        return word
    wanted = wish(external, seen.snapshot, seen.signals).value
    if wanted is not None:
        return word._replace(ratio=wanted, by="external")
    if external.after is After.RETURN and seen.signals.wanted.asked:
        return word
    return word._replace(ratio=None, by="external")
