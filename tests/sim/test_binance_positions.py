"""Positions in Binance's dialect: leverage, margin types, isolated margin, and what the replies show."""

from fractions import Fraction

import pytest

from hedgebot.sim.binance.session import Options
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from tests.sim.binance_kit import NATIVE, Client

MARGIN = "/dapi/v1/positionMargin"


def isolated() -> Client:
    """A short of 300 contracts with margin of its own."""
    client = Client()
    client.exchange.set_margin_mode("main", MarginMode.ISOLATED, NATIVE)
    client.sell(300)
    return client


class TestMarginType:
    def test_it_is_set_by_contract(self) -> None:
        client = Client()
        done = client.post("/dapi/v1/marginType", symbol=NATIVE, marginType="ISOLATED")
        assert done == {"code": 200, "msg": "success"}
        shown = {row["symbol"]: row["marginType"] for row in client.get("/dapi/v1/positionRisk")}
        assert shown == {NATIVE: "isolated", "ETHUSD_PERP": "cross"}

    @pytest.mark.parametrize(
        ("prepare", "wanted", "code"),
        [
            ("nothing", "CROSSED", -4046),
            ("order", "ISOLATED", -4047),
            ("position", "ISOLATED", -4048),
            ("nothing", "MIXED", -1130),
        ],
    )
    def test_not_while_anything_is_open(self, prepare: str, wanted: str, code: int) -> None:
        client = Client()
        if prepare == "order":
            client.sell(10, price="61000", timeInForce="GTC")
        if prepare == "position":
            client.sell(10)
        assert client.post("/dapi/v1/marginType", symbol=NATIVE, marginType=wanted)["code"] == code


class TestLeverage:
    def test_it_is_set_and_may_be_set_again(self) -> None:
        client = Client()
        for _ in range(2):
            done = client.post("/dapi/v1/leverage", symbol=NATIVE, leverage=5)
            assert done == {"leverage": 5, "maxQty": "200", "symbol": NATIVE}
        assert client.position()["leverage"] == "5"

    @pytest.mark.parametrize(
        ("leverage", "code"), [("0", -4028), ("126", -4028), ("2.5", -1102), ("x", -1102)]
    )
    def test_outside_its_bounds_it_is_refused(self, leverage: str, code: int) -> None:
        assert Client().post("/dapi/v1/leverage", symbol=NATIVE, leverage=leverage)["code"] == code

    def test_it_is_not_lowered_under_an_isolated_position(self) -> None:
        assert isolated().post("/dapi/v1/leverage", symbol=NATIVE, leverage=5)["code"] == -4150

    def test_it_is_not_lowered_below_what_the_wallet_carries(self) -> None:
        client = Client()
        client.sell(6_000)
        assert client.post("/dapi/v1/leverage", symbol=NATIVE, leverage=5)["code"] == -2028


class TestIsolatedMargin:
    @pytest.mark.parametrize(
        ("kind", "amount", "change"), [(1, "0.1", "0.1"), (1, "0.00000001", "0.00000001")]
    )
    def test_coins_are_added(self, kind: int, amount: str, change: str) -> None:
        client = isolated()
        before = Fraction(client.position()["isolatedWallet"])
        done = client.post(MARGIN, symbol=NATIVE, amount=amount, type=kind)
        assert (done["code"], done["type"]) == (200, kind)
        assert Fraction(client.position()["isolatedWallet"]) - before == Fraction(change)

    def test_what_was_added_may_be_taken_back_and_is_told(self) -> None:
        client = isolated()
        client.post(MARGIN, symbol=NATIVE, amount="0.1", type=1)
        assert client.post(MARGIN, symbol=NATIVE, amount="0.1", type=2)["code"] == 200
        rows = client.get(f"{MARGIN}/history", symbol=NATIVE)
        assert [row["type"] for row in rows] == [1, 2]

    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            ({"amount": "2", "type": 1}, -4050),
            ({"amount": "0.02", "type": 2}, -4051),
            ({"amount": "0", "type": 1}, -4055),
            ({"amount": "0.1", "type": 3}, -1130),
        ],
        ids=str,
    )
    def test_refusals(self, sent: dict[str, object], code: int) -> None:
        assert isolated().post(MARGIN, symbol=NATIVE, **sent)["code"] == code

    def test_only_an_open_isolated_position_has_one(self) -> None:
        client = Client()
        assert client.post(MARGIN, symbol=NATIVE, amount="0.1", type=1)["code"] == -4049
        client.exchange.set_margin_mode("main", MarginMode.ISOLATED, NATIVE)
        assert client.post(MARGIN, symbol=NATIVE, amount="0.1", type=1)["code"] == -4054

    def test_margin_with_profit_is_what_the_wallet_and_the_profit_make(self) -> None:
        client = isolated()
        for price in (60_000, 55_000, 61_000):
            client.exchange.change_feed(NATIVE, path=level(price))
            row = client.position()
            together = Fraction(row["isolatedWallet"]) + Fraction(row["unRealizedProfit"])
            assert abs(Fraction(row["isolatedMargin"]) - together) <= Fraction(2, 10**8)


class TestShown:
    def test_flat_is_a_row_with_a_zero(self) -> None:
        row = Client().position()
        assert (row["positionAmt"], row["entryPrice"], row["markPrice"]) == ("0", "0.0", "0.00000000")
        assert (row["liquidationPrice"], row["updateTime"]) == ("0", 0)

    def test_a_short_is_negative_and_worth_coins(self) -> None:
        client = Client()
        client.sell(300)
        row = client.position()
        assert (row["positionAmt"], row["notionalValue"]) == ("-300", "-0.50000000")

    def test_unasked_only_contracts_that_trade_are_shown(self) -> None:
        client = Client()
        client.sell(300)
        client.exchange.change_contract(NATIVE, status="Closed")
        assert NATIVE not in [row["symbol"] for row in client.get("/dapi/v1/positionRisk")]
        assert client.get("/dapi/v1/positionRisk", pair="BTCUSD")[0]["positionAmt"] == "-300"

    @pytest.mark.parametrize(
        ("options", "missing"),
        [(Options(notional=False), "notionalValue"), (Options(isolated_wallet=False), "isolatedWallet")],
        ids=str,
    )
    def test_fields_that_some_documentation_lacks(self, options: Options, missing: str) -> None:
        client = Client(options=options)
        assert missing not in client.position()
        assert missing not in client.get("/dapi/v1/account")["positions"][0]

    def test_the_position_mode_is_changed_only_while_nothing_is_open(self) -> None:
        client = Client()
        assert client.post("/dapi/v1/positionSide/dual", dualSidePosition="false")["code"] == -4059
        client.sell(10, price="61000", timeInForce="GTC")
        assert client.post("/dapi/v1/positionSide/dual", dualSidePosition="true")["code"] == -4067
        client.delete("/dapi/v1/allOpenOrders", symbol=NATIVE)
        client.sell(10)
        assert client.post("/dapi/v1/positionSide/dual", dualSidePosition="true")["code"] == -4068
        assert client.get("/dapi/v1/positionSide/dual") == {"dualSidePosition": False}
