"""Orders in Binance's dialect: what is taken, what is refused with which code, and what the lists show."""

from fractions import Fraction
from typing import Any

import pytest

from hedgebot.sim.market import level, thinned
from hedgebot.sim.matching import Side
from tests.sim.binance_kit import ETH, NATIVE, Client, exchange

DAY = 86_400


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["orderId"] for row in rows]


class TestPlacing:
    def test_the_acknowledgement_says_nothing_of_fills(self) -> None:
        client = Client()
        row = client.sell(10, newClientOrderId="hb1")
        assert (row["status"], row["executedQty"], row["cumQty"], row["avgPrice"]) == ("NEW", "0", "0", "0.0")
        assert row["clientOrderId"] == "hb1"
        assert client.exchange.position("main", NATIVE).contracts == -10

    def test_the_result_shows_the_order_as_it_is_then(self) -> None:
        row = Client().sell(10, newOrderRespType="RESULT")
        assert (row["status"], row["executedQty"], row["avgPrice"]) == ("FILLED", "10", "59999.4")
        assert row["cumBase"] == "0.01666683"

    def test_market_orders_need_no_price(self) -> None:
        client = Client()
        sent = {"symbol": NATIVE, "side": "BUY", "type": "MARKET", "quantity": 3}
        client.post("/dapi/v1/order", **sent)
        assert client.exchange.position("main", NATIVE).contracts == 3

    def test_without_an_id_the_exchange_makes_one_up(self) -> None:
        assert Client().sell(10)["clientOrderId"].startswith("web_")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"symbol": "NOPE"}, -1121),
            ({"symbol": ""}, -1102),
            ({"side": "SHORT"}, -1117),
            ({"type": "STOP"}, -1116),
            ({"timeInForce": "SOON"}, -1115),
            ({"timeInForce": ""}, -1102),
            ({"positionSide": "UP"}, -4060),
            ({"positionSide": "SHORT"}, -4061),
            ({"quantity": "0"}, -4004),
            ({"quantity": "2.7"}, -1111),
            ({"quantity": "ten"}, -1100),
            ({"quantity": "1000001"}, -4005),
            ({"price": "59990.05"}, -4014),
            ({"price": "50000"}, -4024),
            ({"side": "BUY", "price": "70000"}, -4016),
            ({"quantity": "20000"}, -2019),
            ({"quantity": "60000"}, -2027),
            ({"reduceOnly": "true"}, -2022),
            ({"reduceOnly": "yes"}, -1130),
            ({"newClientOrderId": "a b"}, -4015),
            ({"newClientOrderId": "x" * 37}, -4015),
        ],
        ids=str,
    )
    def test_refusals_have_binances_codes_and_change_nothing(self, change: dict[str, str], code: int) -> None:
        client = Client()
        reply = client.sell(10, **change)
        assert reply["code"] == code
        assert not client.exchange.orders("main")

    def test_a_contract_that_does_not_trade_takes_none(self) -> None:
        client = Client()
        client.exchange.change_contract(NATIVE, status="PreLaunch")
        assert client.sell(10)["code"] == -4140

    def test_an_id_is_taken_while_its_order_is_open_and_no_longer(self) -> None:
        client = Client()
        resting = client.sell(10, price="61000", timeInForce="GTC", newClientOrderId="hb1")
        assert client.sell(10, newClientOrderId="hb1")["code"] == -4116
        client.delete("/dapi/v1/order", symbol=NATIVE, orderId=resting["orderId"])
        assert "orderId" in client.sell(10, newClientOrderId="hb1")
        assert "orderId" in client.sell(10, newClientOrderId="hb1")

    def test_a_reduction_is_cut_to_what_there_is(self) -> None:
        client = Client()
        client.sell(10)
        client.post(
            "/dapi/v1/order", symbol=NATIVE, side="BUY", type="MARKET", quantity=25, reduceOnly="true"
        )
        assert client.exchange.position("main", NATIVE).contracts == 0

    def test_in_hedge_mode_each_side_stands_alone(self) -> None:
        client = Client()
        client.post("/dapi/v1/positionSide/dual", dualSidePosition="true")
        assert client.sell(10)["code"] == -4061
        assert client.sell(10, positionSide="SHORT", reduceOnly="true")["code"] == -4062
        client.sell(10, positionSide="SHORT")
        client.post(
            "/dapi/v1/order", symbol=NATIVE, side="BUY", type="MARKET", quantity=4, positionSide="LONG"
        )
        rows = client.get("/dapi/v1/positionRisk", marginAsset="BTC")
        assert {row["positionSide"]: row["positionAmt"] for row in rows} == {
            "BOTH": "0",
            "LONG": "4",
            "SHORT": "-10",
        }


