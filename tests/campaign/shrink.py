"""Makes a failing plan small: fewer troubles, less time, as long as the same rule is still broken."""

from collections.abc import Callable, Sequence

from tests.campaign.plan import Plan

Fails = Callable[[Plan], bool]


def smallest(plan: Plan, fails: Fails) -> Plan:
    """The plan without what its failure does not need."""
    kept = ddmin([trouble.number for trouble in plan.troubles], lambda numbers: fails(plan.only(numbers)))
    return _shortest(plan.only(kept), fails)


def ddmin(items: Sequence[int], fails: Callable[[Sequence[int]], bool]) -> list[int]:
    """A subset that still fails and from which no part can be left out (Zeller, Hildebrandt: "Simplifying and
    Isolating Failure-Inducing Input", 2002)."""
    if fails([]):
        return []
    left, parts = list(items), 2
    while len(left) >= 2:
        size = -(-len(left) // parts)
        chunks = [left[at : at + size] for at in range(0, len(left), size)]
        for chunk in chunks:
            rest = [item for item in left if item not in chunk]
            if fails(rest):
                left, parts = rest, max(parts - 1, 2)
                break
        else:
            if parts >= len(left):
                break
            parts = min(2 * parts, len(left))
    return left


def _shortest(plan: Plan, fails: Fails) -> Plan:
    """Its troubles over as early as possible: by bisection, to a tenth of its time."""
    low, high = 0.0, plan.quiet_at
    while high - low > plan.quiet_at / 10:
        middle = round((low + high) / 2, 3)
        if fails(plan.cut(middle)):
            high = middle
        else:
            low = middle
    return plan.cut(high) if high < plan.quiet_at else plan
