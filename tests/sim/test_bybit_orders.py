"""Bybit's orders: placing, cancelling, and the lists that show them."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.sim.bybit.wire import Call
from tests.sim.kit import (
    ORDER,
    Client,
    client,
    clock_of,
    exchange,
)


class TestPlacing:
    def test_a_request_that_arrives_too_late_places_nothing(self) -> None:
        of = client()
        body = json.dumps({**ORDER, "orderLinkId": "hb1"}).encode()
        headers = of.signed(body, window=5000)
        clock_of(of.bybit.exchange).pass_(5.001)
        reply = of.bybit.answer(Call("POST", "/v5/order/create", "", headers, body))
        assert json.loads(reply.body)["retCode"] == 10002
        assert not of.bybit.exchange.orders("main")

    def test_an_order_is_acknowledged_by_its_ids(self) -> None:
        of = client()
        reply = of.post("/v5/order/create", **ORDER, orderLinkId="hb1")
        assert reply["retMsg"] == "OK"
        assert reply["result"]["orderLinkId"] == "hb1"
        assert set(reply["result"]) == {"orderId", "orderLinkId"}

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"category": "linear"}, 10001),
            ({"symbol": "XRPUSD"}, 10001),
            ({"side": "sell"}, 10001),
            ({"qty": "0"}, 10001),
            ({"qty": "NaN"}, 10001),
            ({"qty": "1e3"}, 10001),
            ({"qty": "0.5"}, 10001),
            ({"qty": "26000000"}, 10001),
            ({"price": None}, 10001),
            ({"price": "59990.3"}, 10001),
            ({"price": "50000"}, 110003),
            ({"qty": "700000"}, 110007),
            ({"reduceOnly": True}, 110017),
            ({"positionIdx": 2}, 10001),
            ({"timeInForce": "GTD"}, 10001),
            ({"orderLinkId": "x" * 37}, 10001),
            ({"orderLinkId": "a b"}, 10001),
            ({"triggerPrice": "61000"}, 10001),
        ],
    )
    def test_what_breaks_a_rule_gets_its_code(self, changes: dict[str, Any], code: int) -> None:
        of = client()
        assert of.post("/v5/order/create", **{**ORDER, **changes})["retCode"] == code
        assert not of.bybit.exchange.orders("main")

    def test_a_contract_may_have_a_smallest_value(self) -> None:
        made = exchange()
        made.change_contract("BTCUSD", min_notional=Fraction(2000))
        assert client(made).post("/v5/order/create", **ORDER)["retCode"] == 110094

    def test_a_client_id_counts_once(self) -> None:
        of = client()
        assert of.post("/v5/order/create", **ORDER, orderLinkId="hb1")["retCode"] == 0
        assert of.post("/v5/order/create", **ORDER, orderLinkId="hb1")["retCode"] == 110072
        assert len(of.bybit.exchange.effective_orders("main")) == 1

    @pytest.mark.parametrize("by", ["orderId", "orderLinkId"])
    def test_cancelling(self, by: str) -> None:
        of = client()
        ids = of.post(
            "/v5/order/create", **{**ORDER, "price": "61000", "timeInForce": "GTC"}, orderLinkId="hb1"
        )
        named = {"category": "inverse", "symbol": "BTCUSD", by: ids["result"][by]}
        assert of.post("/v5/order/cancel", **named)["result"] == ids["result"]
        assert of.post("/v5/order/cancel", **named)["retCode"] == 110001

    def test_cancelling_all(self) -> None:
        of = client()
        for price in ("61000", "61500"):
            of.post("/v5/order/create", **{**ORDER, "price": price, "timeInForce": "GTC"})
        assert of.post("/v5/order/cancel-all", category="inverse")["retCode"] == 10001
        reply = of.post("/v5/order/cancel-all", category="inverse", settleCoin="BTC")
        assert len(reply["result"]["list"]) == 2
        assert not of.get("/v5/order/realtime", category="inverse")["result"]["list"]


class TestOrderLists:
    def resting(self, of: Client, link: str, price: str = "61000") -> None:
        of.post("/v5/order/create", **{**ORDER, "price": price, "timeInForce": "GTC"}, orderLinkId=link)

    def links(self, of: Client, path: str, **params: object) -> list[str]:
        rows = of.get(path, category="inverse", **params)["result"]["list"]
        return [row["orderLinkId"] for row in rows]

    def test_realtime_shows_open_orders_unless_closed_ones_are_named(self) -> None:
        of = client()
        of.post("/v5/order/create", **ORDER, orderLinkId="done")
        self.resting(of, "open")
        assert self.links(of, "/v5/order/realtime", symbol="BTCUSD") == ["open"]
        assert self.links(of, "/v5/order/realtime", openOnly=1) == ["done"]
        assert self.links(of, "/v5/order/realtime", orderLinkId="done") == ["done"]
        assert self.links(of, "/v5/order/realtime", orderLinkId="never") == []

    def test_history_shows_closed_orders_late(self) -> None:
        of = client()
        of.bybit.exchange.lags["order_history"] = 2
        of.post("/v5/order/create", **ORDER, orderLinkId="done")
        self.resting(of, "open")
        assert self.links(of, "/v5/order/history", orderLinkId="done") == []
        clock_of(of.bybit.exchange).pass_(2)
        assert self.links(of, "/v5/order/history", orderLinkId="done") == ["done"]
        assert self.links(of, "/v5/order/history") == ["done"]

    def test_a_restart_of_the_exchange_may_forget_recent_closed_ones(self) -> None:
        made = exchange()
        made.truth.rules = replace(made.truth.rules, closed_orders_kept=1)
        of = client(made)
        for link in ("first", "second"):
            of.post("/v5/order/create", **ORDER, orderLinkId=link)
        assert self.links(of, "/v5/order/realtime", orderLinkId="first") == []
        assert self.links(of, "/v5/order/realtime", orderLinkId="second") == ["second"]
        assert self.links(of, "/v5/order/history", orderLinkId="first") == ["first"]

    def test_pages_follow_one_another(self) -> None:
        of = client()
        of.bybit.rate_limits.scale = None
        for number in range(7):
            self.resting(of, f"hb{number}", str(61_000 + number))
        seen: list[str] = []
        cursor = ""
        for _ in range(4):
            reply = of.get("/v5/order/realtime", category="inverse", limit=3, cursor=cursor)["result"]
            seen += [row["orderLinkId"] for row in reply["list"]]
            cursor = reply["nextPageCursor"]
            self.resting(of, f"later{len(seen)}")
            if not cursor:
                break
        assert seen == [f"hb{number}" for number in reversed(range(7))]

    @pytest.mark.parametrize(
        ("changes", "status", "reason"),
        [
            ({}, "Filled", "EC_NoError"),
            ({"price": "60500"}, "Cancelled", "EC_NoImmediateQtyToFill"),
            ({"timeInForce": "PostOnly"}, "Cancelled", "EC_PostOnlyWillTakeLiquidity"),
            ({"timeInForce": "FOK", "qty": "250000", "price": "59999"}, "Cancelled", "EC_NoEnoughQtyToFill"),
            ({"qty": "250000", "price": "59999"}, "Cancelled", "EC_CancelForNoFullFill"),
        ],
    )
    def test_how_an_order_ended(self, changes: dict[str, str], status: str, reason: str) -> None:
        of = client(exchange(coins=10))
        of.post("/v5/order/create", **{**ORDER, **changes}, orderLinkId="hb1")
        row = of.get("/v5/order/realtime", category="inverse", orderLinkId="hb1")["result"]["list"][0]
        assert (row["orderStatus"], row["rejectReason"]) == (status, reason)
        assert row["leavesQty"] == "0"

    def test_a_filled_row(self) -> None:
        of = client()
        of.post("/v5/order/create", **{**ORDER, "orderType": "Market", "price": ""}, orderLinkId="hb1")
        row = of.get("/v5/order/realtime", category="inverse", orderLinkId="hb1")["result"]["list"][0]
        expected = {
            "orderType": "Market",
            "timeInForce": "IOC",
            "qty": "1000",
            "cumExecQty": "1000",
            "avgPrice": "59999",
            "cumExecValue": "0.01666694",
            "cumExecFee": "0.00000917",
            "cumFeeDetail": {"BTC": "0.00000917"},
        }
        assert expected.items() <= row.items()
