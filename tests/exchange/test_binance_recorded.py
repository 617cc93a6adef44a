"""Replies that Binance really sent, or documents: converted, or refused with the field's name."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest

from hedgebot.domain.account import EntryKind, LedgerEntry, Tier
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import OrderRequest
from hedgebot.domain.units import Coin, Contracts, Price, Usd
from hedgebot.errors import ConversionError, ReadError
from hedgebot.exchange.binance import holdings, market, orders, venue
from hedgebot.exchange.binance.market import Listing
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.wire import Reply

BTC, DATED = "BTC/USD:BTC", "BTC/USD:BTC-201225"


@pytest.fixture
def payload(shared: Path) -> Callable[[str], Any]:
    """A file of replies as the program reads it: fractions stay text."""

    def read(name: str) -> Any:
        text = (shared / "payloads" / "binance-coinm" / name).read_text()
        document = json.loads(text, parse_float=str)
        return document["response"] if isinstance(document, dict) and "response" in document else document

    return read


def answer(result: Any) -> Answer:
    """A reply as it came over the wire."""
    reply = Reply(200, {}, json.dumps(result).encode(), 0.0, 0.0)
    return venue.answer(reply, "dapi")


@pytest.fixture
def listing(payload: Callable[[str], Any]) -> Listing:
    return market.instruments(answer(payload("recorded_2021-07-22_exchangeInfo.json")))


def listed(native: str, payload: Callable[[str], Any]) -> Listing:
    """The listing of the documentation's example, its contract under another name."""
    info = payload("docs_GetExchangeInfo.json")
    delivery = 1_608_854_400_000  # 2020-12-25
    info["symbols"][0] |= {"symbol": native, "deliveryDate": delivery}
    return market.instruments(answer(info))


def of_account(*rows: dict[str, Any], **asset: Any) -> Answer:
    """The account's own list of the same positions, with what they bind."""
    bound = [{**row, "positionInitialMargin": "0.00262446"} for row in rows]
    return answer({"assets": [asset] if asset else [], "positions": bound})


class TestInstruments:
    def test_every_listed_contract_is_known_as_ccxt_knows_it(
        self, listing: Listing, payload: Callable[[str], Any]
    ) -> None:
        vendor = ccxt.binancecoinm()
        for row in payload("recorded_2021-07-22_exchangeInfo.json")["symbols"]:
            theirs = vendor.parse_market(row)
            ours = listing.by_native[row["symbol"]]
            assert ours.symbol == theirs["symbol"]
            assert ours.face == Usd.of(int(theirs["contractSize"]))
            assert ours.tradable

    @pytest.mark.parametrize(("symbol", "face"), [(BTC, 100), ("ETH/USD:ETH", 10), ("XRP/USD:XRP", 10)])
    def test_a_contract_is_a_hundred_dollars_of_bitcoin_and_ten_of_others(
        self, listing: Listing, symbol: str, face: int
    ) -> None:
        assert listing.named(symbol).notional(Contracts.of(3)) == Usd.of(3 * face)

    def test_lots_steps_and_the_smaller_of_both_largest_orders(self, listing: Listing) -> None:
        perpetual = listing.named(BTC)
        assert (perpetual.lot, perpetual.tick) == (Contracts.of(1), Decimal("0.1"))
        assert (perpetual.min_order, perpetual.max_order) == (Contracts.of(1), Contracts.of(100_000))

    @pytest.mark.parametrize("face", [10, 1, "100.5"])
    def test_a_contract_of_another_size_is_refused_by_name(
        self, payload: Callable[[str], Any], face: object
    ) -> None:
        info = payload("recorded_2021-07-22_exchangeInfo.json")
        info["symbols"][0]["contractSize"] = face
        with pytest.raises(ReadError, match=f"BTC/USD:BTC is {face} USD instead of 100"):
            market.instruments(answer(info)).named(BTC)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"marginAsset": "USDT"}, "marginAsset"),
            ({"quoteAsset": "USDT"}, "quoteAsset"),
            ({"contractStatus": "DREAMING"}, "contractStatus"),
            ({"contractType": "SQUARE"}, "contractType"),
            ({"contractSize": 0}, "contractSize"),
            ({"filters": []}, "filters"),
            ({"symbol": "ETHUSD_PERP"}, "symbols"),
        ],
    )
    def test_what_is_no_coin_margined_contract_is_named(
        self, payload: Callable[[str], Any], change: dict[str, Any], field: str
    ) -> None:
        info = payload("recorded_2021-07-22_exchangeInfo.json")
        info["symbols"][0] |= change
        with pytest.raises(ConversionError) as caught:
            market.instruments(answer(info))
        assert field in caught.value.field

    @pytest.mark.parametrize(
        "status", ["PENDING_TRADING", "PRE_DELIVERING", "DELIVERING", "SETTLING", "CLOSE"]
    )
    def test_only_a_trading_contract_is_tradable(self, payload: Callable[[str], Any], status: str) -> None:
        info = payload("recorded_2021-07-22_exchangeInfo.json")
        info["symbols"][0]["contractStatus"] = status
        assert not market.instruments(answer(info)).named(BTC).tradable

    def test_the_clock_is_not_taken_from_the_list_of_contracts(self, payload: Callable[[str], Any]) -> None:
        """In the recording it is more than twenty hours behind the moment of its arrival."""
        assert answer(payload("recorded_2021-07-22_exchangeInfo.json")).at is None
        assert answer({"serverTime": 1_626_916_402_988}).at == 1_626_916_402_988


