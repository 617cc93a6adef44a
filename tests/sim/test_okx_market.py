"""OKX's public figures: what is listed, the tiers, the prices."""

from fractions import Fraction

import pytest

from hedgebot.sim.market import level
from tests.sim.okx_kit import BTC, client

HOUR_MS = 3_600_000


class TestInstruments:
    def test_contracts_of_a_hundred_and_of_ten_dollars(self) -> None:
        rows = {row["instId"]: row for row in client().get("public/instruments", instType="SWAP")["data"]}
        assert {name: row["ctVal"] for name, row in rows.items() if row["ctType"] == "inverse"} == {
            "BTC-USD-SWAP": "100",
            "ETH-USD-SWAP": "10",
        }
        btc = rows[BTC]
        shown = [
            btc[name]
            for name in ("ctMult", "ctValCcy", "settleCcy", "instFamily", "tickSz", "lotSz", "state")
        ]
        assert shown == ["1", "USD", "BTC", "BTC-USD", "0.1", "1", "live"]

    def test_linear_contracts_stand_beside_them(self) -> None:
        rows = client().get("public/instruments", instType="SWAP", instFamily="BTC-USDT")["data"]
        assert [(row["instId"], row["ctType"], row["settleCcy"]) for row in rows] == [
            ("BTC-USDT-SWAP", "linear", "USDT")
        ]

    @pytest.mark.parametrize("kind", ["FUTURES", "OPTION"])
    def test_other_kinds_are_empty(self, kind: str) -> None:
        assert client().get("public/instruments", instType=kind)["data"] == []

    def test_a_kind_must_be_named(self) -> None:
        assert client().get("public/instruments")["code"] == "50014"
        assert client().get("public/instruments", instType="BONDS")["code"] == "51000"


class TestTiers:
    def test_are_counted_in_contracts(self) -> None:
        asked = {"instType": "SWAP", "tdMode": "isolated", "instFamily": "BTC-USD"}
        rows = client().get("public/position-tiers", **asked)["data"]
        assert [(row["minSz"], row["maxSz"], row["mmr"]) for row in rows[:2]] == [
            ("0", "30000", "0.004"),
            ("30001", "90000", "0.005"),
        ]

    def test_need_a_mode_and_a_family(self) -> None:
        assert client().get("public/position-tiers", instType="SWAP", instFamily="BTC-USD")["code"] == "50014"
        asked = {"instType": "SWAP", "tdMode": "cross", "instFamily": "XRP-USD"}
        assert client().get("public/position-tiers", **asked)["code"] == "51001"


class TestPrices:
    def test_mark_and_index(self) -> None:
        of = client()
        of.exchange.change_feed(BTC, basis=level("0.01"))
        assert of.row("public/mark-price", instType="SWAP", instId=BTC)["markPx"] == "60600"
        assert of.row("market/index-tickers", instId="BTC-USD")["idxPx"] == "60000"
        assert of.get("market/index-tickers", instId="XRP-USD")["code"] == "51014"

    def test_a_book_of_four_columns(self) -> None:
        row = client().row("market/books", instId=BTC, sz=3)
        assert [len(row[side]) for side in ("bids", "asks")] == [3, 3]
        assert row["bids"][0][2:] == ["0", "1"]
        assert Fraction(row["bids"][0][0]) < 60_000 < Fraction(row["asks"][0][0])
        assert Fraction(row["bids"][1][0]) < Fraction(row["bids"][0][0])

    def test_a_book_of_one_level_unless_told(self) -> None:
        assert len(client().row("market/books", instId=BTC)["asks"]) == 1

    def test_funding_is_that_of_the_running_interval(self) -> None:
        of = client()
        of.exchange.change_feed(BTC, funding=level("0.0003"))
        row = of.row("public/funding-rate", instId=BTC)
        assert row["fundingRate"] == "0.0003"
        assert 0 < int(row["fundingTime"]) - of.clock.at_ms <= 8 * HOUR_MS
        assert int(row["nextFundingTime"]) - int(row["fundingTime"]) == 8 * HOUR_MS

    def test_funding_that_was_settled(self) -> None:
        of = client()
        of.clock.pass_(17 * 3_600)
        rows = of.get("public/funding-rate-history", instId=BTC)["data"]
        times = [int(row["fundingTime"]) for row in rows]
        assert len(times) == 2
        assert times[0] - times[1] == 8 * HOUR_MS

    def test_bounds_of_orders(self) -> None:
        row = client().row("public/price-limit", instId=BTC)
        assert (row["sellLmt"], row["buyLmt"]) == ("57000", "63000")

    def test_time(self) -> None:
        of = client()
        assert of.row("public/time") == {"ts": str(of.clock.at_ms)}
