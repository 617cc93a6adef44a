"""What our unresolved orders on dead legs may have done: nobody can look them up, so either may be true."""

from collections.abc import Iterable
from decimal import Decimal

from hedgebot.domain.orders import UNSETTLED, Intent
from hedgebot.domain.snapshot import Doubtful, Leg, Snapshot
from hedgebot.domain.units import ZERO, Coin, Contracts, Price


def doubtful(snapshot: Snapshot, intents: Iterable[Intent]) -> Doubtful:
    """What the unfinished among ``intents`` may have sold or bought back on the snapshot's dead legs.

    A sale counts at the worst price that it allows, which sells the most coins; a purchase at the entry.
    """
    dead = {leg.name: leg for leg in snapshot.legs if leg.dead is not None}
    found = [intent for intent in intents if intent.request.leg in dead]
    sold = bought = ZERO
    for intent in found:
        leg = dead[intent.request.leg]
        contracts = intent.request.contracts if intent.stage in UNSETTLED else intent.filled
        if contracts.value < ZERO:
            sold += _coins(leg, -contracts, intent.average or intent.request.limit)
        else:
            bought += _coins(leg, contracts, leg.short.entry or leg.mark)
    return Doubtful(sold, bought, tuple([intent.request.client_id for intent in found]))


def _coins(leg: Leg, contracts: Contracts, price: Price) -> Decimal:
    instrument = leg.facts.instrument
    if isinstance(instrument.face, Coin):
        return (instrument.face * contracts.value).value
    return instrument.notional(contracts).at(price).value
