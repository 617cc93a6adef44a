"""Coins that the margin does not need leave it: the ladder's way back, and the way home at the end.

Both wait until nothing else is to be done and everything is permitted, and neither takes a transfer that is
on its way, or was refused of late, for one that may be repeated. Coins in a margin protect: without
``min_leverage`` and ``home_when_unwound`` they stay there.
"""

from collections.abc import Sequence

from hedgebot.domain.decision import Permission, Plan, PlannedTransfer
from hedgebot.domain.excess import excess
from hedgebot.domain.inverse import Short
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.transfers import SMALLEST, Pocket, TransferIntent, TransferStage, pair_of
from hedgebot.domain.units import ZERO
from hedgebot.planning.case import Case
from hedgebot.planning.collateral import nearest_leg, warning_of
from hedgebot.planning.moves import closed, planned, worded


def spare(case: Case, plan: Plan) -> Plan:
    """``plan``, or, where that does nothing, the next move of coins that no leg needs."""
    policy, control = case.hedge.collateral, case.control
    if not plan.hedged or plan.acts or control.paused or case.assessment.permission > Permission.ANY:
        return plan
    sold = case.snapshot.exposure.sold
    if policy.home_when_unwound and control.unwound and not control.home and not sold:
        return _home(case.snapshot, plan, case.transfers)
    if policy.enabled and policy.min_leverage is not None:
        return _sweep(case, plan)
    return plan


def _sweep(case: Case, plan: Plan) -> Plan:
    """What a leg has too much of; while any leg is near its liquidation, nothing."""
    hedge, snapshot, transfers = case.hedge, case.snapshot, case.transfers
    nearest = nearest_leg(snapshot)
    if nearest is not None and nearest[0] < warning_of(hedge, nearest[1]):
        return plan
    for leg in (each for each in snapshot.legs if isinstance(each.short, Short)):
        on = _onward(snapshot, leg, transfers)
        if on is not None and _open(snapshot, on, transfers):
            return _moving(plan, snapshot, on, f"{leg.name} does not need them")
        too_much = excess(hedge, snapshot, leg)
        if too_much is None or not too_much.moves:
            continue
        isolated = leg.position.margin is not None
        way = (Pocket.ISOLATED, Pocket.MARGIN) if isolated else (Pocket.MARGIN, Pocket.SPOT)
        away = planned(snapshot, leg, too_much.moves, *way)
        if away is not None and _open(snapshot, away, transfers):
            below = f"below min_leverage {hedge.collateral.min_leverage}"
            return _moving(plan, snapshot, away, f"{leg.name} runs at {too_much.leverage:.2f}, {below}")
    return plan


def _onward(snapshot: Snapshot, leg: Leg, transfers: Sequence[TransferIntent]) -> PlannedTransfer | None:
    """What left an isolated margin of this account last goes on to its spot wallet, where it has one."""
    account = leg.policy.account
    made = [t for t in transfers if t.request.account == account and t.stage is not TransferStage.ABSENT]
    last = max(made, key=lambda transfer: transfer.number, default=None)
    if last is None or (last.stage, last.request.source) != (TransferStage.DONE, Pocket.ISOLATED):
        return None
    coins = min(last.request.coins, leg.wallet.withdrawable)
    return planned(snapshot, leg, coins.value, Pocket.MARGIN, Pocket.SPOT) if coins >= SMALLEST else None


def _home(snapshot: Snapshot, plan: Plan, transfers: Sequence[TransferIntent]) -> Plan:
    """All that can be withdrawn, once everything is bought back; what is too little to move stays."""
    waits, dust = "", ZERO
    for wallet, leg in {leg.wallet: leg for leg in snapshot.legs if isinstance(leg.short, Short)}.items():
        away = planned(snapshot, leg, wallet.withdrawable.value, Pocket.MARGIN, Pocket.SPOT)
        if away is None:
            continue  # one pot, or a spot wallet that the hedge does not know
        if away.coins >= SMALLEST and _open(snapshot, away, transfers):
            return _moving(plan, snapshot, away, "the hedge is unwound")
        if wallet.coins >= SMALLEST:
            margin = f"the margin on {leg.policy.account}"
            waits = f"; {wallet.coins} {snapshot.asset} of {margin} cannot leave it yet"
        dust += wallet.coins.value
    if waits:
        return plan._replace(reason=plan.reason + waits)
    left = f"; {dust} {snapshot.asset} in the margin are too few to move" if dust else ""
    return plan._replace(reason=plan.reason + left, home=True)


def _open(snapshot: Snapshot, moved: PlannedTransfer, transfers: Sequence[TransferIntent]) -> bool:
    return pair_of(moved.account, snapshot.asset, moved.symbol) not in closed(snapshot, transfers)


def _moving(plan: Plan, snapshot: Snapshot, moved: PlannedTransfer, why: str) -> Plan:
    return plan._replace(reason=f"{worded(moved, snapshot)}: {why}", transfer=moved)
