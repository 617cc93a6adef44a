"""OKX's replies to the last field: what each is worth, and the words in which a wrong one is refused."""

from collections.abc import Callable
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
from hedgebot.exchange.convert import OrderBook
from hedgebot.exchange.okx import holdings, key, ledger, market, orders, positions, transfers
from hedgebot.exchange.okx.holdings import Settings
from hedgebot.exchange.okx.market import Contract, ContractTier, Listing, Prices
from hedgebot.exchange.okx.positions import Held
from hedgebot.exchange.okx.reading import Answers, LegAnswers, Moment, reading
from hedgebot.exchange.okx.slow_facts import ContractFacts, Facts
from tests.exchange.replies import AT, GONE, answer, but, refusal

HOUR_MS = 3_600_000
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED


def refused(read: Callable[[], object]) -> str:
    """The words of a refusal, without the name of the list that every reply is."""
    return refusal(read).removeprefix(".data")


def contract_row(native: str, family: str, **fields: object) -> dict[str, Any]:
    row = {
        "instId": native, "instType": "SWAP", "instFamily": family, "ctType": "inverse", "ctVal": "50",
        "ctMult": "2", "ctValCcy": "USD", "settleCcy": family.partition("-")[0], "lotSz": "1",
        "tickSz": "0.1", "minSz": "2", "maxLmtSz": "300", "state": "live", "expTime": "", "groupId": "4",
    }  # fmt: skip
    return row | fields


BTC_ROW = contract_row("BTC-USD-SWAP", "BTC-USD")
DATED_ROW = contract_row("BTC-USD-261225", "BTC-USD", instType="FUTURES", expTime="1798185600000")
ETH_ROW = contract_row("ETH-USD-SWAP", "ETH-USD", state="suspend", ctVal="5")
TETHER_ROW = contract_row(
    "BTC-USDT-SWAP", "BTC-USDT", ctType="linear", ctVal="0.005", ctValCcy="BTC", settleCcy="USDT"
)
OTHERS = [
    TETHER_ROW | {"instId": "BTC-USDT-261225", "instType": "FUTURES"},
    TETHER_ROW | {"instId": "BTC-USDC-SWAP", "settleCcy": "USDC"},
]
LISTED = [BTC_ROW, DATED_ROW, ETH_ROW, TETHER_ROW, *OTHERS]
BTCUSD = Instrument(
    symbol="BTC/USD:BTC",
    native="BTC-USD-SWAP",
    asset="BTC",
    face=Usd.of(100),
    lot=Contracts.of(1),
    tick=Decimal("0.1"),
    min_order=Contracts.of(2),
    max_order=Contracts.of(300),
)
BTC = Contract(BTCUSD, perpetual=True, family="BTC-USD", group="4")
DATED = replace(
    BTC,
    instrument=replace(
        BTCUSD, symbol="BTC/USD:BTC-261225", native="BTC-USD-261225", ends_at=Millis(1_798_185_600_000)
    ),
    perpetual=False,
)
ETH = replace(
    BTC,
    instrument=replace(
        BTCUSD,
        symbol="ETH/USD:ETH",
        native="ETH-USD-SWAP",
        asset="ETH",
        face=Usd.of(10),
        tradable=False,
    ),
    family="ETH-USD",
)
TETHER = replace(
    BTC,
    instrument=replace(
        BTCUSD,
        symbol="BTC/USDT:USDT",
        native="BTC-USDT-SWAP",
        face=Coin.of("0.01"),
        instead="BTC/USD:BTC",
    ),
    family="BTC-USDT",
)
INVERSE = (BTC, DATED, ETH)
OTHER_NAMES = frozenset({"BTC-USDT-261225", "BTC-USDC-SWAP"})


def listed(*contracts: Contract, others: frozenset[str] = OTHER_NAMES, linear: bool = False) -> Listing:
    return Listing(
        {c.instrument.symbol: c for c in contracts},
        {c.instrument.native: c for c in contracts},
        others,
        linear,
    )


LISTING = listed(*INVERSE)
WITH_TETHER = listed(*INVERSE, TETHER, linear=True)


class TestContracts:
    def test_are_listed_by_both_names_those_in_tether_only_where_a_leg_is_one(self) -> None:
        assert market.listing([answer(LISTED)], linear=True) == WITH_TETHER
        inverse = listed(*INVERSE, others=OTHER_NAMES | {"BTC-USDT-SWAP"})
        assert market.listing([answer(LISTED[:2]), answer(LISTED[2:])]) == inverse
        assert LISTING.named("ETH/USD:ETH") == ETH

    @pytest.mark.parametrize(
        "rows",
        [
            [TETHER_ROW],
            [TETHER_ROW, DATED_ROW],
            [TETHER_ROW, ETH_ROW | {"state": "live"}],
            [TETHER_ROW, BTC_ROW | {"state": "suspend"}],
        ],
    )
    def test_in_tether_know_only_an_inverse_perpetual_one_that_can_be_traded(
        self, rows: list[object]
    ) -> None:
        found = market.listing([answer(rows)], linear=True).by_native["BTC-USDT-SWAP"]
        assert found.instrument == replace(TETHER.instrument, instead="")

    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            (but(BTC_ROW, "groupId", GONE), replace(BTC, group="")),
            ({**but(BTC_ROW, "instFamily", GONE), "uly": "BTC-USD"}, BTC),
            (
                BTC_ROW | {"expTime": "1798185600000"},
                replace(BTC, instrument=replace(BTCUSD, ends_at=Millis(1_798_185_600_000))),
            ),
        ],
    )
    def test_may_be_told_in_other_ways(self, row: object, expected: Contract) -> None:
        assert market.listing([answer([row])]).by_native["BTC-USD-SWAP"] == expected

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("[1].instId", "BTC-USD-SWAP", "[1].instId: is listed twice"),
            ("[5].instId", "BTC-USDT-261225", "[5].instId: is listed twice"),
            ("[0].ctValCcy", "BTC", "[0].ctValCcy: is 'BTC', not USD"),
            (
                "[0].settleCcy",
                "ETH",
                "[0].settleCcy: is ETH, yet the contract is BTC-USD-SWAP, of BTC-USD",
            ),
            (
                "[0].instId",
                "BTC-EUR-SWAP",
                "[0].settleCcy: is BTC, yet the contract is BTC-EUR-SWAP, of BTC-USD",
            ),
            (
                "[3].ctValCcy",
                "ETH",
                "[3].ctValCcy: is ETH, yet the contract is BTC-USDT-SWAP, of BTC-USDT",
            ),
            (
                "[3].instId",
                "BTC-USDT-PERP",
                "[3].ctValCcy: is BTC, yet the contract is BTC-USDT-PERP, of BTC-USDT",
            ),
            ("[1].expTime", "", "[1].expTime: is '', not a whole number"),
            ("[1].expTime", "0", "[1].expTime: is no date for a dated contract"),
            ("[0]", [], "[0]: is [], not an object"),
            ("", {}, ": is {}, not a list"),
        ],
    )
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but(LISTED, path, value))
        assert refused(lambda: market.listing([reply], linear=True)) == said

    def test_that_are_not_listed_are_unknown_by_either_name(self) -> None:
        said = "okx lists no contract XRP/USD:XRP. Check the leg's symbol"
        assert refused(lambda: LISTING.named("XRP/USD:XRP")) == said
        row = answer({"instId": "XRP-USD-SWAP"}).fields
        assert refused(lambda: LISTING.of_row(row)) == ".instId: is 'XRP-USD-SWAP', which we do not know"
        assert LISTING.of_row(answer({"instId": "BTC-USDC-SWAP"}).fields) is None


