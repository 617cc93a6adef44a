"""The collateral ladder: watch, warn, move coins to the margin, only then buy back.

    beyond ``warn``     nothing
    nearer than that    coins move: from the spot wallet to the margin wallet, and on to an isolated margin
    nearer than ``act`` part of the short is bought back: what all coins at hand no longer carry

A transfer that is on its way, or was refused of late, is a rung that does not hold: the next one is taken.
Coins move until liquidation lies well beyond ``warn``, and a purchase leads half-way back there, so that the
next tick does not ask for another. What the collateral does not carry beyond ``warn`` is not sold (again).

Behind a linear leg stand dollars: those of its stable coin's wallet may move to its isolated margin, and
coins of the asset cannot help.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from hedgebot.domain.decision import Finding, Permission, Plan, PlannedOrder, PlannedTransfer
from hedgebot.domain.hedge import BEYOND, Hedge
from hedgebot.domain.linear import LinearPool
from hedgebot.domain.liquidation import MarginPool, PooledShort
from hedgebot.domain.margin import distance, liquidation
from hedgebot.domain.rescue import missing, to_buy_back, to_sell
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.transfers import SMALLEST, Pocket, pair_of
from hedgebot.domain.units import ONE, WIDE, ZERO, Contracts, Price
from hedgebot.planning.case import Case
from hedgebot.planning.hedge_size import within
from hedgebot.planning.moves import closed, planned, worded
from hedgebot.planning.pricing import bounded, priced

LEAST = Decimal("0.001")
"""The smallest transfer worth a request, as a share of what is short."""

HALF = Decimal("0.5")
"""What is bought back at a time where our arithmetic sees no need and liquidation is nearer than half of
``act`` all the same: a transfer that would help does not arrive, or the exchange knows more than we do."""


class Danger(NamedTuple):
    """What a leg's liquidation, ``away`` above its mark, is made of, and the coins that could move it.

    ``spare`` are coins of the margin wallet (of a linear leg: dollars) that may still be isolated, ``spot``
    those that may leave the spot wallet; none where a transfer on their way is unresolved, or was refused of
    late. Nearer than ``warning`` they do.
    """

    leg: Leg
    pool: MarginPool | LinearPool
    short: PooledShort
    away: Decimal
    spare: Decimal
    spot: Decimal
    warning: Decimal


def climb(case: Case, plan: Plan) -> Plan:
    """``plan``, or in its place the next rung of the ladder for the leg nearest to its liquidation."""
    hedge, snapshot = case.hedge, case.snapshot
    nearest = nearest_leg(snapshot) if hedge.collateral.enabled else None
    if nearest is None or nearest[0] >= warning_of(hedge, nearest[1]):
        return plan
    if case.control.paused or case.assessment.permission > Permission.REDUCE_ONLY:
        return plan
    danger = _danger(case, nearest[1], nearest[0])
    moved = _move(snapshot, danger)
    if moved is not None:
        reason = f"{worded(moved, snapshot)}: {_words(danger)}"
        return plan._replace(reason=reason, order=None, leverage=None, transfer=moved, rescues=True)
    return _reduce(hedge, snapshot, danger, plan) if danger.away < hedge.liquidation_act else plan


def carried(case: Case, leg: Leg, contracts: Contracts) -> Contracts:
    """A sale cut to what all coins at hand carry beyond the warning distance, in whole lots.

    A cut sale is worth its order only beyond the band: what may be sold grows with every tick.
    """
    if not case.hedge.collateral.enabled:
        return contracts
    danger = _danger(case, leg, ZERO)
    coins = to_sell(danger.pool, danger.short, ONE + danger.warning, danger.spare + danger.spot)
    instrument = leg.facts.instrument
    cut = within(contracts, _contracts(leg, max(coins, ZERO), ROUND_FLOOR), instrument)
    worth = abs(case.snapshot.exposure.held) * case.hedge.band
    little = instrument.dollars(cut, leg.mark).at(leg.mark) <= worth
    return Contracts.zero() if cut != contracts and little else cut


def step_taken(plan: Plan) -> Finding:
    """What the ladder does, for those who should know: to buy back, or to be unable to, is the last step."""
    step = "Add margin to the account, or lower the ratio: further up it will not be there"
    last = plan.transfer is None
    return Finding("ladder", Permission.ANY, "", "", plan.reason, step, alarms=True, critical=last)


def nearest_leg(snapshot: Snapshot) -> tuple[Decimal, Leg] | None:
    """The leg with the shortest known way to its liquidation."""
    nearest: tuple[Decimal, Leg] | None = None
    for leg in snapshot.legs:
        away = distance(snapshot, leg)
        if isinstance(away, Decimal):
            nearest = (away, leg) if nearest is None or away < nearest[0] else nearest
    return nearest


def warning_of(hedge: Hedge, leg: Leg) -> Decimal:
    """The distance to its liquidation within which coins move to a leg."""
    return hedge.collateral.warning(hedge.liquidation_warn, linear=leg.facts.instrument.linear)


def _danger(case: Case, leg: Leg, away: Decimal) -> Danger:
    hedge, snapshot = case.hedge, case.snapshot
    account, shut = leg.policy.account, closed(snapshot, case.transfers)
    spare = spot = ZERO
    isolated = leg.position.margin is not None
    arrives = not isolated or pair_of(account, snapshot.asset, leg.policy.symbol) not in shut
    if isolated and arrives:
        spare = leg.wallet.withdrawable.value
    if arrives and not leg.facts.instrument.linear and pair_of(account, snapshot.asset) not in shut:
        wallets = (w for w in snapshot.spot_wallets if w.id.account == account)
        spot = sum((wallet.withdrawable.value for wallet in wallets), ZERO)
    short = PooledShort(leg.short, leg.maintenance, leg.facts.taker_fee)
    return Danger(leg, snapshot.pools[leg.name], short, away, spare, spot, warning_of(hedge, leg))


def _move(snapshot: Snapshot, danger: Danger) -> PlannedTransfer | None:
    """The coins to move now. To an isolated margin they go through the margin wallet, a cycle later: what is
    there already goes first if it is half of what is wanted, which grows while the price does."""
    wanted = missing(danger.pool, _aim(snapshot, danger, ONE + BEYOND * danger.warning))
    least = max(SMALLEST.value, LEAST * danger.short.short.worth.value)
    spot, spare = min(danger.spot, wanted - danger.spare), min(danger.spare, wanted)
    if spot >= least and 2 * spare < wanted:
        return planned(snapshot, danger.leg, spot, Pocket.SPOT, Pocket.MARGIN)
    if spare >= least:
        return planned(snapshot, danger.leg, spare, Pocket.MARGIN, Pocket.ISOLATED)
    return None


def _aim(snapshot: Snapshot, danger: Danger, factor: Decimal) -> Decimal:
    """``factor`` as our own figures have to show it for the exchange's to reach it, where that is nearer."""
    worst = liquidation(snapshot, danger.leg)
    ours = [figure for figure in danger.pool.figures(danger.leg.mark) if isinstance(figure, Price)]
    return factor * (min(ours) / worst) if ours and isinstance(worst, Price) else factor