class TestStatuses:
    @pytest.mark.parametrize(
        ("change", "status", "filled"),
        [
            ({}, "FILLED", "10"),
            ({"price": "60100"}, "EXPIRED", "0"),
            ({"price": "60100", "timeInForce": "GTC"}, "NEW", "0"),
            ({"timeInForce": "GTX"}, "EXPIRED", "0"),
            ({"timeInForce": "FOK"}, "FILLED", "10"),
        ],
        ids=str,
    )
    def test_an_order_is_shown_as_what_became_of_it(
        self, change: dict[str, str], status: str, filled: str
    ) -> None:
        client = Client()
        order_id = client.sell(10, **change)["orderId"]
        row = client.get("/dapi/v1/order", symbol=NATIVE, orderId=order_id)
        assert (row["status"], row["executedQty"]) == (status, filled)

    def test_what_a_person_cancels_is_cancelled(self) -> None:
        client = Client()
        client.sell(10, price="60100", timeInForce="GTC", newClientOrderId="hb1")
        done = client.delete("/dapi/v1/order", symbol=NATIVE, origClientOrderId="hb1")
        assert (done["status"], done["clientOrderId"]) == ("CANCELED", "hb1")
        again = client.delete("/dapi/v1/order", symbol=NATIVE, origClientOrderId="hb1")
        assert again["code"] == -2011

    def test_a_partial_fill_that_ends_at_once_is_expired_with_what_it_got(self) -> None:
        client = Client()
        market = client.exchange.truth.market
        market.change(NATIVE, thinned(market.feed(NATIVE), Fraction(1, 2_000)))
        price, size = client.get("/dapi/v1/depth", symbol=NATIVE, limit=5)["bids"][0]
        assert size == "100"
        client.sell(150, price=price, newClientOrderId="hb1")
        shown = client.get("/dapi/v1/order", symbol=NATIVE, origClientOrderId="hb1")
        assert (shown["status"], shown["executedQty"], shown["avgPrice"]) == ("EXPIRED", "100", "59999.4")


