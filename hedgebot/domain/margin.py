"""How well the legs of a snapshot are margined: pools, liquidation figures, leverage."""

from decimal import Decimal
from itertools import chain

from hedgebot.domain.linear import LinearShort, liquidation_price
from hedgebot.domain.liquidation import Figure, MarginPool, NoFigure, PooledShort, reported, worst
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.units import ZERO, Coin


def pool(snapshot: Snapshot, leg: Leg) -> MarginPool:
    """What is liquidated together with an inverse ``leg``: itself when isolated, else all of its wallet."""
    if leg.position.margin is not None:
        return MarginPool(_pooled(leg), leg.position.margin)
    others = (other for other in snapshot.legs if other is not leg and _shares(other, leg))
    together = chain(_pooled(leg), *(_pooled(other) for other in others))
    coins = leg.wallet.coins - _isolated_margin(snapshot, leg)
    return MarginPool(tuple(together), coins, leg.wallet.other_margin)


def liquidation(snapshot: Snapshot, leg: Leg) -> Figure:
    """The lowest of the exchange's figure and both of ours; "never" for a flat leg."""
    if not leg.short.notional:
        return NoFigure.NEVER
    ours = _ours(snapshot, leg)
    return worst((reported(leg.position.liquidation, leg.mark, ours), *ours))


def distance(snapshot: Snapshot, leg: Leg) -> Decimal | NoFigure:
    """``liquidation / mark - 1``: how far the price may rise."""
    figure = liquidation(snapshot, leg)
    return figure if isinstance(figure, NoFigure) else figure / leg.mark - 1


def leverage(snapshot: Snapshot, leg: Leg) -> Decimal | None:
    """``Q / (M + U)`` of the leg's pool at mark; None where no margin is left or nothing is short."""
    if isinstance(leg.short, LinearShort):
        dollars = leg.short.profit.value + (leg.position.margin or Coin.zero()).value
        return leg.short.notional.value / dollars if leg.short.notional and dollars > ZERO else None
    margined = pool(snapshot, leg)
    short = sum((p.short.short.value for p in margined.shorts), ZERO)
    equity = margined.margin.value + sum((p.short.unrealized.value for p in margined.shorts), ZERO)
    equity += margined.other.at(leg.mark).value
    return short / equity if short and equity > ZERO else None


def _ours(snapshot: Snapshot, leg: Leg) -> tuple[Figure, ...]:
    """Our own figures. An isolated or linear leg whose margin is not known has none."""
    short, margin = leg.short, leg.position.margin
    if isinstance(short, LinearShort):
        if margin is None or short.entry is None:
            return (NoFigure.UNKNOWN,)
        maintenance = leg.facts.maintenance(short.short)
        return (liquidation_price(margin.value, short.short, short.entry, maintenance),)
    if margin is None and leg.margin_mode is MarginMode.ISOLATED:
        return (NoFigure.UNKNOWN,)
    return pool(snapshot, leg).figures(leg.mark)


def _pooled(leg: Leg) -> tuple[PooledShort, ...]:
    if isinstance(leg.short, LinearShort):
        return ()
    return (PooledShort(leg.short, leg.facts.maintenance(leg.short.short), leg.facts.taker_fee),)


def _shares(other: Leg, leg: Leg) -> bool:
    return other.wallet.id == leg.wallet.id and other.position.margin is None


def _isolated_margin(snapshot: Snapshot, leg: Leg) -> Coin:
    """Margin of isolated legs in the same wallet: it does not back the cross pool."""
    if leg.margin_mode is not MarginMode.CROSS:
        return Coin.zero()
    same = (other.position.margin for other in snapshot.legs if other.wallet.id == leg.wallet.id)
    return sum((margin for margin in same if margin is not None), Coin.zero())
