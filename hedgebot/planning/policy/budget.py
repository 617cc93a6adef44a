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
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ONE, ZERO
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
    moved = now and budget.action is Action.DATED and (word.followed.moved or _cheaper(budget, seen))
    if (now, moved) == (before, word.followed.moved):
        return word
    why = "funding is over its budget" if unwinds and now and not before else ""
    followed = replace(word.followed, over_budget=now, moved=moved)
    return word._replace(followed=followed, unwind=word.unwind or why)


def _cheaper(budget: Budget, seen: Seen) -> bool:
    """Whether every dated contract that the hedge could be in costs less than what is cheap for funding."""
    dated = [leg for leg in seen.snapshot.legs if is_dated(leg.policy.symbol)]
    costs = [_cost(leg, seen.hedge.limits.jump) for leg in dated]
    return bool(costs) and all(cost is not None and cost < budget.most * CHEAP for cost in costs)


def _cost(leg: Leg, jump: Decimal) -> Decimal | None:
    """What a dated contract costs a year; None where it cannot be traded, or its prices are not to be
    believed: while it is idle no guard looks at them."""
    quote, contract = leg.quote, leg.facts.instrument
    if leg.dead is not None or contract.ends_at is None or not contract.tradable or quote.index is None:
        return None
    sane = quote.bids and quote.asks and abs(quote.mark.value / quote.index.value - ONE) <= jump
    return carry(quote, contract.ends_at) if sane else None


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
