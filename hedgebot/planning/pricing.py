"""At which price an order is bounded, how much of it the book takes, and what it will cost."""

from hedgebot.domain.decision import Cost, PlannedOrder
from hedgebot.domain.hedge import Limits
from hedgebot.domain.snapshot import Exposure, Leg
from hedgebot.domain.units import ZERO, Contracts, Price
from hedgebot.planning.hedge_size import within


def limit_price(contracts: Contracts, leg: Leg, limits: Limits) -> Price:
    """The worst acceptable price: mark less (for a sale) or plus the slippage cap, rounded inwards."""
    selling = contracts.value < ZERO
    worst = leg.mark * (1 - limits.slippage if selling else 1 + limits.slippage)
    return leg.facts.instrument.round_price(worst, up=selling)


def bounded(contracts: Contracts, leg: Leg, limits: Limits) -> Contracts:
    """``contracts`` cut to what the book offers within the cap, the exchange's and our own largest order."""
    instrument = leg.facts.instrument
    offered = abs(leg.quote.depth(contracts, limit_price(contracts, leg, limits)))
    bound = min(offered, instrument.max_order)
    if limits.max_order is not None:
        bound = min(bound, Contracts(limits.max_order / instrument.dollars(Contracts.of(1), leg.mark)))
    return within(contracts, bound, instrument)


def priced(contracts: Contracts, leg: Leg, limits: Limits, exposure: Exposure) -> PlannedOrder:
    """The order with its price bound and its cost against the value that it protects."""
    notional = leg.facts.instrument.dollars(contracts, leg.mark)
    fill = leg.quote.fill_price(contracts) or limit_price(contracts, leg, limits)
    slippage = abs(notional - notional.at(leg.mark).at(fill))
    protects = abs(exposure.net).at(leg.mark)
    cost = Cost(notional * leg.facts.taker_fee, slippage, protects)
    return PlannedOrder(
        leg.policy,
        contracts,
        limit_price(contracts, leg, limits),
        cost,
        leg.position.contracts,
        leg.margin_mode,
    )