TIER_ROWS = [
    {"instFamily": "BTC-USD", "maxSz": "300", "mmr": "0.01"},
    {"instFamily": "BTC-USD", "maxSz": "150", "mmr": "0.005"},
]
TIERS = (
    ContractTier(Contracts.of(150), Decimal("0.005")),
    ContractTier(Contracts.of(300), Decimal("0.01")),
)


class TestTiers:
    def test_are_sorted_and_worth_coins_at_a_mark(self) -> None:
        assert market.tiers(answer(TIER_ROWS), BTC) == TIERS
        assert market.in_coins(TIERS, BTC, Price.of(50_000)) == (
            Tier(Coin.of("0.3"), Decimal("0.005")),
            Tier(Coin.of("0.6"), Decimal("0.01")),
        )

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("", [], ": has no clear margin tiers for BTC-USD"),
            ("[0].maxSz", "150", ": has no clear margin tiers for BTC-USD"),
            ("[0].instFamily", "ETH-USD", "[0].instFamily: is 'ETH-USD', not BTC-USD"),
            ("[0].mmr", "1", "[0].mmr: is the whole position or more"),
        ],
    )
    def test_are_refused(self, path: str, value: object, said: str) -> None:
        reply = answer(but(TIER_ROWS, path, value))
        assert refused(lambda: market.tiers(reply, BTC)) == said


FEES = [
    {
        "taker": "-0.0005", "takerU": "-0.0006",
        "feeGroup": [{"groupId": "3", "taker": "-0.0003"}, {"groupId": "4", "taker": "-0.0004"}],
    }
]  # fmt: skip
BOOK_ROW = {"bids": [["59999", "7", "0", "1"]], "asks": [["60001", "8", "0", "1"]], "ts": str(AT)}
BIDS, ASKS = ((Price.of(59999), Contracts.of(7)),), ((Price.of(60001), Contracts.of(8)),)
BOOK = OrderBook(BIDS, ASKS, AT)
MARK_ROW = {"instId": "BTC-USD-SWAP", "markPx": "60000", "ts": str(AT)}
INDEX_ROW = {"instId": "BTC-USD", "idxPx": "60001", "ts": str(AT)}
FUNDING_ROW = {
    "instId": "BTC-USD-SWAP", "fundingRate": "-0.0001", "fundingTime": str(AT + HOUR_MS),
    "nextFundingTime": str(AT + 5 * HOUR_MS),
}  # fmt: skip
FUNDING = Funding(Decimal("-0.0001"), Decimal(4), Millis(AT + HOUR_MS))
QUOTE = Quote(
    symbol="BTC/USD:BTC",
    mark=Price.of(60000),
    index=Price.of(60001),
    bids=BIDS,
    asks=ASKS,
    funding=FUNDING,
    at=AT,
)


def prices(
    mark: dict[str, Any] = MARK_ROW,
    index: dict[str, Any] = INDEX_ROW,
    funding: dict[str, Any] | None = FUNDING_ROW,
) -> Prices:
    return Prices(answer([mark]), answer([index]), None if funding is None else answer([funding]), BOOK)


class TestPrices:
    @pytest.mark.parametrize(
        ("path", "value", "contract", "fee"),
        [
            ("[0].taker", "-0.0005", BTC, "0.0004"),
            ("[0].taker", "-0.0005", TETHER, "0.0004"),
            ("[0].feeGroup", [], BTC, "0.0005"),
            ("[0].feeGroup", GONE, BTC, "0.0005"),
            ("[0].feeGroup", GONE, TETHER, "0.0006"),
            ("[0].taker", "-0.0005", replace(BTC, group=""), "0.0005"),
            ("[0].taker", "0.0007", replace(BTC, group=""), "-0.0007"),
        ],
    )
    def test_a_fee_is_that_of_the_contracts_group(
        self, path: str, value: object, contract: Contract, fee: str
    ) -> None:
        assert market.taker_fee(answer(but(FEES, path, value)), contract) == Decimal(fee)

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            (
                "[0].feeGroup[1].groupId",
                "5",
                "[0].feeGroup: has 0 fees for group '4' instead of one",
            ),
            (
                "[0].feeGroup[0].groupId",
                "4",
                "[0].feeGroup: has 2 fees for group '4' instead of one",
            ),
            ("[0].feeGroup[1].taker", "-0.01", "[0].feeGroup[1].taker: is -0.01, no rate"),
        ],
    )
    def test_a_fee_is_refused(self, path: str, value: object, said: str) -> None:
        assert refused(lambda: market.taker_fee(answer(but(FEES, path, value)), BTC)) == said

    def test_a_fee_of_no_group_is_no_hundredth_either(self) -> None:
        reply = answer([{"taker": "-0.01"}])
        assert refused(lambda: market.taker_fee(reply, BTC)) == "[0].taker: is -0.01, no rate"

    def test_an_order_book_has_four_columns(self) -> None:
        assert market.order_book(answer([BOOK_ROW])) == BOOK

    def test_candles_come_newest_first(self) -> None:
        rows = [[str(hour * HOUR_MS), "1", "3", "1", str(hour), *"1234"] for hour in (3, 2, 1)]
        found = market.candles(answer(rows), HOUR_MS, 3 * HOUR_MS)
        assert found == [Candle(Millis(10_800_000), Price.of(2)), Candle(Millis(7_200_000), Price.of(1))]
        assert refused(lambda: market.candles(answer([[1]]), HOUR_MS, 0)) == "[0]: is no bar of 9 columns"

    @pytest.mark.parametrize(
        ("shown", "expected"),
        [
            (prices(), QUOTE),
            (prices(index=INDEX_ROW | {"idxPx": ""}), replace(QUOTE, index=None)),
            (prices(mark=MARK_ROW | {"ts": str(AT - 1)}), replace(QUOTE, at=Millis(AT - 1))),
            (prices(index=INDEX_ROW | {"ts": str(AT - 2)}), replace(QUOTE, at=Millis(AT - 2))),
            (prices(MARK_ROW | {"ts": str(AT + 1)}, INDEX_ROW | {"ts": str(AT + 1)}), QUOTE),
            (prices(funding=None), replace(QUOTE, funding=NO_FUNDING)),
            (
                prices(funding=FUNDING_ROW | {"nextFundingTime": str(AT + HOUR_MS + 1)}),
                replace(QUOTE, funding=replace(FUNDING, interval_hours=Decimal(1) / HOUR_MS)),
            ),
            *(
                (prices(funding=row), replace(QUOTE, funding=replace(FUNDING, interval_hours=None)))
                for row in (FUNDING_ROW | {"nextFundingTime": ""}, but(FUNDING_ROW, "nextFundingTime", GONE))
            ),
        ],
    )
    def test_a_quote_is_worth(self, shown: Prices, expected: Quote) -> None:
        assert market.quote(shown, BTC) == expected

    @pytest.mark.parametrize(
        ("shown", "said"),
        [
            (prices(mark=MARK_ROW | {"instId": "X"}), "[0].instId: is 'X', not BTC-USD-SWAP"),
            (prices(index=INDEX_ROW | {"instId": "X"}), "[0].instId: is 'X', not BTC-USD"),
            (prices(funding=FUNDING_ROW | {"instId": "X"}), "[0].instId: is 'X', not BTC-USD-SWAP"),
            (
                prices(funding=FUNDING_ROW | {"nextFundingTime": FUNDING_ROW["fundingTime"]}),
                "[0].nextFundingTime: is not after fundingTime",
            ),
            (replace(prices(), mark=answer([])), ": has 0 rows instead of one"),
        ],
    )
    def test_a_quote_is_refused(self, shown: Prices, said: str) -> None:
        assert refused(lambda: market.quote(shown, BTC)) == said

    def test_a_spot_price_is_at_most_a_minute_old(self) -> None:
        reply = answer([{"instId": "BTC-USDT", "bidPx": "1", "askPx": "3", "ts": str(AT)}])
        assert market.spot_price(reply, "BTC-USDT", AT + 60_000) == Price.of(2)
        said = refused(lambda: market.spot_price(reply, "BTC-USDT", AT + 60_001))
        assert said == "[0].ts: is more than 60 s ago"
        said = refused(lambda: market.spot_price(reply, "ETH-USDT", AT))
        assert said == "[0].instId: is 'BTC-USDT', not ETH-USDT"


