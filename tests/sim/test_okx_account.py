"""OKX's balance, settings and positions: figures that belong together, in both margin modes."""

from fractions import Fraction

import pytest

from hedgebot.sim.market import level
from tests.sim.okx_kit import BTC, ETH, Client, client, exchange

F = Fraction
ENTRY = F("59999.4")
"""The best bid at 60,000."""


def opened(mode: str, *, at: int = 50_000, size: str = "300") -> Client:
    """A short opened at 60,000, marked ``at``."""
    of = client()
    assert of.place(tdMode=mode, sz=size)["sCode"] == "0"
    of.exchange.change_feed(BTC, path=level(at))
    of.clock.pass_(3)
    return of


class TestBalance:
    def test_an_untouched_pot(self) -> None:
        row = client().coin()
        assert (row["eq"], row["cashBal"], row["availBal"], row["availEq"]) == ("1", "1", "1", "1")
        assert {row[name] for name in ("upl", "isoEq", "isoUpl", "imr", "mmr", "frozenBal", "ordFrozen")} == {
            "0"
        }

    def test_figures_of_other_account_modes_are_blank(self) -> None:
        row = client().coin()
        assert {row[name] for name in ("liab", "interest", "crossLiab", "maxLoan", "borrowFroz")} == {""}

    @pytest.mark.parametrize("mode", ["cross", "isolated"])
    def test_equity_is_the_sum_of_its_parts(self, mode: str) -> None:
        of = opened(mode)
        row = {name: F(text) for name, text in of.coin().items() if name in PARTS}
        parts = row["cashBal"] + row["isoEq"] + row["upl"] - row["isoUpl"]
        assert abs(row["eq"] - parts) < F(1, 10**14)
        assert float(row["eq"]) == pytest.approx(float(of.exchange.equity("main", "BTC")))
        assert float(row["upl"]) == pytest.approx(float(F(30_000, 50_000) - 30_000 / ENTRY))

    def test_isolated_margin_is_not_in_the_balance(self) -> None:
        row = opened("isolated").coin()
        margin, paid = 30_000 / ENTRY / 10, 30_000 / ENTRY * F(5, 10_000)
        assert float(row["cashBal"]) == pytest.approx(float(1 - margin - paid))
        assert float(F(row["isoEq"]) - F(row["isoUpl"])) == pytest.approx(float(margin))
        assert row["imr"] == "0"

    def test_cross_margin_is(self) -> None:
        row = opened("cross").coin()
        assert (row["isoEq"], row["isoUpl"], row["imr"]) == ("0", "0", "0.06")
        assert row["frozenBal"] == "0.06"

    def test_a_debt_is_a_negative_balance(self) -> None:
        made = exchange(coins=1)
        made.lend("main", "BTC", "0.5")
        made.seize("main", "BTC", "1.3")
        assert client(made).coin()["eq"] == "-0.3"

    def test_coins_of_which_nothing_is_there_are_not_shown(self) -> None:
        assert client(exchange(coins=0)).row("account/balance")["details"] == []
        assert client().row("account/balance", ccy="ETH")["details"] == []

    def test_coins_in_resting_orders_are_frozen(self) -> None:
        of = client()
        of.place(ordType="limit", px="61000", sz="61")
        row = of.coin()
        assert float(row["ordFrozen"]) == pytest.approx(0.01 + 0.1 * 0.0005)
        assert row["frozenBal"] == row["ordFrozen"]


PARTS = ("eq", "cashBal", "isoEq", "upl", "isoUpl")


class TestConfig:
    def test_modes(self) -> None:
        row = client().row("account/config")
        assert (row["acctLv"], row["posMode"], row["perm"]) == ("2", "net_mode", "read_only,trade")
        assert client(account_level="4").row("account/config")["acctLv"] == "4"

    def test_the_position_mode_may_be_switched_while_flat(self) -> None:
        of = client()
        of.post("account/set-position-mode", posMode="long_short_mode")
        assert of.row("account/config")["posMode"] == "long_short_mode"
        assert [
            row["posSide"] for row in of.get("account/leverage-info", instId=BTC, mgnMode="cross")["data"]
        ] == [
            "long",
            "short",
        ]

    def test_not_while_something_is_open(self) -> None:
        assert opened("cross").post("account/set-position-mode", posMode="long_short_mode")["code"] == "59000"

    def test_fees_are_negative(self) -> None:
        row = client().row("account/trade-fee", instType="SWAP", instFamily="BTC-USD")
        assert (row["taker"], row["maker"], row["feeGroup"][0]["taker"]) == ("-0.0005", "-0.0002", "-0.0005")


