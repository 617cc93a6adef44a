"""The decision: trade to the target, or nothing, and why.

``|ratio - r| > band`` trades, then goes to the target; a gap under one lot or the exchange's minimum is
a stable nothing and counts as hedged, unless not even the first lot fits. A hedge that is where it should be
may leave a contract (``roll``). A leg near its liquidation comes before all that (``collateral``), coins that
its margin does not need come after (``spare``).
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.decision import Assessment, Plan, Target
from hedgebot.domain.hedge import Hedge, LegDown
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Exposure, Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO, plain
from hedgebot.planning.case import Case
from hedgebot.planning.collateral import climb
from hedgebot.planning.hedge_size import contracts_to_target, whole_lots
from hedgebot.planning.leg_order import WITHIN, in_leg, minimum
from hedgebot.planning.legs import parts, told
from hedgebot.planning.roll import rolled
from hedgebot.planning.spare import spare


def decide(
    hedge: Hedge,
    snapshot: Snapshot,
    assessment: Assessment,
    target: Target,
    control: Control,
    transfers: Sequence[TransferIntent] = (),
) -> Plan:
    """The plan for one coherent snapshot. ``transfers`` are those of the last day and all unfinished ones."""
    case = Case(hedge, snapshot, assessment, target, control, transfers)
    plan = rolled(case, _to_target(case))
    if snapshot.dead:  # nothing is moved where nobody can look, and nothing leaves a margin meanwhile
        return climb(case._replace(snapshot=replace(snapshot, legs=snapshot.living)), plan)
    return spare(case, climb(case, plan))


def _to_target(case: Case) -> Plan:
    if reason := _settled(case):
        return Plan(reason, True, case.target)
    gap, plans = case.gap, list[Plan]()
    barred = case.forbidden(selling=gap.coins >= ZERO)
    for part in parts(case.hedge, case.snapshot, gap, case.target):
        if part.beyond and case.hedge.if_leg_down is LegDown.WAIT and any(plan.forbidden for plan in plans):
            break  # a leg takes no more, and what it should have sold waits for it
        plan = in_leg(case, part, barred)
        if plan.acts or (barred and plan.forbidden):
            return plan
        plans.append(plan)
    if full := next((plan for plan in plans if plan.forbidden), None):
        return full
    if reason := _left(case):
        return Plan(reason, False, case.target, forbidden=True)
    return plans[0] if plans else Plan(WITHIN, True, case.target)


def _settled(case: Case) -> str:
    """Why nothing is to be done before any size is known; empty when something may be."""
    exposure = case.snapshot.exposure
    if case.control.unwound:
        return "unwound: nothing is traded until resumed"
    if exposure.held.value <= ZERO and not exposure.sold:
        return "nothing is held and nothing is short"
    return "inside the band" if inside(exposure, case.target, case.hedge.band) else ""


def inside(exposure: Exposure, target: Target, band: Decimal) -> bool:
    """Whether the band lets the ratio be; strictly more than the band trades."""
    ratio = exposure.ratio
    return not target.exact and ratio is not None and abs(ratio - target.ratio) <= band


def _left(case: Case) -> str:
    """What only a dead leg could trade now; empty where there is none."""
    gap = case.gap
    if case.target.reduce_only and gap.coins >= ZERO:
        return ""
    for leg in case.snapshot.legs:
        if leg.dead is None:
            continue
        contracts = whole_lots(gap, leg, contracts_to_target(gap, leg, leg.mark))
        if contracts and abs(contracts) >= minimum(leg, contracts, case.hedge.limits):
            coins, verb = plain(abs(gap.coins), 4), "sell" if contracts.value < ZERO else "buy back"
            return f"{coins} {case.snapshot.asset} to {verb} wait for {leg.name}: {told(case.snapshot)}"
    return ""
