"""What an exchange's history amounts to: each entry once, and in coins."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.account import EntryKind, Ledger, LedgerEntry
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.exchange.booked import in_coins, ledger
from tests.exchange.replies import refusal

FIRST = LedgerEntry(
    id="1",
    kind=EntryKind.TRADE,
    symbol="BTC/USD:BTC",
    client_id="hb1",
    contracts=Contracts.of(-3),
    price=Price.of(60_000),
    coins=Coin.of("-0.06"),
    at=Millis(1),
)
SECOND = replace(FIRST, id="2")
INVERSE = Instrument(
    symbol="BTC/USD:BTC",
    native="BTCUSD",
    asset="BTC",
    face=Usd.of(1),
    lot=Contracts.of(1),
    tick=Decimal("0.5"),
    min_order=Contracts.of(1),
    max_order=Contracts.of(300),
)
LINEAR = replace(INVERSE, symbol="BTC/USDT:USDT", native="BTCUSDT", face=Coin.of(1))


def test_an_entry_that_two_pages_show_counts_once() -> None:
    assert ledger([FIRST, SECOND, FIRST], "main") == Ledger((FIRST, SECOND))


def test_two_entries_of_one_id_are_refused() -> None:
    said = refusal(lambda: ledger([FIRST, replace(SECOND, id="1", at=Millis(2))], "main"))
    assert said == "main: two entries of the history have the id '1'"


@pytest.mark.parametrize(
    ("instrument", "price", "coins"),
    [
        (INVERSE, Price.of(60_000), "30"),
        (INVERSE, None, "30"),
        (LINEAR, Price.of(60_000), "0.0005"),
        (LINEAR, None, "30"),
    ],
)
def test_what_is_booked_in_dollars_is_worth_coins_at_its_own_price(
    instrument: Instrument, price: Price | None, coins: str
) -> None:
    assert in_coins(Decimal(30), instrument, price) == Coin.of(coins)