def _reduce(hedge: Hedge, snapshot: Snapshot, danger: Danger, plan: Plan) -> Plan:
    """``plan`` with the purchase that liquidation's nearness asks for, if it does not buy as much anyway."""
    half_way = ONE + (hedge.liquidation_act + danger.warning) / 2
    leg, factor = danger.leg, _aim(snapshot, danger, half_way)
    at_hand = leg.wallet.withdrawable.value if leg.position.margin is not None else ZERO
    coins = to_buy_back(danger.pool, danger.short, factor, at_hand)
    if coins <= ZERO and 2 * danger.away < hedge.liquidation_act:
        coins = HALF * danger.short.short.short.value
    if coins <= ZERO:
        return plan
    wanted = min(_contracts(leg, coins, ROUND_CEILING), abs(leg.position.contracts))
    if plan.order is not None and _does_as_much(plan.order, snapshot, leg, wanted):
        return plan
    cut = bounded(wanted, leg, hedge.limits)
    if not cut:
        reason = f"the book of {leg.name} offers too little within {hedge.limits.slippage} of mark"
        return plan._replace(reason=f"{reason}: {_words(danger)}", hedged=False, forbidden=True, rescues=True)
    order = priced(cut, leg, hedge.limits, snapshot.exposure)
    reason = f"buy back {cut} contracts of {leg.name}, no coins left to move: {_words(danger)}"
    return plan._replace(reason=reason, hedged=False, order=order, leverage=None, rescues=True)


def _does_as_much(order: PlannedOrder, snapshot: Snapshot, leg: Leg, wanted: Contracts) -> bool:
    """Whether an order that is planned anyway relieves the same pool of as many dollars."""
    other = snapshot.leg(order.leg.name)
    pooled = other.wallet.id == leg.wallet.id and other.position.margin is leg.position.margin is None
    if order.contracts.value < ZERO or not (other is leg or pooled):
        return False
    dollars = other.facts.instrument.dollars(order.contracts, other.mark)
    return dollars.value >= leg.facts.instrument.dollars(wanted, leg.mark).value


def _contracts(leg: Leg, coins: Decimal, rounding: str) -> Contracts:
    """Coins at mark as whole lots."""
    instrument = leg.facts.instrument
    each = instrument.dollars(instrument.lot, leg.mark).at(leg.mark).value
    return instrument.lot * (coins / each).quantize(ONE, rounding, WIDE)


def _words(danger: Danger) -> str:
    return f"{danger.leg.name} would be liquidated {danger.away:.1%} above its mark"
