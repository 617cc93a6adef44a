"""How well the legs of a snapshot are margined: pools, liquidation figures, leverage."""

from decimal import Decimal

from hedgebot.domain.linear import LinearPool
from hedgebot.domain.liquidation import Figure, MarginPool, NoFigure, reported, worst
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.units import ONE, ZERO


def pool(snapshot: Snapshot, leg: Leg) -> MarginPool:
    """What is liquidated together with an inverse ``leg``: itself when isolated, else all of its wallet."""
    found = snapshot.pools[leg.name]
    if isinstance(found, LinearPool):
        raise TypeError(f"{leg.name} is linear: no coins margin it")
    return found


def liquidation(snapshot: Snapshot, leg: Leg) -> Figure:
    """The lowest of the exchange's figure and both of ours; "never" for a flat leg."""
    known = snapshot.figures
    if leg.name not in known:
        known[leg.name] = _liquidation(snapshot, leg)
    return known[leg.name]


def _liquidation(snapshot: Snapshot, leg: Leg) -> Figure:
    if not leg.short.notional:
        return NoFigure.NEVER
    ours = _ours(snapshot, leg)
    return worst((reported(leg.position.liquidation, leg.mark, ours), *ours))


def distance(snapshot: Snapshot, leg: Leg) -> Decimal | NoFigure:
    """``liquidation / mark - 1``: how far the price may rise."""
    figure = liquidation(snapshot, leg)
    return figure if isinstance(figure, NoFigure) else figure.value / leg.mark.value - ONE


def leverage(snapshot: Snapshot, leg: Leg) -> Decimal | None:
    """``Q / (M + U)`` of the leg's pool at mark; None where no margin is left or nothing is short."""
    short, equity = backing(snapshot, leg)
    return short / equity if short and equity > ZERO else None


def backing(snapshot: Snapshot, leg: Leg) -> tuple[Decimal, Decimal]:
    """What a leg's pool is short at mark, and its margin with unrealised profit: ``Q`` and ``M + U``, of a
    linear leg both in dollars."""
    margined = snapshot.pools[leg.name]
    if isinstance(margined, LinearPool):
        return margined.short.notional.value, margined.dollars + margined.short.profit.value
    short, equity = ZERO, margined.margin.value + margined.other.value / leg.mark.value
    for each in margined.shorts:
        short += each.short.short.value
        equity += each.short.unrealized.value
    return short, equity


def _ours(snapshot: Snapshot, leg: Leg) -> tuple[Figure, ...]:
    """Our own figures. An isolated leg whose margin is not known has none."""
    if leg.position.margin is None and leg.margin_mode is MarginMode.ISOLATED:
        return (NoFigure.UNKNOWN,)
    return snapshot.pools[leg.name].figures(leg.mark)
