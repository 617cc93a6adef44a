"""Binance's replies to the last field: what each is worth, and the words in which a wrong one is refused."""

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
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferState
from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.exchange.binance import holdings, key, market, orders, transfers
from hedgebot.exchange.binance.reading import CoinMAnswers, LegAnswers, Moment, reading, spot_reading
from hedgebot.exchange.binance.slow_facts import ContractFacts, Facts
from hedgebot.exchange.convert import OrderBook
from tests.exchange.replies import AT, GONE, answer, but, refusal

HOUR_MS = 3_600_000
PORTFOLIO = AccountMode(
    None, "portfolio margin: one pot backs everything, and its liquidation price cannot be known"
)


def contract_row(symbol: str, base: str, face: int, **fields: object) -> dict[str, Any]:
    row = {
        "symbol": symbol, "contractType": "PERPETUAL", "contractStatus": "TRADING", "baseAsset": base,
        "quoteAsset": "USD", "marginAsset": base, "contractSize": face, "deliveryDate": 4133404800000,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.1"},
            {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "2", "maxQty": "500"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "3", "minQty": "4", "maxQty": "600"},
        ],
    }  # fmt: skip
    return row | fields


LISTED = {
    "symbols": [
        contract_row("BTCUSD_PERP", "BTC", 100),
        contract_row("BTCUSD_261225", "BTC", 100, contractType="", deliveryDate=1_798_185_600_000),
        contract_row("ETHUSD_PERP", "ETH", 10, contractStatus="CLOSE"),
        contract_row("XRPUSD_PERP", "XRP", 20),
    ]
}
BTCUSD = Instrument(
    symbol="BTC/USD:BTC",
    native="BTCUSD_PERP",
    asset="BTC",
    face=Usd.of(100),
    lot=Contracts.of(1),
    tick=Decimal("0.1"),
    min_order=Contracts.of(2),
    max_order=Contracts.of(500),
)
DATED = replace(
    BTCUSD, symbol="BTC/USD:BTC-261225", native="BTCUSD_261225", ends_at=Millis(1_798_185_600_000)
)
ETHUSD = replace(
    BTCUSD, symbol="ETH/USD:ETH", native="ETHUSD_PERP", asset="ETH", face=Usd.of(10), tradable=False
)
XRPUSD = replace(BTCUSD, symbol="XRP/USD:XRP", native="XRPUSD_PERP", asset="XRP", face=Usd.of(20))
CONTRACTS = (BTCUSD, DATED, ETHUSD, XRPUSD)
LISTING = market.Listing({i.symbol: i for i in CONTRACTS}, {i.native: i for i in CONTRACTS})


class TestContracts:
    def test_are_listed_by_both_names(self) -> None:
        assert market.instruments(answer(LISTED)) == LISTING
        assert (LISTING.named(BTCUSD.symbol), LISTING.named(ETHUSD.symbol)) == (BTCUSD, ETHUSD)

    def test_that_are_to_be_delisted_say_when_and_keep_their_name(self) -> None:
        found = market.instruments(answer(but(LISTED, "symbols[0].deliveryDate", 1_798_185_600_000)))
        assert found.by_native["BTCUSD_PERP"] == replace(BTCUSD, ends_at=Millis(1_798_185_600_000))

    def test_take_the_smaller_of_two_largest_orders(self) -> None:
        found = market.instruments(answer(but(LISTED, "symbols[0].filters[2].maxQty", "60")))
        assert found.by_native["BTCUSD_PERP"] == replace(BTCUSD, max_order=Contracts.of(60))

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("symbols[3]", contract_row("BTCUSD_PERP", "BTC", 100), ".symbols: lists a contract twice"),
            ("symbols[3]", contract_row("BTCUSD_2", "BTC", 100), ".symbols: lists a contract twice"),
            (
                "symbols[3]",
                contract_row("BTCUSD_PERP", "BTC", 100, contractType="", deliveryDate=1_798_272_000_000),
                ".symbols: lists a contract twice",
            ),
            ("symbols[0].quoteAsset", "EUR", ".symbols[0].quoteAsset: is 'EUR', not USD"),
            ("symbols[0].marginAsset", "USD", ".symbols[0].marginAsset: is 'USD', not BTC"),
            ("symbols[0].symbol", "BTCEUR_PERP", ".symbols[0].symbol: is BTCEUR_PERP, no contract of BTC"),
            ("symbols[0].filters[0].filterType", "X", ".symbols[0].filters: has no PRICE_FILTER"),
            ("symbols[0].filters[1].filterType", "X", ".symbols[0].filters: has no LOT_SIZE"),
            ("symbols[0].filters[2].filterType", "X", ".symbols[0].filters: has no MARKET_LOT_SIZE"),
            ("symbols[1].deliveryDate", 0, ".symbols[1].deliveryDate: is no date for a dated contract"),
        ],
    )
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        assert refusal(lambda: market.instruments(answer(but(LISTED, path, value)))) == said

    def test_that_are_not_listed_or_of_another_size_are_refused_by_name(self) -> None:
        assert refusal(lambda: LISTING.named("DOT/USD:DOT")) == (
            "binance lists no coin-margined contract DOT/USD:DOT. Check the leg's symbol"
        )
        assert refusal(lambda: LISTING.named("XRP/USD:XRP")) == (
            "binance: a contract of XRP/USD:XRP is 20 USD instead of 10. "
            "Nothing is traded in it until a new version knows why"
        )
        row = answer({"symbol": "DOTUSD_PERP"}).fields
        assert refusal(lambda: LISTING.of_row(row)) == ".symbol: is 'DOTUSD_PERP', which we do not know"


BRACKETS: list[dict[str, Any]] = [
    {
        "symbol": "BTCUSD_PERP",
        "notionalCoef": "0.5",
        "brackets": [
            {"qtyCap": 300, "maintMarginRatio": "0.01"},
            {"qtyCap": 150, "maintMarginRatio": "0.005"},
        ],
    }
]


