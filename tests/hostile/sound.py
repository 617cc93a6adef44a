"""What is finite, in range and of the right sign, whatever reply it was made of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from hedgebot.domain.account import AccountReading, Ledger, LegFacts, Position, Sighting, Wallet
from hedgebot.domain.market import Quote
from hedgebot.domain.units import Usd

LARGEST = Decimal(10) ** 80
LAST_MS = 10**14


def unsound(said: object) -> Iterator[str]:
    """What is not finite, or out of range, in anything that the program made."""
    for name, value in numbers(said):
        if not value.is_finite() or abs(value) >= LARGEST:
            yield f"{name} is {value}"
    if type(said) in UNSOUND:
        yield from UNSOUND[type(said)](said)


def _unsound_reading(reading: AccountReading) -> Iterator[str]:
    for part in (*reading.wallets, *reading.positions, *reading.quotes, *reading.facts):
        yield from UNSOUND[type(part)](part)


def _unsound_sighting(sighting: Sighting) -> Iterator[str]:
    """Of a sale."""
    if state := sighting.state:
        if state.filled.value > 0:
            yield f"bought {state.filled}"
        if state.filled and state.average is None:
            yield "filled at no price"


def _unsound_ledger(ledger: Ledger) -> Iterator[str]:
    yield from (f"an entry at {entry.at}" for entry in ledger.entries if not 0 <= entry.at < LAST_MS)


def _unsound_wallet(wallet: Wallet) -> Iterator[str]:
    if wallet.withdrawable.value < 0 or wallet.position_margin.value < 0:
        yield f"{wallet.id.wallet}: negative margin or withdrawable coins"


def _unsound_position(position: Position) -> Iterator[str]:
    if position.initial_margin.value < 0 or (position.leverage is not None and position.leverage <= 0):
        yield f"{position.symbol}: margin {position.initial_margin}, leverage {position.leverage}"
    if not position.contracts and (position.unrealized or position.entry):
        yield f"{position.symbol}: flat, with a profit or an entry"
    if position.contracts and position.entry and position.mark and not position.hedge_mode:
        falls = position.mark.value < position.entry.value
        wins = position.unrealized.value > Decimal("1e-6")
        loses = position.unrealized.value < Decimal("-1e-6")
        short = position.contracts.value < 0
        if (wins and falls is not short) or (loses and falls is short):
            yield f"{position.symbol}: the profit has the wrong sign"


def _unsound_quote(quote: Quote) -> Iterator[str]:
    prices = [price.value for price, _ in (*quote.bids[::-1], *quote.asks)]
    if prices != sorted(prices) or any(size.value <= 0 for _, size in (*quote.bids, *quote.asks)):
        yield f"{quote.symbol}: the book does not ascend"
    hours = quote.funding.interval_hours
    if abs(quote.funding.rate) >= 1 or (hours is not None and hours <= 0):
        yield f"{quote.symbol}: funding {quote.funding}"


def _unsound_facts(facts: LegFacts) -> Iterator[str]:
    contract, limits = facts.instrument, [tier.limit.value for tier in facts.tiers]
    sizes = (contract.lot.value, contract.min_order.value, contract.max_order.value, contract.tick)
    if not isinstance(contract.face, Usd) or contract.face.value <= 0 or min(sizes) <= 0:
        yield f"{contract.symbol}: sizes that are none"
    if limits != sorted(limits) or any(not 0 < tier.maintenance < 1 for tier in facts.tiers):
        yield f"{contract.symbol}: tiers that are none"
    if abs(facts.taker_fee) >= 1:
        yield f"{contract.symbol}: a fee of {facts.taker_fee}"


UNSOUND: Mapping[type, Callable[[Any], Iterator[str]]] = {
    AccountReading: _unsound_reading,
    Sighting: _unsound_sighting,
    Ledger: _unsound_ledger,
    Wallet: _unsound_wallet,
    Position: _unsound_position,
    Quote: _unsound_quote,
    LegFacts: _unsound_facts,
}


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, Decimal]]:
    """Every number in a value of the domain, with the name of its field."""
    if isinstance(value, Decimal):
        yield name, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, Decimal(value)
    elif isinstance(value, tuple):
        for each in value:
            yield from numbers(each, name)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in names_of(type(value)):
            yield from numbers(getattr(value, each), each)


@cache
def names_of(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))
