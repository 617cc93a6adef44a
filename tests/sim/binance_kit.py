"""What the tests of Binance's dialect are made of: an exchange with two wallets, and a signing client."""

import hmac
import json
import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from hedgebot.sim.binance import MARGIN, RULES, SPOT, Binance, btcusd_perp, ethusd_perp
from hedgebot.sim.binance.session import Options
from hedgebot.sim.binance.wire import Call, Reply
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market, Number, level
from tests.sim.kit import KEY, SECRET, HandClock, clock_of

BTC, ETH = btcusd_perp(), ethusd_perp()
NATIVE = BTC.symbol
ORDER: dict[str, Any] = {
    "symbol": NATIVE,
    "side": "SELL",
    "type": "LIMIT",
    "quantity": "10",
    "price": "59990",
    "timeInForce": "IOC",
}


def exchange(
    price: Number = 60_000, *, coins: Number = 1, spot: Number = 0, **feed: Any
) -> SimulatedExchange:
    """One funded account, ``main``, in cross margin at leverage 20, without funding unless told otherwise."""
    feeds = {
        BTC.symbol: Feed(path=level(price), **{"funding": level(0), **feed}),
        ETH.symbol: Feed(path=level(3_000), funding=level(0)),
    }
    made = SimulatedExchange(HandClock(), Market(feeds), [BTC, ETH], random.Random(7), RULES)
    made.open_account("main", key=KEY, secret=SECRET, pot=MARGIN)
    if coins:
        made.deposit("main", "BTC", coins)
    if spot:
        made.deposit("main", "BTC", spot, SPOT)
    return made


class Client:
    """Calls the dialect directly, signed as a real client would sign."""

    def __init__(
        self, made: SimulatedExchange | None = None, *, secret: str = SECRET, options: Options | None = None
    ) -> None:
        self.exchange = made or exchange()
        self.binance = Binance(self.exchange, options or Options())
        self.clock = clock_of(self.exchange)
        self.key, self.secret = KEY, secret

    def get(self, path: str, **params: object) -> Any:
        return self.sent("GET", path, params)

    def post(self, path: str, **params: object) -> Any:
        return self.sent("POST", path, params)

    def delete(self, path: str, **params: object) -> Any:
        return self.sent("DELETE", path, params)

    def sent(self, method: str, path: str, params: Mapping[str, object]) -> Any:
        return json.loads(self.reply(method, path, params).body)

    def reply(self, method: str, path: str, params: Mapping[str, object], **how: Any) -> Reply:
        query = self.signed(params, **how)
        headers = {"x-mbx-apikey": self.key}
        if method == "POST":
            return self.binance.answer(Call(method, path, "", headers, query.encode()))
        return self.binance.answer(Call(method, path, query, headers))

    def signed(self, params: Mapping[str, object], *, age_ms: int = 0, window: int = 5000) -> str:
        query = urlencode({**params, "timestamp": self.clock.at_ms - age_ms, "recvWindow": window})
        signature = hmac.new(self.secret.encode(), query.encode(), sha256).hexdigest()
        return f"{query}&signature={signature}"

    def sell(self, contracts: int, **params: object) -> Any:
        return self.post("/dapi/v1/order", **{**ORDER, "quantity": contracts, **params})

    def asset(self, name: str = "BTC") -> dict[str, Any]:
        rows = self.get("/dapi/v1/account")["assets"]
        found: dict[str, Any] = next(row for row in rows if row["asset"] == name)
        return found

    def position(self) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.get("/dapi/v1/positionRisk", marginAsset="BTC")
        return rows[0]


def listed() -> dict[str, Any]:
    """The Bitcoin contract as the exchange lists it."""
    found: dict[str, Any] = Client().get("/dapi/v1/exchangeInfo")["symbols"][0]
    return found
