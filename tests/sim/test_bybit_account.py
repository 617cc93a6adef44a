"""Bybit's account: balances, positions, settings, executions and transfers."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.sim.contract import HOUR_MS
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Lines, Steps, level
from hedgebot.sim.matching import Side
from tests.sim.kit import BALANCE, ORDER, START_MS, Client, client, clock_of, coin_row, exchange, position_row


class TestBalance:
    def test_equity_is_wallet_less_debt_plus_profit(self) -> None:
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 40_000)]))
        made.lend("main", "BTC", "0.2")
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(2)
        row = {name: Decimal(value) for name, value in coin_row(client(made)).items() if _number(value)}
        identity = row["walletBalance"] - row["spotBorrow"] + row["unrealisedPnl"]
        assert abs(row["equity"] - identity) <= Decimal("0.00000001")
        assert row["walletBalance"] == Decimal("1.199725")
        assert row["unrealisedPnl"] == Decimal("0.24999167")

    def test_without_a_coin_only_what_is_there(self) -> None:
        made = exchange()
        of = client(made)
        assert [r["coin"] for r in of.get(BALANCE, accountType="UNIFIED")["result"]["list"][0]["coin"]] == [
            "BTC"
        ]
        asked = of.get(BALANCE, accountType="UNIFIED", coin="ETH,BTC")["result"]["list"][0]["coin"]
        assert [(r["coin"], r["walletBalance"]) for r in asked] == [("ETH", "0"), ("BTC", "1")]

    def test_only_the_unified_wallet_is_here(self) -> None:
        assert client().get(BALANCE, accountType="CONTRACT")["retCode"] == 10001

    def test_in_isolated_margin_the_accounts_figures_are_empty(self) -> None:
        made = exchange()
        of = client(made)
        totals = of.get(BALANCE, accountType="UNIFIED")["result"]["list"][0]
        assert totals["totalAvailableBalance"] == "60000"
        made.set_margin_mode("main", MarginMode.ISOLATED)
        totals = of.get(BALANCE, accountType="UNIFIED")["result"]["list"][0]
        assert totals["totalAvailableBalance"] == totals["accountIMRate"] == ""

    def test_in_isolated_margin_the_published_formula_gives_the_available_balance(self) -> None:
        """walletBalance − totalPositionIM − totalOrderIM − locked − bonus."""
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.grant_bonus("main", "BTC", "0.01")
        made.lock("main", "BTC", "0.02")
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        made.human_order("main", "BTCUSD", Side.SELL, 6_100, 61_000)
        row = coin_row(client(made))
        names = ("walletBalance", "totalPositionIM", "totalOrderIM", "locked", "bonus")
        wallet, *aside = (Decimal(row[name]) for name in names)
        available = made.value("main").available("BTC")
        assert abs(Fraction(wallet - sum(aside)) - available) < Fraction(5, 10**8)

    def test_portfolio_margin_leaves_margins_empty(self) -> None:
        made = exchange()
        made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        made.set_margin_mode("main", MarginMode.PORTFOLIO)
        assert coin_row(client(made))["totalPositionIM"] == ""
        row = position_row(client(made))
        assert row["liqPrice"] == row["leverage"] == row["positionIM"] == ""


class TestPositions:
    def test_a_flat_contract_has_a_row_when_it_is_named(self) -> None:
        row = position_row(client())
        assert (row["size"], row["side"], row["avgPrice"], row["liqPrice"]) == ("0", "", "0", "")
        assert row["seq"] == -1

    def test_without_a_name_only_open_ones_are_listed(self) -> None:
        of = client()
        assert of.get("/v5/position/list", category="inverse")["result"]["list"] == []
        of.bybit.exchange.human_trade("main", "BTCUSD", Side.SELL, 1000)
        rows = of.get("/v5/position/list", category="inverse", settleCoin="BTC")["result"]["list"]
        assert [row["symbol"] for row in rows] == ["BTCUSD"]
        assert of.get("/v5/position/list", category="inverse", settleCoin="ETH")["result"]["list"] == []

    def test_a_short(self) -> None:
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 40_000)]))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 2)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(2)
        expected = {
            "side": "Sell",
            "size": "30000",
            "avgPrice": "59999",
            "markPrice": "40000.00",
            "leverage": "2",
            "positionValue": "0.50000833",
            "unrealisedPnl": "0.24999167",
            "positionBalance": "0.25000417",
            "liqPrice": "119332.01",
            "positionIdx": 0,
            "tradeMode": 0,
            "riskId": 1,
            "riskLimitValue": "150",
            "positionStatus": "Normal",
            "bustPrice": "",
            "curRealisedPnl": "-0.000275",
        }
        row = position_row(client(made))
        assert {name: row[name] for name in expected} == expected

    def test_a_liquidation_price_beyond_the_contracts_limits_is_empty(self) -> None:
        made = exchange()
        made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        assert position_row(client(made))["liqPrice"] == ""

    def test_a_debt_of_reads(self) -> None:
        """A position read as of the past carries the mark of the past too."""
        made = exchange(Lines([(START_MS, 60_000), (START_MS + 10_000, 61_000)]))
        made.lags["position"] = 5
        clock_of(made).pass_(10)
        assert position_row(client(made))["markPrice"] == "60500.00"


class TestSettings:
    def leverage(self, of: Client, value: str) -> Any:
        both = {"buyLeverage": value, "sellLeverage": value}
        return of.post("/v5/position/set-leverage", category="inverse", symbol="BTCUSD", **both)["retCode"]

    @pytest.mark.parametrize(("value", "code"), [("2", 0), ("10", 110043), ("101", 110013), ("0.5", 110013)])
    def test_leverage(self, value: str, code: int) -> None:
        of = client()
        assert self.leverage(of, value) == code
        assert position_row(of)["leverage"] == (value if code == 0 else "10")

    def test_leverage_that_the_coins_cannot_carry(self) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.human_trade("main", "BTCUSD", Side.SELL, 100_000)
        assert self.leverage(client(made), "1") == 110012

    @pytest.mark.parametrize(
        ("margin", "code"),
        [("0.1", 0), ("0.12345", 10001), ("5", 110014), ("-0.1", 110078), ("0", 110027), ("", 10001)],
    )
    def test_margin_of_an_isolated_position(self, margin: str, code: int) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        named = {"category": "inverse", "symbol": "BTCUSD", "positionIdx": 0}
        reply = client(made).post("/v5/position/add-margin", **named, margin=margin)
        assert reply["retCode"] == code
        assert code or reply["result"]["positionBalance"] == "0.15000083"

    def test_margin_where_there_is_none_to_add_to(self) -> None:
        of = client()
        named = {"category": "inverse", "symbol": "BTCUSD", "margin": "0.1"}
        assert of.post("/v5/position/add-margin", **named)["retCode"] == 110015
        of.bybit.exchange.set_margin_mode("main", MarginMode.ISOLATED)
        assert of.post("/v5/position/add-margin", **named)["retCode"] == 110033

    def test_position_mode(self) -> None:
        of = client()
        named = {"category": "inverse", "symbol": "BTCUSD"}
        assert of.post("/v5/position/switch-mode", **named, mode=3)["retCode"] == 110029
        assert of.post("/v5/position/switch-mode", **named, mode=0)["retCode"] == 110025

    def test_margin_mode_of_the_account(self) -> None:
        of = client()
        reply = of.post("/v5/account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")
        assert (reply["retCode"], reply["result"]) == (0, {"reasons": []})
        assert of.get("/v5/account/info")["result"]["marginMode"] == "ISOLATED_MARGIN"
        assert of.post("/v5/position/switch-isolated")["retCode"] == 100028

    def test_a_mode_that_the_coins_cannot_carry(self) -> None:
        """In cross margin open profit carries a position that its own coins would not."""
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 50_000)]), coins="0.2")
        made.human_trade("main", "BTCUSD", Side.SELL, 100_000)
        clock_of(made).pass_(2)
        made.withdraw("main", "BTC", "0.1")
        reply = client(made).post("/v5/account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")
        assert reply["retCode"] == 3400045
        assert reply["result"]["reasons"]


class TestExecutionsAndLog:
    def made(self) -> SimulatedExchange:
        """Trade, then funding that the short receives, then half of it deleveraged."""
        made = exchange(funding=level("0.0001"))
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(8 * 3600)
        made.adl("main", "BTCUSD", "0.5")
        return made

    def test_every_kind_in_one_list_newest_first(self) -> None:
        rows = client(self.made()).get("/v5/execution/list", category="inverse")["result"]["list"]
        assert [row["execType"] for row in rows] == ["AdlTrade", "Funding", "Trade"]
        assert rows[1]["execFee"] == "-0.00005"
        assert rows[1]["feeRate"] == "-0.0001"
        assert (rows[1]["side"], rows[1]["orderType"]) == ("Sell", "UNKNOWN")
        assert rows[0]["closedSize"] == "15000"

    def test_filters(self) -> None:
        of = client(self.made())
        funding = of.get("/v5/execution/list", category="inverse", execType="Funding", symbol="BTCUSD")
        assert [row["execType"] for row in funding["result"]["list"]] == ["Funding"]
        later = of.get("/v5/execution/list", category="inverse", startTime=START_MS + 1)["result"]["list"]
        assert [row["execType"] for row in later] == ["AdlTrade", "Funding"]

    def test_a_client_id_overrides_other_filters(self) -> None:
        of = client()
        of.post("/v5/order/create", **ORDER, orderLinkId="hb1")
        of.post("/v5/order/create", **ORDER, orderLinkId="hb2")
        named = {"orderLinkId": "hb2", "execType": "Funding", "symbol": "ETHUSD"}
        rows = of.get("/v5/execution/list", category="inverse", **named)["result"]["list"]
        assert [row["orderLinkId"] for row in rows] == ["hb2"]

    def test_the_log_explains_the_balance(self) -> None:
        made = self.made()
        rows = client(made).get("/v5/account/transaction-log", accountType="UNIFIED", currency="BTC")[
            "result"
        ]["list"]
        assert [row["type"] for row in rows] == ["ADL", "SETTLEMENT", "TRADE", "TRANSFER_IN"]
        assert rows[1]["funding"] == "0.00005"
        total = sum(Decimal(row["change"]) for row in rows)
        assert abs(Fraction(total) - made.wallet("main", "BTC").balance) < Fraction(2, 10**8)
        assert rows[0]["size"] == "-15000"

    def test_a_liquidation_is_a_bust_trade(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 80_000)]))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(3600)
        of = client(made)
        rows = of.get("/v5/execution/list", category="inverse", execType="BustTrade")["result"]["list"]
        assert len(rows) == 1
        log = of.get("/v5/account/transaction-log", type="LIQUIDATION")["result"]["list"]
        assert Decimal(log[0]["change"]) == Decimal("-0.05000083")


class TestTransfers:
    ID = "42c0cfb0-6bca-4242-bc76-4e6df6cbcb16"

    def send(self, of: Client, amount: str, transfer_id: str = ID, **changes: str) -> Any:
        names = {"fromAccountType": "FUND", "toAccountType": "UNIFIED", "coin": "BTC", **changes}
        return of.post("/v5/asset/transfer/inter-transfer", transferId=transfer_id, amount=amount, **names)

    def test_coins_move_once_for_each_id(self) -> None:
        made = exchange()
        made.deposit("main", "BTC", 2, wallet="funding")
        of = client(made)
        assert self.send(of, "0.5")["result"] == {"transferId": self.ID, "status": "SUCCESS"}
        assert self.send(of, "0.5")["retCode"] == 131214
        assert coin_row(of)["walletBalance"] == "1.5"
        listed = of.get("/v5/asset/transfer/query-inter-transfer-list", transferId=self.ID)["result"]["list"]
        assert listed[0]["amount"] == "0.5"
        assert (listed[0]["fromAccountType"], listed[0]["toAccountType"]) == ("FUND", "UNIFIED")

    @pytest.mark.parametrize(
        ("amount", "changes", "code"),
        [
            ("5", {}, 131212),
            ("0", {}, 131203),
            ("1", {"transfer_id": "mine"}, 131203),
            ("1", {"toAccountType": "FUND"}, 131211),
            ("1", {"toAccountType": "SPOT"}, 131207),
        ],
    )
    def test_what_cannot_move(self, amount: str, changes: dict[str, str], code: int) -> None:
        assert self.send(client(), amount, **changes)["retCode"] == code

    def test_the_funding_wallet_has_a_list_of_its_own(self) -> None:
        made = exchange()
        made.deposit("main", "BTC", 2, wallet="funding")
        reply = client(made).get(
            "/v5/asset/transfer/query-account-coins-balance", accountType="FUND", coin="BTC"
        )
        assert reply["result"]["balance"] == [
            {"coin": "BTC", "transferBalance": "2", "walletBalance": "2", "bonus": ""}
        ]


def _number(value: object) -> bool:
    return isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdecimal()
