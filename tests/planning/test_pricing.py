"""How much of an order is sent, and what it is said to cost, where the book alone does not tell."""

from dataclasses import replace

from hedgebot.domain.units import Usd
from hedgebot.planning.pricing import bounded, limit_price, priced
from tests.builders import LIMITS, LINEAR, contracts, instrument, leg, levels, price, quote, snapshot

THIN = quote(bids=levels((59_999, 10)))
"""Ten contracts on offer, wherever the rest is."""


def test_what_the_book_does_not_offer_is_reckoned_at_the_worst_acceptable_price() -> None:
    shown = leg(book=THIN)
    order = priced(contracts(-60_000), shown, LIMITS, snapshot(shown).exposure)
    assert order.limit == limit_price(contracts(-60_000), shown, LIMITS) == price(59_700)
    at_worst = Usd.of(60_000).at(price(60_000)).at(price(59_700))
    assert order.cost.slippage == Usd.of(60_000) - at_worst == Usd.of(300)


def test_our_own_largest_order_is_in_dollars_whatever_a_contract_is_counted_in() -> None:
    largest = replace(LIMITS, max_order=Usd.of(6_000))
    assert bounded(contracts(-60_000), leg(), largest) == contracts(-6_000)
    linear = leg(contract=instrument(LINEAR, face="0.001"))
    assert bounded(contracts(-1_000), linear, largest) == contracts(-100)
