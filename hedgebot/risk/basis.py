"""How far is the contract from what the coin is worth? Too far, and nothing more is sold at such a price.

Reductions and rescue go on. Without an index nobody knows, which is no basis of zero.
"""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ONE, ZERO
from hedgebot.risk.view import View

STEP = "Nothing: it is sold once the prices agree again; a wider bound sells sooner"


def check(view: View) -> Finding:
    bound, widest, where = view.hedge.basis_max, ZERO, ""
    limit = "" if bound is None else f"{bound}"
    for leg in view.snapshot.living:
        index = leg.quote.index
        if index is None:
            return _unknown(leg, limit)
        basis = leg.quote.mark.value / index.value - ONE
        if abs(basis) >= abs(widest):
            widest, where = basis, leg.name
    if bound is None or abs(widest) <= bound:
        return Finding("basis", Permission.ANY, f"{widest:.4f}", limit, "the contract is where its index is")
    side = "above" if widest > ZERO else "below"
    reason = f"{where} is marked {abs(widest):.2%} {side} its index: new risk waits, reductions go on"
    return Finding("basis", Permission.REDUCE_ONLY, f"{widest:.4f}", limit, reason, STEP, alarms=True)


def _unknown(leg: Leg, limit: str) -> Finding:
    reason = f"the index of {leg.name} is not known: new risk waits, reductions go on"
    step = "Compare with the exchange's own page"
    return Finding("basis", Permission.REDUCE_ONLY, "unknown", limit, reason, step, alarms=True)