class TestTiers:
    @pytest.mark.parametrize(("own", "factor"), [("0.5", "0.5"), ("1.5", "1"), (GONE, "1")])
    def test_are_sorted_and_narrowed_by_a_coefficient_of_ones_own(self, own: object, factor: str) -> None:
        found = market.tiers(answer(but(BRACKETS, "[0].notionalCoef", own)), "BTCUSD_PERP")
        assert found == (
            Tier(Coin(150 * Decimal(factor)), Decimal("0.005")),
            Tier(Coin(300 * Decimal(factor)), Decimal("0.01")),
        )

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("[0].symbol", "ETHUSD_PERP", "[0].symbol: is 'ETHUSD_PERP', not BTCUSD_PERP"),
            ("[0].brackets", [], "[0].brackets: are no clear margin tiers for BTCUSD_PERP"),
            ("[0].brackets[0].qtyCap", 150, "[0].brackets: are no clear margin tiers for BTCUSD_PERP"),
            (
                "[0].brackets[0].maintMarginRatio",
                "1",
                "[0].brackets[0].maintMarginRatio: is the whole position or more",
            ),
            ("", [], ": has 0 rows instead of one"),
            ("", {}, ": is no list"),
        ],
    )
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but(BRACKETS, path, value))
        assert refusal(lambda: market.tiers(reply, "BTCUSD_PERP")) == said


PREMIUM = [
    {
        "symbol": "BTCUSD_PERP", "markPrice": "60000", "indexPrice": "60001", "lastFundingRate": "-0.0001",
        "time": AT, "nextFundingTime": AT + 4 * HOUR_MS + 60_000,
    }
]  # fmt: skip
BOOK_REPLY = {"symbol": "BTCUSD_PERP", "bids": [["59999", "7"]], "asks": [["60001", "8"]], "E": AT}
BIDS, ASKS = ((Price.of(59999), Contracts.of(7)),), ((Price.of(60001), Contracts.of(8)),)
BOOK = OrderBook(BIDS, ASKS, AT)
FUNDING = Funding(Decimal("-0.0001"), Decimal(4), Millis(AT + 4 * HOUR_MS + 60_000))
QUOTE = Quote(
    symbol="BTC/USD:BTC",
    mark=Price.of(60000),
    index=Price.of(60001),
    bids=BIDS,
    asks=ASKS,
    funding=FUNDING,
    at=AT,
)


class TestPrices:
    def test_a_fee_is_that_of_the_contract(self) -> None:
        reply = answer({"symbol": "BTCUSD_PERP", "takerCommissionRate": "0.0005"})
        assert market.taker_fee(reply, "BTCUSD_PERP") == Decimal("0.0005")
        assert refusal(lambda: market.taker_fee(reply, "ETHUSD_PERP")) == (
            ".symbol: is 'BTCUSD_PERP', not ETHUSD_PERP"
        )

    def test_a_fee_of_a_hundredth_is_none(self) -> None:
        reply = answer({"symbol": "BTCUSD_PERP", "takerCommissionRate": "0.01"})
        said = refusal(lambda: market.taker_fee(reply, "BTCUSD_PERP"))
        assert said == ".takerCommissionRate: is 0.01, no rate"

    @pytest.mark.parametrize(
        ("times", "hours"),
        [
            ([0, 8 * HOUR_MS], "8"),
            ([8 * HOUR_MS, 0], "8"),
            ([0, HOUR_MS, 5 * HOUR_MS], "4"),
            ([0, HOUR_MS], "1"),
            ([0, HOUR_MS + 60_000], "1"),
            ([0, HOUR_MS + 60_001], None),
            ([0, HOUR_MS - 60_000], "1"),
            ([0, HOUR_MS - 60_001], None),
            ([0, 0], None),
            ([0], None),
            ([], None),
        ],
    )
    def test_two_settlements_tell_the_interval(self, times: list[int], hours: str | None) -> None:
        info = answer([{"symbol": "ETHUSD_PERP", "fundingIntervalHours": 2}])
        history = answer([{"fundingTime": AT + time} for time in times])
        expected = None if hours is None else Decimal(hours)
        assert market.funding_hours(info, history, "BTCUSD_PERP") == expected
        assert market.funding_hours(info, history, "ETHUSD_PERP") == Decimal(2)

    def test_an_order_book_is_that_of_the_contract(self) -> None:
        assert market.order_book(answer(BOOK_REPLY), BTCUSD) == BOOK
        said = refusal(lambda: market.order_book(answer(BOOK_REPLY), ETHUSD))
        assert said == ".symbol: is 'BTCUSD_PERP', not ETHUSD_PERP"

    def test_candles_come_oldest_first(self) -> None:
        rows = [[hour * HOUR_MS, "1", "3", "1", str(hour), *"1234567"] for hour in (1, 2, 3)]
        found = market.candles(answer(rows), HOUR_MS, 3 * HOUR_MS)
        assert found == (Candle(Millis(7_200_000), Price.of(1)), Candle(Millis(10_800_000), Price.of(2)))
        assert refusal(lambda: market.candles(answer([[1]]), HOUR_MS, 0)) == "[0]: is no bar of 12 columns"

    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            ("time", AT, QUOTE),
            ("time", AT + 1, QUOTE),
            ("indexPrice", "", replace(QUOTE, index=None)),
            ("nextFundingTime", 0, replace(QUOTE, funding=replace(FUNDING, next_at=None))),
            (
                "nextFundingTime",
                AT + 4 * HOUR_MS + 60_001,
                replace(QUOTE, funding=Funding(FUNDING.rate, None, Millis(AT + 4 * HOUR_MS + 60_001))),
            ),
            (
                "time",
                AT - 1,
                replace(QUOTE, at=Millis(AT - 1), funding=replace(FUNDING, interval_hours=None)),
            ),
        ],
    )
    def test_a_quote_is_worth(self, field: str, value: object, expected: Quote) -> None:
        assert market.quote(answer(but(PREMIUM, f"[0].{field}", value)), BOOK, BTCUSD, Decimal(4)) == expected

    def test_a_quote_of_unknown_hours_leaves_them_unknown(self) -> None:
        expected = replace(QUOTE, funding=replace(FUNDING, interval_hours=None))
        assert market.quote(answer(PREMIUM), BOOK, BTCUSD, None) == expected

    def test_a_dated_contract_has_no_funding(self) -> None:
        row = PREMIUM[0] | {"symbol": "BTCUSD_261225", "lastFundingRate": "", "nextFundingTime": 0}
        expected = replace(QUOTE, symbol=DATED.symbol, funding=NO_FUNDING)
        assert market.quote(answer([row]), BOOK, DATED, None) == expected

    def test_a_spot_price_is_that_of_the_market(self) -> None:
        reply = answer({"symbol": "BTCUSDT", "bidPrice": "1", "askPrice": "3"})
        assert market.spot_price(reply, "BTCUSDT") == Price.of(2)
        assert refusal(lambda: market.spot_price(reply, "ETHUSDT")) == ".symbol: is 'BTCUSDT', not ETHUSDT"