SALE = OrderRequest("hb1", "main", BTCUSD.symbol, Contracts.of("-3e2"), Price.of("6e4"), False)
PURCHASE = replace(SALE, contracts=Contracts.of(300), reduce_only=True, margin_mode=ISOLATED)
ORDER_ROW = {
    "instType": "SWAP", "instId": "BTC-USD-SWAP", "ordId": "17", "clOrdId": "hb1", "side": "sell",
    "state": "filled", "sz": "300", "accFillSz": "300", "avgPx": "60000", "fee": "-0.06",
    "reduceOnly": "true", "cTime": str(AT + 1), "uTime": str(AT + 2),
}  # fmt: skip
STATE = OrderState(
    order_id="17",
    client_id="hb1",
    over=True,
    rejected=False,
    filled=Contracts.of(-300),
    average=Price.of(60000),
    fee=Coin.of("0.06"),
    updated_at=Millis(AT + 2),
)
UNFILLED = {"state": "canceled", "accFillSz": "0", "avgPx": "", "fee": ""}
NOTHING = replace(STATE, filled=Contracts.zero(), average=None, fee=Coin.zero())
RESTING_ROW = ORDER_ROW | {"state": "live", "accFillSz": "200"}
RESTING = OpenOrder(
    symbol="BTC/USD:BTC",
    order_id="17",
    client_id="hb1",
    contracts=Contracts.of(-100),
    reduce_only=True,
    created_at=Millis(AT + 1),
)


def order_rows(*changes: dict[str, Any]) -> list[Any]:
    return market.rows(answer([ORDER_ROW | change for change in changes]))


class TestOrders:
    @pytest.mark.parametrize(
        ("order", "mode", "side", "reduce_only"),
        [(SALE, "cross", "sell", False), (PURCHASE, "isolated", "buy", True)],
    )
    def test_are_sent_as(self, order: OrderRequest, mode: str, side: str, reduce_only: bool) -> None:
        assert orders.placing(order, BTCUSD) == {
            "instId": "BTC-USD-SWAP",
            "clOrdId": "hb1",
            "tdMode": mode,
            "side": side,
            "ordType": "ioc",
            "sz": "300",
            "px": "60000",
            "pxAmendType": "1",
            "reduceOnly": reduce_only,
        }

    def test_are_acknowledged_by_their_own_name(self) -> None:
        row = {"sCode": "0", "clOrdId": "hb1", "ordId": "17"}
        assert orders.acknowledged(answer([row]), SALE) == "17"
        said = refused(lambda: orders.acknowledged(answer([row | {"clOrdId": "hb2"}]), SALE))
        assert said == "[0].clOrdId: is 'hb2', not hb1"
        said = refused(lambda: orders.acknowledged(answer([row | {"sCode": "1"}]), SALE))
        assert said == "[0].sCode: is '1', not 0"

    def test_leverage_is_set_once_the_reply_says_so(self) -> None:
        assert orders.set_as_asked(answer([{"lever": "5.0"}]), "5") == ""
        said = refused(lambda: orders.set_as_asked(answer([{"lever": "5.0"}]), "6"))
        assert said == "[0].lever: is 5.0, not the 6 that was asked for"

    def test_that_rest_come_from_all_pages_and_none_that_is_over(self) -> None:
        bought = RESTING_ROW | {
            "side": "buy", "instId": "ETH-USD-SWAP", "reduceOnly": "false", "clOrdId": "",
        }  # fmt: skip
        foreign = [RESTING_ROW | {"instType": "SPOT"}, RESTING_ROW | {"instId": "BTC-USDC-SWAP"}]
        pages = [answer([*foreign, RESTING_ROW, ORDER_ROW]), answer([bought])]
        other = replace(
            RESTING, symbol="ETH/USD:ETH", client_id="", contracts=Contracts.of(100), reduce_only=False
        )
        assert orders.open_orders(pages, LISTING) == (RESTING, other)

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, STATE),
            ({"state": "live", "sz": "400"}, replace(STATE, over=False)),
            (UNFILLED, NOTHING),
            ({**UNFILLED, "fee": "-0.01"}, replace(NOTHING, fee=Coin.of("0.01"))),
        ],
    )
    def test_are_shown_as(self, fields: dict[str, Any], expected: OrderState) -> None:
        assert orders.sighted(order_rows({"clOrdId": "hb2"}, fields), SALE, BTCUSD) == expected

    def test_shown_twice_are_one(self) -> None:
        assert orders.sighted(order_rows({}, {}), SALE, BTCUSD) == STATE
        assert orders.sighted(order_rows({"clOrdId": "hb2"}), SALE, BTCUSD) is None

    def test_purchases_are_filled_in_their_own_direction(self) -> None:
        found = orders.sighted(order_rows({"side": "buy"}), PURCHASE, BTCUSD)
        assert found == replace(STATE, filled=Contracts.of(300))

    def test_in_tether_cost_coins_at_their_own_price(self) -> None:
        found = orders.sighted(order_rows({"instId": "BTC-USDT-SWAP", "fee": "-30"}), SALE, TETHER.instrument)
        assert found == replace(STATE, fee=Coin.of("0.0005"))

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"ordId": "18"}, "[0].clOrdId: is hb1 in two orders"),
            ({"instId": "ETH-USD-SWAP"}, "[0].instId: is 'ETH-USD-SWAP', not BTC-USD-SWAP"),
            ({"side": "buy"}, "[0].side: is 'buy', not sell"),
            ({"accFillSz": "301"}, "[0].accFillSz: is 301, more than was asked for"),
            ({"accFillSz": "299"}, "[0].accFillSz: is 299, yet the order is filled"),
            ({"avgPx": ""}, "[0].avgPx: is '', not a number"),
            ({"fee": ""}, "[0].fee: is '', not a number"),
        ],
    )
    def test_are_refused(self, fields: dict[str, Any], said: str) -> None:
        found = order_rows(fields, {}) if "ordId" in fields else order_rows(fields)
        assert refused(lambda: orders.sighted(found, SALE, BTCUSD)) == said