class TestPositions:
    def test_the_recorded_isolated_long(self, listing: Listing, payload: Callable[[str], Any]) -> None:
        row = payload("recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json")
        [position] = holdings.positions([answer([row])], of_account(row), listing, ["BTC"])
        assert (position.symbol, position.contracts) == (BTC, Contracts.of(2))
        assert (position.entry, position.mark) == (Price.of("37643.10000021"), Price.of("38103.05510455"))
        assert (position.margin, position.margin_mode) == (Coin.of("0.00268058"), MarginMode.ISOLATED)
        assert position.unrealized == Coin.of("0.00006413")
        assert position.liquidation == Price.of("25119.97445760")
        assert (position.leverage, position.hedge_mode) == (Decimal(2), False)

    @pytest.mark.parametrize("missing", ["isolatedWallet", "notionalValue"])
    def test_fields_that_the_present_documentation_lacks_are_not_needed(
        self, listing: Listing, payload: Callable[[str], Any], missing: str
    ) -> None:
        row = payload("recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json")
        del row[missing]
        [position] = holdings.positions([answer([row])], of_account(row), listing, ["BTC"])
        assert position.margin == Coin.of("0.00268058")

    def test_the_same_short_has_the_opposite_signs(
        self, listing: Listing, payload: Callable[[str], Any]
    ) -> None:
        row = payload("recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json")
        profit, wallet = Decimal("-0.00006413"), Decimal("0.00268058")
        for notional in ("-0.00524892", "0.00524892"):
            row |= {"positionAmt": "-2", "unRealizedProfit": str(profit), "notionalValue": notional}
            row |= {"isolatedMargin": str(wallet + profit)}
            [position] = holdings.positions([answer([row])], of_account(row), listing, ["BTC"])
            assert (position.contracts, position.margin) == (Contracts.of(-2), Coin(wallet))

    @pytest.mark.parametrize(("side", "size"), [("LONG", "-2"), ("SHORT", "2")])
    def test_a_size_against_its_side_is_refused(
        self, listing: Listing, payload: Callable[[str], Any], side: str, size: str
    ) -> None:
        row = payload("recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json")
        row |= {"positionSide": side, "positionAmt": size}
        with pytest.raises(ConversionError, match=f"positionAmt: is {size} on the side {side}"):
            holdings.positions([answer([row])], of_account(row), listing, ["BTC"])

    def test_the_documentations_two_sides_are_summed(self, payload: Callable[[str], Any]) -> None:
        rows = payload("docs_GetPositionInformation.json")
        rows[1]["notionalValue"] = "0.00848272"
        listing = listed("BTCUSD_201225", payload)
        [position] = holdings.positions([answer(rows)], of_account(*rows), listing, ["BTC"])
        assert (position.symbol, position.contracts, position.hedge_mode) == (DATED, Contracts.of(1), True)
        assert (position.margin, position.margin_mode) == (None, MarginMode.CROSS)

    def test_the_documentations_own_notional_is_its_mark_and_refused(
        self, payload: Callable[[str], Any]
    ) -> None:
        rows = payload("docs_GetPositionInformation.json")
        with pytest.raises(ConversionError, match="notionalValue: is not size / markPrice"):
            holdings.positions([answer(rows)], of_account(*rows), listed("BTCUSD_201225", payload), ["BTC"])

    def test_portfolio_margins_position_lacks_what_says_whose_coins_back_it(
        self, listing: Listing, payload: Callable[[str], Any]
    ) -> None:
        row = payload("recorded_ccxt_papi_positionRisk_cross_ETHUSD_PERP.json")
        with pytest.raises(ConversionError, match=r"marginType: is missing|positionSide"):
            holdings.positions([answer([row])], of_account(row), listing, ["ETH"])