SALE = OrderRequest("hb1", "main", BTCUSD.symbol, Contracts.of("-3e2"), Price.of("6e4"), False)
PURCHASE = replace(SALE, contracts=Contracts.of(300), reduce_only=True)
ORDER_ROW = {
    "orderId": 17, "clientOrderId": "hb1", "symbol": "BTCUSD_PERP", "side": "SELL", "status": "FILLED",
    "origQty": "400", "executedQty": "300", "avgPrice": "60000", "reduceOnly": True, "time": AT + 1,
    "updateTime": AT + 2,
}  # fmt: skip
STATE = OrderState(
    order_id="17",
    client_id="hb1",
    over=True,
    rejected=False,
    filled=Contracts.of(-300),
    average=Price.of(60000),
    fee=Coin.zero(),
    updated_at=Millis(AT + 2),
)
NOTHING = replace(STATE, filled=Contracts.zero(), average=None)
RESTING = OpenOrder(
    symbol="BTC/USD:BTC",
    order_id="17",
    client_id="hb1",
    contracts=Contracts.of(-100),
    reduce_only=True,
    created_at=Millis(AT + 1),
)


class TestOrders:
    @pytest.mark.parametrize(
        ("order", "side", "reduce_only"), [(SALE, "SELL", "false"), (PURCHASE, "BUY", "true")]
    )
    def test_are_sent_as(self, order: OrderRequest, side: str, reduce_only: str) -> None:
        assert orders.placing(order, BTCUSD) == {
            "symbol": "BTCUSD_PERP",
            "side": side,
            "positionSide": "BOTH",
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": "300",
            "price": "60000",
            "reduceOnly": reduce_only,
            "newClientOrderId": "hb1",
            "newOrderRespType": "ACK",
        }
        assert orders.naming(order, BTCUSD) == {"symbol": "BTCUSD_PERP", "origClientOrderId": "hb1"}

    def test_are_acknowledged_by_their_own_name(self) -> None:
        reply = {"clientOrderId": "hb1", "symbol": "BTCUSD_PERP", "orderId": 17}
        assert orders.acknowledged(answer(reply), SALE, BTCUSD) == "17"
        said = refusal(lambda: orders.acknowledged(answer(reply | {"clientOrderId": "hb2"}), SALE, BTCUSD))
        assert said == ".clientOrderId: is 'hb2', not hb1"
        said = refusal(lambda: orders.acknowledged(answer(reply), SALE, ETHUSD))
        assert said == ".symbol: is 'BTCUSD_PERP', not ETHUSD_PERP"

    def test_leverage_is_set_once_the_reply_says_so(self) -> None:
        reply = answer({"symbol": "BTCUSD_PERP", "leverage": 5})
        assert orders.leverage_set(reply, BTCUSD, 5) == ""
        said = refusal(lambda: orders.leverage_set(reply, BTCUSD, 6))
        assert said == ".leverage: is not 6, which was asked for"
        said = refusal(lambda: orders.leverage_set(reply, ETHUSD, 5))
        assert said == ".symbol: is 'BTCUSD_PERP', not ETHUSD_PERP"

    def test_that_rest_come_from_all_replies_and_none_that_is_over(self) -> None:
        resting = ORDER_ROW | {"status": "NEW"}
        bought = resting | {"side": "BUY", "symbol": "ETHUSD_PERP", "reduceOnly": False, "clientOrderId": ""}
        other = replace(
            RESTING, symbol="ETH/USD:ETH", client_id="", contracts=Contracts.of(100), reduce_only=False
        )
        found = orders.open_orders([answer([resting, ORDER_ROW]), answer([bought])], LISTING)
        assert found == (RESTING, other)

    def test_that_are_over_are_read_too_before_they_are_left_out(self) -> None:
        said = refusal(lambda: orders.open_orders([answer([but(ORDER_ROW, "symbol", GONE)])], LISTING))
        assert said == "[0].symbol: is missing"

    def test_that_rest_may_be_filled_but_not_more(self) -> None:
        row = ORDER_ROW | {"status": "NEW", "executedQty": "400"}
        assert orders.open_orders([answer([row])], LISTING) == (replace(RESTING, contracts=Contracts.zero()),)
        row["executedQty"] = "401"
        said = refusal(lambda: orders.open_orders([answer([row])], LISTING))
        assert said == "[0].executedQty: is more than origQty"

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, STATE),
            ({"status": "NEW"}, replace(STATE, over=False)),
            ({"status": "EXPIRED", "executedQty": "0", "avgPrice": "0"}, NOTHING),
            ({"status": "REJECTED", "executedQty": "0"}, replace(NOTHING, rejected=True)),
            ({"status": "REJECTED"}, STATE),
        ],
    )
    def test_are_shown_as(self, fields: dict[str, object], expected: OrderState) -> None:
        row = ORDER_ROW | fields
        assert orders.shown(answer(row), SALE, BTCUSD) == expected
        others = [ORDER_ROW | {"clientOrderId": "hb2"}, row]
        assert orders.sighted(market.rows(answer(others)), SALE, BTCUSD) == expected

    def test_purchases_are_filled_in_their_own_direction(self) -> None:
        reply = answer(ORDER_ROW | {"side": "BUY"})
        assert orders.shown(reply, PURCHASE, BTCUSD) == replace(STATE, filled=Contracts.of(300))

    def test_that_are_not_shown_are_none(self) -> None:
        assert orders.shown(answer(ORDER_ROW, ok=False), SALE, BTCUSD) is None
        other = answer([ORDER_ROW | {"clientOrderId": "hb2"}])
        assert orders.sighted(market.rows(other), SALE, BTCUSD) is None

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("clientOrderId", "hb2", ".clientOrderId: is 'hb2', not hb1"),
            ("symbol", "ETHUSD_PERP", ".symbol: is 'ETHUSD_PERP', not BTCUSD_PERP"),
            ("side", "BUY", ".side: is 'BUY', not SELL"),
            ("executedQty", "301", ".executedQty: is 301, more than was asked for"),
            ("executedQty", "0", ".executedQty: is zero, yet the order is filled"),
            ("avgPrice", "0", ".avgPrice: is 0, not above zero"),
        ],
    )
    def test_are_refused(self, field: str, value: object, said: str) -> None:
        assert refusal(lambda: orders.shown(answer(ORDER_ROW | {field: value}), SALE, BTCUSD)) == said

    def test_two_of_one_name_are_refused(self) -> None:
        twice = market.rows(answer([ORDER_ROW, ORDER_ROW]))
        said = refusal(lambda: orders.sighted(twice, SALE, BTCUSD))
        assert said == "[1].clientOrderId: is that of two orders"