FILL_ROW = {
    "instId": "BTC-USD-SWAP", "feeCcy": "BTC", "billId": "23", "subType": "1", "clOrdId": "hb1",
    "fillSz": "3", "side": "sell", "fillPx": "60000", "fee": "-0.06", "ts": str(AT + 3),
}  # fmt: skip
FILL = LedgerEntry(
    id="23",
    kind=EntryKind.TRADE,
    symbol="BTC/USD:BTC",
    client_id="hb1",
    contracts=Contracts.of(-3),
    price=Price.of(60000),
    coins=Coin.of("-0.06"),
    at=Millis(AT + 3),
)
BILL_ROW = {
    "type": "8", "subType": "173", "instId": "BTC-USD-SWAP", "ccy": "BTC", "billId": "29", "pnl": "-0.01",
    "px": "", "ts": str(AT + 4),
}  # fmt: skip
BILL = LedgerEntry(
    id="29",
    kind=EntryKind.FUNDING,
    symbol="BTC/USD:BTC",
    client_id="",
    contracts=Contracts.zero(),
    price=None,
    coins=Coin.of("-0.01"),
    at=Millis(AT + 4),
)
IN_TETHER = {"instId": "BTC-USDT-SWAP", "feeCcy": "USDT", "ccy": "USDT"}


class TestHistory:
    def test_fills_come_from_all_pages(self) -> None:
        pages = [answer([FILL_ROW]), answer([FILL_ROW | {"side": "buy", "subType": "100", "fee": "0.01"}])]
        liquidated = replace(
            FILL, kind=EntryKind.LIQUIDATION, contracts=Contracts.of(3), coins=Coin.of("0.01")
        )
        assert list(ledger.fills(pages, BTCUSD)) == [FILL, liquidated]

    def test_funding_comes_from_all_pages(self) -> None:
        received = BILL_ROW | {"subType": "174", "pnl": "0.01", "px": "60000"}
        pages = [answer([BILL_ROW]), answer([received, received | {"pnl": "0"}])]
        paid = replace(BILL, coins=Coin.of("0.01"), price=Price.of(60000))
        assert list(ledger.funding(pages, BTCUSD)) == [BILL, paid, replace(paid, coins=Coin.zero())]

    def test_in_tether_is_booked_in_coins_at_its_own_price(self) -> None:
        fill = answer([FILL_ROW | IN_TETHER | {"fee": "-30"}])
        expected = replace(FILL, symbol="BTC/USDT:USDT", coins=Coin.of("-0.0005"))
        assert list(ledger.fills([fill], TETHER.instrument)) == [expected]
        bill = answer([BILL_ROW | IN_TETHER | {"pnl": "-30", "px": "60000"}])
        expected = replace(BILL, symbol="BTC/USDT:USDT", coins=Coin.of("-0.0005"), price=Price.of(60000))
        assert list(ledger.funding([bill], TETHER.instrument)) == [expected]

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"instId": "ETH-USD-SWAP"}, "[0].instId: is 'ETH-USD-SWAP', not BTC-USD-SWAP"),
            ({"feeCcy": "ETH"}, "[0].feeCcy: is 'ETH', not BTC"),
            ({"fillPx": ""}, "[0].fillPx: is '', not a number"),
        ],
    )
    def test_a_fill_is_refused(self, fields: dict[str, Any], said: str) -> None:
        page = answer([FILL_ROW | fields])
        assert refused(lambda: list(ledger.fills([page], BTCUSD))) == said

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"type": "7"}, "[0].type: is '7', not 8"),
            ({"instId": "ETH-USD-SWAP"}, "[0].instId: is 'ETH-USD-SWAP', not BTC-USD-SWAP"),
            ({"ccy": "ETH"}, "[0].ccy: is 'ETH', not BTC"),
            (
                {"subType": "174"},
                "[0].pnl: is -0.01, which is not what kind 174 of bill says",
            ),
            ({"pnl": "0.5"}, "[0].pnl: is 0.5, which is not what kind 173 of bill says"),
        ],
    )
    def test_a_bill_is_refused(self, fields: dict[str, Any], said: str) -> None:
        page = answer([BILL_ROW | fields])
        assert refused(lambda: list(ledger.funding([page], BTCUSD))) == said

    def test_a_bill_in_tether_needs_a_price(self) -> None:
        page = answer([BILL_ROW | IN_TETHER])
        said = refused(lambda: list(ledger.funding([page], TETHER.instrument)))
        assert said == "[0].px: is '', not a number"


class TestSettings:
    @pytest.mark.parametrize(("told", "hedge_mode"), [("net_mode", False), ("long_short_mode", True)])
    def test_are_the_accounts_own(self, told: str, hedge_mode: bool) -> None:
        reply = answer([{"acctLv": "2", "posMode": told}])
        assert holdings.settings(reply) == Settings("2", hedge_mode)

    def test_of_an_unknown_level_are_refused(self) -> None:
        reply = answer([{"acctLv": "5", "posMode": "net_mode"}])
        assert refused(lambda: holdings.settings(reply)) == "[0].acctLv: is '5', which we do not know"

    @pytest.mark.parametrize(
        ("level", "opens_isolated", "unsupported"),
        [
            ("2", False, ""),
            ("2", True, ""),
            ("3", False, ""),
            (
                "3",
                True,
                "multi-currency mode opens no isolated positions; choose futures mode, or cross margin",
            ),
            ("1", True, "its account mode is spot: no contract can be traded; choose futures mode"),
        ],
    )
    def test_say_why_coins_cannot_be_counted(
        self, level: str, opens_isolated: bool, unsupported: str
    ) -> None:
        found = Settings(level, False).mode(opens_isolated=opens_isolated)
        assert found == AccountMode(None, unsupported)
        assert Settings("3", False).mode() == AccountMode(None)


COIN_ROW: dict[str, Any] = {
    "ccy": "BTC", "eq": "2.4", "upl": "0.5", "isoUpl": "0.2", "isoEq": "0.6", "cashBal": "1.6",
    "stgyEq": "0.1", "interest": "0.2", "rewardBal": "0.01", "liab": "", "imr": "0.3", "mmr": "0",
    "ordFrozen": "0", "frozenBal": "1", "availBal": "9", "disEq": "1000", "notionalLever": "0",
}  # fmt: skip
BALANCE = [{"adjEq": "5000", "details": [COIN_ROW, {"ccy": "ETH"}]}]
FUTURES, MULTI = Settings("2", False), Settings("3", False)
POT = Wallet(
    id=WalletId("main", "unified", "BTC"),
    coins=Coin.of("1.79"),
    unrealized=Coin.of("0.5"),
    position_margin=Coin.of("0.7"),
    withdrawable=Coin.of("1.09"),
)
AT_A_LOSS = {"upl": "-0.1", "eq": "1.8"}


