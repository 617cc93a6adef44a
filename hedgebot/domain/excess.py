"""What a leg's margin holds beyond its need, once a falling price or a smaller short has left it too much.

A leg whose leverage is below ``min_leverage`` may give coins away until it is half-way between that and the
leverage to which coins are moved to it: so neither the next tick down nor the next one up asks for another
move. Liquidation stays ``BEYOND`` times as far away as where coins would be moved back, by all figures, and
at the mark as at the price that the book pays.
"""

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.hedge import BEYOND, Hedge
from hedgebot.domain.inverse import Short
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import backing, leverage, liquidation, pool
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.rescue import missing
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.transfers import SMALLEST
from hedgebot.domain.units import ONE, ZERO, Coin, Price

WORTH = Decimal("0.02")
"""The smallest amount worth moving away, as a share of what is short: what may leave grows with the price."""


class Excess(NamedTuple):
    """``leverage`` is below its bound: ``coins`` are too many, of which ``free`` may leave. ``worth`` it is
    from so many on."""

    leverage: Decimal
    coins: Decimal
    free: Decimal
    worth: Decimal

    @property
    def moves(self) -> Decimal:
        """Coins to move, zero where that is not worth it."""
        moved = min(self.coins, self.free)
        return moved if moved >= self.worth else ZERO


def excess(hedge: Hedge, snapshot: Snapshot, leg: Leg) -> Excess | None:
    """None where a leg's leverage is not below ``min_leverage``, or is not known."""
    lowest = hedge.collateral.min_leverage
    if lowest is None or not isinstance(leg.short, Short) or unknown(leg):
        return None
    measured = leverage(snapshot, leg)
    if measured is not None and measured < lowest:  # which a dearer mark only raises
        snapshot = _dearer(snapshot)
        leg = snapshot.leg(leg.name)
        measured = leverage(snapshot, leg)
    if measured is None or measured >= lowest:
        return None
    short, equity = backing(snapshot, leg)
    aim = (lowest + hedge.collateral.restored(hedge.liquidation_warn)) / 2
    coins = min(equity - short / aim, _beyond(snapshot, leg, ONE + BEYOND * hedge.warning))
    free = _withdrawable(leg)
    if leg.position.margin is None:
        free -= _for_a_sale(hedge, snapshot)
    return Excess(measured, coins, max(free, ZERO), max(SMALLEST.value, WORTH * short))


def unknown(leg: Leg) -> bool:
    """Whether nobody says what is behind an open isolated leg."""
    isolated = leg.margin_mode is MarginMode.ISOLATED
    return isolated and leg.position.margin is None and bool(leg.position.contracts)


def _dearer(snapshot: Snapshot) -> Snapshot:
    """Legs marked at what their book pays, where that is more: what a mark that is wrongly low shows as
    profit is gone, and liquidation as much nearer, once it is mended."""
    legs = tuple([_paid(leg) for leg in snapshot.legs])
    return snapshot if legs == snapshot.legs else replace(snapshot, legs=legs)


def _paid(leg: Leg) -> Leg:
    bid = leg.quote.bids[0][0] if leg.quote.bids and leg.dead is None else leg.mark
    return replace(leg, position=replace(leg.position, mark=bid)) if bid > leg.mark else leg


def _beyond(snapshot: Snapshot, leg: Leg, factor: Decimal) -> Decimal:
    """Coins without which liquidation still lies at ``factor`` of the mark or beyond, by our own figures and,
    where that is nearer, by the exchange's."""
    margined, worst = pool(snapshot, leg), liquidation(snapshot, leg)
    if worst is NoFigure.UNKNOWN:
        return ZERO
    ours = -missing(margined, factor)
    if not isinstance(worst, Price):
        return ours
    kept, _ = margined.at_mark()
    return min(ours, kept * (ONE / factor - leg.mark.value / worst.value))


def _withdrawable(leg: Leg) -> Decimal:
    """Coins of a leg's margin that surely may leave it; unrealised profit never is among them.

    Of an isolated margin that is what exceeds the initial margin, at entry or mark, whichever asks for more,
    with the closing fee and an open loss.
    """
    margin, short = leg.position.margin, leg.short
    if margin is None:
        return leg.wallet.withdrawable.value
    setting = leg.position.leverage or leg.policy.leverage
    if not setting or not isinstance(short, Short):
        return ZERO
    bound = max(short.sold.value, short.short.value) * (ONE / setting + leg.facts.taker_fee)
    return margin.value + min(short.unrealized, Coin.zero()).value - bound


def _for_a_sale(hedge: Hedge, snapshot: Snapshot) -> Decimal:
    """What stays in a cross margin, so that the next sale, of one band, finds coins there."""
    return hedge.band * max(snapshot.exposure.held, Coin.zero()).value