TRADE_ROW = {
    "symbol": "BTCUSD_PERP", "orderId": 17, "id": 23, "qty": "3", "side": "SELL", "price": "60000",
    "commission": "0.06", "commissionAsset": "BTC", "time": AT + 3,
}  # fmt: skip
TRADE = LedgerEntry(
    id="BTCUSD_PERP 23",
    kind=EntryKind.TRADE,
    symbol="BTC/USD:BTC",
    client_id="hb1",
    contracts=Contracts.of(-3),
    price=Price.of(60000),
    coins=Coin.of("-0.06"),
    at=Millis(AT + 3),
)
INCOME_ROW = {
    "symbol": "BTCUSD_PERP", "incomeType": "FUNDING_FEE", "asset": "BTC", "tranId": 29, "income": "-0.01",
    "time": AT + 4,
}  # fmt: skip


class TestHistory:
    @pytest.mark.parametrize(
        ("client_id", "kind"),
        [
            ("hb1", EntryKind.TRADE),
            ("autoclose-1", EntryKind.LIQUIDATION),
            ("adl_autoclose", EntryKind.ADL),
            ("my-autoclose-1", EntryKind.TRADE),
        ],
    )
    def test_a_trade_is_of_the_kind_that_its_orders_name_tells(self, client_id: str, kind: EntryKind) -> None:
        trades = market.rows(answer([TRADE_ROW]))
        found = list(orders.trade_entries(trades, {17: client_id}, BTCUSD))
        assert found == [replace(TRADE, client_id=client_id, kind=kind)]

    def test_funding_is_what_was_received(self) -> None:
        assert list(orders.funding_entries(market.rows(answer([INCOME_ROW])), BTCUSD)) == [
            LedgerEntry(
                id="funding 29",
                kind=EntryKind.FUNDING,
                symbol="BTC/USD:BTC",
                client_id="",
                contracts=Contracts.zero(),
                price=None,
                coins=Coin.of("-0.01"),
                at=Millis(AT + 4),
            )
        ]

    def test_fees_are_summed(self) -> None:
        trades = market.rows(answer([TRADE_ROW, TRADE_ROW | {"commission": "0.01"}]))
        assert orders.fees(trades, BTCUSD) == Coin.of("0.07")
        assert orders.fees([], BTCUSD) == Coin.zero()

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("symbol", "ETHUSD_PERP", "[0].symbol: is 'ETHUSD_PERP', not BTCUSD_PERP"),
            ("commissionAsset", "BNB", "[0].commissionAsset: is 'BNB', not BTC"),
        ],
    )
    def test_a_trade_is_refused(self, field: str, value: object, said: str) -> None:
        trades = market.rows(answer([TRADE_ROW | {field: value}]))
        assert refusal(lambda: list(orders.trade_entries(trades, {17: "hb1"}, BTCUSD))) == said

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("symbol", "ETHUSD_PERP", "[0].symbol: is 'ETHUSD_PERP', not BTCUSD_PERP"),
            ("incomeType", "TRANSFER", "[0].incomeType: is 'TRANSFER', not FUNDING_FEE"),
            ("asset", "ETH", "[0].asset: is 'ETH', not BTC"),
        ],
    )
    def test_funding_is_refused(self, field: str, value: object, said: str) -> None:
        income = market.rows(answer([INCOME_ROW | {field: value}]))
        assert refusal(lambda: list(orders.funding_entries(income, BTCUSD))) == said


SPOT = {
    "balances": [
        {"asset": "BTC", "free": "1", "locked": "0.25"},
        {"asset": "ETH", "free": "2", "locked": "0"},
    ]
}
SPOT_WALLET = Wallet(
    id=WalletId("main", "spot", "BTC"),
    coins=Coin.of("1.25"),
    unrealized=Coin.zero(),
    position_margin=Coin.zero(),
    withdrawable=Coin.of(1),
)


class TestSpot:
    def test_a_wallet_is_what_is_free_and_what_is_locked(self) -> None:
        ether = replace(
            SPOT_WALLET,
            id=WalletId("main", "spot", "ETH"),
            coins=Coin.of(2),
            withdrawable=Coin.of(2),
        )
        assert holdings.spot_wallets(answer(SPOT), "main", ["ETH", "BTC"]) == (ether, SPOT_WALLET)

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("balances[1].asset", "BTC", ".balances: shows a coin twice"),
            ("balances[0].asset", "XRP", ".balances: shows no BTC"),
            ("balances[0].free", "-1", ".balances[0].free: is -1, below zero"),
            ("balances[0].locked", "", ".balances[0].locked: is '', not a number"),
        ],
    )
    def test_a_wallet_is_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but(SPOT, path, value))
        assert refusal(lambda: holdings.spot_wallets(reply, "main", ["BTC"])) == said


