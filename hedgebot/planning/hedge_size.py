"""How many contracts close a gap. Floored to whole lots towards the smaller short, never past flat."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.inverse import Gap
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ONE, WIDE, ZERO, Coin, Contracts, Price

FINEST = Decimal("1e-9")
"""Lots are rounded to this before they are floored: a quotient just below an integer would lose one."""


def contracts_to_target(gap: Gap, leg: Leg, price: Price) -> Decimal:
    """Signed contracts (negative sells) that reach the target at ``price``, before any rounding.

    At ratio 0, and where nothing is held, everything is bought back.
    """
    if _takes_all(gap):
        return _open_short(leg)
    contracts = -gap.coins / closed_by_one(gap, leg, price, selling=gap.coins >= ZERO)
    return min(contracts, _open_short(leg))


def through_book(gap: Gap, leg: Leg) -> Decimal:
    """``contracts_to_target`` at the prices that the book gives, level by level; beyond it, at mark.

    A sale is sized at the lower of that and mark, so that it never sells more than there is.
    """
    if _takes_all(gap):
        return _open_short(leg)
    selling, left, contracts = gap.coins >= ZERO, abs(gap.coins), ZERO
    for price, size in leg.quote.bids if selling else leg.quote.asks:
        each = closed_by_one(gap, leg, price, selling=selling)
        taken = min(left / each, size.value)
        contracts, left = contracts + taken, left - taken * each
        if taken < size.value:
            break
    else:
        contracts += left / closed_by_one(gap, leg, leg.mark, selling=selling)
    if selling:
        return max(-contracts, contracts_to_target(gap, leg, leg.mark))
    return min(contracts, _open_short(leg))


def closed_by_one(gap: Gap, leg: Leg, price: Price, *, selling: bool) -> Decimal:
    """Coins of the gap that one contract, sold or bought back at ``price``, closes; a linear one's size."""
    face, fee = leg.facts.instrument.face, leg.facts.taker_fee
    if isinstance(face, Coin):
        return face.value
    if selling or leg.short.entry is None:
        return face.value * gap.closed_by_selling(price, fee)
    return face.value * gap.closed_by_buying(price, leg.short.entry, fee)


def whole_lots(gap: Gap, leg: Leg, contracts: Decimal) -> Contracts:
    """A sale rounded down, a purchase up to the smaller short but never past flat; zero under one lot.

    Far above its entry a purchase closes more than a sale opens: rounded up, a lot or more would have to be
    sold again. There it is rounded down too.
    """
    lot = leg.facts.instrument.lot
    lots = (abs(contracts) / lot.value).quantize(FINEST, context=WIDE)
    if lots < ONE:
        return Contracts.zero()
    down, up = lots.to_integral_value(ROUND_FLOOR), lots.to_integral_value(ROUND_CEILING)
    if contracts < ZERO:
        return -lot * down
    if contracts == _open_short(leg):
        return abs(leg.position.contracts)
    bought, sold = (closed_by_one(gap, leg, leg.mark, selling=selling) for selling in (False, True))
    sold_again = (up - lots) * bought / sold
    return min(lot * (up if sold_again < ONE else down), abs(leg.position.contracts))


def within(contracts: Contracts, bound: Contracts, instrument: Instrument) -> Contracts:
    """``contracts`` cut to ``bound`` in size, in whole lots, keeping its sign."""
    if abs(contracts) <= bound:
        return contracts
    lots = (bound / instrument.lot).to_integral_value("ROUND_FLOOR")
    size = instrument.lot * lots
    return -size if contracts.value < ZERO else size


def _takes_all(gap: Gap) -> bool:
    return gap.coins < ZERO and (gap.target <= ZERO or gap.held <= ZERO)


def _open_short(leg: Leg) -> Decimal:
    return -min(leg.position.contracts.value, ZERO)
