"""Bybit's replies to the last field: what each is worth, and the words in which a wrong one is refused."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import (
    AccountMode,
    AccountReading,
    EntryKind,
    KeyScope,
    LedgerEntry,
    LegFacts,
    OpenOrder,
    Position,
    Tier,
    Wallet,
    WalletId,
)
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import NO_FUNDING, Funding, Quote
from hedgebot.domain.orders import OrderRequest, OrderState
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import Pocket, TransferRequest
from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.exchange.bybit import holdings, key, market, orders, transfers
from hedgebot.exchange.bybit.reading import Answers, LegAnswers, Moment, reading
from hedgebot.exchange.bybit.slow_facts import Facts
from hedgebot.exchange.convert import OrderBook
from tests.exchange.replies import AT, GONE, answer, but, refusal

ISOLATED, CROSS = AccountMode(MarginMode.ISOLATED), AccountMode(MarginMode.CROSS)
PORTFOLIO = AccountMode(MarginMode.PORTFOLIO, "portfolio margin: its liquidation price cannot be known")


def contract_row(symbol: str, base: str, kind: str, **fields: object) -> dict[str, Any]:
    row = {
        "symbol": symbol, "contractType": kind, "status": "Trading", "baseCoin": base, "quoteCoin": "USD",
        "settleCoin": base, "deliveryTime": "0", "priceFilter": {"tickSize": "0.5"},
        "lotSizeFilter": {"qtyStep": "1", "minOrderQty": "2", "maxOrderQty": "300"},
    }  # fmt: skip
    return row | fields


TETHER: dict[str, Any] = {
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "lotSizeFilter": {
        "qtyStep": "0.001", "minOrderQty": "0.002", "maxOrderQty": "300", "minNotionalValue": "5",
    },
}  # fmt: skip
BTCUSD_ROW = contract_row("BTCUSD", "BTC", "InversePerpetual")
DATED_ROW = contract_row("BTCUSDZ26", "BTC", "InverseFutures", deliveryTime="1798185600000")
BTCUSDT_ROW = contract_row("BTCUSDT", "BTC", "LinearPerpetual", **TETHER)
ETHUSD_ROW = contract_row("ETHUSD", "ETH", "InversePerpetual", status="PreLaunch", deliveryTime="")
LISTED = {"category": "inverse", "list": [BTCUSD_ROW, DATED_ROW, BTCUSDT_ROW, ETHUSD_ROW]}
BTCUSD = Instrument(
    symbol="BTC/USD:BTC",
    native="BTCUSD",
    asset="BTC",
    face=Usd.of(1),
    lot=Contracts.of(1),
    tick=Decimal("0.5"),
    min_order=Contracts.of(2),
    max_order=Contracts.of(300),
)
DATED = replace(BTCUSD, symbol="BTC/USD:BTC-261225", native="BTCUSDZ26", ends_at=Millis(1_798_185_600_000))
BTCUSDT = replace(
    BTCUSD,
    symbol="BTC/USDT:USDT",
    native="BTCUSDT",
    face=Coin.of(1),
    lot=Contracts.of("0.001"),
    min_order=Contracts.of("0.002"),
    min_value=Usd.of(5),
    instead="BTC/USD:BTC",
)
ETHUSD = replace(BTCUSD, symbol="ETH/USD:ETH", native="ETHUSD", asset="ETH", tradable=False)
CONTRACTS = (BTCUSD, DATED, BTCUSDT, ETHUSD)
LISTING = market.Listing({i.symbol: i for i in CONTRACTS}, {i.native: i for i in CONTRACTS})


class TestContracts:
    def test_are_listed_by_both_names(self) -> None:
        assert market.instruments([answer(LISTED)]) == LISTING
        assert LISTING.named("ETH/USD:ETH") == ETHUSD

    def test_come_from_all_pages(self) -> None:
        pages = [answer({"list": [BTCUSD_ROW]}), answer({"list": [ETHUSD_ROW]})]
        assert list(market.instruments(pages).by_native) == ["BTCUSD", "ETHUSD"]

    @pytest.mark.parametrize(
        ("rows", "instead"),
        [
            ([BTCUSDT_ROW], ""),
            ([BTCUSDT_ROW, DATED_ROW], ""),
            ([BTCUSDT_ROW, ETHUSD_ROW], ""),
            ([BTCUSDT_ROW, {**BTCUSD_ROW, "status": "Closed"}], ""),
            ([BTCUSDT_ROW, BTCUSD_ROW], "BTC/USD:BTC"),
        ],
    )
    def test_in_tether_know_the_inverse_perpetual_one_that_can_be_traded(
        self, rows: list[object], instead: str
    ) -> None:
        assert market.instruments([answer({"list": rows})]).by_native["BTCUSDT"].instead == instead

    def test_in_other_stable_coins_need_not_name_the_coin(self) -> None:
        row = contract_row(
            "BTCPERP", "BTC", "LinearPerpetual", **TETHER | {"quoteCoin": "USDC", "settleCoin": "USDC"}
        )
        assert market.instruments([answer({"list": [row]})]).by_native["BTCPERP"].symbol == "BTC/USDC:USDC"

    def test_that_are_perpetual_and_to_be_delisted_say_when_and_keep_their_name(self) -> None:
        [found] = market.instruments(
            [answer({"list": [{**BTCUSD_ROW, "deliveryTime": "1798185600000"}]})]
        ).by_native.values()
        assert found == replace(BTCUSD, ends_at=Millis(1_798_185_600_000))

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("list[1].symbol", "BTCUSD", ".list[1].symbol: is listed twice"),
            ("list[0].symbol", "XBTUSD", ".list[0].symbol: is XBTUSD, no contract of BTC"),
            ("list[0].symbol", "BTC-25DEC26", ".list[0].symbol: is BTC-25DEC26, no contract of BTC"),
            ("list[2].symbol", "ETHUSDT", ".list[2].symbol: is ETHUSDT, no contract of BTC"),
            ("list[0].quoteCoin", "EUR", ".list[0].quoteCoin: is 'EUR', not USD"),
            ("list[0].settleCoin", "USD", ".list[0].settleCoin: is 'USD', not BTC"),
            ("list[2].settleCoin", "BTC", ".list[2].settleCoin: is 'BTC', not USDT"),
            ("list[1].deliveryTime", "0", ".list[1].deliveryTime: is no date for a dated contract"),
            ("list[1].deliveryTime", "", ".list[1].deliveryTime: is '', not a whole number"),
        ],
    )
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        assert refusal(lambda: market.instruments([answer(but(LISTED, path, value))])) == said

    def test_that_are_not_listed_are_unknown_by_either_name(self) -> None:
        said = "bybit lists no contract XRP/USD:XRP. Check the leg's symbol"
        assert refusal(lambda: LISTING.named("XRP/USD:XRP")) == said
        row = answer({"symbol": "XRPUSD"}).fields
        assert refusal(lambda: LISTING.of_row(row)) == ".symbol: is 'XRPUSD', which we do not know"


SAFER_ROW = {
    "symbol": "BTCUSD", "riskLimitValue": "150", "maintenanceMargin": "0.005", "initialMargin": "0.01",
    "maxLeverage": "100.00",
}  # fmt: skip
TIER_ROWS = [
    SAFER_ROW
    | {"riskLimitValue": "300", "maintenanceMargin": "0.01", "initialMargin": "0.02", "maxLeverage": "50"},
    SAFER_ROW,
]


class TestTiers:
    @pytest.mark.parametrize(
        ("maintenance", "initial", "leverage", "rate"),
        [
            ("0.01", "0.02", "50", "0.01"),
            ("0.01", "0.0105", "100", "0.01"),
            ("0.01", "0.0095", "100", "0.01"),
            ("1", "2", "50", "0.01"),
            ("0.5", "1.05", "100", "0.005"),
            ("0.99", "1", "1", "0.99"),
        ],
    )
    def test_rates_come_as_fractions_or_as_percent(
        self, maintenance: str, initial: str, leverage: str, rate: str
    ) -> None:
        row = TIER_ROWS[0] | {
            "maintenanceMargin": maintenance,
            "initialMargin": initial,
            "maxLeverage": leverage,
        }
        found = market.tiers(answer({"list": [row, TIER_ROWS[1]]}), "BTCUSD")
        assert found == (Tier(Coin.of(150), Decimal("0.005")), Tier(Coin.of(300), Decimal(rate)))

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("list", [], ".list: has no clear margin tiers for BTCUSD"),
            ("list[0].riskLimitValue", "150", ".list: has no clear margin tiers for BTCUSD"),
            ("list[0].riskLimitValue", "0", ".list[0].riskLimitValue: is 0, not above zero"),
            ("list[0].symbol", "ETHUSD", ".list[0].symbol: is 'ETHUSD', not BTCUSD"),
            ("list[0].maintenanceMargin", "1", ".list[0].maintenanceMargin: is the whole position or more"),
            (
                "list[0].initialMargin",
                "0.02101",
                ".list[0].initialMargin: does not belong to maxLeverage, as percent or as fraction",
            ),
        ],
    )
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        document = but({"list": TIER_ROWS}, path, value)
        assert refusal(lambda: market.tiers(answer(document), "BTCUSD")) == said


FEES = {
    "list": [{"symbol": "BTCUSD", "takerFeeRate": "0.0006"}, {"symbol": "ETHUSD", "takerFeeRate": "0.0005"}]
}
TICKER: dict[str, Any] = {
    "category": "inverse",
    "list": [
        {
            "symbol": "BTCUSD", "markPrice": "60000", "indexPrice": "60001", "fundingRate": "-0.0001",
            "fundingIntervalHour": "4", "nextFundingTime": "1795000800000",
        }
    ],
}  # fmt: skip
BOOK_REPLY = {"s": "BTCUSD", "b": [["59999", "7"]], "a": [["60001", "8"]], "ts": 1_795_000_000_000}
BIDS, ASKS = ((Price.of(59999), Contracts.of(7)),), ((Price.of(60001), Contracts.of(8)),)
BOOK = OrderBook(BIDS, ASKS, AT)
QUOTE = Quote(
    symbol="BTC/USD:BTC",
    mark=Price.of(60000),
    index=Price.of(60001),
    bids=BIDS,
    asks=ASKS,
    funding=Funding(Decimal("-0.0001"), Decimal(4), Millis(1_795_000_800_000)),
    at=AT,
)


class TestPrices:
    def test_a_fee_is_that_of_the_contract(self) -> None:
        assert market.taker_fee(answer(FEES), "ETHUSD") == Decimal("0.0005")

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("list", [], ".list: has 0 fees for BTCUSD instead of one"),
            ("list[1].symbol", "BTCUSD", ".list: has 2 fees for BTCUSD instead of one"),
            ("list[0].takerFeeRate", "0.01", ".list[0].takerFeeRate: is 0.01, no rate"),
        ],
    )
    def test_a_fee_is_refused(self, path: str, value: object, said: str) -> None:
        assert refusal(lambda: market.taker_fee(answer(but(FEES, path, value)), "BTCUSD")) == said

    def test_an_order_book_is_that_of_the_contract(self) -> None:
        assert market.order_book(answer(BOOK_REPLY), BTCUSD) == BOOK
        said = refusal(lambda: market.order_book(answer(BOOK_REPLY), ETHUSD))
        assert said == ".s: is 'BTCUSD', not ETHUSD"

    def test_candles_come_newest_first(self) -> None:
        rows = [[str(hour * 3_600_000), "1", "3", "1", str(hour), "9", "9"] for hour in (3, 2, 1)]
        reply = {"symbol": "BTCUSD", "list": rows}
        found = market.candles(answer(reply), BTCUSD, 3_600_000, 3 * 3_600_000)
        assert found == (Candle(Millis(7_200_000), Price.of(1)), Candle(Millis(10_800_000), Price.of(2)))

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("symbol", "ETHUSD", ".symbol: is 'ETHUSD', not BTCUSD"),
            ("list", {}, ".list: is {}, not a list"),
            ("list[0]", ["1"], ".list[0]: is no bar of 7 columns"),
        ],
    )
    def test_candles_are_refused(self, path: str, value: object, said: str) -> None:
        reply = but({"symbol": "BTCUSD", "list": [["0", "1", "1", "1", "1", "1", "1"]]}, path, value)
        assert refusal(lambda: market.candles(answer(reply), BTCUSD, 3_600_000, 3_600_000)) == said

    @pytest.mark.parametrize(
        ("path", "value", "expected"),
        [
            ("category", GONE, QUOTE),
            ("list[0].indexPrice", "", replace(QUOTE, index=None)),
            (
                "list[0].fundingIntervalHour",
                "",
                replace(QUOTE, funding=replace(QUOTE.funding, interval_hours=None)),
            ),
            (
                "list[0].fundingIntervalHour",
                GONE,
                replace(QUOTE, funding=replace(QUOTE.funding, interval_hours=None)),
            ),
            ("list[0].nextFundingTime", "0", replace(QUOTE, funding=replace(QUOTE.funding, next_at=None))),
        ],
    )
    def test_a_quote_leaves_unknown_what_is_not_told(self, path: str, value: object, expected: Quote) -> None:
        assert market.quote(answer(but(TICKER, path, value)), BOOK, BTCUSD) == expected

    @pytest.mark.parametrize(("at", "quoted"), [(AT - 1, AT - 1), (AT + 1, AT), (None, AT)])
    def test_a_quote_is_as_old_as_its_older_part(self, at: Millis | None, quoted: Millis) -> None:
        assert market.quote(answer(TICKER, at), BOOK, BTCUSD) == replace(QUOTE, at=quoted)

    def test_a_dated_contract_has_no_funding(self) -> None:
        reply = {"list": [{"symbol": "BTCUSDZ26", "markPrice": "60000", "indexPrice": "60001"}]}
        expected = replace(QUOTE, symbol=DATED.symbol, funding=NO_FUNDING)
        assert market.quote(answer(reply), BOOK, DATED) == expected

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("category", "linear", ".category: is 'linear', not inverse"),
            ("list", [], ".list: has 0 rows instead of one"),
            ("list", [TICKER["list"][0]] * 2, ".list: has 2 rows instead of one"),
            ("list[0].symbol", "ETHUSD", ".list[0].symbol: is 'ETHUSD', not BTCUSD"),
        ],
    )
    def test_a_quote_is_refused(self, path: str, value: object, said: str) -> None:
        assert refusal(lambda: market.quote(answer(but(TICKER, path, value)), BOOK, BTCUSD)) == said

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("category", "linear", ".category: is 'linear', not spot"),
            ("list", [], ".list: has 0 rows instead of one"),
            ("list[0].symbol", "ETHUSDT", ".list[0].symbol: is 'ETHUSDT', not BTCUSDT"),
            ("list[0].bid1Price", "3", ".list[0].bid1Price: is 3, not below ask1Price, 3"),
        ],
    )
    def test_a_spot_price_is_refused(self, path: str, value: object, said: str) -> None:
        rows = [{"symbol": "BTCUSDT", "bid1Price": "1", "ask1Price": "3"}]
        reply = but({"category": "spot", "list": rows}, path, value)
        assert refusal(lambda: market.spot_price(answer(reply), "BTCUSDT")) == said


SALE = OrderRequest("hb1", "main", BTCUSD.symbol, Contracts.of("-3e2"), Price.of("6e4"), False)
PURCHASE = replace(SALE, contracts=Contracts.of(300), reduce_only=True)
ORDER_ROW = {
    "orderId": "id1", "orderLinkId": "hb1", "symbol": "BTCUSD", "side": "Sell", "orderStatus": "Filled",
    "leavesQty": "100", "cumExecQty": "300", "cumExecFee": "0.06", "avgPrice": "60000", "reduceOnly": True,
    "createdTime": "1795000000001", "updatedTime": "1795000000002", "rejectReason": "EC_NoError",
}  # fmt: skip
SHOWN = {"list": [ORDER_ROW]}
STATE = OrderState(
    order_id="id1",
    client_id="hb1",
    over=True,
    rejected=False,
    filled=Contracts.of(-300),
    average=Price.of(60000),
    fee=Coin.of("0.06"),
    updated_at=Millis(1_795_000_000_002),
)
UNFILLED = {"cumExecQty": "0", "cumExecFee": "", "avgPrice": ""}
NOTHING = replace(STATE, filled=Contracts.zero(), average=None, fee=Coin.zero())
REST = {"orderStatus": "Rejected", "rejectReason": "EC_PostOnlyWillTakeLiquidity"}


class TestOrders:
    @pytest.mark.parametrize(
        ("order", "side", "reduce_only"), [(SALE, "Sell", False), (PURCHASE, "Buy", True)]
    )
    def test_are_sent_as(self, order: OrderRequest, side: str, reduce_only: bool) -> None:
        assert orders.placing(order, BTCUSD) == {
            "category": "inverse",
            "symbol": "BTCUSD",
            "orderLinkId": "hb1",
            "side": side,
            "orderType": "Limit",
            "timeInForce": "IOC",
            "qty": "300",
            "price": "60000",
            "reduceOnly": reduce_only,
            "positionIdx": 0,
        }

    def test_are_acknowledged_by_their_own_name(self) -> None:
        reply = {"orderLinkId": "hb1", "orderId": "id1"}
        assert orders.acknowledged(answer(reply), SALE) == "id1"
        said = refusal(lambda: orders.acknowledged(answer(reply | {"orderLinkId": "hb2"}), SALE))
        assert said == ".orderLinkId: is 'hb2', not hb1"
        assert refusal(lambda: orders.acknowledged(answer(reply | {"orderId": ""}), SALE)) == (
            ".orderId: is '', no name"
        )

    def test_that_rest_come_from_all_pages_and_none_that_is_over(self) -> None:
        resting = ORDER_ROW | {"orderStatus": "PartiallyFilled"}
        bought = resting | {"side": "Buy", "symbol": "ETHUSD", "reduceOnly": False, "orderLinkId": ""}
        pages = [answer({"list": [resting, ORDER_ROW]}), answer({"list": [bought]})]
        ours = OpenOrder(
            symbol="BTC/USD:BTC",
            order_id="id1",
            client_id="hb1",
            contracts=Contracts.of(-100),
            reduce_only=True,
            created_at=Millis(1_795_000_000_001),
        )
        other = replace(
            ours, symbol="ETH/USD:ETH", client_id="", contracts=Contracts.of(100), reduce_only=False
        )
        assert orders.open_orders(pages, LISTING) == (ours, other)

    def test_that_are_over_are_read_too_before_they_are_left_out(self) -> None:
        nameless = answer({"list": [but(ORDER_ROW, "symbol", GONE)]})
        assert refusal(lambda: orders.open_orders([nameless], LISTING)) == ".list[0].symbol: is missing"

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, STATE),
            ({"orderStatus": "New"}, replace(STATE, over=False)),
            ({"orderStatus": "Cancelled", **UNFILLED}, NOTHING),
            (
                {"orderStatus": "Cancelled", **UNFILLED, "cumExecFee": "0.01"},
                replace(NOTHING, fee=Coin.of("0.01")),
            ),
            ({**REST, **UNFILLED}, replace(NOTHING, rejected=True, why="EC_PostOnlyWillTakeLiquidity")),
            ({**REST}, STATE),
        ],
    )
    def test_are_shown_as(self, fields: dict[str, object], expected: OrderState) -> None:
        assert orders.sighted(answer({"list": [ORDER_ROW | fields]}), SALE, BTCUSD) == expected

    def test_rejected_ones_need_not_say_why(self) -> None:
        row = but(ORDER_ROW | REST | UNFILLED, "rejectReason", GONE)
        assert orders.sighted(answer({"list": [row]}), SALE, BTCUSD) == replace(NOTHING, rejected=True)

    def test_purchases_are_filled_in_their_own_direction(self) -> None:
        row = ORDER_ROW | {"side": "Buy"}
        expected = replace(STATE, filled=Contracts.of(300))
        assert orders.sighted(answer({"list": [row]}), PURCHASE, BTCUSD) == expected

    def test_that_are_not_shown_are_none(self) -> None:
        assert orders.sighted(answer({"list": []}), SALE, BTCUSD) is None

    def test_in_tether_cost_coins_at_their_own_price(self) -> None:
        row = ORDER_ROW | {"symbol": "BTCUSDT", "cumExecFee": "30"}
        expected = replace(STATE, fee=Coin.of("0.0005"))
        assert orders.sighted(answer({"list": [row]}), SALE, BTCUSDT) == expected

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("list", [ORDER_ROW] * 2, ".list: has 2 orders of one client id"),
            ("list[0].orderLinkId", "hb2", ".list[0].orderLinkId: is 'hb2', not hb1"),
            ("list[0].symbol", "ETHUSD", ".list[0].symbol: is 'ETHUSD', not BTCUSD"),
            ("list[0].side", "Buy", ".list[0].side: is 'Buy', not Sell"),
            ("list[0].cumExecQty", "301", ".list[0].cumExecQty: is 301, more than was asked for"),
            ("list[0].cumExecQty", "0", ".list[0].cumExecQty: is zero, yet the order is filled"),
            ("list[0].cumExecFee", "", ".list[0].cumExecFee: is '', not a number"),
            ("list[0].avgPrice", "", ".list[0].avgPrice: is '', not a number"),
            ("list[0].orderId", "", ".list[0].orderId: is '', no name"),
        ],
    )  # fmt: skip
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        assert refusal(lambda: orders.sighted(answer(but(SHOWN, path, value)), SALE, BTCUSD)) == said


TRADE_ROW = {
    "symbol": "BTCUSD", "execType": "Trade", "execQty": "300", "side": "Sell", "execPrice": "60000",
    "execId": "e1", "orderLinkId": "hb1", "execFee": "0.06", "execTime": "1795000000003",
}  # fmt: skip
TRADE = LedgerEntry(
    id="e1",
    kind=EntryKind.TRADE,
    symbol="BTC/USD:BTC",
    client_id="hb1",
    contracts=Contracts.of(-300),
    price=Price.of(60000),
    coins=Coin.of("-0.06"),
    at=Millis(1_795_000_000_003),
)


class TestHistory:
    def test_comes_from_all_pages(self) -> None:
        funded = TRADE_ROW | {"execType": "Funding", "execFee": "-0.01", "execPrice": "", "side": "Buy"}
        pages = [answer({"list": [TRADE_ROW]}), answer({"list": [funded]})]
        funding = replace(
            TRADE, kind=EntryKind.FUNDING, contracts=Contracts.zero(), price=None, coins=Coin.of("0.01")
        )
        assert list(orders.entries(pages, BTCUSD)) == [TRADE, funding]

    def test_in_tether_is_booked_in_coins_at_its_own_price(self) -> None:
        page = answer({"list": [TRADE_ROW | {"symbol": "BTCUSDT", "execFee": "30"}]})
        expected = replace(TRADE, symbol="BTC/USDT:USDT", coins=Coin.of("-0.0005"))
        assert list(orders.entries([page], BTCUSDT)) == [expected]

    def test_in_tether_needs_a_price(self) -> None:
        page = answer({"list": [TRADE_ROW | {"symbol": "BTCUSDT", "execPrice": ""}]})
        said = refusal(lambda: list(orders.entries([page], BTCUSDT)))
        assert said == ".list[0].execPrice: is '', not a number"

    def test_of_another_contract_is_refused(self) -> None:
        said = refusal(lambda: list(orders.entries([answer({"list": [TRADE_ROW]})], ETHUSD)))
        assert said == ".list[0].symbol: is 'BTCUSD', not ETHUSD"


class TestMode:
    @pytest.mark.parametrize(
        ("margin_mode", "status", "expected"),
        [
            ("ISOLATED_MARGIN", 5, ISOLATED),
            ("REGULAR_MARGIN", 6, CROSS),
            ("PORTFOLIO_MARGIN", 5, PORTFOLIO),
            (
                "PORTFOLIO_MARGIN",
                4,
                replace(
                    PORTFOLIO,
                    unsupported="it is no unified trading account 2.0 (unifiedMarginStatus 4): upgrade it",
                ),
            ),
        ],
    )
    def test_is_told_with_why_coins_cannot_be_counted(
        self, margin_mode: str, status: int, expected: AccountMode
    ) -> None:
        reply = {"marginMode": margin_mode, "unifiedMarginStatus": status}
        assert holdings.mode(answer(reply)) == expected


BTC_ROW: dict[str, Any] = {
    "coin": "BTC", "equity": "1.3", "unrealisedPnl": "0.2", "walletBalance": "1.4", "spotBorrow": "0.3",
    "bonus": "0.01", "accruedInterest": "0.02", "totalPositionIM": "0.1", "totalOrderIM": "0.05",
    "locked": "0.03", "availableToWithdraw": "", "usdValue": "1000",
}  # fmt: skip
POT: dict[str, Any] = {
    "list": [
        {
            "accountType": "UNIFIED", "totalEquity": "5000", "totalMarginBalance": "4700",
            "totalInitialMargin": "200", "totalAvailableBalance": "4400",
            "coin": [BTC_ROW, {"coin": "ETH"}],
        }
    ]
}  # fmt: skip
BTC_POT = WalletId("main", "unified", "BTC")
WALLET = Wallet(
    id=BTC_POT,
    coins=Coin.of("1.07"),
    unrealized=Coin.of("0.2"),
    position_margin=Coin.of("0.1"),
    withdrawable=Coin.of("0.89"),
    other_margin=Usd.of(3900),
)
AT_A_LOSS = BTC_ROW | {"equity": "1.0", "unrealisedPnl": "-0.1"}


def pot(row: dict[str, Any], **totals: str) -> dict[str, Any]:
    return {"list": [{**POT["list"][0], **totals, "coin": [row]}]}


class TestPot:
    @pytest.mark.parametrize(
        ("mode", "reply", "expected"),
        [
            (CROSS, POT, WALLET),
            (ISOLATED, pot(BTC_ROW, totalInitialMargin=""), replace(WALLET, other_margin=Usd.zero())),
            (PORTFOLIO, POT, replace(WALLET, other_margin=Usd.zero())),
            (
                CROSS,
                pot(AT_A_LOSS),
                replace(WALLET, unrealized=Coin.of("-0.1"), withdrawable=Coin.of("0.79")),
            ),
            (
                ISOLATED,
                pot(AT_A_LOSS, totalInitialMargin="0"),
                replace(WALLET, unrealized=Coin.of("-0.1"), other_margin=Usd.zero()),
            ),
            (
                PORTFOLIO,
                pot(BTC_ROW | {"totalPositionIM": "", "totalOrderIM": ""}),
                replace(
                    WALLET,
                    position_margin=Coin.zero(),
                    withdrawable=Coin.of("1.04"),
                    other_margin=Usd.zero(),
                ),
            ),
            (
                CROSS,
                pot(BTC_ROW | {"availableToWithdraw": "0.5"}),
                replace(WALLET, withdrawable=Coin.of("0.5")),
            ),
            (CROSS, pot(BTC_ROW | {"availableToWithdraw": "2"}), WALLET),
            (CROSS, pot(BTC_ROW | {"availableToWithdraw": "-1"}), replace(WALLET, withdrawable=Coin.zero())),
            (CROSS, pot(BTC_ROW | {"locked": "2"}), replace(WALLET, withdrawable=Coin.zero())),
            (
                CROSS,
                pot(BTC_ROW | {"equity": "1.30000005"}),
                replace(WALLET, coins=Coin.of("1.07000005"), withdrawable=Coin.of("0.89000005")),
            ),
            (CROSS, pot(BTC_ROW, totalEquity="900"), replace(WALLET, other_margin=Usd.of(-100))),
            (CROSS, pot(BTC_ROW, totalEquity="1050"), replace(WALLET, other_margin=Usd.zero())),
            (CROSS, pot(BTC_ROW, totalEquity="1000"), replace(WALLET, other_margin=Usd.zero())),
            (CROSS, pot(BTC_ROW, totalEquity="1100.5"), replace(WALLET, other_margin=Usd.of("0.5"))),
            (CROSS, pot(BTC_ROW, totalAvailableBalance="4600"), replace(WALLET, other_margin=Usd.of(4000))),
        ],
    )
    def test_is_worth(self, mode: AccountMode, reply: object, expected: Wallet) -> None:
        assert holdings.wallets(answer(reply), "main", ["BTC"], mode) == (expected,)

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("list", [], ".list: has 0 accounts instead of one"),
            ("list[0].accountType", "SPOT", ".list[0].accountType: is 'SPOT', not UNIFIED"),
            ("list[0].coin[1].coin", "BTC", ".list[0].coin: shows a coin twice"),
            (
                "list[0].coin[0].coin",
                "XRP",
                ".list[0].coin: shows no BTC: hold any amount of it, so that it is listed",
            ),
            (
                "list[0].coin[0].equity",
                "1.30000006",
                (
                    ".list[0].coin[0].equity: less unrealisedPnl is 1.10000006, "
                    "walletBalance less spotBorrow 1.1: option value, or not one moment's truth"
                ),
            ),
            ("list[0].coin[0].totalPositionIM", "", ".list[0].coin[0].totalPositionIM: is '', not a number"),
            ("list[0].coin[0].totalOrderIM", "-1", ".list[0].coin[0].totalOrderIM: is -1, below zero"),
        ],
    )
    def test_is_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but(POT, path, value))
        assert refusal(lambda: holdings.wallets(reply, "main", ["BTC"], CROSS)) == said

    def test_has_no_figures_of_the_whole_account_in_isolated_margin(self) -> None:
        """Bybit has none for isolated margin: the mode was changed by hand since it was read."""
        said = ".list[0].totalInitialMargin: is told, as it is not in isolated margin: the mode changed"
        assert refusal(lambda: holdings.wallets(answer(POT), "main", ["BTC"], ISOLATED)) == said


FLAT_ROW: dict[str, Any] = {
    "symbol": "BTCUSD", "positionIdx": 0, "side": "", "size": "0", "avgPrice": "0", "markPrice": "",
    "liqPrice": "", "leverage": "", "positionValue": "", "unrealisedPnl": "", "positionIM": "",
    "positionBalance": "", "positionStatus": "Normal", "updatedTime": "",
}  # fmt: skip
SHORT_ROW = FLAT_ROW | {
    "side": "Sell", "size": "100", "avgPrice": "50", "markPrice": "40", "liqPrice": "90", "leverage": "5",
    "positionValue": "2", "unrealisedPnl": "0.5", "positionIM": "0.4", "updatedTime": "1795000000004",
    "positionBalance": "0.45",
}  # fmt: skip
FLAT = Position(
    symbol="BTC/USD:BTC",
    contracts=Contracts.zero(),
    entry=None,
    mark=None,
    unrealized=Coin.zero(),
    initial_margin=Coin.zero(),
    margin=None,
    liquidation=None,
    leverage=None,
    hedge_mode=False,
    updated_at=Millis(0),
)
SHORT = Position(
    symbol="BTC/USD:BTC",
    contracts=Contracts.of(-100),
    entry=Price.of(50),
    mark=Price.of(40),
    unrealized=Coin.of("0.5"),
    initial_margin=Coin.of("0.4"),
    margin=None,
    liquidation=Price.of(90),
    leverage=Decimal(5),
    hedge_mode=False,
    updated_at=Millis(1_795_000_000_004),
)
LONG_ROW = SHORT_ROW | {
    "side": "Buy", "size": "50", "avgPrice": "25", "unrealisedPnl": "0.75", "positionIM": "0.3",
    "positionBalance": "0.2", "updatedTime": "1795000000005", "leverage": "6", "liqPrice": "10",
}  # fmt: skip
LONG = replace(
    SHORT,
    contracts=Contracts.of(50),
    entry=Price.of(25),
    unrealized=Coin.of("0.75"),
    initial_margin=Coin.of("0.3"),
    liquidation=Price.of(10),
    leverage=Decimal(6),
    updated_at=Millis(1_795_000_000_005),
)
HEDGED = [SHORT_ROW | {"positionIdx": 2}, LONG_ROW | {"positionIdx": 1}]
BOTH = replace(
    SHORT,
    contracts=Contracts.of(-50),
    unrealized=Coin.of("1.25"),
    initial_margin=Coin.of("0.7"),
    hedge_mode=True,
    updated_at=Millis(1_795_000_000_005),
)
MARGINED = replace(SHORT, initial_margin=Coin.of("0.45"), margin=Coin.of("0.45"))


class TestPosition:
    @pytest.mark.parametrize(
        ("rows", "mode", "expected"),
        [
            ([FLAT_ROW], CROSS, FLAT),
            ([FLAT_ROW | {"side": "None"}], CROSS, FLAT),
            ([FLAT_ROW], ISOLATED, replace(FLAT, margin=Coin.zero())),
            ([FLAT_ROW | {"positionIM": "0.1"}], CROSS, replace(FLAT, initial_margin=Coin.of("0.1"))),
            ([SHORT_ROW], CROSS, SHORT),
            ([LONG_ROW], CROSS, LONG),
            ([SHORT_ROW], PORTFOLIO, SHORT),
            ([SHORT_ROW | {"positionIM": ""}], PORTFOLIO, replace(SHORT, initial_margin=Coin.zero())),
            ([SHORT_ROW], ISOLATED, MARGINED),
            ([SHORT_ROW | {"positionBalance": ""}], ISOLATED, replace(SHORT, margin=Coin.of("0.4"))),
            ([SHORT_ROW | {"positionBalance": "0"}], ISOLATED, replace(SHORT, margin=Coin.of("0.4"))),
            ([but(SHORT_ROW, "positionBalance", GONE)], ISOLATED, replace(SHORT, margin=Coin.of("0.4"))),
            ([SHORT_ROW | {"positionValue": "2.00000092"}], CROSS, SHORT),
            (
                [SHORT_ROW | {"unrealisedPnl": "0.50000092"}],
                CROSS,
                replace(SHORT, unrealized=Coin.of("0.50000092")),
            ),
            (HEDGED, CROSS, BOTH),
            (HEDGED[::-1], CROSS, BOTH),
            (HEDGED, ISOLATED, replace(BOTH, initial_margin=Coin.of("0.65"), margin=Coin.of("0.45"))),
            ([FLAT_ROW | {"positionIdx": 1, "side": "Buy"}], CROSS, replace(FLAT, hedge_mode=True)),
            ([FLAT_ROW | {"positionIdx": 1}], CROSS, replace(FLAT, hedge_mode=True)),
        ],
    )  # fmt: skip
    def test_is_worth(self, rows: list[object], mode: AccountMode, expected: Position) -> None:
        assert holdings.position(answer({"list": rows}), BTCUSD, mode.margin_mode) == expected

    @pytest.mark.parametrize(("side", "profit", "contracts"), [("Sell", "-20", "-2"), ("Buy", "20", "2")])
    def test_in_tether_is_worth_dollars(self, side: str, profit: str, contracts: str) -> None:
        row = SHORT_ROW | {
            "symbol": "BTCUSDT", "side": side, "size": "2", "markPrice": "60", "positionValue": "100.000244",
            "unrealisedPnl": profit,
        }  # fmt: skip
        found = holdings.position(answer({"list": [row]}), BTCUSDT, MarginMode.CROSS)
        assert (found.contracts, found.unrealized) == (Contracts.of(contracts), Coin.of(profit))

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("list", [], ".list: is empty: flat is said by a row"),
            ("list[0].symbol", "ETHUSD", ".list[0].symbol: is 'ETHUSD', not BTCUSD"),
            ("list", [FLAT_ROW] * 2, ".list[0].positionIdx: is [0, 0] in the rows of one contract"),
            (
                "list",
                [SHORT_ROW, FLAT_ROW | {"positionIdx": 1}],
                ".list[0].positionIdx: is [0, 1] in the rows of one contract",
            ),
            ("list[0].positionStatus", "Odd", ".list[0].positionStatus: is 'Odd', which we do not know"),
            ("list[0].side", "", ".list[0].side: is '', which we do not know"),
            (
                "list",
                [FLAT_ROW | {"side": "Sell"}],
                ".list[0].side: is 'Sell', which we do not know",
            ),
            ("list[0].positionValue", "2.00000093", ".list[0].positionValue: is not size / avgPrice, 2"),
            ("list[0].positionValue", "0", ".list[0].positionValue: is 0, not above zero"),
            (
                "list[0].unrealisedPnl",
                "0.50000093",
                ".list[0].unrealisedPnl: is 0.50000093, by its own size and prices 0.5",
            ),
            ("list[0].unrealisedPnl", "", ".list[0].unrealisedPnl: is '', not a number"),
            ("list[0].positionIM", "", ".list[0].positionIM: is '', not a number"),
            *(
                (
                    "list",
                    [FLAT_ROW | shows],
                    ".list[0].size: is zero, yet the row shows an entry, a value or a profit",
                )
                for shows in ({"unrealisedPnl": "1"}, {"avgPrice": "1"}, {"positionValue": "1"})
            ),
        ],
    )
    def test_is_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but({"list": [SHORT_ROW]}, path, value))
        assert refusal(lambda: holdings.position(reply, BTCUSD, MarginMode.CROSS)) == said

    def test_in_tether_is_refused_by_its_own_formula(self) -> None:
        row = SHORT_ROW | {"symbol": "BTCUSDT", "size": "2", "positionValue": "101", "unrealisedPnl": "20"}
        said = refusal(lambda: holdings.position(answer({"list": [row]}), BTCUSDT, MarginMode.CROSS))
        assert said == ".list[0].positionValue: is not size * avgPrice, 100"

    def test_an_isolated_one_needs_a_margin_somewhere(self) -> None:
        row = SHORT_ROW | {"positionBalance": "", "positionIM": ""}
        said = refusal(lambda: holdings.position(answer({"list": [row]}), BTCUSD, MarginMode.ISOLATED))
        assert said == ".list[0].positionIM: is '', not a number"

    def test_all_that_are_open_are_shown_and_flat_ones_only_in_hedge_mode(self) -> None:
        pages = [
            answer({"list": [HEDGED[0], FLAT_ROW | {"symbol": "ETHUSD"}]}),
            answer({"list": [HEDGED[1], FLAT_ROW | {"symbol": "BTCUSDZ26", "positionIdx": 1}]}),
        ]
        flat = replace(FLAT, symbol="BTC/USD:BTC-261225", hedge_mode=True)
        assert holdings.positions(pages, LISTING, MarginMode.CROSS) == (BOTH, flat)


def leg(instrument: Instrument, row: dict[str, Any]) -> LegAnswers:
    ticker = {**TICKER["list"][0], "symbol": instrument.native}
    return LegAnswers(instrument, answer({"list": [row]}), answer({"list": [ticker]}), BOOK)


ETH_ROW = FLAT_ROW | {"symbol": "ETHUSD"}
OTHER_ROW = LONG_ROW | {"symbol": "BTCUSDZ26"}
LEGS = {
    i.symbol: LegFacts(i, Decimal("0.0006"), (Tier(Coin.of(1), Decimal("0.01")),)) for i in (BTCUSD, ETHUSD)
}
FACTS = Facts(LISTING, CROSS, LEGS, 0.0)
READ = Answers(
    wallet=answer(POT),
    positions=[answer({"list": [OTHER_ROW, SHORT_ROW]})],
    orders=[answer({"list": [ORDER_ROW | {"orderStatus": "New"}]})],
    legs=[leg(BTCUSD, SHORT_ROW), leg(ETHUSD, ETH_ROW)],
)
MOMENT = Moment("main", 1.5, 2.5, 7)


class TestReading:
    def test_is_all_that_was_answered_the_legs_first(self) -> None:
        assert reading(READ, FACTS, ["BTC"], MOMENT) == AccountReading(
            account="main",
            started=1.5,
            ended=2.5,
            exchange_offset_ms=7,
            mode=CROSS,
            wallets=(WALLET,),
            positions=(SHORT, replace(FLAT, symbol=ETHUSD.symbol), replace(LONG, symbol=DATED.symbol)),
            orders=(OpenOrder(BTCUSD.symbol, "id1", "hb1", Contracts.of(-100), True, Millis(AT + 1)),),
            quotes=(QUOTE, replace(QUOTE, symbol=ETHUSD.symbol)),
            facts=tuple(LEGS.values()),
        )

    def test_counts_isolated_margins_where_the_account_has_them(self) -> None:
        facts = replace(FACTS, mode=ISOLATED)
        flat = replace(FLAT, symbol=ETHUSD.symbol, margin=Coin.zero())
        other = replace(LONG, symbol=DATED.symbol, margin=Coin.of("0.2"), initial_margin=Coin.of("0.2"))
        told = replace(READ, wallet=answer(pot(BTC_ROW, totalInitialMargin="")))
        assert reading(told, facts, ["BTC"], MOMENT).positions == (MARGINED, flat, other)

    @pytest.mark.parametrize(
        ("answers", "said"),
        [
            (
                replace(READ, positions=[answer({"list": [OTHER_ROW]})]),
                ": shows -100 of BTC/USD:BTC, among all positions 0",
            ),
            (
                replace(READ, legs=[leg(BTCUSD, FLAT_ROW)]),
                ": shows 0 of BTC/USD:BTC, among all positions -100",
            ),
        ],
    )
    def test_is_refused_where_two_replies_disagree(self, answers: Answers, said: str) -> None:
        assert refusal(lambda: reading(answers, FACTS, ["BTC"], MOMENT)) == said


MOVE = TransferRequest(
    "t1",
    "main",
    "BTC",
    Coin.of("123456789012345678901234567890.12349"),
    Pocket.MARGIN,
    Pocket.ISOLATED,
    BTCUSD.symbol,
)


class TestMargin:
    @pytest.mark.parametrize(
        ("move", "margin"),
        [
            (MOVE, "123456789012345678901234567890.1234"),
            (
                replace(MOVE, source=Pocket.ISOLATED, target=Pocket.MARGIN),
                "-123456789012345678901234567890.1234",
            ),
        ],
        ids=["there", "back"],
    )
    def test_is_moved_in_four_decimals(self, move: TransferRequest, margin: str) -> None:
        assert transfers.margining(move, BTCUSD) == {
            "category": "inverse",
            "symbol": "BTCUSD",
            "margin": margin,
            "positionIdx": 0,
        }

    def test_is_moved_once_the_reply_shows_its_position(self) -> None:
        assert transfers.margined(answer({"symbol": "BTCUSD", "positionIdx": 0}), BTCUSD) == ""

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("symbol", "ETHUSD", ".symbol: is 'ETHUSD', not BTCUSD"),
            ("positionIdx", 1, ".positionIdx: is 1, a side of hedge mode"),
        ],
    )
    def test_is_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but({"symbol": "BTCUSD", "positionIdx": 0}, path, value))
        assert refusal(lambda: transfers.margined(reply, BTCUSD)) == said


KEY = {
    "readOnly": 0,
    "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": ["AccountTransfer", "Withdraw"]},
    "ips": ["1.2.3.4"],
    "expiredAt": "2027-03-01T12:00:00Z",
}
SCOPE = KeyScope(trade=True, withdraw=True, ip_bound=True, expires_at=Millis(1_803_902_400_000))


class TestKey:
    @pytest.mark.parametrize(
        ("path", "value", "expected"),
        [
            ("readOnly", 0, SCOPE),
            ("readOnly", 1, replace(SCOPE, trade=False, withdraw=False)),
            ("permissions.ContractTrade", ["Position"], replace(SCOPE, trade=False)),
            ("permissions.Wallet", ["SubMemberTransfer"], replace(SCOPE, withdraw=False)),
            ("ips", ["1.2.3.4", "*"], replace(SCOPE, ip_bound=False)),
            ("expiredAt", "1970-01-01T00:00:00Z", replace(SCOPE, expires_at=None)),
            ("expiredAt", "1970-01-01T00:00:01Z", replace(SCOPE, expires_at=Millis(1000))),
            ("expiredAt", "1969-12-31T23:59:59Z", replace(SCOPE, expires_at=None)),
        ],
    )
    def test_may(self, path: str, value: object, expected: KeyScope) -> None:
        assert key.scope(answer(but(KEY, path, value))) == expected

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("readOnly", 2, ".readOnly: is neither 0 nor 1"),
            ("permissions.Wallet[1]", "Lend", ".permissions.Wallet: names 'Lend', which we do not know"),
            ("ips", [], ".ips: is no list of addresses"),
            ("ips", ["1.2.3.4", ""], ".ips: is no list of addresses"),
            ("ips", ["1.2.3.4", 5], ".ips: is no list of addresses"),
            ("expiredAt", "2027-03-01", ".expiredAt: is no instant"),
            ("expiredAt", "2027-13-01T12:00:00Z", ".expiredAt: is in no calendar"),
        ],
    )
    def test_is_refused(self, path: str, value: object, said: str) -> None:
        assert refusal(lambda: key.scope(answer(but(KEY, path, value)))) == said
