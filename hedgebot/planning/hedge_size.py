"""How many contracts close a gap. Floored to whole lots towards the smaller short, never past flat."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.inverse import Gap
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ZERO, Coin, Contracts, Price


def contracts_to_target(gap: Gap, leg: Leg, price: Price) -> Fraction:
    """Signed contracts (negative sells) that reach the target at ``price``, before any rounding.

    At ratio 0, and where nothing is held, everything is bought back.
    """
    if _takes_all(gap):
        return _open_short(leg)
    contracts = -gap.coins / closed_by_one(gap, leg, price)
    return min(contracts, _open_short(leg))


def through_book(gap: Gap, leg: Leg) -> Fraction:
    """``contracts_to_target`` at the prices that the book gives, level by level; beyond it, at mark.

    A sale is sized at the lower of that and mark, so that it never sells more than there is.
    """
    if _takes_all(gap):
        return _open_short(leg)
    left, contracts = abs(gap.coins), Fraction(0)
    for price, size in leg.quote.asks if gap.coins < 0 else leg.quote.bids:
        each = closed_by_one(gap, leg, price)
        taken = min(left / each, Fraction(size.value))
        contracts, left = contracts + taken, left - taken * each
        if not left:
            break
    contracts += left / closed_by_one(gap, leg, leg.mark)
    if gap.coins < 0:
        return min(contracts, _open_short(leg))
    return max(-contracts, contracts_to_target(gap, leg, leg.mark))


def closed_by_one(gap: Gap, leg: Leg, price: Price) -> Fraction:
    """Coins of the gap that one contract closes at ``price``. Of a linear one: its size."""
    face, fee = leg.facts.instrument.face, leg.facts.taker_fee
    if isinstance(face, Coin):
        return Fraction(face.value)
    if gap.coins >= 0 or leg.short.entry is None:
        return Fraction(face.value) * gap.closed_by_selling(price, fee)
    return Fraction(face.value) * gap.closed_by_buying(price, leg.short.entry, fee)


def whole_lots(gap: Gap, leg: Leg, contracts: Fraction) -> Contracts:
    """A sale rounded down, a purchase up to the smaller short but never past flat; zero under one lot.

    Far above its entry a purchase closes more than a sale opens: rounded up, a lot or more would have to be
    sold again. There it is rounded down too.
    """
    lot = leg.facts.instrument.lot
    lots = abs(contracts) / Fraction(lot.value)
    if lots < 1:
        return Contracts.zero()
    down, up = Decimal(lots.__floor__()), Decimal(lots.__ceil__())
    if contracts < 0:
        return -lot * down
    if contracts == _open_short(leg):
        return abs(leg.position.contracts)
    sold_again = (Fraction(up) - lots) * _bought_over_sold(gap, leg)
    return min(lot * (up if sold_again < 1 else down), abs(leg.position.contracts))


def within(contracts: Contracts, bound: Contracts, instrument: Instrument) -> Contracts:
    """``contracts`` cut to ``bound`` in size, in whole lots, keeping its sign."""
    if abs(contracts) <= bound:
        return contracts
    lots = (bound / instrument.lot).to_integral_value("ROUND_FLOOR")
    size = instrument.lot * lots
    return -size if contracts.value < ZERO else size


def _bought_over_sold(gap: Gap, leg: Leg) -> Fraction:
    """How much more of a gap a contract bought back closes at mark than one sold."""
    bought = closed_by_one(gap, leg, leg.mark)
    return bought / closed_by_one(replace(gap, sold=Fraction(0)), leg, leg.mark)


def _takes_all(gap: Gap) -> bool:
    return gap.coins < 0 and (gap.target <= 0 or gap.held <= 0)


def _open_short(leg: Leg) -> Fraction:
    return Fraction(-min(leg.position.contracts.value, ZERO))
