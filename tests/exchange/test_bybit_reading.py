"""Bybit's replies, converted: what counts, what does not, and what makes a reading fail, not guess."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.account import Needs
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Coin, Contracts, Usd
from hedgebot.errors import ConversionError, ReadError
from hedgebot.sim.contract import Contract
from hedgebot.sim.ledger import MarginMode as SimMode
from hedgebot.sim.market import Feed, level
from hedgebot.sim.matching import Side
from tests.exchange.kit import Bench, play
from tests.exchange.tamper import Change

BTC, ETH, DATED = "BTC/USD:BTC", "ETH/USD:ETH", "BTC/USD:BTC-261225"


def reads(act: Callable[[Bench], Awaitable[None]], *changes: Change, **setup: Any) -> None:
    """Play with replies changed on their way."""
    play(act, changes=changes, **setup)


class TestForeignPositions:
    def test_a_contract_that_is_no_leg_is_shown_too(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "ETH", 10)
            bench.exchange.human_trade("main", "ETHUSD", Side.SELL, 3_000)
            reading = await bench.read()
            assert {p.symbol: p.contracts for p in reading.positions} == {
                BTC: Contracts.zero(),
                ETH: Contracts.of(-3_000),
            }

        play(act)

    def test_a_long_is_positive_and_its_profit_has_its_own_sign(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_trade("main", "BTCUSD", Side.BUY, 6_000)
            bench.exchange.change_feed("BTCUSD", path=level(50_000))
            position = (await bench.read()).position(BTC)
            assert position.contracts == Contracts.of(6_000)
            assert position.unrealized < Coin.of("-0.019")

        play(act)

    def test_orders_by_hand_are_shown_with_what_is_left_of_them(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_order("main", "BTCUSD", Side.SELL, 500, 61_000)
            [order] = (await bench.read()).orders
            assert (order.symbol, order.contracts, order.client_id) == (BTC, Contracts.of(-500), "")
            assert not order.reduce_only

        play(act)


class TestAgreement:
    def test_one_contract_and_the_list_of_all_must_agree(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            with pytest.raises(ConversionError, match=r"shows -1000 of BTC/USD:BTC, among all positions 0"):
                await bench.read()

        reads(act, Change("position/list", "list", lambda _: [], when=lambda query: "symbol" not in query))

    def test_a_position_that_its_own_reply_calls_flat_is_not_flat_while_the_list_shows_it(self) -> None:
        flat = {
            "size": "0",
            "side": "",
            "avgPrice": "0",
            "positionValue": "",
            "unrealisedPnl": "",
            "liqPrice": "",
        }

        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            with pytest.raises(ConversionError, match="among all positions -1000"):
                await bench.read()

        reads(
            act,
            Change(
                "position/list", "list[0]", lambda row: {**row, **flat}, when=lambda query: "symbol" in query
            ),
        )

    def test_flat_needs_a_row(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="flat is said by a row"):
                await bench.read()

        reads(act, Change("position/list", "list", lambda _: []))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("unrealisedPnl", "0.001"),
            ("unrealisedPnl", "-0.00001"),
            ("unrealisedPnl", "0"),
            ("positionValue", "0.02"),
            ("positionValue", "0.000166"),
            ("avgPrice", "6000"),
            ("markPrice", "54000"),
            ("size", "100"),
        ],
    )
    def test_a_row_must_agree_with_our_own_arithmetic(self, field: str, value: str) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-10_000))
            bench.exchange.change_feed("BTCUSD", path=level(55_000))
            with pytest.raises(ConversionError, match=r"position/list\.list\[0\]"):
                await bench.read()

        reads(act, Change("position/list", f"list[0].{field}", lambda _: value))

    @pytest.mark.parametrize(
        ("field", "value"),
        [("unrealisedPnl", "0.001"), ("avgPrice", "60000"), ("positionValue", "1"), ("side", "Sell")],
    )
    def test_a_flat_row_shows_nothing_else(self, field: str, value: str) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match=r"position/list\.list\[0\]"):
                await bench.read()

        reads(
            act,
            Change(
                "position/list", f"list[0].{field}", lambda _: value, when=lambda query: "symbol" in query
            ),
        )


class TestPositionRows:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("side", "sell"), ("side", ""), ("side", "None"), ("side", None), ("size", "-1000"),
            ("size", ""), ("size", None), ("size", "NaN"), ("avgPrice", ""), ("avgPrice", "0"),
            ("avgPrice", "-1"), ("markPrice", ""), ("markPrice", "0"), ("symbol", "XBTUSD"),
            ("symbol", ""), ("positionIdx", -1), ("positionIdx", ""), ("liqPrice", None),
            ("liqPrice", "-5"), ("positionStatus", "Fine"), ("positionIM", ""), ("leverage", "0"),
            ("updatedTime", "now"),
        ],
    )  # fmt: skip
    def test_is_no_position(self, field: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            with pytest.raises(ConversionError, match=r"position/list\.list\[0\]"):
                await bench.read()

        reads(act, Change("position/list", f"list[0].{field}", lambda _: value))

    @pytest.mark.parametrize("said", ["", "0", "0.00"])
    def test_no_liquidation_price_is_none(self, said: str) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            assert (await bench.read()).position(BTC).liquidation is None

        reads(act, Change("position/list", "list[0].liqPrice", lambda _: said))

    def test_hedge_mode_is_told_and_its_two_rows_are_summed(self) -> None:
        def two(row: dict[str, Any]) -> list[dict[str, Any]]:
            flat = {
                "positionIdx": 1,
                "side": "Buy",
                "size": "0",
                "avgPrice": "0",
                "positionValue": "",
                "unrealisedPnl": "",
            }
            return [{**row, "positionIdx": 2}, {**row, **flat}]

        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            position = (await bench.read()).position(BTC)
            assert position.hedge_mode
            assert position.contracts == Contracts.of(-1_000)

        reads(act, Change("position/list", "list", lambda rows: two(rows[0])))

    def test_a_contract_cannot_have_two_rows_in_one_way_mode(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="positionIdx"):
                await bench.read()

        reads(
            act, Change("position/list", "list", lambda rows: rows * 2, when=lambda query: "symbol" in query)
        )

    @pytest.mark.parametrize("balance", ["", "0"])
    def test_isolated_margin_is_the_initial_one_where_the_older_field_is_silent(self, balance: str) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-6_000))
            position = (await bench.read()).position(BTC)
            assert position.margin == position.initial_margin
            assert position.margin is not None
            assert position.margin > Coin.of("0.01")

        reads(
            act,
            Change("position/list", "list[0].positionBalance", lambda _: balance),
            margin_mode=SimMode.ISOLATED,
        )


class TestWallet:
    @pytest.mark.parametrize(
        "field",
        [
            "equity", "unrealisedPnl", "walletBalance", "spotBorrow", "bonus", "accruedInterest",
            "totalPositionIM", "totalOrderIM", "locked", "availableToWithdraw", "usdValue", "coin",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("damage", ["missing", None, "x", "NaN", "1e999", True])
    def test_no_field_of_it_may_be_wrong(self, field: str, damage: object) -> None:
        def damaged(row: dict[str, Any]) -> dict[str, Any]:
            return {k: v for k, v in {**row, field: damage}.items() if k != field or damage != "missing"}

        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="account/wallet-balance"):
                await bench.read()

        reads(act, Change("account/wallet-balance", "list[0].coin[0]", damaged))

    def test_a_coin_that_is_not_listed_is_an_error_and_never_zero(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="shows no BTC"):
                await bench.read()

        reads(act, Change("account/wallet-balance", "list[0].coin", lambda _: []))

    def test_a_coin_that_is_not_there_is_listed_with_zero(self) -> None:
        async def act(bench: Bench) -> None:
            reading = await bench.account.read(Needs(frozenset({BTC}), frozenset({"BTC", "ETH"})))
            wallet = reading.wallet("ETH")
            assert wallet is not None
            assert wallet.coins == Coin.zero()

        play(act)

    @pytest.mark.parametrize("change", ["0.01", "-0.0000001"])
    def test_equity_less_profit_must_be_the_balance_less_debt(self, change: str) -> None:
        def option_value(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "equity": str(Decimal(row["equity"]) + Decimal(change))}

        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match=r"equity: less unrealisedPnl .* option value"):
                await bench.read()

        reads(act, Change("account/wallet-balance", "list[0].coin[0]", option_value))

    def test_interest_owed_is_not_held(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).wallets[0].coins == Coin.of("0.75")

        reads(act, Change("account/wallet-balance", "list[0].coin[0].accruedInterest", lambda _: "0.25"))

    def test_less_than_bybit_calls_withdrawable_is_believed(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).wallets[0].withdrawable == Coin.of("0.125")

        reads(act, Change("account/wallet-balance", "list[0].coin[0].availableToWithdraw", lambda _: "0.125"))

    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_other_coins_stand_behind_the_position_in_cross_margin_only(self, mode: SimMode) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 10_000)
            [wallet] = (await bench.read()).wallets
            assert wallet.other_margin == (Usd.of(10_000) if mode is SimMode.CROSS else Usd.zero())

        play(act, margin_mode=mode)

    def test_the_accounts_haircut_is_taken_off_other_coins(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 10_000)
            assert (await bench.read()).wallets[0].other_margin == Usd.of(8_800)

        def less(available: str) -> str:
            return str(Decimal(available) - 1_200)

        reads(act, Change("account/wallet-balance", "list[0].totalAvailableBalance", less))


class TestMode:
    @pytest.mark.parametrize("status", [1, 3, 4])
    def test_only_a_unified_account_2_is_supported(self, status: int) -> None:
        async def act(bench: Bench) -> None:
            mode = (await bench.read()).mode
            assert f"unifiedMarginStatus {status}" in mode.unsupported

        reads(act, Change("account/info", "unifiedMarginStatus", lambda _: status))

    def test_portfolio_margin_is_not_supported_and_can_be_read(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_trade("main", "BTCUSD", Side.SELL, 6_000)
            bench.exchange.set_margin_mode("main", SimMode.PORTFOLIO)
            reading = await bench.read()
            assert reading.mode.margin_mode is MarginMode.PORTFOLIO
            assert "portfolio margin" in reading.mode.unsupported
            assert reading.position(BTC).contracts == Contracts.of(-6_000)
            assert reading.position(BTC).leverage is None

        play(act)

    def test_a_read_that_fails_on_an_unsupported_account_says_that_it_is_one(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="upgrade it"):
                await bench.read()
            with pytest.raises(ReadError, match="upgrade it"):
                await bench.read()

        reads(
            act,
            Change("account/info", "unifiedMarginStatus", lambda _: 1),
            Change("account/wallet-balance", "list", lambda _: []),
        )

    @pytest.mark.parametrize("value", ["SOME_MARGIN", "", None])
    def test_an_unknown_margin_mode_is_an_error(self, value: object) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="marginMode"):
                await bench.read()

        reads(act, Change("account/info", "marginMode", lambda _: value))


SLOW = [
    "GET /v5/market/instruments-info",
    "GET /v5/market/risk-limit",
    "GET /v5/account/fee-rate",
    "GET /v5/account/info",
]


class TestSlowFacts:
    def test_are_read_once_an_hour(self) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(3):
                await bench.read()
            assert [bench.arrived[path] for path in SLOW] == [1, 1, 1, 1]
            await bench.clock.sleep(3_601)
            await bench.read()
            assert [bench.arrived[path] for path in SLOW] == [2, 2, 2, 2]

        play(act)

    def test_are_read_again_after_a_rejection(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.exchange.change_contract("BTCUSD", min_qty=Fraction(100), qty_step=Fraction(100))
            assert (await bench.account.place(bench.order(-50))).fate is Fate.REJECTED
            instrument = (await bench.read()).leg_facts(BTC).instrument
            assert (instrument.lot, instrument.min_order) == (Contracts.of(100), Contracts.of(100))

        play(act)

    def test_are_read_again_when_a_reply_made_no_sense(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            await bench.read()
            bench.exchange.set_margin_mode("main", SimMode.PORTFOLIO)
            with pytest.raises(ConversionError):
                await bench.read()
            assert (await bench.read()).mode.unsupported

        play(act)

    def test_a_contract_that_is_listed_no_more_stays_known_and_cannot_be_traded(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            assert (await bench.read()).leg_facts(BTC).instrument.tradable
            bench.changes.append(Change("market/instruments-info", "list", _without_btc))
            await bench.clock.sleep(3_601)
            reading = await bench.read()
            assert not reading.leg_facts(BTC).instrument.tradable
            assert reading.position(BTC).contracts == Contracts.of(-1_000)

        play(act)

    def test_a_minimum_of_ten_is_not_a_contract_of_ten_dollars(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.change_contract("BTCUSD", min_qty=Fraction(10))
            instrument = (await bench.read()).leg_facts(BTC).instrument
            assert instrument.notional(Contracts.of(1_000)) == Usd.of(1_000)

        play(act)

    def test_a_dated_contract_has_its_day_in_its_name(self) -> None:
        async def act(bench: Bench) -> None:
            dated = Contract(symbol="BTCUSDZ26", base="BTC", settle="BTC", delivery_ms=1_798_185_600_000)
            bench.exchange.truth.contracts["BTCUSDZ26"] = dated
            bench.exchange.truth.market.change("BTCUSDZ26", Feed(path=level(61_000), funding=level(0)))
            bench.exchange.human_trade("main", "BTCUSDZ26", Side.SELL, 100)
            reading = await bench.read()
            assert reading.position(DATED).contracts == Contracts.of(-100)

        play(act)

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("settleCoin", "USDT"), ("quoteCoin", "USDC"), ("baseCoin", ""),
            ("contractType", "LinearPerpetual"), ("status", "Settling"),
            ("lotSizeFilter.qtyStep", "0"), ("lotSizeFilter.minOrderQty", "-1"),
            ("lotSizeFilter.maxOrderQty", None), ("priceFilter.tickSize", "0"),
            ("lotSizeFilter", None), ("symbol", ""),
        ],
    )  # fmt: skip
    def test_is_no_contract_that_we_know(self, path: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="market/instruments-info"):
                await bench.read()

        reads(act, Change("market/instruments-info", f"list[0].{path}", lambda _: value))

    def test_a_symbol_that_is_not_listed_is_named(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match=r"bybit lists no contract XRP/USD:XRP"):
                await bench.account.read(Needs(frozenset({"XRP/USD:XRP"}), frozenset({"BTC"})))

        play(act)

    @pytest.mark.parametrize(
        ("maintenance", "initial"), [("0.5", "1"), ("0.005", "0.01")], ids=["as percent", "as fractions"]
    )
    def test_margin_rates_come_as_percent_or_as_fractions(self, maintenance: str, initial: str) -> None:
        def only(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{**rows[0], "maintenanceMargin": maintenance, "initialMargin": initial}]

        async def act(bench: Bench) -> None:
            [tier] = (await bench.read()).leg_facts(BTC).tiers
            assert tier.maintenance == Decimal("0.005")

        reads(act, Change("market/risk-limit", "list", only))

    @pytest.mark.parametrize("rows", [[], "twice", "of another"])
    def test_margin_tiers_must_be_clear(self, rows: object) -> None:
        def changed(real: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return {"twice": real * 2, "of another": [{**real[0], "symbol": "ETHUSD"}]}.get(str(rows), [])

        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match="market/risk-limit"):
                await bench.read()

        reads(act, Change("market/risk-limit", "list", changed))


class TestMarket:
    @pytest.mark.parametrize(
        ("endpoint", "path", "value"),
        [
            ("market/tickers", "list[0].markPrice", ""), ("market/tickers", "list[0].markPrice", "0"),
            ("market/tickers", "list[0].indexPrice", None),
            ("market/tickers", "list[0].fundingRate", ""),
            ("market/tickers", "list[0].fundingRate", "1"),
            ("market/tickers", "list[0].symbol", "ETHUSD"), ("market/tickers", "list", []),
            ("market/tickers", "category", "linear"),
            ("market/tickers", "list[0].fundingIntervalHour", "0"),
            ("market/tickers", "list[0].nextFundingTime", "soon"), ("market/orderbook", "s", "ETHUSD"),
            ("market/orderbook", "ts", None), ("market/orderbook", "b", {}),
            ("market/orderbook", "b[0]", ["59000", "0"]), ("market/orderbook", "a[0]", ["NaN", "1"]),
            ("market/orderbook", "b[0]", ["60002", "1"]),
            ("market/orderbook", "a[1]", ["60000.5", "1"]),
        ],
    )  # fmt: skip
    def test_is_no_quote(self, endpoint: str, path: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match=endpoint):
                await bench.read()

        reads(act, Change(endpoint, path, lambda _: value))

    def test_an_empty_side_of_the_book_is_an_empty_side(self) -> None:
        async def act(bench: Bench) -> None:
            quote = (await bench.read()).quote(BTC)
            assert quote.bids == ()
            assert quote.fill_price(Contracts.of(-1)) is None

        reads(act, Change("market/orderbook", "b", lambda _: []))

    def test_an_unknown_funding_interval_is_unknown(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).quote(BTC).funding.interval_hours is None

        reads(act, Change("market/tickers", "list[0].fundingIntervalHour", lambda _: ""))

    def test_a_quote_is_as_old_as_its_older_part(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.clock.sleep(100)
            bench.exchange.lags["book"] = 3.0
            reading = await bench.read()
            age = bench.clock.now_ms() - reading.quote(BTC).at
            assert 3_000 <= age <= 3_100

        play(act)


class TestPages:
    def test_all_pages_of_open_orders_are_read(self) -> None:
        async def act(bench: Bench) -> None:
            for number in range(60):
                bench.exchange.human_order("main", "BTCUSD", Side.SELL, 10 + number, 62_000)
            orders = (await bench.read()).orders
            assert sorted(-order.contracts.value for order in orders) == list(range(10, 70))
            assert bench.arrived["GET /v5/order/realtime"] == 2

        play(act)

    def test_a_cursor_on_a_page_that_is_not_full_costs_no_further_request(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            await bench.read()
            assert bench.arrived["GET /v5/position/list"] == 2

        reads(act, Change("position/list", "nextPageCursor", lambda _: "BTCUSD%2C1697673600012%2C0"))

    def test_pages_without_end_are_an_error(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_order("main", "BTCUSD", Side.SELL, 10, 62_000)
            with pytest.raises(ReadError, match="pages"):
                await bench.read()

        reads(
            act,
            Change("order/realtime", "list", lambda rows: (rows * 50)[:50]),
            Change("order/realtime", "nextPageCursor", lambda _: "again"),
        )


def shown_as(status: str, field: str = "orderStatus") -> list[Change]:
    """An order's status, or another field, on both endpoints that show it."""
    return [
        Change(path, f"list[0].{field}", lambda _: status) for path in ("order/realtime", "order/history")
    ]


