"""Bybit's public side: time, prices, funding, tiers, bars."""

from fractions import Fraction

from hedgebot.sim.contract import HOUR_MS
from hedgebot.sim.market import Lines, level
from tests.sim.kit import BTCUSD, START_MS, client, clock_of, exchange


class TestMarket:
    def test_the_clock(self) -> None:
        reply = client().get("/v5/market/time")
        assert reply["time"] == START_MS
        assert reply["result"] == {"timeSecond": str(START_MS // 1000), "timeNano": f"{START_MS}000000"}

    def test_a_book_of_strings(self) -> None:
        book = client().get("/v5/market/orderbook", category="inverse", symbol="BTCUSD", limit=2)["result"]
        assert book["b"] == [["59999.00", "200000"], ["59993.00", "200000"]]
        assert book["a"] == [["60001.00", "200000"], ["60007.00", "200000"]]

    def test_the_next_funding(self) -> None:
        made = exchange(funding=level("-0.00125"))
        row = client(made).get("/v5/market/tickers", category="inverse", symbol="BTCUSD")["result"]["list"][0]
        assert row["fundingRate"] == "-0.00125"
        assert int(row["nextFundingTime"]) % (8 * HOUR_MS) == 0
        assert 0 < int(row["nextFundingTime"]) - START_MS <= 8 * HOUR_MS
        assert row["fundingIntervalHour"] == "8"

    def test_funding_that_was_settled(self) -> None:
        made = exchange(funding=level("0.0001"))
        clock_of(made).pass_(17 * 3600)
        rows = client(made).get("/v5/market/funding/history", category="inverse", symbol="BTCUSD")["result"][
            "list"
        ]
        assert [row["fundingRate"] for row in rows] == ["0.0001", "0.0001"]
        assert int(rows[0]["fundingRateTimestamp"]) - int(rows[1]["fundingRateTimestamp"]) == 8 * HOUR_MS

    def test_tiers(self) -> None:
        rows = client().get("/v5/market/risk-limit", category="inverse", symbol="BTCUSD")["result"]["list"]
        first, second = rows[0], rows[1]
        assert (first["riskLimitValue"], first["maintenanceMargin"], first["mmDeduction"]) == (
            "150",
            "0.5",
            "",
        )
        assert (second["riskLimitValue"], second["maintenanceMargin"], second["mmDeduction"]) == (
            "300",
            "1",
            "0.75",
        )

    def test_bars_follow_the_path(self) -> None:
        start = START_MS // HOUR_MS * HOUR_MS
        path = Lines([(start, 100), (start + HOUR_MS // 2, 300), (start + 2 * HOUR_MS, 200)])
        made = exchange(path)
        clock_of(made).at_ms = start + 2 * HOUR_MS
        named = {"category": "inverse", "symbol": "BTCUSD", "interval": "60", "limit": 3}
        rows = client(made).get("/v5/market/kline", **named)["result"]["list"]
        assert [row[:4] for row in rows[1:]] == [
            [str(start + HOUR_MS), "266.67", "266.67", "200.00"],
            [str(start), "100.00", "300.00", "100.00"],
        ]

    def test_a_change_of_the_contract_is_published(self) -> None:
        made = exchange()
        made.change_contract("BTCUSD", min_qty=Fraction(10), funding_interval_ms=HOUR_MS, status="Closed")
        row = client(made).get("/v5/market/instruments-info", category="inverse", symbol="BTCUSD")["result"][
            "list"
        ][0]
        assert row["lotSizeFilter"]["minOrderQty"] == "10"
        assert (row["fundingInterval"], row["status"]) == (60, "Closed")
        assert BTCUSD.min_qty == 1