class TestPot:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, POT),
            ({"interest": "", "cashBal": "1.4"}, POT),
            ({"rewardBal": ""}, replace(POT, coins=Coin.of("1.8"), withdrawable=Coin.of("1.1"))),
            ({"availBal": "0.5"}, replace(POT, withdrawable=Coin.of("0.5"))),
            ({"availBal": "-1"}, replace(POT, withdrawable=Coin.zero())),
            (AT_A_LOSS, replace(POT, unrealized=Coin.of("-0.1"), withdrawable=Coin.of("0.79"))),
            ({"cashBal": "1.60000005"}, POT),
            ({"liab": "0.00000005"}, POT),
            ({"imr": ""}, replace(POT, position_margin=Coin.of("0.7"), withdrawable=Coin.of("1.09"))),
            (
                {"imr": "", "frozenBal": "0.7"},
                replace(POT, position_margin=Coin.of("0.4"), withdrawable=Coin.of("1.39")),
            ),
            (
                {"imr": "", "frozenBal": "0.69999995"},
                replace(POT, position_margin=Coin.of("0.4"), withdrawable=Coin.of("1.39")),
            ),
            (
                {"imr": "0.5", "ordFrozen": "0.1"},
                replace(POT, position_margin=Coin.of("0.6"), withdrawable=Coin.of("1.09")),
            ),
            (
                {"imr": "0.15", "ordFrozen": "0.1"},
                replace(POT, position_margin=Coin.of("0.55"), withdrawable=Coin.of("1.14")),
            ),
        ],
    )
    def test_is_worth(self, fields: dict[str, Any], expected: Wallet) -> None:
        reply = answer(but(BALANCE, "[0].details[0]", COIN_ROW | fields))
        assert holdings.wallets(reply, "main", ["BTC"], FUTURES, {}) == (expected,)

    def test_does_not_count_open_profit_that_was_settled_into_it(self) -> None:
        found = holdings.wallets(answer(BALANCE), "main", ["BTC"], FUTURES, {"BTC": Coin.of("0.09")})
        assert found == (
            replace(
                POT,
                coins=Coin.of("1.7"),
                unrealized=Coin.of("0.59"),
                withdrawable=Coin.of(1),
            ),
        )

    def test_is_backed_by_other_coins_in_multi_currency_mode(self) -> None:
        found = holdings.wallets(answer(BALANCE), "main", ["BTC"], MULTI, {})
        assert found == (replace(POT, other_margin=Usd.of(4000)),)

    def test_may_owe_coins(self) -> None:
        row = COIN_ROW | {
            "eq": "-1", "upl": "0", "isoUpl": "0", "isoEq": "0.25", "cashBal": "-1.25", "stgyEq": "0",
            "interest": "", "liab": "1.25",
        }  # fmt: skip
        [found] = holdings.wallets(answer(but(BALANCE, "[0].details[0]", row)), "main", ["BTC"], FUTURES, {})
        assert (found.coins, found.position_margin) == (Coin.of("-1.01"), Coin.of("0.55"))

    def test_may_show_an_isolated_margin_a_rounding_below_its_profit(self) -> None:
        row = COIN_ROW | {"isoUpl": "0.60000005"}
        row["cashBal"] = "2.00000005"
        [found] = holdings.wallets(answer(but(BALANCE, "[0].details[0]", row)), "main", ["BTC"], FUTURES, {})
        assert found.position_margin == Coin.of("0.3")

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"ccy": "ETH"}, ".details: show a coin twice"),
            ({"ccy": "XRP"}, ".details: show no BTC: hold any amount of it, so that it is listed"),
            (
                {"cashBal": "1.60000006"},
                (
                    ".details[0].eq: is 2.4, yet cashBal, isoEq, the other profit and stgyEq less interest "
                    "make 2.40000006: options, or not one moment's truth"
                ),
            ),
            (
                {"liab": "0.00000006"},
                ".details[0].liab: is 6E-8 while the coin's balance is not below zero: repay the loan",
            ),
            (
                {"isoUpl": "0.60000006", "cashBal": "2.00000006"},
                ".details[0].isoEq: less isoUpl is -6E-8, below zero",
            ),
            ({"imr": "", "frozenBal": "0.69999994"}, ".details[0].frozenBal: is less than the parts of it"),
            ({"imr": "-1"}, ".details[0].imr: is -1, below zero"),
        ],
    )
    def test_is_refused(self, fields: dict[str, Any], said: str) -> None:
        reply = answer(but(BALANCE, "[0].details[0]", COIN_ROW | fields))
        found = refused(lambda: holdings.wallets(reply, "main", ["BTC"], FUTURES, {}))
        assert found == f"[0]{said}"


QUIET = COIN_ROW | {
    "eq": "1", "upl": "0", "isoUpl": "0", "isoEq": "0", "cashBal": "1", "stgyEq": "0.1", "imr": "0",
    "frozenBal": "0.1", "interest": "0.1",
}  # fmt: skip


class TestFlatCoin:
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"upl": "", "isoUpl": "", "isoEq": "0", "mmr": "", "notionalLever": ""},
            {"ordFrozen": "0.1", "imr": "0.1", "mmr": "0.1", "notionalLever": "1"},
            {"imr": "", "frozenBal": "0.10000005"},
            {"frozenBal": "0.3"},
        ],
    )
    def test_shows_nothing_open(self, fields: dict[str, Any]) -> None:
        holdings.check_flat(answer(QUIET | fields).fields, "BTC/USD:BTC")

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            *(({name: "0.1"}, name) for name in ("upl", "isoUpl", "isoEq", "imr", "mmr", "notionalLever")),
            ({"ordFrozen": "0.1", "upl": "0.1"}, "upl"),
            ({"imr": "", "frozenBal": "0.10000006"}, "frozenBal"),
            ({"imr": "", "frozenBal": "0.10000006", "mmr": "0.1"}, "mmr"),
        ],
    )
    def test_that_shows_something_open_is_refused(self, fields: dict[str, Any], name: str) -> None:
        row = answer(QUIET | fields).fields
        said = refused(lambda: holdings.check_flat(row, "BTC/USD:BTC"))
        assert said == f".{name}: is not zero, yet no position in BTC/USD:BTC or another contract is shown"


SHORT_ROW: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USD-SWAP", "mgnMode": "cross", "posSide": "net", "pos": "-2",
    "avgPx": "50", "markPx": "40", "upl": "0.75", "settledPnl": "0.25", "margin": "", "lever": "5",
    "liqPx": "90", "uTime": str(AT + 5), "ccy": "BTC", "nonSettleAvgPx": "",
}  # fmt: skip
FLAT_ROW = SHORT_ROW | {
    "pos": "0", "avgPx": "", "markPx": "", "upl": "", "settledPnl": "", "liqPx": "", "uTime": "",
}  # fmt: skip
LONG_ROW = SHORT_ROW | {
    "posSide": "long", "pos": "1", "avgPx": "80", "upl": "-1.25", "settledPnl": "0", "lever": "10",
    "liqPx": "10", "uTime": str(AT + 6),
}  # fmt: skip
SHORT = Position(
    symbol="BTC/USD:BTC",
    contracts=Contracts.of(-2),
    entry=Price.of(50),
    mark=Price.of(40),
    unrealized=Coin.of(1),
    initial_margin=Coin.of(1),
    margin=None,
    liquidation=Price.of(90),
    leverage=Decimal(5),
    hedge_mode=False,
    updated_at=Millis(AT + 5),
    margin_mode=CROSS,
)
FLAT = replace(
    SHORT,
    contracts=Contracts.zero(),
    entry=None,
    mark=None,
    unrealized=Coin.zero(),
    initial_margin=Coin.zero(),
    liquidation=None,
    updated_at=Millis(0),
)
MARGINED = replace(SHORT, initial_margin=Coin.of("0.9"), margin=Coin.of("0.9"), margin_mode=ISOLATED)
HEDGED = [SHORT_ROW | {"posSide": "short", "pos": "2"}, LONG_ROW]
BOTH = replace(
    SHORT,
    contracts=Contracts.of(-1),
    unrealized=Coin.of("-0.25"),
    initial_margin=Coin.of("1.25"),
    hedge_mode=True,
    updated_at=Millis(AT + 6),
)
IN_ISOLATED = {"mgnMode": "isolated", "margin": "0.9"}
BITCOIN = frozenset({"BTC"})


def book(*rows: dict[str, Any], hedge_mode: bool = False) -> positions.Book:
    return positions.book(answer(list(rows)), LISTING, BITCOIN, hedge_mode=hedge_mode)


