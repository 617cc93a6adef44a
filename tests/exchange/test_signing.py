"""Requests as ccxt signs them: of every endpoint that we name, the one that it would send itself."""

from functools import cache
from types import ModuleType
from typing import Any

import ccxt.async_support as ccxt
import pytest

from hedgebot.exchange.binance import venue as binance
from hedgebot.exchange.bybit import venue as bybit
from hedgebot.exchange.client import Endpoint
from hedgebot.exchange.okx import venue as okx
from hedgebot.exchange.vendor import signed

NOW_MS = 1_795_000_000_123
KEYS = {"apiKey": "key", "secret": "secret", "password": "passphrase"}
VENDORS: list[tuple[ModuleType, Any]] = [
    (binance, ccxt.binancecoinm),
    (bybit, ccxt.bybit),
    (okx, ccxt.okx),
]
ENDPOINTS = [
    pytest.param(kind, endpoint.method, id=f"{kind.__name__} {endpoint.path}")
    for venue, kind in VENDORS
    for endpoint in vars(venue).values()
    if isinstance(endpoint, Endpoint)
]


@cache
def vendor(kind: Any) -> Any:
    """An instance whose clock stands still, and which hands out what it would send."""

    async def fetch(url: str, method: str, headers: Any, body: Any) -> Any:
        return method, url, made.prepare_request_headers(headers), body

    made = kind({**KEYS, "enableRateLimit": False})
    made.milliseconds = lambda: NOW_MS
    made.fetch = fetch
    return made


@pytest.mark.parametrize(("kind", "method"), ENDPOINTS)
async def test_a_request_is_the_one_that_ccxt_would_send(kind: Any, method: str) -> None:
    params = {"symbol": "BTCUSD", **dict.fromkeys(("orderLinkId", "clOrdId", "newClientOrderId"), "hb1")}
    theirs = await getattr(vendor(kind), method)(dict(params))
    ours = signed(vendor(kind), method, params, {})
    assert (ours.method, ours.url, ours.headers, ours.body and ours.body.decode()) == theirs


def test_our_own_headers_come_on_top() -> None:
    order = {"instId": "BTC-USD-SWAP"}
    request = signed(vendor(ccxt.okx), "privatePostTradeOrder", order, {"expTime": "1"})
    assert request.headers["expTime"] == "1"
    assert "OK-ACCESS-SIGN" in request.headers


def test_a_request_shows_no_secret_when_it_is_printed() -> None:
    request = signed(vendor(ccxt.binancecoinm), "dapiPrivateGetAccount", {}, {})
    assert "signature=" in request.url
    assert repr(request) == "Request(method='GET')"
