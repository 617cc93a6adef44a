"""Two wallets of one account, transfers between them, and what stands behind positions."""

from fractions import Fraction
from typing import Any

import pytest

from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.sim.binance_kit import ETH, NATIVE, Client, exchange

TRANSFER = "/sapi/v1/asset/transfer"


def moved(client: Client, kind: str, coins: str) -> Any:
    return client.post(TRANSFER, type=kind, asset="BTC", amount=coins)


def spot(client: Client, asset: str = "BTC") -> tuple[str, str]:
    rows = client.get("/api/v3/account")["balances"]
    row = next(row for row in rows if row["asset"] == asset)
    return row["free"], row["locked"]


class TestTransfers:
    def test_coins_move_at_once_and_are_listed(self) -> None:
        client = Client(exchange(coins="0.6", spot="0.4"))
        done = moved(client, "MAIN_CMFUTURE", "0.1")
        assert spot(client) == ("0.30000000", "0.00000000")
        assert client.asset()["walletBalance"] == "0.70000000"
        listed = client.get(TRANSFER, type="MAIN_CMFUTURE")
        assert (listed["total"], listed["rows"][0]["tranId"]) == (1, done["tranId"])
        assert (listed["rows"][0]["amount"], listed["rows"][0]["status"]) == ("0.1", "CONFIRMED")
        assert client.get(TRANSFER, type="CMFUTURE_MAIN")["total"] == 0

    def test_the_same_request_twice_moves_twice(self) -> None:
        """It takes no id of the client's: whether one arrived is seen in the wallets and the list alone."""
        client = Client(exchange(coins="0.6", spot="0.4"))
        ids = {moved(client, "CMFUTURE_MAIN", "0.2")["tranId"] for _ in range(2)}
        assert len(ids) == 2
        assert spot(client)[0] == "0.80000000"

    @pytest.mark.parametrize(("kind", "coins"), [("MAIN_CMFUTURE", "0.5"), ("CMFUTURE_MAIN", "0.7")])
    def test_more_than_there_is_is_refused(self, kind: str, coins: str) -> None:
        client = Client(exchange(coins="0.6", spot="0.4"))
        assert moved(client, kind, coins)["code"] == -5013

    def test_coins_that_back_a_position_stay(self) -> None:
        client = Client(exchange(coins="0.1"))
        client.sell(600)
        assert moved(client, "CMFUTURE_MAIN", "0.06")["code"] == -5013
        assert "tranId" in moved(client, "CMFUTURE_MAIN", "0.04")

    @pytest.mark.parametrize("kind", ["MAIN_UMFUTURE", "spot", ""])
    def test_other_wallets_are_not_here(self, kind: str) -> None:
        assert moved(Client(), kind, "0.1")["code"] in (-1130, -1102)

    def test_income_tells_them_too(self) -> None:
        client = Client(exchange(coins="0.6", spot="0.4"))
        moved(client, "CMFUTURE_MAIN", "0.2")
        rows = client.get("/dapi/v1/income", incomeType="TRANSFER")
        assert [(row["income"], row["info"]) for row in rows] == [
            ("0.60000000", "DEPOSIT"),
            ("-0.20000000", "WITHDRAW"),
        ]