class TestPosition:
    @pytest.mark.parametrize(
        ("rows", "expected", "settled"),
        [
            ([SHORT_ROW], SHORT, "0.25"),
            ([FLAT_ROW], FLAT, "0"),
            ([FLAT_ROW | {"upl": "0", "avgPx": "0", "liqPx": "9"}], FLAT, "0"),
            ([but(SHORT_ROW | {"upl": "1"}, "settledPnl", GONE)], SHORT, "0"),
            (
                [SHORT_ROW | {"lever": "10"}],
                replace(SHORT, leverage=Decimal(10), initial_margin=Coin.of("0.5")),
                "0.25",
            ),
            ([SHORT_ROW | {"uTime": ""}], replace(SHORT, updated_at=Millis(0)), "0.25"),
            ([SHORT_ROW | {"liqPx": ""}], replace(SHORT, liquidation=None), "0.25"),
            ([SHORT_ROW | {"upl": "0.75000182"}], replace(SHORT, unrealized=Coin.of("1.00000182")), "0.25"),
            ([SHORT_ROW | {"upl": "0.74999818"}], replace(SHORT, unrealized=Coin.of("0.99999818")), "0.25"),
            ([SHORT_ROW | {"nonSettleAvgPx": "70"}], SHORT, "0.25"),
            ([SHORT_ROW | IN_ISOLATED], MARGINED, "0.25"),
            ([SHORT_ROW | IN_ISOLATED | {"lever": ""}], replace(MARGINED, leverage=None), "0.25"),
            (
                [FLAT_ROW | {"mgnMode": "isolated"}],
                replace(FLAT, margin=Coin.zero(), margin_mode=ISOLATED),
                "0",
            ),
            (
                [FLAT_ROW | {"mgnMode": "isolated", "margin": "0.1"}],
                replace(FLAT, margin=Coin.of("0.1"), initial_margin=Coin.of("0.1"), margin_mode=ISOLATED),
                "0",
            ),
            (HEDGED, BOTH, "0.25"),
            (HEDGED[::-1], BOTH, "0.25"),
            ([HEDGED[0], LONG_ROW | {"settledPnl": "0.5", "upl": "-1.75"}], BOTH, "0.75"),
            ([FLAT_ROW | {"posSide": "short"}], replace(FLAT, hedge_mode=True), "0"),
        ],
    )
    def test_is_worth(self, rows: list[dict[str, Any]], expected: Position, settled: str) -> None:
        key = (BTCUSD.symbol, expected.margin_mode)
        assert book(*rows) == {key: Held(expected, Coin.of(settled))}

    def test_is_in_hedge_mode_where_the_account_is(self) -> None:
        found = book(SHORT_ROW, hedge_mode=True)
        assert found == {(BTCUSD.symbol, CROSS): Held(replace(SHORT, hedge_mode=True), Coin.of("0.25"))}

    def test_of_a_dated_contract_was_entered_before_its_settlements(self) -> None:
        row = SHORT_ROW | {
            "instType": "FUTURES",
            "instId": "BTC-USD-261225",
            "avgPx": "45",
            "nonSettleAvgPx": "50",
        }
        dated = replace(SHORT, symbol="BTC/USD:BTC-261225")
        isolated = replace(MARGINED, symbol="BTC/USD:BTC-261225")
        assert book(row) == {(dated.symbol, CROSS): Held(dated, Coin.of("0.25"))}
        alone = row | IN_ISOLATED | {"avgPx": "50", "nonSettleAvgPx": "45"}
        assert book(alone) == {(dated.symbol, ISOLATED): Held(isolated, Coin.of("0.25"))}
        for untold in (row | {"nonSettleAvgPx": ""}, but(row, "nonSettleAvgPx", GONE)):
            assert book(untold | {"avgPx": "50"}) == {(dated.symbol, CROSS): Held(dated, Coin.of("0.25"))}

    def test_of_other_contracts_and_coins_is_none_of_ours(self) -> None:
        others = [
            SHORT_ROW | {"instId": "BTC-USDC-SWAP"},
            FLAT_ROW | {"instType": "MARGIN", "instId": "BTC-USDT"},
            SHORT_ROW | {"instType": "OPTION", "ccy": "ETH"},
        ]
        expected = {(BTCUSD.symbol, CROSS): Held(SHORT, Coin.of("0.25"))}
        assert book(*others, SHORT_ROW) == expected

    @pytest.mark.parametrize(
        ("side", "pos", "profit"), [("net", "-200", "-20"), ("short", "200", "-20"), ("long", "200", "20")]
    )
    def test_in_tether_is_worth_dollars(self, side: str, pos: str, profit: str) -> None:
        row = SHORT_ROW | {
            "instId": "BTC-USDT-SWAP", "posSide": side, "pos": pos, "markPx": "60", "upl": profit,
            "settledPnl": "0",
        }  # fmt: skip
        found = positions.book(answer([row]), WITH_TETHER, BITCOIN, hedge_mode=False)
        position = found["BTC/USDT:USDT", CROSS].position
        assert (position.unrealized, position.initial_margin) == (Coin.of(profit), Coin.of(24))

    def test_in_tether_agrees_to_the_hundredth_of_a_cent(self) -> None:
        row = SHORT_ROW | {
            "instId": "BTC-USDT-SWAP", "pos": "-200", "markPx": "60", "upl": "-19.999756",
            "settledPnl": "0", "margin": "",
        }  # fmt: skip

        def read(upl: str) -> object:
            changed = answer([row | {"upl": upl}])
            return positions.book(changed, WITH_TETHER, BITCOIN, hedge_mode=False)

        assert read("-19.999756")
        assert refused(lambda: read("-19.999755")) == (
            "[0].upl: makes -19.999755, by its own size and prices it is -20"
        )

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([SHORT_ROW] * 2, "[0].posSide: is net, net in the rows of one contract"),
            ([SHORT_ROW, LONG_ROW], "[0].posSide: is net, long in the rows of one contract"),
            ([SHORT_ROW | {"posSide": "both"}], "[0].posSide: is 'both', which we do not know"),
            ([SHORT_ROW | {"posSide": "short"}], "[0].pos: is -2, below zero"),
            ([SHORT_ROW | {"mgnMode": "x"}], "[0].mgnMode: is 'x', which we do not know"),
            ([SHORT_ROW | {"instType": "x"}], "[0].instType: is 'x', which we do not know"),
            *(
                (
                    [SHORT_ROW | {"instType": "OPTION", "pos": pos}],
                    "[0].instType: is OPTION: its profit mixes with that of contracts; close it",
                )
                for pos in ("1", "")
            ),
            (
                [SHORT_ROW | {"upl": "0.75000183"}],
                "[0].upl: makes 1.00000183, by its own size and prices it is 1",
            ),
            ([SHORT_ROW | {"upl": ""}], "[0].upl: is '', not a number"),
            ([SHORT_ROW | {"avgPx": ""}], "[0].avgPx: is '', not a number"),
            ([SHORT_ROW | {"markPx": ""}], "[0].markPx: is '', not a number"),
            ([SHORT_ROW | {"lever": ""}], "[0].lever: is '', not a number"),
            ([SHORT_ROW | IN_ISOLATED | {"margin": "0"}], "[0].margin: is 0, not above zero"),
            *(
                (
                    [FLAT_ROW | shows],
                    "[0].pos: is zero, yet the row shows an entry or a profit",
                )
                for shows in ({"upl": "1"}, {"avgPx": "1"})
            ),
        ],
    )  # fmt: skip
    def test_is_refused(self, rows: list[dict[str, Any]], said: str) -> None:
        assert refused(lambda: book(*rows)) == said

    @pytest.mark.parametrize(
        ("rows", "wanted", "expected"),
        [
            ([SHORT_ROW], ISOLATED, SHORT),
            ([SHORT_ROW], CROSS, SHORT),
            ([SHORT_ROW | IN_ISOLATED, SHORT_ROW], CROSS, SHORT),
            ([SHORT_ROW | IN_ISOLATED, SHORT_ROW], ISOLATED, MARGINED),
            ([SHORT_ROW | IN_ISOLATED, FLAT_ROW], CROSS, MARGINED),
            ([FLAT_ROW], CROSS, FLAT),
            ([FLAT_ROW], ISOLATED, None),
            ([FLAT_ROW, FLAT_ROW | {"mgnMode": "isolated"}], CROSS, FLAT),
            ([], CROSS, None),
        ],
    )
    def test_of_a_leg_is_the_open_one_or_the_flat_one_as_wanted(
        self, rows: list[dict[str, Any]], wanted: MarginMode, expected: Position | None
    ) -> None:
        assert positions.chosen(book(*rows), BTCUSD.symbol, wanted) == expected

    @pytest.mark.parametrize(("mode", "margin"), [(CROSS, None), (ISOLATED, Coin.zero())])
    def test_that_never_was_is_flat(self, mode: MarginMode, margin: Coin | None) -> None:
        expected = replace(FLAT, leverage=None, margin=margin, margin_mode=mode, hedge_mode=True)
        assert positions.flat(BTCUSD, mode, hedge_mode=True) == expected

    def test_must_be_the_same_by_name_and_among_all(self) -> None:
        short, both = book(SHORT_ROW), book(SHORT_ROW, SHORT_ROW | IN_ISOLATED)
        positions.check_agreement(both, both, BTCUSD.symbol, "asked")
        positions.check_agreement(book(FLAT_ROW), {}, BTCUSD.symbol, "asked")
        said = refused(lambda: positions.check_agreement(both, short, BTCUSD.symbol, "asked"))
        assert said == "asked: shows -2 of BTC/USD:BTC in isolated, among all positions 0"
        said = refused(lambda: positions.check_agreement({}, short, BTCUSD.symbol, "asked"))
        assert said == "asked: shows 0 of BTC/USD:BTC in cross, among all positions -2"

    def test_profit_that_was_settled_is_summed_by_coin(self) -> None:
        held = book(SHORT_ROW, SHORT_ROW | IN_ISOLATED)
        ether = {("ETH/USD:ETH", CROSS): Held(SHORT, Coin.of(3))}
        found = positions.settled_profit({**held, **ether}, LISTING)
        assert found == {"BTC": Coin.of("0.5"), "ETH": Coin.of(3)}


