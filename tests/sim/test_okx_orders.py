"""OKX's orders: what is taken, what is refused and with which code, how they are seen, what they leave."""

from fractions import Fraction
from typing import Any

import pytest

from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.sim.okx_kit import BTC, ORDER, Client, client

HOUR = 3_600


def told(of: Client, **changes: object) -> str:
    return str(of.place(**changes)["sCode"])


class TestPlacing:
    def test_the_reply_tells_ids_only_and_when_it_was_made(self) -> None:
        of = client()
        reply = of.post("trade/order", **ORDER, clOrdId="abc123")
        [row] = reply["data"]
        assert (reply["code"], row["sCode"], row["clOrdId"]) == ("0", "0", "abc123")
        assert row["ordId"].isdecimal()
        assert reply["outTime"] == str(of.clock.at_ms * 1000)
        assert "state" not in row

    def test_a_refusal_has_code_one_and_its_reason_in_the_row(self) -> None:
        reply = client().post("trade/order", **{**ORDER, "sz": "100000000000", "clOrdId": "abc"})
        [row] = reply["data"]
        assert (reply["code"], reply["status"], reply["msg"]) == ("1", 200, "All operations failed")
        assert (row["sCode"], row["ordId"], row["clOrdId"]) == ("51101", "", "abc")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"sz": "700"}, "51008"),
            ({"sz": "0"}, "51020"),
            ({"sz": "1.5"}, "51121"),
            ({"sz": "-1"}, "51020"),
            ({"sz": "many"}, "51000"),
            ({"px": "59990.05"}, "51000"),
            ({"px": "50000"}, "51006"),
            ({"side": "Sell"}, "51000"),
            ({"ordType": "stop"}, "51000"),
            ({"tdMode": "cash"}, "51000"),
            ({"tdMode": ""}, "50014"),
            ({"clOrdId": "with-dash"}, "51000"),
            ({"clOrdId": "x" * 33}, "51000"),
            ({"instId": "XRP-USD-SWAP"}, "51001"),
            ({"posSide": "short"}, "51000"),
            ({"side": "buy", "px": "60010", "reduceOnly": True}, "51169"),
        ],
        ids=str,
    )
    def test_what_is_refused(self, changes: dict[str, Any], code: str) -> None:
        of = client()
        if "sz" in changes and changes["sz"] == "700":
            of.post("account/set-leverage", instId=BTC, lever="1", mgnMode="cross")
        assert told(of, **changes) == code
        assert not of.exchange.orders("main")

    def test_a_client_id_is_taken_while_its_order_is_open_and_free_again_once_it_is_over(self) -> None:
        of = client()
        assert told(of, ordType="limit", px="61000", clOrdId="a") == "0"
        assert told(of, clOrdId="a") == "51016"
        of.post("trade/cancel-order", instId=BTC, clOrdId="a")
        assert told(of, clOrdId="a") == "0"
        assert told(of, clOrdId="a") == "0"

    def test_a_price_beyond_the_limits_is_moved_to_them_if_so_asked(self) -> None:
        of = client()
        of.exchange.change_feed(BTC, path=level(60_000))
        assert told(of, px="40000", pxAmendType="1", clOrdId="a") == "0"
        assert of.row("trade/order", instId=BTC, clOrdId="a")["px"] == "57000"

    def test_a_suspended_contract(self) -> None:
        of = client()
        of.exchange.change_contract(BTC, status="Closed")
        assert told(of) == "51022"


class TestReducing:
    def test_an_order_larger_than_the_position_is_refused_whole(self) -> None:
        of = client()
        of.place(sz="10")
        assert told(of, side="buy", px="60010", sz="11", reduceOnly=True) == "51112"
        assert told(of, side="buy", px="60010", sz="10", reduceOnly="true") == "0"
        assert of.exchange.position("main", BTC).contracts == 0

    def test_one_in_the_positions_own_direction_is_refused(self) -> None:
        of = client()
        of.place()
        assert told(of, reduceOnly=True) == "51170"