SHORT_ROW: dict[str, Any] = {
    "symbol": "BTCUSD_PERP", "positionSide": "BOTH", "positionAmt": "-2", "entryPrice": "50",
    "markPrice": "40", "unRealizedProfit": "1", "liquidationPrice": "90", "leverage": "5",
    "marginType": "cross", "isolatedMargin": "0", "isolatedWallet": "0", "notionalValue": "-5",
    "updateTime": AT + 5,
}  # fmt: skip
FLAT_ROW = SHORT_ROW | {
    "positionAmt": "0", "entryPrice": "0", "unRealizedProfit": "0", "liquidationPrice": "0",
    "notionalValue": "0", "updateTime": 0,
}  # fmt: skip
LONG_ROW = SHORT_ROW | {
    "positionSide": "LONG", "positionAmt": "1", "entryPrice": "80", "unRealizedProfit": "-1.25",
    "notionalValue": "2.5", "updateTime": AT + 6, "leverage": "6", "liquidationPrice": "10",
    "markPrice": "40",
}  # fmt: skip
ISOLATED = {"marginType": "isolated", "isolatedMargin": "1.6", "isolatedWallet": "0.6"}
SHORT = Position(
    symbol="BTC/USD:BTC",
    contracts=Contracts.of(-2),
    entry=Price.of(50),
    mark=Price.of(40),
    unrealized=Coin.of(1),
    initial_margin=Coin.of("0.5"),
    margin=None,
    liquidation=Price.of(90),
    leverage=Decimal(5),
    hedge_mode=False,
    updated_at=Millis(AT + 5),
    margin_mode=MarginMode.CROSS,
)
FLAT = replace(
    SHORT,
    contracts=Contracts.zero(),
    entry=None,
    unrealized=Coin.zero(),
    initial_margin=Coin.zero(),
    liquidation=None,
    updated_at=Millis(0),
)
MARGINED = replace(SHORT, margin=Coin.of("0.6"), margin_mode=MarginMode.ISOLATED)
HEDGED = [SHORT_ROW | {"positionSide": "SHORT"}, LONG_ROW]
BOTH = replace(
    SHORT,
    contracts=Contracts.of(-1),
    unrealized=Coin.of("-0.25"),
    initial_margin=Coin.of("0.7"),
    hedge_mode=True,
    updated_at=Millis(AT + 6),
)


def bound(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """The account's own list of the same positions, with what each binds."""
    margins = {"BOTH": "0.5", "SHORT": "0.5", "LONG": "0.2"}
    return [
        {
            "symbol": row["symbol"],
            "positionSide": row["positionSide"],
            "positionAmt": row["positionAmt"],
            "positionInitialMargin": "0" if row["positionAmt"] == "0" else margins[row["positionSide"]],
        }
        for row in rows
    ]


def positions(*rows: dict[str, Any], account: object = None, assets: str = "BTC") -> tuple[Position, ...]:
    listed = bound(*rows) if account is None else account
    return holdings.positions([answer(list(rows))], answer({"positions": listed}), LISTING, [assets])


class TestPosition:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([SHORT_ROW], SHORT),
            ([FLAT_ROW], FLAT),
            ([FLAT_ROW | {"markPrice": "0"}], replace(FLAT, mark=None)),
            ([SHORT_ROW | {"leverage": "0"}], replace(SHORT, leverage=None)),
            ([but(SHORT_ROW, "updateTime", GONE)], replace(SHORT, updated_at=Millis(0))),
            ([but(SHORT_ROW, "notionalValue", GONE)], SHORT),
            ([SHORT_ROW | {"notionalValue": "5"}], SHORT),
            ([SHORT_ROW | {"notionalValue": "-5.00000011"}], SHORT),
            ([SHORT_ROW | {"notionalValue": "-4.99999989"}], SHORT),
            (
                [SHORT_ROW | {"unRealizedProfit": "1.00000011"}],
                replace(SHORT, unrealized=Coin.of("1.00000011")),
            ),
            ([SHORT_ROW | ISOLATED], MARGINED),
            ([but(SHORT_ROW | ISOLATED, "isolatedWallet", GONE)], MARGINED),
            (
                [SHORT_ROW | ISOLATED | {"isolatedWallet": "0.60000002"}],
                replace(MARGINED, margin=Coin.of("0.60000002")),
            ),
            (
                [FLAT_ROW | ISOLATED | {"isolatedMargin": "0", "isolatedWallet": "0"}],
                replace(FLAT, margin=Coin.zero(), margin_mode=MarginMode.ISOLATED),
            ),
            (HEDGED, BOTH),
            (HEDGED[::-1], BOTH),
            ([SHORT_ROW, FLAT_ROW | {"positionSide": "LONG"}], replace(SHORT, hedge_mode=True)),
            (
                [
                    HEDGED[0] | ISOLATED,
                    LONG_ROW | ISOLATED | {"isolatedMargin": "-0.95", "isolatedWallet": "0.3"},
                ],
                replace(BOTH, margin=Coin.of("0.9"), margin_mode=MarginMode.ISOLATED),
            ),
        ],
    )
    def test_is_worth(self, rows: list[dict[str, Any]], expected: Position) -> None:
        assert positions(*rows) == (expected,)

    def test_of_other_coins_is_none_of_ours(self) -> None:
        ether = FLAT_ROW | {"symbol": "ETHUSD_PERP"}
        assert positions(SHORT_ROW, ether) == (SHORT,)
        assert positions(ether, SHORT_ROW) == (SHORT,)

    def test_of_a_contract_that_is_listed_no_more_is_flat(self) -> None:
        gone = FLAT_ROW | {"symbol": "BTCUSD_210326"}
        assert positions(gone, SHORT_ROW) == (SHORT,)
        said = refusal(lambda: positions(gone | {"positionAmt": "1"}))
        assert said == "[0].symbol: is 'BTCUSD_210326', which we do not know"

    def test_that_is_flat_needs_no_row_in_the_accounts_own_list(self) -> None:
        assert positions(FLAT_ROW, account=[]) == (FLAT,)
        assert positions(account=bound(FLAT_ROW)) == ()

    @pytest.mark.parametrize(
        ("rows", "account", "said"),
        [
            (
                [SHORT_ROW],
                [],
                ".positions: has no row for BTCUSD_PERP BOTH, which positionRisk shows",
            ),
            (
                [SHORT_ROW],
                bound(SHORT_ROW | {"positionAmt": "-1"}),
                "[0].positionAmt: is -2, and -1 in the account's own list",
            ),
            (
                [FLAT_ROW],
                bound(SHORT_ROW),
                "[0].positionAmt: is 0, and -2 in the account's own list",
            ),
            ([], bound(SHORT_ROW), ".positions[0].positionAmt: is -2, and positionRisk shows no row"),
            ([SHORT_ROW] * 2, None, "[1].positionSide: is BOTH in two rows of BTCUSD_PERP"),
            (
                [SHORT_ROW | {"positionSide": "short"}],
                [],
                "[0].positionSide: is 'short', which we do not know",
            ),
            ([SHORT_ROW | {"positionSide": "LONG"}], None, "[0].positionAmt: is -2 on the side LONG"),
            ([LONG_ROW | {"positionSide": "SHORT"}], None, "[0].positionAmt: is 1 on the side SHORT"),
            ([SHORT_ROW | {"leverage": "2.0"}], None, "[0].leverage: is '2.0', not a whole number"),
            ([SHORT_ROW | {"marginType": "odd"}], None, "[0].marginType: is 'odd', which we do not know"),
            (
                [FLAT_ROW | {"unRealizedProfit": "1"}],
                None,
                "[0].positionAmt: is zero, yet the row shows an entry or a profit",
            ),
            (
                [FLAT_ROW | {"entryPrice": "1"}],
                None,
                "[0].positionAmt: is zero, yet the row shows an entry or a profit",
            ),
            ([SHORT_ROW | {"entryPrice": ""}], None, "[0].entryPrice: is '', not a number"),
            ([SHORT_ROW | {"markPrice": "0"}], None, "[0].markPrice: is 0, not above zero"),
            (
                [SHORT_ROW | {"notionalValue": "-5.00000012"}],
                None,
                "[0].notionalValue: is not size / markPrice, 5",
            ),
            (
                [SHORT_ROW | {"unRealizedProfit": "1.00000012"}],
                None,
                "[0].unRealizedProfit: is 1.00000012, by its own size and prices 1",
            ),
            (
                [LONG_ROW | {"unRealizedProfit": "1.25"}],
                None,
                "[0].unRealizedProfit: is 1.25, by its own size and prices -1.25",
            ),
            (
                [SHORT_ROW | ISOLATED | {"isolatedWallet": "0.60000003"}],
                None,
                "[0].isolatedWallet: is 0.60000003, isolatedMargin less the profit 0.6",
            ),
        ],
    )
    def test_is_refused(self, rows: list[dict[str, Any]], account: object, said: str) -> None:
        assert refusal(lambda: positions(*rows, account=account)) == said


