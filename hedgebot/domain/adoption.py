"""Which hedge looks after an order or a transfer: legs move from hedge to hedge, and hedges are renamed.

The journal lets each leg, and each pair of pockets, wait for one of them only, whoever wrote it.
"""

from collections.abc import Mapping

from hedgebot.domain.dated import configured
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.orphans import carers, kind


def carer(written: str, pair: str, hedges: Mapping[str, Hedge]) -> str:
    """The one hedge that settles what was ``written`` under a hedge's name and is about ``pair``: a leg, or
    an account's pockets (``TransferRequest.pair``).

    It is whose leg or wallet that is now; where it is nobody's any more, the hedge that wrote it or another,
    so that somebody tells.
    """
    account, _, asset = pair.partition(":")
    for name, hedge in hedges.items():
        if asset == hedge.asset and account in hedge.accounts:
            return name
        if kind(pair) in {kind(leg.name) for leg in configured(hedge)}:
            return name
    return next(carers(written, pair, hedges), written)