class TestWallet:
    def test_one_that_was_never_used_has_no_update_time(self) -> None:
        client = Client()
        assert client.asset("ETH")["updateTime"] == 0
        assert client.asset("BTC")["updateTime"] == client.clock.at_ms

    def test_spot_lists_all_coins_and_what_orders_lock(self) -> None:
        client = Client(exchange(spot="0.4"))
        client.exchange.lock("main", "BTC", "0.15", "spot")
        assert spot(client) == ("0.25000000", "0.15000000")
        assert spot(client, "ETH") == ("0.00000000", "0.00000000")

    @pytest.mark.parametrize("mode", [MarginMode.ISOLATED, MarginMode.CROSS])
    def test_its_parts_add_up_at_any_price(self, mode: MarginMode) -> None:
        client = Client()
        client.exchange.set_margin_mode("main", mode, NATIVE)
        client.sell(300)
        for price in (60_000, 50_000, 62_000):
            client.exchange.change_feed(NATIVE, path=level(price))
            row, position = client.asset(), client.position()
            total = Fraction(row["walletBalance"])
            own = Fraction(position["isolatedWallet"])
            assert bool(own) is (mode is MarginMode.ISOLATED)
            assert abs(total - Fraction(row["crossWalletBalance"]) - own) <= Fraction(2, 10**8)
            profit = Fraction(row["unrealizedProfit"])
            assert profit == Fraction(position["unRealizedProfit"])
            assert abs(Fraction(row["marginBalance"]) - total - profit) <= Fraction(2, 10**8)
            assert Fraction(row["crossUnPnl"]) == (0 if own else profit)

    def test_a_wallet_that_lags_shows_the_past(self) -> None:
        client = Client()
        client.clock.pass_(10)
        client.exchange.lags["wallet"] = 5.0
        client.exchange.deposit("main", "BTC", 1)
        assert client.asset()["walletBalance"] == "1.00000000"
        client.clock.pass_(5)
        assert client.asset()["walletBalance"] == "2.00000000"


class TestPools:
    def test_each_coin_backs_its_own_positions_alone(self) -> None:
        client = Client()
        assert client.sell(100, symbol=ETH.symbol, price="2999")["code"] == -2019
        client.exchange.deposit("main", "ETH", 1)
        assert "orderId" in client.sell(100, symbol=ETH.symbol, price="2999")

    def test_a_lost_pool_leaves_the_other_coins_alone(self) -> None:
        client = Client(exchange(coins="0.02"))
        client.exchange.deposit("main", "ETH", 100)
        client.exchange.human_trade("main", NATIVE, Side.SELL, 200)
        client.exchange.human_trade("main", ETH.symbol, Side.SELL, 100)
        client.exchange.change_feed(NATIVE, path=level(70_000))
        client.clock.pass_(1)
        assert client.exchange.position("main", NATIVE).contracts == 0
        assert client.exchange.position("main", ETH.symbol).contracts == -100
        assert client.exchange.wallet("main", "ETH").balance > 99

    def test_an_isolated_position_is_lost_alone(self) -> None:
        client = Client()
        client.exchange.set_margin_mode("main", MarginMode.ISOLATED, NATIVE)
        client.exchange.human_trade("main", NATIVE, Side.SELL, 300)
        margin = client.exchange.position("main", NATIVE).margin
        client.exchange.change_feed(NATIVE, path=level(66_000))
        client.clock.pass_(1)
        assert client.exchange.position("main", NATIVE).contracts == 0
        left = client.exchange.wallet("main", "BTC").balance
        assert abs(1 - left - margin) < Fraction("0.001"), "the margin is gone, and the fees"

    def test_the_documented_liquidation_price_has_no_fee_in_it(self) -> None:
        """The recorded long: 2 contracts at 37643.10000021 with 0.00268058 behind them, 25119.97445760."""
        client = Client(exchange(price="37643.1"))
        client.exchange.set_margin_mode("main", MarginMode.ISOLATED, NATIVE)
        client.exchange.set_leverage("main", NATIVE, 2)
        client.exchange.human_trade("main", NATIVE, Side.BUY, 2)
        position = client.exchange.position("main", NATIVE)
        missing = Fraction("0.00268058") - position.margin
        client.exchange.add_margin("main", NATIVE, missing)
        average = position.average(client.exchange.truth.contracts[NATIVE])
        found = Fraction(client.position()["liquidationPrice"])
        assert abs(found - Fraction("25119.97445760")) < 3
        exact = 200 * Fraction("1.004") / (200 / average + Fraction("0.00268058"))
        assert abs(found - exact) < Fraction(1, 10**6)