COLLATERAL: dict[str, Any] = {
    "assets": [
        {"asset": "ETH"},
        {
            "asset": "BTC", "walletBalance": "3", "crossWalletBalance": "2.4", "unrealizedProfit": "1",
            "marginBalance": "4", "crossUnPnl": "0", "positionInitialMargin": "0.9",
            "openOrderInitialMargin": "0.25", "maxWithdrawAmount": "9", "updateTime": AT,
        },
    ]
}  # fmt: skip
HELD = (MARGINED, replace(SHORT, symbol=DATED.symbol))
MARGIN_WALLET = Wallet(
    id=WalletId("main", "margin", "BTC"),
    coins=Coin.of(3),
    unrealized=Coin.of(1),
    position_margin=Coin.of("0.9"),
    withdrawable=Coin.of("1.65"),
)


class TestCollateral:
    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            ("asset", "BTC", MARGIN_WALLET),
            ("crossUnPnl", "1", MARGIN_WALLET),
            ("crossUnPnl", "-1", replace(MARGIN_WALLET, withdrawable=Coin.of("0.65"))),
            ("crossUnPnl", "-2", replace(MARGIN_WALLET, withdrawable=Coin.zero())),
            ("maxWithdrawAmount", "0.5", replace(MARGIN_WALLET, withdrawable=Coin.of("0.5"))),
            ("marginBalance", "4.00000002", MARGIN_WALLET),
            (
                "crossWalletBalance",
                "2.40000004",
                replace(MARGIN_WALLET, withdrawable=Coin.of("1.65000004")),
            ),
        ],
    )
    def test_is_worth(self, field: str, value: object, expected: Wallet) -> None:
        reply = answer(but(COLLATERAL, f"assets[1].{field}", value))
        assert holdings.margin_wallet(reply, "main", "BTC", HELD) == expected

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("asset", "XRP", ".assets: shows BTC 0 times"),
            (
                "updateTime",
                0,
                (
                    ".assets[1].updateTime: is 0: the row is stale, or the wallet was never used. "
                    "Transfer any BTC into COIN-M futures"
                ),
            ),
            (
                "marginBalance",
                "4.00000003",
                ".assets[1].marginBalance: is not walletBalance + unrealizedProfit, 3 + 1",
            ),
            (
                "crossWalletBalance",
                "2.40000005",
                (
                    ".assets[1].walletBalance: is 3, crossWalletBalance and isolated margins make 3.00000005"
                    ": not one moment's truth, or another meaning"
                ),
            ),
        ],
    )
    def test_is_refused(self, field: str, value: object, said: str) -> None:
        reply = answer(but(COLLATERAL, f"assets[1].{field}", value))
        assert refusal(lambda: holdings.margin_wallet(reply, "main", "BTC", HELD)) == said