LEVERAGE = [
    {"instId": "BTC-USD-SWAP", "mgnMode": "cross", "posSide": "long", "lever": "3"},
    {"instId": "BTC-USD-SWAP", "mgnMode": "cross", "posSide": "short", "lever": "4"},
]


class TestLeverage:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            (LEVERAGE, 4),
            ([*LEVERAGE, LEVERAGE[0] | {"posSide": "net", "lever": "7"}], 4),
            ([LEVERAGE[0], LEVERAGE[0] | {"posSide": "net", "lever": "7"}], 7),
            ([LEVERAGE[0] | {"posSide": "net", "lever": "7"}], 7),
            ([LEVERAGE[0] | {"posSide": ""}], 3),
        ],
    )
    def test_is_that_of_a_short(self, rows: list[object], expected: int) -> None:
        assert positions.leverage(answer(rows), BTC, CROSS) == expected

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([], ": has 0 rows instead of one"),
            ([LEVERAGE[0]] * 2, ": has 2 rows instead of one"),
            ([LEVERAGE[1] | {"instId": "X"}], "[0].instId: is 'X', not BTC-USD-SWAP"),
            ([LEVERAGE[1] | {"mgnMode": "isolated"}], "[0].mgnMode: is 'isolated', not cross"),
            ([LEVERAGE[1] | {"lever": ""}], "[0].lever: is '', not a number"),
        ],
    )
    def test_is_refused(self, rows: list[object], said: str) -> None:
        assert refused(lambda: positions.leverage(answer(rows), BTC, CROSS)) == said


RATES = (ContractTier(Contracts.of(150), Decimal("0.005")),)
FACTS = Facts(
    listing=LISTING,
    settings=FUTURES,
    legs={c.instrument.symbol: ContractFacts(c, Decimal("0.0005"), RATES) for c in (BTC, ETH)},
    good_until=0.0,
)
OTHER_ROW = LONG_ROW | {"instType": "FUTURES", "instId": "BTC-USD-261225", "posSide": "net"}
OTHER = Position(
    symbol="BTC/USD:BTC-261225",
    contracts=Contracts.of(1),
    entry=Price.of(80),
    mark=Price.of(40),
    unrealized=Coin.of("-1.25"),
    initial_margin=Coin.of("0.25"),
    margin=None,
    liquidation=Price.of(10),
    leverage=Decimal(10),
    hedge_mode=False,
    updated_at=Millis(AT + 6),
    margin_mode=CROSS,
)
ETH_FLAT = replace(FLAT, symbol="ETH/USD:ETH", leverage=Decimal(4))
QUIET_ETH = QUIET | {"ccy": "ETH"}
MOMENT = Moment("main", 1.5, 2.5, 7)
ASSETS = frozenset({"BTC", "ETH"})


def leg(contract: Contract, *rows: dict[str, Any], mode: MarginMode = CROSS) -> LegAnswers:
    native = contract.instrument.native
    lever = LEVERAGE[1] | {"instId": native, "mgnMode": mode.value}
    shown = prices(
        MARK_ROW | {"instId": native},
        INDEX_ROW | {"instId": contract.family},
        FUNDING_ROW | {"instId": native},
    )
    return LegAnswers(contract, mode, answer(list(rows)), answer([lever]), shown)


def answers(
    *legs: LegAnswers, everywhere: list[dict[str, Any]], ether: dict[str, Any] = QUIET_ETH
) -> Answers:
    return Answers(
        balance=answer([{"adjEq": "5000", "details": [COIN_ROW, ether]}]),
        positions=answer(everywhere),
        orders=[answer([RESTING_ROW])],
        legs=legs,
    )


READ = answers(
    leg(BTC, SHORT_ROW), leg(ETH), everywhere=[OTHER_ROW, FLAT_ROW | {"instId": "ETH-USD-SWAP"}, SHORT_ROW]
)


NOT_FLAT = "[0].details[1].mmr: is not zero, yet no position in ETH/USD:ETH or another contract is shown"