class TestLookUp:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("orderLinkId", "another"), ("symbol", "ETHUSD"), ("side", "Buy"),
            ("orderStatus", "Vanished"), ("orderStatus", None), ("cumExecQty", "1001"),
            ("cumExecQty", ""), ("cumExecQty", "0"), ("avgPrice", ""), ("cumExecFee", None),
            ("orderId", ""), ("updatedTime", ""),
        ],
    )  # fmt: skip
    def test_is_not_the_order_that_was_asked_for(self, path: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            with pytest.raises(ConversionError, match=r"order/realtime\.list\[0\]"):
                await bench.account.find(order)

        reads(act, Change("order/realtime", f"list[0].{path}", lambda _: value))

    @pytest.mark.parametrize(
        ("status", "over"),
        [
            ("New", False), ("PartiallyFilled", False), ("Untriggered", False), ("Triggered", False),
            ("Filled", True), ("Cancelled", True), ("PartiallyFilledCanceled", True),
            ("Rejected", True), ("Deactivated", True),
        ],
    )  # fmt: skip
    def test_each_status_is_open_or_over(self, status: str, over: bool) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.over is over

        reads(act, *shown_as(status))

    def test_over_on_one_endpoint_is_over(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.over

        reads(act, Change("order/realtime", "list[0].orderStatus", lambda _: "New"))

    def test_a_rejected_order_without_a_fill_is_rejected(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000, limit="60500")
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.rejected
            assert state.why == "EC_PerCancelRequest"

        reads(act, *shown_as("Rejected"), *shown_as("EC_PerCancelRequest", "rejectReason"))

    def test_two_orders_with_one_client_id_are_an_error(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            with pytest.raises(ReadError, match="two orders"):
                await bench.account.find(order)

        reads(act, Change("order/history", "list[0].orderId", lambda _: "another"))


class TestLedger:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("execType", "Gift"), ("execFee", ""), ("side", ""), ("execQty", "-1"), ("execId", ""),
            ("symbol", "ETHUSD"), ("execTime", None),
        ],
    )  # fmt: skip
    def test_is_no_execution(self, path: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-1_000))
            with pytest.raises(ConversionError, match=r"execution/list\.list\[0\]"):
                await bench.account.ledger([BTC], began)

        reads(act, Change("execution/list", f"list[0].{path}", lambda _: value))


def _without_btc(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["symbol"] != "BTCUSD"]