class TestMode:
    def test_is_told_by_one_flag_and_not_in_demo_trading(self) -> None:
        assert holdings.mode(None) == AccountMode(None)
        assert holdings.mode(answer({"isPortfolioMarginRetailEnabled": False})) == AccountMode(None)
        assert holdings.mode(answer({"isPortfolioMarginRetailEnabled": True})) == PORTFOLIO


TIERS = (Tier(Coin.of(1), Decimal("0.01")),)
BTC_FACTS = ContractFacts(LegFacts(BTCUSD, Decimal("0.0005"), TIERS), Decimal(4))
ETH_FACTS = ContractFacts(LegFacts(ETHUSD, Decimal("0.0005"), TIERS), None)
FACTS = Facts(
    listing=LISTING,
    mode=AccountMode(None),
    hedge_mode=False,
    contracts={BTCUSD.symbol: BTC_FACTS, ETHUSD.symbol: ETH_FACTS},
    good_until=0.0,
)
OTHER_ROW = LONG_ROW | {"symbol": "BTCUSD_261225", "positionSide": "BOTH"}
UNUSED_ROW = FLAT_ROW | {"symbol": "BTCUSD_261225"}
ETH_ROW = FLAT_ROW | {"symbol": "ETHUSD_PERP"}
MOMENT = Moment("main", 1.5, 2.5, 7)
NO_COLLATERAL = {
    "walletBalance": "0", "crossWalletBalance": "0", "unrealizedProfit": "0", "marginBalance": "0",
    "crossUnPnl": "0", "positionInitialMargin": "0", "openOrderInitialMargin": "0",
    "maxWithdrawAmount": "0", "updateTime": AT,
}  # fmt: skip
ETHER = replace(
    MARGIN_WALLET,
    id=WalletId("main", "margin", "ETH"),
    coins=Coin.zero(),
    unrealized=Coin.zero(),
    position_margin=Coin.zero(),
    withdrawable=Coin.zero(),
)


def coin_m(*bitcoin: dict[str, Any]) -> CoinMAnswers:
    shown = [*bitcoin, ETH_ROW]
    btc = COLLATERAL["assets"][1] | {"crossWalletBalance": "3"}
    account = {"assets": [{"asset": "ETH", **NO_COLLATERAL}, btc], "positions": bound(*shown)}
    legs = [
        LegAnswers(instrument, answer(but(PREMIUM, "[0].symbol", instrument.native)), BOOK, answer(resting))
        for instrument, resting in ((BTCUSD, [ORDER_ROW | {"status": "NEW"}]), (ETHUSD, []))
    ]
    asked = {"BTC": answer(list(bitcoin)), "ETH": answer([ETH_ROW])}
    return CoinMAnswers(answer(account), asked, legs)


def read(*bitcoin: dict[str, Any], facts: Facts = FACTS) -> AccountReading:
    return reading(answer(SPOT), coin_m(*bitcoin), facts, ["BTC"], MOMENT)


class TestReading:
    def test_is_all_that_was_answered(self) -> None:
        assert read(SHORT_ROW, OTHER_ROW) == AccountReading(
            account="main",
            started=1.5,
            ended=2.5,
            exchange_offset_ms=7,
            mode=AccountMode(None),
            wallets=(SPOT_WALLET, replace(MARGIN_WALLET, withdrawable=Coin.of("1.75")), ETHER),
            positions=(
                SHORT,
                Position(
                    symbol=DATED.symbol,
                    contracts=Contracts.of(1),
                    entry=Price.of(80),
                    mark=Price.of(40),
                    unrealized=Coin.of("-1.25"),
                    initial_margin=Coin.of("0.5"),
                    margin=None,
                    liquidation=Price.of(10),
                    leverage=Decimal(6),
                    hedge_mode=False,
                    updated_at=Millis(AT + 6),
                    margin_mode=MarginMode.CROSS,
                ),
                replace(FLAT, symbol=ETHUSD.symbol),
            ),
            orders=(RESTING,),
            quotes=(
                QUOTE,
                replace(QUOTE, symbol=ETHUSD.symbol, funding=replace(FUNDING, interval_hours=None)),
            ),
            facts=(BTC_FACTS.leg, ETH_FACTS.leg),
        )

    def test_leaves_out_contracts_that_are_neither_legs_nor_open(self) -> None:
        shown = read(SHORT_ROW, UNUSED_ROW).positions
        assert [position.symbol for position in shown] == [BTCUSD.symbol, ETHUSD.symbol]

    def test_a_leverage_of_zero_gives_portfolio_margin_away(self) -> None:
        assert read(SHORT_ROW | {"leverage": "0"}).mode == PORTFOLIO
        known = replace(FACTS, mode=AccountMode(None, "for another reason"))
        assert read(SHORT_ROW | {"leverage": "0"}, facts=known).mode == known.mode
        assert read(SHORT_ROW, facts=known).mode == known.mode

    @pytest.mark.parametrize(
        ("rows", "facts", "said"),
        [
            ([], FACTS, ": has no row for BTCUSD_PERP: flat is said by a row"),
            ([OTHER_ROW], FACTS, ": has no row for BTCUSD_PERP: flat is said by a row"),
            (HEDGED, FACTS, ": shows both sides of BTCUSD_PERP, against dualSidePosition"),
            (
                [SHORT_ROW],
                replace(FACTS, hedge_mode=True),
                ": shows one side of BTCUSD_PERP, against dualSidePosition",
            ),
        ],
    )
    def test_is_refused(self, rows: list[dict[str, Any]], facts: Facts, said: str) -> None:
        assert refusal(lambda: read(*rows, facts=facts)) == said

    def test_of_spot_alone_asks_nothing_of_contracts(self) -> None:
        assert spot_reading(answer(SPOT), ["BTC"], MOMENT) == AccountReading(
            account="main",
            started=1.5,
            ended=2.5,
            exchange_offset_ms=7,
            mode=AccountMode(None),
            wallets=(SPOT_WALLET,),
            positions=(),
            orders=(),
            quotes=(),
            facts=(),
        )


