"""ccxt as it is installed, over real HTTP, against the simulated exchange."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import ccxt
import pytest
from aiohttp import web

from hedgebot.sim import bybit
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from hedgebot.sim.server import serving
from tests.sim.kit import KEY, START_MS, SYMBOL, app_of, ccxt_client, clock_of, exchange


@pytest.fixture
def made() -> SimulatedExchange:
    return exchange(funding=level("0.0001"))


@pytest.fixture
async def client(made: SimulatedExchange) -> AsyncIterator[Any]:
    application = bybit.application(made)
    application[bybit.BYBIT].rate_limits.scale = None
    async with serving(application) as url, ccxt_client(url, clock_of(made)) as it:
        await it.load_markets()
        yield it


async def sold(client: Any, contracts: int = 30_000, **params: object) -> dict[str, Any]:
    order: dict[str, Any] = await client.create_order(SYMBOL, "market", "sell", contracts, None, params)
    return order


async def test_all_markets_load_with_default_options(client: Any) -> None:
    assert set(client.markets) == {
        "BTC/USDT",
        "ETH/USDT",
        "BTC/USDT:USDT",
        "ETH/USDT:USDT",
        "BTC/USD:BTC",
        "ETH/USD:ETH",
    }
    market = client.market(SYMBOL)
    assert market["inverse"]
    assert market["contractSize"] == 1
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1, 0.5)


async def test_balance_and_positions(client: Any) -> None:
    await sold(client)
    balance = await client.fetch_balance()
    assert balance["BTC"]["total"] == 0.999725
    positions = await client.fetch_positions([SYMBOL])
    assert [(p["side"], p["contracts"], p["entryPrice"]) for p in positions] == [("short", 30_000, 59_999)]
    everything = await client.fetch_positions(None, {"subType": "inverse"})
    assert [p["symbol"] for p in everything] == [SYMBOL]


@pytest.mark.parametrize(("kind", "price"), [("market", None), ("limit", 59_990)])
async def test_an_order_is_found_again_by_its_client_id(client: Any, kind: str, price: float | None) -> None:
    params = {"orderLinkId": "hb0000000000001", "timeInForce": "IOC"}
    order = await client.create_order(SYMBOL, kind, "sell", 1000, price, params)
    assert order["clientOrderId"] == "hb0000000000001"
    for found in (
        await client.fetch_open_orders(SYMBOL, params={"orderLinkId": "hb0000000000001"}),
        await client.fetch_closed_orders(SYMBOL, params={"orderLinkId": "hb0000000000001"}),
    ):
        assert [(o["id"], o["status"], o["filled"]) for o in found] == [(order["id"], "closed", 1000)]
    history = await client.privateGetV5OrderHistory({"category": "inverse", "orderLinkId": "hb0000000000001"})
    assert history["result"]["list"][0]["orderStatus"] == "Filled"


async def test_resting_orders_are_listed_and_cancelled(client: Any) -> None:
    order = await client.create_order(SYMBOL, "limit", "sell", 1000, 61_000, {"orderLinkId": "hb1"})
    assert [o["id"] for o in await client.fetch_open_orders(SYMBOL)] == [order["id"]]
    await client.cancel_order(None, SYMBOL, {"orderLinkId": "hb1"})
    assert await client.fetch_open_orders(SYMBOL) == []
    await client.create_order(SYMBOL, "limit", "sell", 1000, 61_000)
    assert len(await client.cancel_all_orders(SYMBOL)) == 1


async def test_trades_funding_and_fees(made: SimulatedExchange, client: Any) -> None:
    await sold(client, clientOrderId="hb1")
    clock_of(made).pass_(8 * 3600)
    trades = await client.fetch_my_trades(SYMBOL)
    assert [(t["side"], t["amount"], t["fee"]["currency"]) for t in trades] == [("sell", 30_000, "BTC")]
    funding = await client.fetch_funding_history(SYMBOL)
    assert [f["amount"] for f in funding] == [-0.00005]
    rate = await client.fetch_funding_rate(SYMBOL)
    assert (rate["fundingRate"], rate["interval"]) == (0.0001, "8h")
    fee = await client.fetch_trading_fee(SYMBOL)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.00055)


async def test_prices_book_tiers_and_time(client: Any) -> None:
    ticker = await client.fetch_ticker(SYMBOL)
    assert (ticker["bid"], ticker["ask"], ticker["markPrice"]) == (59_999, 60_001, 60_000)
    book = await client.fetch_order_book(SYMBOL, 5)
    assert book["bids"][0] == [59_999, 200_000]
    tiers = await client.fetch_market_leverage_tiers(SYMBOL)
    assert tiers[0]["maintenanceMarginRate"] == 0.5, "a percentage, which ccxt hands on as it is"
    assert await client.fetch_time() == START_MS


async def test_settings(made: SimulatedExchange, client: Any) -> None:
    await client.set_leverage(3, SYMBOL)
    with pytest.raises(ccxt.BadRequest, match="110043"):
        await client.set_leverage(3, SYMBOL)
    await client.set_margin_mode("isolated")
    assert made.account("main").state.margin_mode is MarginMode.ISOLATED
    assert (await client.fetch_margin_mode(SYMBOL))["marginMode"] == "isolated"
    await sold(client)
    reply = await client.privatePostV5PositionAddMargin(
        {"category": "inverse", "symbol": "BTCUSD", "margin": "0.1"}
    )
    assert reply["retCode"] == 0
    with pytest.raises(ccxt.BadRequest, match="110029"):
        await client.set_position_mode(True, SYMBOL)


async def test_transfers(made: SimulatedExchange, client: Any) -> None:
    made.deposit("main", "BTC", 2, wallet="funding")
    assert (await client.fetch_balance({"type": "funding"}))["BTC"]["free"] == 2
    await client.transfer("BTC", 0.5, "funding", "unified")
    assert (await client.fetch_balance())["BTC"]["total"] == 1.5
    assert [t["amount"] for t in await client.fetch_transfers("BTC")] == [0.5]


@pytest.mark.parametrize(
    ("order", "error", "code"),
    [
        (("market", "sell", 700_000, None, {}), ccxt.InsufficientFunds, "110007"),
        (("market", "buy", 100, None, {"reduceOnly": True}), ccxt.InvalidOrder, "110017"),
        (("limit", "sell", 100, 50_000, {}), ccxt.InvalidOrder, "110003"),
        (("market", "sell", 30_000_000, None, {}), ccxt.BadRequest, "10001"),
        (("market", "sell", 100, None, {"positionIdx": 2}), ccxt.BadRequest, "10001"),
    ],
)
async def test_refusals_have_the_class_that_ccxt_gives_the_real_ones(
    client: Any, order: tuple[Any, ...], error: type[Exception], code: str
) -> None:
    with pytest.raises(error, match=code):
        await client.create_order(SYMBOL, *order)


async def test_a_second_order_of_one_client_id(made: SimulatedExchange, client: Any) -> None:
    await sold(client, orderLinkId="hb1")
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await sold(client, orderLinkId="hb1")
    assert made.position("main", "BTCUSD").contracts == -30_000


async def test_reductions_stop_at_flat(made: SimulatedExchange, client: Any) -> None:
    await sold(client, 1000)
    await client.create_order(SYMBOL, "market", "buy", 5000, None, {"reduceOnly": True})
    assert not made.position("main", "BTCUSD").contracts


@pytest.mark.parametrize(
    ("keys", "code"), [({"apiKey": "nobody"}, "10003"), ({"secret": "another"}, "10004")]
)
async def test_wrong_credentials(made: SimulatedExchange, keys: dict[str, str], code: str) -> None:
    async with serving(bybit.application(made)) as url, ccxt_client(url, clock_of(made), **keys) as client:
        with pytest.raises(ccxt.AuthenticationError, match=code):
            await client.fetch_balance()


async def test_a_key_that_expired_or_may_only_read(made: SimulatedExchange, client: Any) -> None:
    made.set_key(replace(made.truth.keys[KEY], read_only=True))
    with pytest.raises(ccxt.PermissionDenied, match="10005"):
        await sold(client)
    made.set_key(replace(made.truth.keys[KEY], expires_ms=START_MS))
    with pytest.raises(ccxt.AuthenticationError, match="33004"):
        await client.fetch_balance()


async def test_a_clock_that_is_off(made: SimulatedExchange, client: Any) -> None:
    client.milliseconds = lambda: START_MS - 6000
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        await client.fetch_balance()


async def test_a_middleware_stands_before_everything(made: SimulatedExchange) -> None:
    @web.middleware
    async def lose(request: web.Request, handler: Any) -> web.StreamResponse:
        await handler(request)
        return web.Response(status=502)

    async with (
        serving(app_of(lose, bybit.application(made))) as url,
        ccxt_client(url, clock_of(made)) as client,
    ):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.fetch_time()
    made.human_trade("main", "BTCUSD", Side.SELL, 1)
