"""Shorts that the journal knows and the config does not: found, and given to a hedge to look after."""

from decimal import Decimal

import pytest

from hedgebot.domain.funding import Action, Budget
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.orphans import Orphans, orphans
from hedgebot.domain.records import Memory
from tests.builders import contracts, hedge

BTC = hedge(legs=(LegPolicy("main", "BTC/USD:BTC"),))
ETH = hedge(name="eth", asset="ETH", legs=(LegPolicy("main", "ETH/USD:ETH"),))
SECOND = hedge(name="second", legs=(LegPolicy("other", "BTC/USD:BTC"),))
DATED = hedge(legs=(LegPolicy("main", "BTC/USD:BTC-next-quarter"),))
MOVED = hedge(legs=BTC.legs, funding=Budget(Decimal("0.3"), (86_400_000,), Action.DATED, Decimal("0.5")))


def short(*legs: str, size: int = -5) -> Memory:
    return Memory(contracts=tuple((name, contracts(size)) for name in legs))


def lost(*legs: str) -> Orphans:
    return tuple((name, contracts(-5)) for name in legs)


@pytest.mark.parametrize(
    ("hedges", "memories", "found"),
    [
        ([BTC], {}, {"btc": ()}),
        ([BTC], {"btc": short("main:BTC/USD:BTC")}, {"btc": ()}),
        ([BTC], {"btc": short("main:BTC/USD:BTC", "sub:BTC/USD:BTC")}, {"btc": lost("sub:BTC/USD:BTC")}),
        ([BTC], {"btc": short("sub:BTC/USD:BTC", size=0)}, {"btc": ()}),  # flat when it was taken out
        ([BTC], {"bitcoin": short("main:BTC/USD:BTC")}, {"btc": ()}),  # renamed: its leg is a leg
        ([ETH, BTC], {"old": short("sub:BTC/USD:BTC")}, {"eth": (), "btc": lost("sub:BTC/USD:BTC")}),
        ([ETH], {"btc": short("main:BTC/USD:BTC")}, {"eth": lost("main:BTC/USD:BTC")}),
        ([BTC, SECOND], {"second": short("sub:BTC/USD:BTC")}, {"btc": (), "second": lost("sub:BTC/USD:BTC")}),
        # by the coin that it is about, whatever coin margins it
        ([ETH, BTC], {"old": short("sub:BTC/USDT:USDT")}, {"eth": (), "btc": lost("sub:BTC/USDT:USDT")}),
        ([BTC], {"btc": Memory(orphans=lost("sub:BTC/USD:BTC"))}, {"btc": lost("sub:BTC/USD:BTC")}),
        ([DATED], {"btc": short("main:BTC/USD:BTC-261225")}, {"btc": ()}),  # one series
        ([BTC], {"btc": short("main:BTC/USD:BTC-261225")}, {"btc": lost("main:BTC/USD:BTC-261225")}),
        ([MOVED], {"btc": short("main:BTC/USD:BTC-261225")}, {"btc": ()}),  # for its funding, as configured
    ],
)
def test_who_looks_after_what(
    hedges: list[Hedge], memories: dict[str, Memory], found: dict[str, Orphans]
) -> None:
    assert orphans({each.name: each for each in hedges}, memories) == found