class TestLists:
    def test_open_orders_by_contract_and_all(self) -> None:
        client = Client()
        client.exchange.deposit("main", "ETH", 10)
        first = client.sell(10, price="60100", timeInForce="GTC")
        other = client.sell(10, symbol=ETH.symbol, price="3001", timeInForce="GTC")
        assert ids(client.get("/dapi/v1/openOrders")) == [first["orderId"], other["orderId"]]
        assert ids(client.get("/dapi/v1/openOrders", symbol=NATIVE)) == [first["orderId"]]
        assert ids(client.get("/dapi/v1/openOrders", pair="ETHUSD")) == [other["orderId"]]
        assert client.get("/dapi/v1/openOrder", symbol=NATIVE, orderId=first["orderId"])["status"] == "NEW"
        assert client.delete("/dapi/v1/allOpenOrders", symbol=NATIVE)["code"] == 200
        assert ids(client.get("/dapi/v1/openOrders")) == [other["orderId"]]
        gone = client.get("/dapi/v1/openOrder", symbol=NATIVE, orderId=first["orderId"])
        assert gone["code"] == -2013

    def test_the_last_orders_oldest_first_or_those_from_an_id_on(self) -> None:
        client = Client()
        placed = [client.sell(1)["orderId"] for _ in range(5)]
        rows = client.get("/dapi/v1/allOrders", symbol=NATIVE, limit=3)
        assert ids(rows) == placed[-3:]
        assert ids(client.get("/dapi/v1/allOrders", symbol=NATIVE, orderId=placed[1], limit=2)) == placed[1:3]
        assert client.get("/dapi/v1/allOrders", symbol=NATIVE, limit=101)["code"] == -1130

    def test_empty_orders_are_forgotten_after_three_days_and_filled_ones_after_ninety(self) -> None:
        client = Client()
        empty = client.sell(1, price="60100")["orderId"]
        filled = client.sell(1)["orderId"]

        def known(order_id: int) -> bool:
            return "status" in client.get("/dapi/v1/order", symbol=NATIVE, orderId=order_id)

        assert (known(empty), known(filled)) == (True, True)
        client.clock.pass_(3 * DAY + 1)
        assert (known(empty), known(filled)) == (False, True)
        client.clock.pass_(88 * DAY)
        assert (known(empty), known(filled)) == (False, False)

    def test_an_order_needs_one_of_its_ids(self) -> None:
        assert Client().get("/dapi/v1/order", symbol=NATIVE)["code"] == -1102

    def test_a_list_that_lags_does_not_know_the_order_yet(self) -> None:
        client = Client()
        client.exchange.lags["order_history"] = 5.0
        client.sell(1)
        assert client.get("/dapi/v1/allOrders", symbol=NATIVE) == []
        client.clock.pass_(5)
        assert len(client.get("/dapi/v1/allOrders", symbol=NATIVE)) == 1


class TestTrades:
    def test_of_a_span_an_order_or_from_an_id_on(self) -> None:
        client = Client()
        first, second = (client.sell(5)["orderId"] for _ in range(2))
        rows = client.get("/dapi/v1/userTrades", symbol=NATIVE)
        assert ids(rows) == [first, second]
        assert rows[0]["commission"] == "0.00000417"
        assert "clientOrderId" not in rows[0]
        assert ids(client.get("/dapi/v1/userTrades", symbol=NATIVE, orderId=second)) == [second]
        assert ids(client.get("/dapi/v1/userTrades", symbol=NATIVE, fromId=rows[1]["id"])) == [second]

    def test_a_span_longer_than_a_week_is_refused(self) -> None:
        client = Client()
        span = {"startTime": client.clock.at_ms - 8 * DAY * 1000, "endTime": client.clock.at_ms}
        assert client.get("/dapi/v1/userTrades", symbol=NATIVE, **span)["code"] == -4088
        assert client.get("/dapi/v1/userTrades", symbol=NATIVE, fromId=1, startTime=1)["code"] == -1128

    def test_income_tells_profit_fees_and_funding_in_pages(self) -> None:
        client = Client(exchange(funding=level("0.0001")))
        client.sell(300)
        client.exchange.change_feed(NATIVE, path=level(50_000))
        client.exchange.human_trade("main", NATIVE, Side.BUY, 100)
        client.clock.pass_(8 * 3600)
        rows = client.get("/dapi/v1/income", symbol=NATIVE)
        assert [row["incomeType"] for row in rows] == [
            "COMMISSION",
            "REALIZED_PNL",
            "COMMISSION",
            "FUNDING_FEE",
        ]
        assert rows[3]["income"] == "0.00004000", "a positive rate pays the short"
        pages = [client.get("/dapi/v1/income", symbol=NATIVE, limit=2, page=n) for n in (1, 2, 3)]
        assert pages == [rows[:2], rows[2:], []]

    def test_what_the_exchange_closes_is_an_order_of_its_own(self) -> None:
        client = Client()
        client.sell(100)
        client.exchange.adl("main", NATIVE, "0.5")
        [row] = client.get("/dapi/v1/forceOrders", symbol=NATIVE)
        assert (row["clientOrderId"], row["executedQty"]) == ("adl_autoclose", "50")
        asked = client.get("/dapi/v1/order", symbol=NATIVE, orderId=row["orderId"])
        assert asked["clientOrderId"] == "adl_autoclose"