class TestWallet:
    def test_the_documentations_wallet(self, payload: Callable[[str], Any]) -> None:
        account = payload("docs_GetAccountInfo.json")
        wallet = holdings.margin_wallet(answer(account), "main", "BTC", ())
        assert (wallet.id.wallet, wallet.coins) == ("margin", Coin.of("0.00241969"))
        assert (wallet.unrealized, wallet.withdrawable) == (Coin.zero(), Coin.of("0.00241969"))

    def test_isolated_margins_are_part_of_the_wallet(
        self, listing: Listing, payload: Callable[[str], Any]
    ) -> None:
        row = payload("recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json")
        positions = holdings.positions([answer([row])], of_account(row), listing, ["BTC"])
        asset = payload("docs_GetAccountInfo.json")["assets"][0]
        profit, cross = Decimal("0.00006413"), Decimal(asset["crossWalletBalance"])
        balance = cross + Decimal("0.00268058")
        asset |= {
            "walletBalance": str(balance),
            "unrealizedProfit": str(profit),
            "marginBalance": str(balance + profit),
        }
        wallet = holdings.margin_wallet(of_account(row, **asset), "main", "BTC", positions)
        assert wallet.coins == Coin(balance)
        assert wallet.withdrawable == Coin(cross)
        asset["walletBalance"], asset["marginBalance"] = str(cross), str(cross + profit)
        with pytest.raises(ConversionError, match=r"walletBalance: is 0.00241969, crossWalletBalance and"):
            holdings.margin_wallet(of_account(row, **asset), "main", "BTC", positions)

    def test_a_row_that_was_never_updated_is_stale_and_not_zero(self, payload: Callable[[str], Any]) -> None:
        account = payload("docs_GetAccountInfo.json")
        account["assets"][0] |= {"updateTime": 0, "walletBalance": "0.00000000"}
        with pytest.raises(ConversionError, match="updateTime: is 0: the row is stale"):
            holdings.margin_wallet(answer(account), "main", "BTC", ())


