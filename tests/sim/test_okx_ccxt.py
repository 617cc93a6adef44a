"""OKX's dialect through ccxt as it is installed: what its own methods make of our replies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import ccxt.async_support as ccxt
import pytest

from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from hedgebot.sim.okx import application
from hedgebot.sim.orders import NewOrder
from hedgebot.sim.server import serving
from tests.sim.kit import clock_of
from tests.sim.okx_kit import BTC, ORDER, ccxt_client, exchange

SYMBOL = "BTC/USD:BTC"


@asynccontextmanager
async def connected(made: SimulatedExchange | None = None) -> AsyncIterator[tuple[SimulatedExchange, Any]]:
    made = made or exchange()
    async with serving(application(made)) as url, ccxt_client(url, clock_of(made)) as vendor:
        yield made, vendor


async def test_markets() -> None:
    async with connected() as (_, vendor):
        await vendor.load_markets()
        market = vendor.market(SYMBOL)
        assert (market["id"], market["contractSize"], market["inverse"], market["settle"]) == (
            BTC,
            100,
            True,
            "BTC",
        )
        assert (market["precision"]["amount"], market["precision"]["price"]) == (1, 0.1)


async def test_an_order_from_placing_to_its_fill() -> None:
    async with connected() as (made, vendor):
        await vendor.load_markets()
        placed = await vendor.create_order(
            SYMBOL,
            "limit",
            "sell",
            20,
            59_990,
            {"clientOrderId": "abc", "timeInForce": "IOC", "marginMode": "isolated"},
        )
        found = await vendor.fetch_order(None, SYMBOL, {"clientOrderId": "abc"})
        assert (placed["id"], found["status"], found["filled"]) == (found["id"], "closed", 20)
        [position] = await vendor.fetch_positions([SYMBOL])
        assert (position["side"], position["contracts"], position["marginMode"]) == ("short", 20, "isolated")
        assert made.position("main", BTC).contracts == -20


async def test_balance_leverage_fee_and_funding() -> None:
    async with connected() as (_, vendor):
        await vendor.load_markets()
        assert (await vendor.fetch_balance())["BTC"]["total"] == 1
        await vendor.set_leverage(4, SYMBOL, {"marginMode": "isolated", "posSide": "net"})
        leverage = await vendor.fetch_leverage(SYMBOL, {"marginMode": "isolated"})
        assert leverage["shortLeverage"] == 4
        assert (await vendor.fetch_trading_fee(SYMBOL))["taker"] == 0.0005
        rate = await vendor.fetch_funding_rate(SYMBOL)
        assert rate["interval"] == "8h"
        assert (await vendor.fetch_mark_price(SYMBOL))["markPrice"] == 60_000
        assert len(await vendor.fetch_market_leverage_tiers(SYMBOL)) == 4


async def test_funding_received_is_positive() -> None:
    made = exchange(funding=level("0.0001"))
    async with connected(made) as (_, vendor):
        await vendor.load_markets()
        made.place("main", NewOrder(symbol=BTC, side=Side.SELL, contracts=Fraction(300)))
        clock_of(made).pass_(8 * 3_600)
        [entry] = await vendor.fetch_funding_history(SYMBOL)
        assert (entry["amount"], entry["code"]) == (pytest.approx(0.0001 * 30_000 / 60_000), "BTC")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sz": "700"}, ccxt.InsufficientFunds),
        ({"sz": "1.5"}, ccxt.InvalidOrder),
        ({"px": "40000"}, ccxt.InvalidOrder),
        ({"instId": "XRP-USD-SWAP"}, ccxt.BadSymbol),
        ({"tdMode": "none"}, ccxt.BadRequest),
    ],
    ids=str,
)
async def test_refusals_have_ccxts_errors(changes: dict[str, str], error: type[Exception]) -> None:
    async with connected() as (_, vendor):
        await vendor.privatePostAccountSetLeverage({"instId": BTC, "lever": "1", "mgnMode": "cross"})
        with pytest.raises(error):
            await vendor.privatePostTradeOrder({**ORDER, **changes})