class TestSeeing:
    def test_by_either_id(self) -> None:
        of = client()
        order_id = of.place(clOrdId="a")["ordId"]
        by_client, by_id = (
            of.row("trade/order", instId=BTC, **{name: value})
            for name, value in (("clOrdId", "a"), ("ordId", order_id))
        )
        assert by_client == by_id
        assert (by_id["state"], by_id["accFillSz"], by_id["sz"]) == ("filled", "10", "10")
        assert (by_id["fee"][0], by_id["feeCcy"], by_id["reduceOnly"]) == ("-", "BTC", "false")

    def test_of_several_with_one_client_id_the_latest(self) -> None:
        of = client()
        of.place(clOrdId="a")
        latest = of.place(clOrdId="a")["ordId"]
        assert of.row("trade/order", instId=BTC, clOrdId="a")["ordId"] == latest

    def test_one_that_is_not_there(self) -> None:
        reply = client().get("trade/order", instId=BTC, clOrdId="a")
        assert (reply["code"], reply["status"], reply["data"]) == ("51603", 200, [])

    def test_one_without_a_match_is_cancelled_and_forgotten_after_two_hours(self) -> None:
        of = client()
        of.place(px="60500", clOrdId="a")
        row = of.row("trade/order", instId=BTC, clOrdId="a")
        assert (row["state"], row["accFillSz"], row["avgPx"]) == ("canceled", "0", "")
        assert len(of.get("trade/orders-history", instType="SWAP")["data"]) == 1
        of.clock.pass_(2 * HOUR)
        assert of.get("trade/order", instId=BTC, clOrdId="a")["code"] == "51603"
        assert of.get("trade/orders-history", instType="SWAP")["data"] == []

    def test_open_ones_and_finished_ones_are_two_lists(self) -> None:
        of = client()
        of.place(ordType="limit", px="61000", clOrdId="open")
        of.place(clOrdId="done")
        names = [
            [row["clOrdId"] for row in of.get(f"trade/{path}", instType="SWAP")["data"]]
            for path in ("orders-pending", "orders-history")
        ]
        assert names == [["open"], ["done"]]

    def test_pages_go_on_after_an_id(self) -> None:
        of = client()
        ids = [of.place(sz="1")["ordId"] for _ in range(5)][::-1]
        pages = [
            [
                row["ordId"]
                for row in of.get("trade/orders-history", instType="SWAP", limit=2, **after)["data"]
            ]
            for after in ({}, {"after": ids[1]}, {"after": ids[3]})
        ]
        assert pages == [ids[:2], ids[2:4], ids[4:]]


class TestCancelling:
    def test_an_open_one(self) -> None:
        of = client()
        of.place(ordType="limit", px="61000", clOrdId="a")
        assert of.post("trade/cancel-order", instId=BTC, clOrdId="a")["data"][0]["sCode"] == "0"
        assert of.row("trade/order", instId=BTC, clOrdId="a")["state"] == "canceled"

    def test_one_that_is_over_or_never_was(self) -> None:
        of = client()
        of.place(clOrdId="a")
        for name in ("a", "b"):
            reply = of.post("trade/cancel-order", instId=BTC, clOrdId=name)
            assert (reply["code"], reply["data"][0]["sCode"]) == ("1", "51400")


class TestBills:
    def test_a_trade_is_a_fill_and_a_bill(self) -> None:
        of = client()
        of.place(clOrdId="a")
        fill, bill = of.row("trade/fills"), of.row("account/bills", type="2")
        assert (fill["billId"], fill["side"], fill["fillSz"]) == (bill["billId"], "sell", "10")
        assert (fill["fee"], bill["fee"]) == (bill["balChg"], fill["fee"])
        assert (fill["clOrdId"], fill["subType"], fill["execType"]) == ("a", "2", "T")
        assert fill["fee"].startswith("-")

    @pytest.mark.parametrize(("rate", "sub_type", "sign"), [("0.0001", "174", ""), ("-0.0001", "173", "-")])
    def test_funding_is_income_of_the_short_at_a_positive_rate(
        self, rate: str, sub_type: str, sign: str
    ) -> None:
        of = client()
        of.exchange.change_feed(BTC, funding=level(rate))
        of.place(sz="300")
        of.clock.pass_(8 * HOUR)
        bill = of.row("account/bills", type="8", instId=BTC)
        assert (bill["subType"], bill["pnl"], bill["balChg"]) == (
            sub_type,
            f"{sign}0.00005",
            f"{sign}0.00005",
        )

    def test_lists_reach_back_as_far_as_each_does(self) -> None:
        of = client()
        of.exchange.human_trade("main", BTC, Side.SELL, 1)
        of.exchange.human_trade("main", BTC, Side.BUY, 1)
        seen = []
        for days in (2, 4, 8, 91):
            of.clock.at_ms += days * 86_400_000
            lists = ("trade/fills", "trade/fills-history", "account/bills", "account/bills-archive")
            seen.append([len(of.get(path, instType="SWAP")["data"]) for path in lists])
            of.clock.at_ms -= days * 86_400_000
        assert seen == [[2, 2, 2, 2], [0, 2, 2, 2], [0, 2, 0, 2], [0, 0, 0, 0]]

    def test_coins_that_come_are_a_bill_too(self) -> None:
        bill = client().row("account/bills")
        assert (bill["type"], bill["subType"], bill["balChg"]) == ("1", "11", "1")

    @pytest.mark.parametrize(("kind", "sub_type", "sign"), [("add", "160", 1), ("reduce", "161", -1)])
    def test_margin_that_moves_is_a_bill_of_its_own(self, kind: str, sub_type: str, sign: int) -> None:
        of = client()
        of.place(tdMode="isolated", sz="300")
        assert not of.get("account/bills", type="6")["data"]
        of.exchange.add_margin("main", BTC, "0.2")
        asked = {"instId": BTC, "posSide": "net", "type": kind, "amt": "0.10000078"}
        assert of.post("account/position/margin-balance", **asked)["code"] == "0"
        bill = of.get("account/bills", type="6", instId=BTC, subType=sub_type)["data"][0]
        assert (bill["ccy"], bill["mgnMode"], bill["instType"]) == ("BTC", "isolated", "SWAP")
        moved = Fraction(bill["posBalChg"])
        assert moved == sign * Fraction("0.10000078") == -Fraction(bill["balChg"])
