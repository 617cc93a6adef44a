"""ASSESS: the guards. Pure: each looks at one view and returns one finding, also when content.

To add a guard: one file with ``check(view) -> Finding``, one entry in ``GUARDS``. Guards only restrain
or reduce; none of them proposes a trade. ``coherence`` comes first: without it nothing else is judged.
"""

from dataclasses import replace

from hedgebot.domain.decision import Assessment
from hedgebot.domain.records import Memory
from hedgebot.risk import (
    account_mode,
    basis,
    clock,
    coherence,
    collateral,
    drift,
    expiry,
    foreign,
    funding,
    in_flight,
    jump,
    key,
    limits,
    liquidation,
    outage,
    policy,
    transfers,
)
from hedgebot.risk.memory import changed, disturbed, expected, remember
from hedgebot.risk.view import View

GUARDS = (
    outage.check,
    in_flight.check,
    transfers.check,
    account_mode.check,
    foreign.check,
    jump.check,
    collateral.check,
    liquidation.check,
    limits.check,
    drift.check,
    clock.check,
    key.check,
    policy.check,
    funding.check,
    basis.check,
    expiry.check,
)


def assess(view: View) -> tuple[Assessment, Memory]:
    """Every guard's finding over a coherent snapshot; over an incoherent one, only what needs none.

    An incoherent snapshot is never remembered: what it shows did not happen; what our own orders did, has.
    """
    coherent = coherence.check(view)
    if coherent.blinds:
        blind = Assessment((coherent, in_flight.check(view), key.check(view)))
        return blind, replace(view.memory, contracts=tuple(expected(view).items()))
    remembered = view.remembering(remember(view))
    return Assessment((coherent, *[check(remembered) for check in GUARDS])), remembered.memory


__all__ = ["GUARDS", "View", "assess", "changed", "disturbed"]