class TestReading:
    def test_is_all_that_was_answered_the_legs_first(self) -> None:
        found = reading(READ, FACTS, ASSETS, MOMENT)
        ether = replace(
            POT,
            id=WalletId("main", "unified", "ETH"),
            coins=Coin.of("0.89"),
            unrealized=Coin.zero(),
            position_margin=Coin.zero(),
            withdrawable=Coin.of("0.89"),
        )
        settled = replace(
            POT, coins=Coin.of("1.54"), unrealized=Coin.of("0.75"), withdrawable=Coin.of("0.84")
        )
        assert found == AccountReading(
            account="main",
            started=1.5,
            ended=2.5,
            exchange_offset_ms=7,
            mode=AccountMode(None),
            wallets=(settled, ether),
            positions=(SHORT, ETH_FLAT, OTHER),
            orders=(RESTING,),
            quotes=(QUOTE, replace(QUOTE, symbol="ETH/USD:ETH")),
            facts=(
                LegFacts(BTCUSD, Decimal("0.0005"), (Tier(Coin.of(375), Decimal("0.005")),)),
                LegFacts(ETH.instrument, Decimal("0.0005"), (Tier(Coin.of("0.025"), Decimal("0.005")),)),
            ),
        )

    def test_takes_the_leverage_of_a_flat_leg_from_where_a_short_would_be_opened(self) -> None:
        flat = FLAT_ROW | {"instId": "ETH-USD-SWAP", "lever": "9"}
        read = answers(leg(ETH, flat), everywhere=[SHORT_ROW])
        assert reading(read, FACTS, ASSETS, MOMENT).positions == (ETH_FLAT, SHORT)

    @pytest.mark.parametrize(
        ("mode", "rows", "unsupported"),
        [
            (CROSS, [], ""),
            (ISOLATED, [], holdings.NO_ISOLATED),
            (ISOLATED, [SHORT_ROW | IN_ISOLATED | {"instId": "ETH-USD-SWAP", "upl": "-0.15"}], ""),
        ],
    )
    def test_says_whether_isolated_positions_can_be_opened(
        self, mode: MarginMode, rows: list[dict[str, Any]], unsupported: str
    ) -> None:
        read = answers(leg(ETH, *rows, mode=mode), everywhere=rows)
        facts = replace(FACTS, settings=MULTI)
        assert reading(read, facts, ASSETS, MOMENT).mode == AccountMode(None, unsupported)

    def test_is_in_hedge_mode_where_the_account_is(self) -> None:
        facts = replace(FACTS, settings=Settings("2", True))
        found = reading(READ, facts, ASSETS, MOMENT).positions
        assert [position.hedge_mode for position in found] == [True, True, True]

    def test_leaves_out_positions_that_other_coins_margin(self) -> None:
        foreign = SHORT_ROW | {"instType": "MARGIN", "instId": "XRP-USDT", "ccy": "XRP"}
        read = answers(leg(BTC, foreign, SHORT_ROW), everywhere=[foreign, SHORT_ROW])
        assert reading(read, FACTS, ASSETS, MOMENT).positions == (SHORT,)

    def test_a_coin_with_another_contract_open_may_show_its_profit(self) -> None:
        read = answers(leg(BTC), everywhere=[OTHER_ROW])
        found = reading(read, FACTS, frozenset({"BTC"}), MOMENT).positions
        assert found == (replace(FLAT, leverage=Decimal(4)), OTHER)

    @pytest.mark.parametrize(
        ("read", "said"),
        [
            (
                answers(leg(BTC), everywhere=[SHORT_ROW]),
                ": shows 0 of BTC/USD:BTC in cross, among all positions -2",
            ),
            (
                answers(leg(ETH), everywhere=[OTHER_ROW], ether=QUIET_ETH | {"mmr": "1"}),
                NOT_FLAT,
            ),
            (
                answers(
                    leg(ETH),
                    everywhere=[FLAT_ROW | {"instId": "ETH-USD-SWAP"}],
                    ether=QUIET_ETH | {"mmr": "1"},
                ),
                NOT_FLAT,
            ),
        ],
    )
    def test_is_refused(self, read: Answers, said: str) -> None:
        assert refused(lambda: reading(read, FACTS, ASSETS, MOMENT)) == said


SINCE = Millis(AT - 5)
TO_LEG = TransferRequest("t1", "main", "BTC", Coin.of("1E+1"), Pocket.MARGIN, Pocket.ISOLATED, BTCUSD.symbol)
FROM_LEG = replace(TO_LEG, source=Pocket.ISOLATED, target=Pocket.MARGIN)
MOVED_ROW = {
    "type": "6", "subType": "160", "instId": "BTC-USD-SWAP", "ccy": "BTC", "posBalChg": "10.0",
    "billId": "31", "ts": str(SINCE),
}  # fmt: skip
MOVED = TransferState("31", over=True, failed=False, at=SINCE)


class TestMargin:
    @pytest.mark.parametrize(("move", "kind"), [(TO_LEG, "add"), (FROM_LEG, "reduce")], ids=["there", "back"])
    def test_is_moved(self, move: TransferRequest, kind: str) -> None:
        assert transfers.margining(move, BTCUSD) == {
            "instId": "BTC-USD-SWAP",
            "posSide": "net",
            "type": kind,
            "amt": "10",
        }
        row = {"instId": "BTC-USD-SWAP", "type": kind, "amt": "10.0"}
        assert transfers.margined(answer([row]), move, BTCUSD) == ""

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("instId", "X", "[0].instId: is 'X', not BTC-USD-SWAP"),
            ("type", "reduce", "[0].type: is 'reduce', not add"),
            ("amt", "9", "[0].amt: is 9, not the 10 that were asked for"),
        ],
    )
    def test_is_refused(self, field: str, value: object, said: str) -> None:
        row = {"instId": "BTC-USD-SWAP", "type": "add", "amt": "10", field: value}
        assert refused(lambda: transfers.margined(answer([row]), TO_LEG, BTCUSD)) == said

    @pytest.mark.parametrize(
        ("fields", "move", "expected"),
        [
            ({}, TO_LEG, MOVED),
            ({"subType": "161", "posBalChg": "-10"}, FROM_LEG, MOVED),
            ({}, FROM_LEG, None),
            ({"ts": str(SINCE - 1)}, TO_LEG, None),
            ({"posBalChg": "9"}, TO_LEG, None),
        ],
    )
    def test_is_found_again(
        self, fields: dict[str, Any], move: TransferRequest, expected: TransferState | None
    ) -> None:
        pages = [answer([]), answer([MOVED_ROW | {"posBalChg": "5"}, MOVED_ROW | fields])]
        assert transfers.sighted(pages, move, BTCUSD, SINCE) == expected

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("type", "7", "[1].type: is '7', not 6"),
            ("instId", "X", "[1].instId: is 'X', not BTC-USD-SWAP"),
            ("ccy", "ETH", "[1].ccy: is 'ETH', not BTC"),
            ("billId", "32", "[1].posBalChg: is that of two moves"),
        ],
    )
    def test_is_not_found_in_a_wrong_bill(self, field: str, value: object, said: str) -> None:
        page = answer([MOVED_ROW, MOVED_ROW | {field: value}])
        assert refused(lambda: transfers.sighted([page], TO_LEG, BTCUSD, SINCE)) == said


class TestKey:
    @pytest.mark.parametrize(
        ("rights", "ip", "trade", "withdraw"),
        [
            ("read_only", "", False, False),
            ("read_only,trade", "1.2.3.4", True, False),
            ("read_only,trade,withdraw", "", True, True),
        ],
    )
    def test_may(self, rights: str, ip: str, trade: bool, withdraw: bool) -> None:
        found = key.scope(answer([{"perm": rights, "ip": ip}]))
        assert found == KeyScope(trade=trade, withdraw=withdraw, ip_bound=bool(ip), expires_at=None)

    def test_with_an_unknown_right_is_refused(self) -> None:
        reply = answer([{"perm": "read_only,lend,borrow", "ip": ""}])
        assert refused(lambda: key.scope(reply)) == "[0].perm: names 'borrow', which we do not know"
