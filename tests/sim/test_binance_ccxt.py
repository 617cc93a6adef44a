"""ccxt as it is installed, over real HTTP, against Binance's dialect: both of its classes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest

from hedgebot.sim import binance
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.server import serving
from tests.sim.binance_kit import NATIVE, exchange
from tests.sim.kit import KEY, SECRET, clock_of

BTC = "BTC/USD:BTC"


@pytest.fixture
def made() -> SimulatedExchange:
    return exchange(coins="0.6", spot="0.4", funding=level("0.0001"))


@asynccontextmanager
async def vendor(kind: Any, made: SimulatedExchange, **config: Any) -> AsyncIterator[Any]:
    """A ccxt instance whose connections are led to the simulated exchange; only its clock is ours."""

    async def lead(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        port = int(url.rpartition(":")[2])
        request.url = request.url.with_scheme("http").with_host("127.0.0.1").with_port(port)
        return await send(request)

    async with (
        serving(binance.application(made)) as url,
        aiohttp.ClientSession(middlewares=(lead,)) as session,
    ):
        client = kind(
            {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "session": session, **config}
        )
        client.milliseconds = clock_of(made).now_ms
        client.timeout_on_exit = 0  # the session is not its own: there is nothing to wait for
        client.has["fetchCurrencies"] = False
        try:
            await client.load_markets()
            yield client
        finally:
            await client.close()


@pytest.fixture
async def coin_m(made: SimulatedExchange) -> AsyncIterator[Any]:
    async with vendor(ccxt.binancecoinm, made) as client:
        yield client


async def test_contracts_are_listed_with_their_sizes(coin_m: Any) -> None:
    assert set(coin_m.markets) == {BTC, "ETH/USD:ETH"}
    market = coin_m.market(BTC)
    assert (market["inverse"], market["contractSize"], market["active"]) == (True, 100, True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1, 0.1)


async def test_both_wallets_and_a_transfer_between_them(made: SimulatedExchange) -> None:
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    async with vendor(ccxt.binance, made, options=options) as client:
        assert (await client.fetch_balance({"type": "spot"}))["BTC"]["total"] == 0.4
        both = {"type": "swap", "subType": "inverse"}
        assert (await client.fetch_balance(both))["BTC"]["total"] == 0.6
        client.currencies = {"BTC": client.safe_currency_structure({"id": "BTC", "code": "BTC"})}
        await client.transfer("BTC", 0.1, "spot", "inverse")
        assert (await client.fetch_balance({"type": "spot"}))["BTC"]["total"] == pytest.approx(0.3)
    assert made.wallet("main", "BTC", "margin").balance * 10 == 7


async def test_an_order_its_position_and_how_it_is_found_again(coin_m: Any) -> None:
    params = {"clientOrderId": "hb0000000000001", "timeInForce": "IOC"}
    order = await coin_m.create_order(BTC, "limit", "sell", 30, 59_990, params)
    found = await coin_m.fetch_order(None, BTC, {"clientOrderId": "hb0000000000001"})
    assert (found["id"], found["status"], found["filled"]) == (order["id"], "closed", 30)
    [position] = await coin_m.fetch_positions([BTC])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 30, 59_999.4)
    assert position["marginMode"] == "cross"
    reduced = await coin_m.create_order(BTC, "market", "buy", 30, None, {"reduceOnly": True})
    assert reduced["reduceOnly"]
    assert await coin_m.fetch_positions([BTC]) == []


async def test_resting_orders_are_listed_and_cancelled(coin_m: Any) -> None:
    order = await coin_m.create_order(BTC, "limit", "sell", 10, 61_000, {"clientOrderId": "hb1"})
    assert [o["id"] for o in await coin_m.fetch_open_orders(BTC)] == [order["id"]]
    await coin_m.cancel_order(None, BTC, {"clientOrderId": "hb1"})
    assert await coin_m.fetch_open_orders(BTC) == []
    await coin_m.create_order(BTC, "limit", "sell", 10, 61_000)
    await coin_m.cancel_all_orders(BTC)
    assert await coin_m.fetch_open_orders(BTC) == []


async def test_trades_funding_fees_and_tiers(made: SimulatedExchange, coin_m: Any) -> None:
    await coin_m.create_order(BTC, "market", "sell", 300)
    clock_of(made).pass_(8 * 3600)
    [trade] = await coin_m.fetch_my_trades(BTC)
    assert (trade["side"], trade["amount"], trade["fee"]["currency"]) == ("sell", 300, "BTC")
    [paid] = await coin_m.fetch_funding_history(BTC)
    assert paid["amount"] == 0.00005, "received, at a positive rate"
    rate = await coin_m.fetch_funding_rate(BTC)
    assert (rate["fundingRate"], rate["markPrice"]) == (0.0001, 60_000)
    assert [r["fundingRate"] for r in await coin_m.fetch_funding_rate_history(BTC, limit=3)] == [0.0001] * 3
    assert (await coin_m.fetch_trading_fee(BTC))["taker"] == 0.0005
    tiers = (await coin_m.fetch_leverage_tiers([BTC]))[BTC]
    assert (tiers[0]["maxLeverage"], tiers[0]["maintenanceMarginRate"]) == (125, 0.004)


async def test_leverage_margin_mode_and_position_mode(made: SimulatedExchange, coin_m: Any) -> None:
    await coin_m.set_leverage(5, BTC)
    await coin_m.set_margin_mode("isolated", BTC)
    state = made.account("main").state
    assert state.leverage[NATIVE] == 5
    assert state.mode_of(NATIVE) is MarginMode.ISOLATED
    with pytest.raises(ccxt.MarginModeAlreadySet):
        await coin_m.set_margin_mode("isolated", BTC)
    assert (await coin_m.fetch_position_mode(BTC))["hedged"] is False


async def test_the_book(coin_m: Any) -> None:
    book = await coin_m.fetch_order_book(BTC, 5)
    assert (book["bids"][0][0], book["asks"][0][0], len(book["bids"])) == (59_999.4, 60_000.6, 5)


async def test_errors_are_those_of_coin_m(coin_m: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await coin_m.create_order(BTC, "market", "sell", 20_000)
    with pytest.raises(ccxt.OrderNotFound):
        await coin_m.fetch_order("1", BTC)
    with pytest.raises(ccxt.InvalidOrder):
        await coin_m.create_order(BTC, "market", "buy", 1, None, {"reduceOnly": True})
    coin_m.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        await coin_m.fetch_balance()
