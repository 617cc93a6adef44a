"""Funding over its budget: the ratio held low, or the hedge unwound, if the configuration says so.

What other policies want is remembered beside it, so that it holds again once funding is cheap.
"""

from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.funding import Action, annual, over
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.readings import paid
from hedgebot.domain.records import Followed
from hedgebot.planning.policy.word import Seen, Word


def say(seen: Seen, word: Word) -> Word:
    """The word with what to remember of the budget. An unwind is asked for once, when it is exceeded.

    What is not known changes nothing. A budget that unwinds waits while an operator's word holds, and asks as
    soon as that is withdrawn.
    """
    budget, before = seen.hedge.funding, word.followed.over_budget
    if budget is None:
        return word
    unwinds = budget.action is Action.UNWIND
    found, problem = paid(seen.snapshot, seen.signals)
    if problem or (unwinds and not seen.free):
        return word
    now = over(budget, found, _running(seen, word), before=before)
    if now is before:
        return word
    why = "funding is over its budget" if unwinds and now else ""
    return word._replace(followed=replace(word.followed, over_budget=now), unwind=word.unwind or why)


def _running(seen: Seen, word: Word) -> Decimal | None:
    """What the running rates would cost a year at the ratio that is wanted; the dearest leg's, to be safe."""
    rates = [annual(leg.quote.funding) for leg in seen.snapshot.legs]
    known = [rate for rate in rates if rate is not None]
    ratio = word.followed.wanted if word.ratio is None else word.ratio
    return None if len(known) < len(rates) or ratio is None else -min(known) * ratio


def held_down(hedge: Hedge, followed: Followed, ratio: Decimal) -> Decimal:
    """``ratio``, or the floor where funding is over a budget that says so."""
    budget = hedge.funding
    if budget is None or budget.action is not Action.FLOOR or not followed.over_budget:
        return ratio
    return min(ratio, budget.floor)