class TestPositions:
    def test_one_that_was_never_there_is_not_shown(self) -> None:
        assert client().get("account/positions", instId=BTC)["data"] == []

    def test_one_that_was_closed_is_shown_when_it_is_named_for_thirty_days(self) -> None:
        of = client()
        of.place()
        of.place(side="buy", px="60010", reduceOnly=True)
        assert of.get("account/positions")["data"] == []
        row = of.row("account/positions", instId=BTC)
        assert (row["pos"], row["avgPx"], row["upl"], row["margin"]) == ("0", "", "", "")
        of.clock.pass_(30 * 86_400)
        assert of.get("account/positions", instId=BTC)["data"] == []

    def test_in_cross_margin(self) -> None:
        row = opened("cross").row("account/positions")
        assert (row["mgnMode"], row["posSide"], row["pos"], row["margin"]) == ("cross", "net", "-300", "")
        assert (row["imr"], row["lever"], row["markPx"]) == ("0.06", "10", "50000")

    def test_in_isolated_margin(self) -> None:
        row = opened("isolated").row("account/positions")
        assert (row["mgnMode"], row["imr"]) == ("isolated", "")
        assert float(row["margin"]) == pytest.approx(float(30_000 / ENTRY / 10))

    def test_profit_is_that_of_its_own_prices(self) -> None:
        row = opened("isolated").row("account/positions")
        made = 30_000 / float(row["markPx"]) - 30_000 / float(row["avgPx"])
        assert float(row["upl"]) == pytest.approx(made, rel=1e-9)

    def test_each_order_says_its_margin_mode(self) -> None:
        of = client()
        of.exchange.deposit("main", "ETH", 10)
        of.place(tdMode="isolated")
        of.place(instId=ETH, tdMode="cross", px="2999")
        modes = {row["instId"]: row["mgnMode"] for row in of.get("account/positions")["data"]}
        assert modes == {BTC: "isolated", ETH: "cross"}

    def test_a_contract_is_held_in_one_mode_at_a_time_here(self) -> None:
        of = client()
        of.place(tdMode="isolated")
        assert of.place(tdMode="cross")["sCode"] == "51000"

    def test_sides_of_hedge_mode(self) -> None:
        of = client()
        of.post("account/set-position-mode", posMode="long_short_mode")
        assert of.place()["sCode"] == "51000", "a side is wanted there"
        assert of.place(posSide="short")["sCode"] == "0"
        row = of.row("account/positions")
        assert (row["posSide"], row["pos"]) == ("short", "10")

    def test_one_that_1x_collateral_makes_immune_has_no_liquidation_price(self) -> None:
        of = client()
        of.place(sz="59")
        assert of.row("account/positions")["liqPx"] == ""


class TestLeverage:
    def test_each_margin_mode_has_its_own(self) -> None:
        of = client()
        for mode, leverage in (("cross", "3"), ("isolated", "5")):
            reply = of.post("account/set-leverage", instId=BTC, lever=leverage, mgnMode=mode)
            assert (reply["code"], reply["data"][0]["lever"]) == ("0", leverage)
        shown = [
            of.row("account/leverage-info", instId=BTC, mgnMode=m)["lever"] for m in ("cross", "isolated")
        ]
        assert shown == ["3", "5"]
        of.place(tdMode="isolated")
        assert of.row("account/positions")["lever"] == "5"

    def test_the_same_again_succeeds(self) -> None:
        of = client()
        for _ in range(2):
            assert of.post("account/set-leverage", instId=BTC, lever="3", mgnMode="cross")["code"] == "0"

    @pytest.mark.parametrize(("leverage", "code"), [("101", "59102"), ("0.5", "59105"), ("x", "51000")])
    def test_beyond_its_bounds(self, leverage: str, code: str) -> None:
        assert (
            client().post("account/set-leverage", instId=BTC, lever=leverage, mgnMode="cross")["code"] == code
        )

    def test_lower_than_the_margin_covers(self) -> None:
        of = client()
        of.place(tdMode="isolated", sz="600")
        reply = of.post("account/set-leverage", instId=BTC, lever="1", mgnMode="isolated")
        assert reply["code"] == "59108"


class TestMarginBalance:
    def test_add_and_reduce(self) -> None:
        of = opened("isolated")
        margin = F(of.row("account/positions")["margin"])
        for kind, amount, more in (("add", "0.2", F("0.2")), ("reduce", "0.1", F("0.1"))):
            asked = {"instId": BTC, "posSide": "net", "type": kind, "amt": amount}
            assert of.post("account/position/margin-balance", **asked)["data"][0]["amt"] == amount
            assert F(of.row("account/positions")["margin"]) == margin + more

    @pytest.mark.parametrize(("kind", "amount", "code"), [("add", "5", "59303"), ("reduce", "0.2", "59301")])
    def test_more_than_there_is(self, kind: str, amount: str, code: str) -> None:
        asked = {"instId": BTC, "posSide": "net", "type": kind, "amt": amount}
        assert opened("isolated").post("account/position/margin-balance", **asked)["code"] == code

    def test_cross_margin_has_none(self) -> None:
        asked = {"instId": BTC, "posSide": "net", "type": "add", "amt": "0.1"}
        assert opened("cross").post("account/position/margin-balance", **asked)["code"] == "51043"