class TestMarket:
    def test_the_documentations_tier(self, payload: Callable[[str], Any]) -> None:
        """Its own coefficient, 1.5, is left out: nothing says whether the caps show it already."""
        brackets = answer(payload("docs_GetBrackets.json"))
        assert market.tiers(brackets, "BTCUSD_PERP") == (Tier(Coin.of(50), Decimal("0.004")),)

    @pytest.mark.parametrize(("coefficient", "cap"), [("0.5", 25), (1, 50), ("2", 50)])
    def test_a_coefficient_only_ever_narrows_a_tier(
        self, payload: Callable[[str], Any], coefficient: object, cap: int
    ) -> None:
        rows = payload("docs_GetBrackets.json")
        rows[0]["notionalCoef"] = coefficient
        [tier] = market.tiers(answer(rows), "BTCUSD_PERP")
        assert tier.limit == Coin.of(cap)

    def test_the_documentations_fee(self, payload: Callable[[str], Any]) -> None:
        fee = answer(payload("docs_GetUserCommissionRate.json"))
        assert market.taker_fee(fee, "BTCUSD_PERP") == Decimal("0.0004")

    def test_the_documentations_mark_index_and_funding(
        self, listing: Listing, payload: Callable[[str], Any]
    ) -> None:
        [row, _] = payload("docs_GetMarkPrices.json")
        book = {"symbol": "BTCUSD_PERP", "E": row["time"] + 5, "bids": [["11029.0", "3"]], "asks": []}
        levels = market.order_book(answer(book), listing.named(BTC))
        quote = market.quote(answer([row]), levels, listing.named(BTC), Decimal(8))
        assert (quote.mark, quote.index) == (Price.of("11029.69574559"), Price.of("10979.14437500"))
        assert (quote.funding.rate, quote.funding.interval_hours) == (Decimal("0.00071003"), Decimal(8))
        assert quote.funding.next_at == 1_596_096_000_000
        assert quote.at == row["time"]

    def test_the_interval_is_told_or_the_distance_of_the_last_settlements(
        self, payload: Callable[[str], Any]
    ) -> None:
        info = answer(payload("docs_GetFundingInfo.json"))
        rates = payload("docs_GetFundingRates.json")
        assert market.funding_hours(info, answer(rates), "BTCUSD_PERP") == Decimal(8)
        assert market.funding_hours(info, answer([]), "BLZUSDT") == Decimal(8)
        assert market.funding_hours(info, answer(rates[:1]), "BTCUSD_PERP") is None

    @pytest.mark.parametrize(
        ("apart", "hours"), [(8 * 3_600_000 + 7, 8), (4 * 3_600_000 - 3, 4), (5_000_000, None), (0, None)]
    )
    def test_settlements_may_be_booked_a_moment_late(self, apart: int, hours: int | None) -> None:
        times = [{"symbol": "X", "fundingTime": at} for at in (1_698_768_000_000, 1_698_768_000_000 + apart)]
        found = market.funding_hours(answer([]), answer(times), "X")
        assert found == (None if hours is None else Decimal(hours))


class TestOrders:
    def request(self, symbol: str, contracts: int, client_id: str) -> OrderRequest:
        return OrderRequest(
            client_id, "main", symbol, Contracts.of(contracts), Price.of(9_000), contracts > 0
        )

    def test_the_documentations_acknowledgement(self, payload: Callable[[str], Any]) -> None:
        contract = listed("BTCUSD_200925", payload).by_native["BTCUSD_200925"]
        placed = answer(payload("docs_PlaceOrder.json"))
        order = self.request(contract.symbol, 10, "testOrder")
        assert orders.acknowledged(placed, order, contract) == "22542179"
        with pytest.raises(ConversionError, match="clientOrderId"):
            orders.acknowledged(placed, self.request(contract.symbol, 10, "hb1"), contract)

    def test_the_documentations_resting_order(self, payload: Callable[[str], Any]) -> None:
        contract = listed("BTCUSD_200925", payload).by_native["BTCUSD_200925"]
        row = payload("docs_GetOrder.json")
        state = orders.shown(answer(row), self.request(contract.symbol, 1, "abc"), contract)
        assert state is not None
        assert (state.order_id, state.over, state.filled) == ("1917641", False, Contracts.zero())

    def test_the_documentations_liquidation_is_known_by_its_client_id(
        self, payload: Callable[[str], Any]
    ) -> None:
        [trade] = payload("docs_GetUserTrades.json")
        contract = listed("BTCUSD_200626", payload).by_native["BTCUSD_200626"]
        rows = market.rows(answer([trade]))
        kinds = {}
        for client_id in ("hb0000000000001", "autoclose-1596542005017000006", "adl_autoclose", ""):
            [entry] = orders.trade_entries(rows, {28: client_id}, contract)
            kinds[client_id] = entry.kind
            assert (entry.contracts, entry.coins) == (Contracts.of(-1), Coin.of("-0.00000454"))
        assert list(kinds.values()) == [
            EntryKind.TRADE,
            EntryKind.LIQUIDATION,
            EntryKind.ADL,
            EntryKind.TRADE,
        ]

    def test_income_has_the_sign_of_the_wallet(self, payload: Callable[[str], Any]) -> None:
        [_, row] = payload("docs_GetIncomeHistory.json")
        contract = listed("BTCUSD_200925", payload).by_native["BTCUSD_200925"]
        row |= {"incomeType": "FUNDING_FEE"}
        [entry] = orders.funding_entries(market.rows(answer([row])), contract)
        assert isinstance(entry, LedgerEntry)
        assert (entry.kind, entry.coins) == (EntryKind.FUNDING, Coin.of("-0.01"))
