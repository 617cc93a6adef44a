"""Binance's replies, converted: what counts, what does not, and what makes a reading fail, not guess."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.account import EntryKind, Needs
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Coin, Contracts, Millis
from hedgebot.errors import ConversionError, CredentialsError, ReadError
from hedgebot.sim.account import ApiKey
from hedgebot.sim.binance import BINANCE as DIALECT
from hedgebot.sim.binance.session import Options
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode as SimMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder
from tests.exchange.kit import BINANCE, KEY, SECRET, Bench, play
from tests.exchange.tamper import Change

BTC, ETH = "BTC/USD:BTC", "ETH/USD:ETH"
NATIVE, OTHER = "BTCUSD_PERP", "ETHUSD_PERP"
ACCOUNT, RISK = "/dapi/v1/account", "/dapi/v1/positionRisk"
SPOT_ONLY = Needs(frozenset(), frozenset({"BTC"}))


def scene(act: Callable[[Bench], Awaitable[None]], *changes: Change, **setup: Any) -> None:
    """Play on Binance, with replies changed on their way."""
    play(act, BINANCE, changes=changes, **setup)


def shown(**options: bool) -> Callable[[Bench], None]:
    """The dialect set up otherwise."""

    def change(bench: Bench) -> None:
        bench.app[DIALECT].options = Options(**options)

    return change


def refuses(field: str, *changes: Change, open_first: bool = True, **setup: Any) -> None:
    """The reading fails and names the field."""

    async def act(bench: Bench) -> None:
        if open_first:
            assert (await bench.account.place(bench.order(-6_000))).fate is Fate.ACCEPTED
        with pytest.raises(ConversionError) as caught:
            await bench.read()
        assert field in str(caught.value)

    scene(act, *changes, **setup)


class TestWallets:
    def test_spot_and_collateral_are_two_wallets_by_their_names(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "BTC", "0.4", "spot")
            found = {w.id.wallet: w.coins for w in (await bench.read()).wallets}
            assert found == {"spot": Coin.of("0.4"), "margin": Coin.of("0.6")}

        scene(act, coins="0.6")

    def test_coins_locked_in_spot_orders_are_held_and_not_withdrawable(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "BTC", "0.4", "spot")
            bench.exchange.lock("main", "BTC", "0.1", "spot")
            spot = next(w for w in (await bench.read()).wallets if w.id.wallet == "spot")
            assert (spot.coins, spot.withdrawable) == (Coin.of("0.4"), Coin.of("0.3"))

        scene(act)

    def test_wrapped_and_lent_coins_are_other_coins(self) -> None:
        async def act(bench: Bench) -> None:
            spot = next(w for w in (await bench.read()).wallets if w.id.wallet == "spot")
            assert spot.coins == Coin.zero()

        scene(act, Change("/api/v3/account", "balances", lambda rows: [*rows, _balance("LDBTC", "3")]))

    @pytest.mark.parametrize("mode", [SimMode.ISOLATED, SimMode.CROSS])
    def test_collateral_is_the_wallet_and_not_the_cross_wallet(self, mode: SimMode) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.exchange.change_feed(NATIVE, path=level(50_000))
            reading = await bench.read()
            wallet, position = bench.pot(reading), reading.position(BTC)
            truth = bench.exchange.wallet("main", "BTC").balance
            assert abs(wallet.coins.value - _decimal(truth)) < Decimal("1e-8")
            assert wallet.unrealized.value > Decimal("0.09")
            own = bench.exchange.position("main", NATIVE).margin
            assert (own > 0) is (mode is SimMode.ISOLATED)
            assert abs((position.margin or Coin.zero()).value - _decimal(own)) < Decimal("1e-8")

        scene(act, margin_mode=mode)

    def test_a_wallet_that_was_never_used_is_not_zero_coins(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ConversionError, match=r"updateTime: is 0.*Transfer any ETH into COIN-M"):
                await bench.account.read(Needs(frozenset({BTC, ETH}), frozenset({"BTC", "ETH"})))

        scene(act)

    def test_coins_that_only_lie_in_spot_ask_nothing_of_the_margin_wallet(self) -> None:
        async def act(bench: Bench) -> None:
            needs = Needs(frozenset({BTC}), frozenset({"BTC", "ETH"}))
            bench.exchange.deposit("main", "ETH", 10, "spot")
            found = {(w.id.wallet, w.id.asset) for w in (await bench.account.read(needs)).wallets}
            assert found == {("spot", "BTC"), ("spot", "ETH"), ("margin", "BTC")}

        scene(act)

    def test_an_account_without_a_leg_asks_nothing_of_coin_m(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "BTC", "0.4", "spot")
            reading = await bench.account.read(SPOT_ONLY)
            assert [(w.id.wallet, w.coins) for w in reading.wallets] == [("spot", Coin.of("0.4"))]
            assert (reading.positions, reading.facts) == ((), ())
            assert not [path for path in bench.arrived if "dapi" in path]

        scene(act, plan=[Fault("http_status", status=503, path="/dapi")])

    @pytest.mark.parametrize(
        ("field", "change"),
        [
            ("walletBalance", Change(ACCOUNT, "assets[0].walletBalance", lambda _: "0.5")),
            ("walletBalance", Change(ACCOUNT, "assets[0].walletBalance", lambda _: None)),
            ("crossWalletBalance", Change(ACCOUNT, "assets[0].crossWalletBalance", lambda _: "")),
            ("walletBalance", Change(ACCOUNT, "assets[0].crossWalletBalance", lambda _: "0.9")),
            ("marginBalance", Change(ACCOUNT, "assets[0].marginBalance", lambda _: "2")),
            ("unrealizedProfit", Change(ACCOUNT, "assets[0].unrealizedProfit", lambda _: "NaN")),
            ("updateTime", Change(ACCOUNT, "assets[0].updateTime", lambda _: 0)),
            ("assets", Change(ACCOUNT, "assets", lambda rows: rows[1:])),
            ("assets", Change(ACCOUNT, "assets", lambda rows: [*rows, rows[0]])),
            ("balances", Change("/api/v3/account", "balances", lambda rows: rows[1:])),
            ("balances", Change("/api/v3/account", "balances", lambda rows: [*rows, rows[0]])),
            ("free", Change("/api/v3/account", "balances[0].free", lambda _: "-1")),
            ("locked", Change("/api/v3/account", "balances[0].locked", lambda _: None)),
        ],
        ids=lambda value: value if isinstance(value, str) else value.path,
    )
    def test_a_wallet_that_makes_no_sense_is_refused_by_name(self, field: str, change: Change) -> None:
        refuses(field, change)

    def test_what_may_leave_is_never_more_than_binance_says(self) -> None:
        async def act(bench: Bench) -> None:
            assert bench.pot(await bench.read()).withdrawable == Coin.of("0.2")

        scene(act, Change(ACCOUNT, "assets[0].maxWithdrawAmount", lambda _: "0.2"))

    def test_an_open_loss_may_not_leave_and_a_profit_neither(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            before = bench.pot(await bench.read()).withdrawable
            bench.exchange.change_feed(NATIVE, path=level(50_000))
            assert bench.pot(await bench.read()).withdrawable < before
            bench.exchange.change_feed(NATIVE, path=level(66_000))
            assert bench.pot(await bench.read()).withdrawable < before - Coin.of("0.04")

        scene(act)


class TestPositions:
    def test_flat_is_said_by_a_row(self) -> None:
        refuses("has no row for BTCUSD_PERP: flat is said by a row", *_without(NATIVE), open_first=False)

    @pytest.mark.parametrize(
        ("field", "change"),
        [
            ("positionAmt", Change(RISK, "[0].positionAmt", lambda _: "0")),
            ("positionAmt", Change(RISK, "[0].positionAmt", lambda _: "-59")),
            ("positionAmt", Change(RISK, "[0].positionAmt", lambda _: "60")),
            ("positionAmt", Change(RISK, "[0].positionAmt", lambda _: "")),
            ("positionAmt", Change(RISK, "[0].positionAmt", lambda _: None)),
            ("positionAmt", Change(ACCOUNT, "positions[0].positionAmt", lambda _: "0")),
            ("positions", Change(ACCOUNT, "positions", lambda rows: rows[1:])),
            ("entryPrice", Change(RISK, "[0].entryPrice", lambda _: "0.0")),
            ("unRealizedProfit", Change(RISK, "[0].entryPrice", lambda _: "59000.00000000")),
            ("markPrice", Change(RISK, "[0].markPrice", lambda _: "0.00000000")),
            ("unRealizedProfit", Change(RISK, "[0].unRealizedProfit", lambda _: "0.01")),
            ("notionalValue", Change(RISK, "[0].notionalValue", lambda _: "60000")),
            ("marginType", Change(RISK, "[0].marginType", lambda _: "none")),
            ("positionSide", Change(RISK, "[0].positionSide", lambda _: "SIDEWAYS")),
            ("positions", Change(RISK, "[0].positionSide", lambda _: "LONG")),
            ("symbol", Change(RISK, "[0].symbol", lambda _: "NOPEUSD_PERP")),
            ("liquidationPrice", Change(RISK, "[0].liquidationPrice", lambda _: "-5")),
            ("positionInitialMargin", Change(ACCOUNT, "positions[0].positionInitialMargin", lambda _: None)),
        ],
        ids=lambda value: value if isinstance(value, str) else value.path,
    )
    def test_a_position_that_makes_no_sense_is_refused_by_name(self, field: str, change: Change) -> None:
        refuses(field, change)

    @pytest.mark.parametrize("name", ["isolatedMargin", "isolatedWallet"])
    def test_isolated_margin_and_profit_must_add_up(self, name: str) -> None:
        refuses("isolatedWallet", Change(RISK, f"[0].{name}", lambda _: "0.01"), margin_mode=SimMode.ISOLATED)

    @pytest.mark.parametrize(
        "options",
        [{}, {"isolated_wallet": False}, {"notional": False}, {"signed_notional": False}],
        ids=str,
    )
    def test_margin_is_read_whatever_fields_there_are(self, options: dict[str, bool]) -> None:
        async def act(bench: Bench) -> None:
            shown(**options)(bench)
            await bench.account.place(bench.order(-30_000))
            bench.exchange.change_feed(NATIVE, path=level(62_000))
            position = (await bench.read()).position(BTC)
            assert position.margin is not None
            truth = _decimal(bench.exchange.position("main", NATIVE).margin)
            assert abs(position.margin.value - truth) <= Decimal("1e-8")
            assert position.unrealized < Coin.of("-0.015")

        scene(act, margin_mode=SimMode.ISOLATED)

    def test_no_liquidation_price_is_none(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-6_000))
            assert (await bench.read()).position(BTC).liquidation is None

        scene(act)

    def test_a_liquidation_price_is_binances_own(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            found = (await bench.read()).position(BTC).liquidation
            truth = bench.exchange.value("main").liquidation_price((NATIVE, 0))
            assert found is not None
            assert truth is not None
            assert abs(float(found.value) - float(truth)) < 0.001

        scene(act, margin_mode=SimMode.ISOLATED)

    def test_every_contract_has_a_margin_mode_of_its_own(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "ETH", 10)
            bench.exchange.set_margin_mode("main", SimMode.ISOLATED, OTHER)
            reading = await bench.account.read(Needs(frozenset({BTC, ETH}), frozenset({"BTC", "ETH"})))
            assert reading.mode.margin_mode is None
            assert reading.position(BTC).margin_mode is MarginMode.CROSS
            assert reading.position(ETH).margin_mode is MarginMode.ISOLATED

        scene(act)

    def test_both_sides_at_once_are_told(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.set_hedge_mode("main", "", hedge=True)
            position = (await bench.read()).position(BTC)
            assert position.hedge_mode
            assert position.contracts == Contracts.zero()
            outcome = await bench.account.place(bench.order(-6_000))
            assert outcome.fate is Fate.REJECTED
            assert "-4061" in outcome.reason

        scene(act)

    def test_a_position_mode_that_changed_is_contradicted_once_and_then_known(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.exchange.set_hedge_mode("main", "", hedge=True)
            with pytest.raises(ConversionError, match="dualSidePosition"):
                await bench.read()
            assert (await bench.read()).position(BTC).hedge_mode

        scene(act)

    def test_portfolio_margin_is_unsupported_with_a_sentence(self) -> None:
        async def act(bench: Bench) -> None:
            shown(portfolio_margin=True)(bench)
            assert "portfolio margin" in (await bench.read()).mode.unsupported

        scene(act)

    def test_a_leverage_of_zero_gives_portfolio_margin_away(self) -> None:
        async def act(bench: Bench) -> None:
            reading = await bench.read()
            assert "portfolio margin" in reading.mode.unsupported
            assert reading.position(BTC).leverage is None

        scene(act, Change(RISK, "[0].leverage", lambda _: "0"))

    def test_one_that_is_listed_no_more_may_be_shown_flat_but_not_open(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()

        expired = {"symbol": "BTCUSD_201225", "positionAmt": "0", "positionSide": "BOTH"}
        scene(act, Change(ACCOUNT, "positions", lambda rows: [*rows, expired]))
        expired |= {"positionAmt": "-3"}
        refuses("symbol", Change(ACCOUNT, "positions", lambda rows: [*rows, expired]))

    def test_one_that_only_the_account_shows_is_no_secret(self) -> None:
        refuses("positionAmt: is -60, and positionRisk shows no row", *_without(NATIVE))

    def test_a_flat_one_needs_no_row_in_the_accounts_own_list(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).position(BTC).contracts == Contracts.zero()

        scene(act, Change(ACCOUNT, "positions", lambda _: []))

    def test_a_contract_of_the_same_coin_that_is_no_leg_is_shown(self) -> None:
        async def act(bench: Bench) -> None:
            dated = {**_contract(bench), "symbol": "BTCUSD_261225", "delivery_ms": 1_798_185_600_000}
            bench.exchange.truth.contracts["BTCUSD_261225"] = type(BINANCE.contracts[0])(**dated)
            feed = bench.exchange.truth.market.feed(NATIVE)
            bench.exchange.truth.market.change("BTCUSD_261225", feed)
            bench.exchange.human_trade("main", "BTCUSD_261225", Side.SELL, 20)
            found = {p.symbol: p.contracts for p in (await bench.read()).positions}
            assert found == {BTC: Contracts.zero(), f"{BTC}-261225": Contracts.of(-20)}

        scene(act)


class TestRoundTrips:
    def test_a_reading_takes_one_round_trip_once_the_facts_are_known(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            for _ in range(30):  # also when the exchange's time is asked for anew
                began = bench.clock.monotonic()
                await bench.read()
                assert bench.clock.monotonic() - began == pytest.approx(0.1, abs=0.001)
                await bench.clock.sleep(5)

        scene(act, latency=0.05)

    def test_an_order_is_one(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            began = bench.clock.monotonic()
            await bench.account.place(bench.order(-1_000))
            assert bench.clock.monotonic() - began == pytest.approx(0.1, abs=0.001)

        scene(act, latency=0.05)

    def test_a_minute_of_cycles_a_second_stays_within_the_quota(self) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(70):
                began = bench.clock.monotonic()
                assert (await bench.read()).wallets
                assert bench.clock.monotonic() - began < 0.5
                await bench.clock.sleep(1)

        scene(act)


class TestFacts:
    def test_a_changed_contract_is_seen_within_the_hour_and_after_a_rejection(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).leg_facts(BTC).instrument.min_order == Contracts.of(1)
            bench.exchange.change_contract(NATIVE, min_qty=5)
            assert (await bench.account.place(bench.order(-100))).fate is Fate.REJECTED
            assert (await bench.read()).leg_facts(BTC).instrument.min_order == Contracts.of(5)

        scene(act)

    def test_one_that_is_not_trading_is_told_and_keeps_its_tiers(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.exchange.change_contract(NATIVE, status="Closed")
            await bench.clock.sleep(3_700)
            facts = (await bench.read()).leg_facts(BTC)
            assert not facts.instrument.tradable
            assert facts.tiers

        scene(act)

    def test_another_face_is_refused_before_anything_is_traded(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.change_contract(NATIVE, face=10)
            with pytest.raises(ReadError, match="10 USD instead of 100"):
                await bench.read()
            outcome = await bench.account.place(bench.order(-6_000))
            assert (outcome.fate, bench.placed) == (Fate.REJECTED, 0)

        scene(act)

    @pytest.mark.parametrize("listed", [True, False])
    @pytest.mark.parametrize("hours", [8, 4, 1])
    def test_the_funding_interval_is_known_listed_or_not(self, listed: bool, hours: int) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.change_contract(NATIVE, funding_interval_ms=hours * 3_600_000)
            shown(listed_intervals=listed)(bench)
            assert (await bench.read()).quote(BTC).funding.interval_hours == Decimal(hours)

        scene(act)

    def test_an_interval_shorter_than_the_time_left_is_unknown(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).quote(BTC).funding.interval_hours is None

        scene(act, Change("/dapi/v1/premiumIndex", "[0].nextFundingTime", lambda at: at + 9 * 3_600_000))

    @pytest.mark.parametrize(
        ("field", "change"),
        [
            ("markPrice", Change("/dapi/v1/premiumIndex", "[0].markPrice", lambda _: "0")),
            ("indexPrice", Change("/dapi/v1/premiumIndex", "[0].indexPrice", lambda _: None)),
            ("lastFundingRate", Change("/dapi/v1/premiumIndex", "[0].lastFundingRate", lambda _: "")),
            ("symbol", Change("/dapi/v1/premiumIndex", "[0].symbol", lambda _: OTHER)),
            ("bids", Change("/dapi/v1/depth", "bids[0][0]", lambda _: "61000.0")),
            ("asks", Change("/dapi/v1/depth", "asks[0][1]", lambda _: "0")),
            ("symbol", Change("/dapi/v1/depth", "symbol", lambda _: OTHER)),
            ("takerCommissionRate", Change("/dapi/v1/commissionRate", "takerCommissionRate", lambda _: "1")),
            (
                "maintMarginRatio",
                Change("/dapi/v2/leverageBracket", "[0].brackets[0].maintMarginRatio", lambda _: 1),
            ),
            ("brackets", Change("/dapi/v2/leverageBracket", "[0].brackets", lambda _: [])),
            ("dualSidePosition", Change("/dapi/v1/positionSide/dual", "dualSidePosition", lambda _: "false")),
            (
                "isPortfolioMarginRetailEnabled",
                Change("/sapi/v1/account/info", "isPortfolioMarginRetailEnabled", lambda _: None),
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else value.path,
    )
    def test_a_market_that_makes_no_sense_is_refused_by_name(self, field: str, change: Change) -> None:
        refuses(field, change, open_first=False)


class TestOrders:
    def test_orders_by_hand_are_shown_with_what_is_left_of_them(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_order("main", NATIVE, Side.SELL, 5, 61_000)
            [order] = (await bench.read()).orders
            assert (order.symbol, order.contracts) == (BTC, Contracts.of(-5))
            assert (order.client_id, order.reduce_only) == (f"web_{order.order_id}", False)

        scene(act)

    def test_a_resting_order_of_ours_is_cancelled_by_its_client_id(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-500)
            resting = NewOrder(
                symbol=NATIVE,
                side=Side.SELL,
                contracts=Fraction(5),
                price=Fraction(61_000),
                client_id=order.client_id,
            )
            bench.exchange.place("main", resting)
            assert (await bench.account.cancel(order)).fate is Fate.ACCEPTED
            assert (await bench.read()).orders == ()

        scene(act)

    def test_the_order_that_was_asked_for_is_what_arrives(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-6_000, limit="59000.5"))
            await bench.account.place(bench.order(2_000))
            sale, purchase = bench.exchange.orders("main")
            assert (sale.contracts, sale.limit) == (Fraction(60), Fraction("59000.5"))
            assert purchase.contracts == Fraction(20)
            assert [order.reduce_only for order in (sale, purchase)] == [False, True]
            assert not sale.market

        scene(act)

    @pytest.mark.parametrize("leverage", ["2.5", "1.01"])
    def test_a_leverage_that_is_not_whole_is_not_sent(self, leverage: str) -> None:
        async def act(bench: Bench) -> None:
            outcome = await bench.account.set_leverage(BTC, leverage)
            assert outcome.fate is Fate.REJECTED
            assert outcome.reason.startswith("not sent")
            assert bench.arrived["POST /dapi/v1/leverage"] == 0

        scene(act)

    def test_margin_mode_and_leverage_are_set_together_and_may_be_set_again(self) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(2):
                outcome = await bench.account.set_leverage(BTC, "3.0", MarginMode.ISOLATED)
                assert outcome.fate is Fate.ACCEPTED
            position = (await bench.read()).position(BTC)
            assert (position.margin_mode, position.leverage) == (MarginMode.ISOLATED, Decimal(3))

        scene(act)

    def test_a_margin_mode_that_cannot_be_set_leaves_the_leverage_alone(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-6_000))
            outcome = await bench.account.set_leverage(BTC, "3", MarginMode.ISOLATED)
            assert outcome.fate is Fate.REJECTED
            assert "-4048" in outcome.reason
            assert bench.arrived["POST /dapi/v1/leverage"] == 0

        scene(act)

    def test_an_answer_about_another_leverage_proves_nothing(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.account.set_leverage(BTC, "3")).fate is Fate.UNKNOWN

        scene(act, Change("/dapi/v1/leverage", "leverage", lambda _: 5))


class TestFind:
    def test_what_an_order_cost_is_what_its_trades_cost(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-6_000)
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.fee == Coin.of("0.00005000")

        scene(act)

    def test_trades_that_cannot_be_read_hide_no_order(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-6_000)
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert (state.filled, state.fee) == (Contracts.of(-60), Coin.zero())

        scene(act, plan=[Fault("http_status", status=503, path="/dapi/v1/userTrades")])

    def test_an_unfilled_order_is_found_for_three_days(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000, limit="60500")
            await bench.account.place(order)
            await bench.clock.sleep(2 * 86_400)
            assert (await bench.account.find(order)).state is not None
            await bench.clock.sleep(2 * 86_400)
            sighting = await bench.account.find(order)
            assert (sighting.state, len(sighting.asked)) == (None, 2)

        scene(act)

    @pytest.mark.parametrize(
        ("field", "change"),
        [
            ("clientOrderId", Change("/dapi/v1/order", "clientOrderId", lambda _: "other")),
            ("symbol", Change("/dapi/v1/order", "symbol", lambda _: OTHER)),
            ("side", Change("/dapi/v1/order", "side", lambda _: "BUY")),
            ("status", Change("/dapi/v1/order", "status", lambda _: "PONDERING")),
            ("executedQty", Change("/dapi/v1/order", "executedQty", lambda _: "61")),
            ("executedQty", Change("/dapi/v1/order", "executedQty", lambda _: "0")),
            ("avgPrice", Change("/dapi/v1/order", "avgPrice", lambda _: "0.0")),
            ("orderId", Change("/dapi/v1/order", "orderId", lambda _: "")),
        ],
        ids=lambda value: value if isinstance(value, str) else value.path,
    )
    def test_an_order_that_makes_no_sense_is_refused_by_name(self, field: str, change: Change) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-6_000)
            bench.changes.clear()
            await bench.account.place(order)
            bench.changes.append(change)
            with pytest.raises(ReadError, match=field):
                await bench.account.find(order)

        scene(act, change)


class TestLedger:
    def test_forced_closings_are_known_for_what_they_are(self) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            bench.exchange.adl("main", NATIVE, "0.5")
            bench.exchange.change_feed(NATIVE, path=level(90_000))
            await bench.clock.sleep(1)
            entries = (await bench.account.ledger([BTC], Millis(began))).entries
            assert [entry.kind for entry in entries] == [
                EntryKind.TRADE,
                EntryKind.ADL,
                EntryKind.LIQUIDATION,
            ]
            assert [entry.contracts.value for entry in entries] == [-300, 150, 150]

        scene(act, margin_mode=SimMode.ISOLATED, funding="0")

    def test_trades_bear_their_orders_client_ids_which_are_asked_for_once(self) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            order = bench.order(-30_000)
            await bench.account.place(order)
            bench.exchange.human_trade("main", NATIVE, Side.BUY, 10)
            for _ in range(2):
                entries = (await bench.account.ledger([BTC], Millis(began))).entries
                assert next(entry.client_id for entry in entries) == order.client_id
            assert bench.arrived["GET /dapi/v1/order"] == 2

        scene(act)

    def test_trades_of_an_order_that_is_forgotten_have_no_client_id(self) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-6_000))
            await bench.clock.sleep(100 * 86_400)
            entries = (await bench.account.ledger([BTC], Millis(began))).entries
            assert [entry.client_id for entry in entries if entry.kind is EntryKind.TRADE] == [""]

        scene(act, funding="0")

    def test_more_than_a_page_of_trades_comes_once_each(self) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            for _ in range(1_030):
                bench.exchange.human_trade("main", NATIVE, Side.SELL, 1)
            entries = (await bench.account.ledger([BTC], Millis(began))).entries
            assert len(entries) == len({entry.id for entry in entries}) == 1_030

        scene(act, funding="0")


class TestKeys:
    def test_a_refused_key_is_no_failed_read_whatever_came_before(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.exchange.revoke_key(KEY)
            with pytest.raises(CredentialsError, match="-2015"):
                await bench.read()
            assert (await bench.account.place(bench.order(-6_000))).fate is Fate.REJECTED

        scene(act)

    def test_a_wrong_secret_is_a_refused_key(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(CredentialsError, match="-1022"):
                await bench.read()

        scene(act, secret="wrong")

    def test_a_key_that_may_only_read_is_refused_when_it_trades(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.set_key(ApiKey(key=KEY, secret=SECRET, account="main", read_only=True))
            await bench.read()
            outcome = await bench.account.place(bench.order(-6_000))
            assert outcome.fate is Fate.REJECTED
            assert "-2015" in outcome.reason

        scene(act)


def _without(native: str) -> tuple[Change, ...]:
    """``positionRisk`` without a contract's row: others than the first are kept."""
    return (Change(RISK, "[0].symbol", lambda name: OTHER if name == native else name),)


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _balance(asset: str, free: str) -> dict[str, str]:
    return {"asset": asset, "free": free, "locked": "0.00000000"}


def _contract(bench: Bench) -> dict[str, Any]:
    contract = bench.exchange.truth.contracts[NATIVE]
    return {name: getattr(contract, name) for name in contract.__slots__}
