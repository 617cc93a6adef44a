"""Exactly one hedge settles what the journal holds open, whatever became of the hedge that wrote it."""

import pytest

from hedgebot.domain.adoption import carer
from hedgebot.domain.hedge import Hedge
from tests.builders import hedge, policy

PERPETUAL, DATED, NEXT = "BTC/USD:BTC", "BTC/USD:BTC-261225", "BTC/USD:BTC-270326"


def btc(name: str, account: str, *symbols: str) -> Hedge:
    legs = tuple(policy(symbol, account) for symbol in symbols)
    return hedge(name=name, legs=legs, spot_accounts=(account,))


def eth(name: str, account: str) -> Hedge:
    return hedge(name=name, asset="ETH", legs=(policy("ETH/USD:ETH", account),), spot_accounts=(account,))


BTC, COIN, ETH = btc("btc", "main", PERPETUAL), btc("coin", "other", DATED), eth("eth", "main")


@pytest.mark.parametrize(
    ("written", "pair", "hedges", "by"),
    [
        ("btc", f"main:{PERPETUAL}", (BTC, COIN, ETH), "btc"),
        ("old", f"main:{PERPETUAL}", (COIN, BTC), "btc"),  # renamed
        ("coin", f"main:{PERPETUAL}", (COIN, BTC), "btc"),  # the leg moved to another hedge
        ("old", f"other:{DATED}", (BTC, COIN), "coin"),
        ("old", f"other:{NEXT}", (BTC, COIN), "coin"),  # the leg has rolled
        ("eth", f"other:{PERPETUAL}", (BTC, COIN, ETH), "eth"),  # nobody's leg: who wrote it tells
        ("old", f"other:{PERPETUAL}", (ETH, COIN, BTC), "coin"),  # nor is that there: one of the same coin
        ("old", "gone:XRP/USD:XRP", (ETH, BTC), "eth"),
        ("old", "gone:XRP/USD:XRP", (), "old"),
        ("old", "main:BTC", (ETH, COIN, BTC), "btc"),  # between the wallets of an account
        ("btc", "main:ETH", (BTC, COIN, ETH), "eth"),
        ("btc", "other:BTC", (BTC, COIN, ETH), "coin"),
        ("btc", "gone:BTC", (COIN, BTC, ETH), "btc"),
    ],
)
def test_the_hedge_whose_leg_or_wallet_it_is_now(
    written: str, pair: str, hedges: tuple[Hedge, ...], by: str
) -> None:
    assert carer(written, pair, {each.name: each for each in hedges}) == by