SINCE = Millis(AT - 5)
TO_MARGIN = TransferRequest("t1", "main", "BTC", Coin.of("1E+1"), Pocket.SPOT, Pocket.MARGIN)
TO_SPOT = replace(TO_MARGIN, source=Pocket.MARGIN, target=Pocket.SPOT)
TO_LEG = replace(TO_MARGIN, source=Pocket.MARGIN, target=Pocket.ISOLATED, symbol=BTCUSD.symbol)
FROM_LEG = replace(TO_LEG, source=Pocket.ISOLATED, target=Pocket.MARGIN)
MOVED_ROW = {
    "type": "MAIN_CMFUTURE", "asset": "BTC", "amount": "10.0", "timestamp": SINCE, "status": "CONFIRMED",
    "tranId": 31,
}  # fmt: skip
MARGIN_ROW = {"type": 1, "symbol": "BTCUSD_PERP", "asset": "BTC", "amount": "10", "time": SINCE}


class TestMoves:
    @pytest.mark.parametrize(
        ("move", "kind"), [(TO_MARGIN, "MAIN_CMFUTURE"), (TO_SPOT, "CMFUTURE_MAIN")], ids=["in", "out"]
    )
    def test_between_wallets_are_sent_and_looked_for_as(self, move: TransferRequest, kind: str) -> None:
        assert transfers.moving(move) == {"type": kind, "asset": "BTC", "amount": "10"}
        assert transfers.asking(move, SINCE) == {"type": kind, "startTime": SINCE, "size": 100}
        assert transfers.moved(answer({"tranId": 31})) == "31"

    @pytest.mark.parametrize(("move", "kind"), [(TO_LEG, 1), (FROM_LEG, 2)], ids=["in", "out"])
    def test_of_isolated_margin_are_sent_and_looked_for_as(self, move: TransferRequest, kind: int) -> None:
        assert transfers.margining(move, BTCUSD) == {
            "symbol": "BTCUSD_PERP",
            "positionSide": "BOTH",
            "amount": "10",
            "type": kind,
        }
        asked = {"symbol": "BTCUSD_PERP", "type": kind, "startTime": SINCE, "limit": 100}
        assert transfers.asking_margin(move, BTCUSD, SINCE) == asked
        assert transfers.margined(answer({"type": kind}), move) == ""
        said = refusal(lambda: transfers.margined(answer({"type": 3}), move))
        assert said == f".type: is 3, not {kind}"

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            ({"rows": [MOVED_ROW]}, TransferState("31", True, False, SINCE)),
            ({"rows": [MOVED_ROW | {"status": "PENDING"}]}, TransferState("31", False, False, SINCE)),
            ({"rows": [MOVED_ROW | {"status": "FAILED"}]}, TransferState("31", True, True, SINCE)),
            ({"rows": [MOVED_ROW | {"asset": "ETH"}]}, None),
            ({"rows": [MOVED_ROW | {"amount": "9"}]}, None),
            ({"rows": [MOVED_ROW | {"timestamp": SINCE - 1}]}, None),
            ({"rows": [], "total": 0}, None),
            ({"total": 0}, None),
        ],
    )
    def test_between_wallets_are_found_again(self, reply: object, expected: TransferState | None) -> None:
        assert transfers.sighted(answer(reply), TO_MARGIN, SINCE) == expected

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            ({"rows": [MOVED_ROW] * 2}, ".rows[1].amount: is that of two moves"),
            (
                {"rows": [MOVED_ROW | {"type": "CMFUTURE_MAIN"}]},
                ".rows[0].type: is 'CMFUTURE_MAIN', not MAIN_CMFUTURE",
            ),
            ({"total": 1}, ".rows: is missing"),
            ({}, ".total: is missing"),
        ],
    )
    def test_between_wallets_are_refused(self, reply: object, said: str) -> None:
        assert refusal(lambda: transfers.sighted(answer(reply), TO_MARGIN, SINCE)) == said

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([MARGIN_ROW], TransferState("", True, False, SINCE)),
            ([MARGIN_ROW | {"type": 2}, MARGIN_ROW], TransferState("", True, False, SINCE)),
            ([MARGIN_ROW | {"type": 2}], None),
            ([MARGIN_ROW | {"time": SINCE - 1}], None),
        ],
    )
    def test_of_isolated_margin_are_found_again(
        self, rows: list[object], expected: TransferState | None
    ) -> None:
        assert transfers.sighted_margin(answer(rows), TO_LEG, BTCUSD, SINCE) == expected

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([MARGIN_ROW] * 2, "[1].amount: is that of two moves"),
            ([MARGIN_ROW | {"symbol": "ETHUSD_PERP"}], "[0].symbol: is 'ETHUSD_PERP', not BTCUSD_PERP"),
        ],
    )
    def test_of_isolated_margin_are_refused(self, rows: list[object], said: str) -> None:
        assert refusal(lambda: transfers.sighted_margin(answer(rows), TO_LEG, BTCUSD, SINCE)) == said


KEY = {
    "enableFutures": True, "enableWithdrawals": False, "ipRestrict": True,
    "tradingAuthorityExpirationTime": AT,
}  # fmt: skip
SCOPE = KeyScope(trade=True, withdraw=False, ip_bound=True, expires_at=AT)


class TestKey:
    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            ("enableFutures", False, replace(SCOPE, trade=False)),
            ("enableWithdrawals", True, replace(SCOPE, withdraw=True)),
            ("ipRestrict", False, replace(SCOPE, ip_bound=False)),
            ("tradingAuthorityExpirationTime", 0, replace(SCOPE, expires_at=None)),
            ("tradingAuthorityExpirationTime", GONE, replace(SCOPE, expires_at=None)),
        ],
    )
    def test_may(self, field: str, value: object, expected: KeyScope) -> None:
        assert key.scope(answer(but(KEY, field, value))) == expected

    def test_expires_some_day(self) -> None:
        reply = answer(KEY | {"tradingAuthorityExpirationTime": 10**13 + 1})
        assert refusal(lambda: key.scope(reply)) == (
            ".tradingAuthorityExpirationTime: is 10000000000001, beyond all times"
        )
