"""Funding over its budget: the ratio held low, or the hedge unwound, if the configuration says so.

What other policies want is remembered beside it, so that it holds again once funding is cheap.
"""

from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.funding import CHEAP, Action, Budget, annual, carry, over
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.instrument import is_dated
from hedgebot.domain.market import NO_FUNDING
from hedgebot.domain.readings import paid
from hedgebot.domain.records import Followed
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import ZERO
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
    moved = now and budget.action is Action.DATED and (word.followed.moved or _cheaper(budget, seen.snapshot))
    if (now, moved) == (before, word.followed.moved):
        return word
    why = "funding is over its budget" if unwinds and now and not before else ""
    followed = replace(word.followed, over_budget=now, moved=moved)
    return word._replace(followed=followed, unwind=word.unwind or why)


def _cheaper(budget: Budget, snapshot: Snapshot) -> bool:
    """Whether every dated contract that the hedge could be in costs less than what is cheap for funding."""
    ends = [(leg.quote, leg.facts.instrument.ends_at) for leg in snapshot.legs if is_dated(leg.policy.symbol)]
    found = [carry(quote, at) for quote, at in ends if at is not None]
    return bool(found) and all(cost is not None and cost < budget.most * CHEAP for cost in found)


def _running(seen: Seen, word: Word) -> Decimal | None:
    """What the running rates would cost a year at the ratio that is wanted; the dearest leg's, to be safe."""
    rates = [annual(leg.quote.funding) for leg in seen.snapshot.legs if leg.quote.funding != NO_FUNDING]
    known = [rate for rate in rates if rate is not None]
    ratio = word.followed.wanted if word.ratio is None else word.ratio
    return None if len(known) < len(rates) or ratio is None else -min(known, default=ZERO) * ratio


def held_down(hedge: Hedge, followed: Followed, ratio: Decimal) -> Decimal:
    """``ratio``, or the floor where funding is over a budget that says so."""
    budget = hedge.funding
    if budget is None or budget.action is not Action.FLOOR or not followed.over_budget:
        return ratio
    return min(ratio, budget.floor)
