"""OKX's replies, converted: what counts, what does not, and what makes a reading fail, not guess."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import EntryKind, Needs
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.errors import ConversionError, CredentialsError, ReadError
from hedgebot.exchange.okx import account
from hedgebot.exchange.registry import open_account
from hedgebot.settings.secrets import Credentials
from hedgebot.sim import okx
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode as SimMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.exchange.kit import CREDENTIALS, OKX, Bench, play
from tests.exchange.tamper import Change

BTC, ETH = "BTC/USD:BTC", "ETH/USD:ETH"
NATIVE = OKX.native
API = "/api/v5/"
COIN = "data[0].details[0]"
ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS
Become = Callable[[Any], object]


def change(endpoint: str, path: str, become: Become, *, named: bool | None = None) -> Change:
    """A change; ``named`` tells whether it is for requests that name a contract, for others, or for all."""

    def when(query: Mapping[str, str]) -> bool:
        return named is None or named is ("instId" in query)

    return Change(API + endpoint, path, become, when)


def coin(**values: object) -> Change:
    """Figures of the Bitcoin row."""
    return change("account/balance", COIN, lambda row: {**row, **values})


def rows(**values: object) -> Change:
    """Figures of every position shown."""
    return change("account/positions", "data", lambda found: [{**row, **values} for row in found])


def reads(act: Callable[[Bench], Awaitable[None]], *changes: Change, **setup: Any) -> None:
    """Play with replies changed on their way."""
    play(act, OKX, changes=changes, **setup)


def fails(match: str, *changes: Change, usd: int = -30_000, **setup: Any) -> None:
    """A reading with a short of ``usd`` fails and names ``match``."""

    async def act(bench: Bench) -> None:
        if usd:
            assert (await bench.account.place(bench.order(usd))).fate is Fate.ACCEPTED
            bench.exchange.change_feed(NATIVE, path=level(55_000))
        with pytest.raises(ReadError, match=match):
            await bench.read()

    reads(act, *changes, **setup)


class TestCoins:
    """Collateral is ``eq - upl - stgyEq``, and must be the sum of its parts."""

    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_isolated_margin_counts_though_the_balance_lacks_it(self, mode: SimMode) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.exchange.change_feed(NATIVE, path=level(30_000))
            wallet = bench.pot(await bench.read())
            truth = bench.exchange.wallet("main", "BTC").balance
            assert wallet.coins.value == pytest.approx(Decimal(truth.numerator) / truth.denominator)
            assert wallet.unrealized > Coin.of("0.49")

        reads(act, margin_mode=mode)

    def test_what_bots_hold_is_not_ours_to_hedge(self) -> None:
        async def act(bench: Bench) -> None:
            assert bench.pot(await bench.read()).coins == Coin.of(1)

        reads(act, coin(eq="1.25", stgyEq="0.25", frozenBal="0.25"))

    def test_interest_owed_is_off_the_equity_already(self) -> None:
        async def act(bench: Bench) -> None:
            assert bench.pot(await bench.read()).coins == Coin.of("0.999")

        reads(act, coin(eq="0.999", interest="0.001", liab="0"))

    def test_a_debt_is_a_negative_balance(self) -> None:
        async def act(bench: Bench) -> None:
            wallet = bench.pot(await bench.read())
            assert (wallet.coins, wallet.withdrawable) == (Coin.of("-0.2"), Coin.zero())

        reads(act, coin(eq="-0.2", cashBal="-0.2", liab="0.2", availBal="0", interest="0"))

    @pytest.mark.parametrize("name", ["eq", "cashBal", "isoEq", "isoUpl", "upl", "stgyEq"])
    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_parts_that_do_not_make_the_equity_make_no_reading(self, name: str, mode: SimMode) -> None:
        def more(row: dict[str, str]) -> dict[str, str]:
            return {**row, name: str(Decimal(row[name]) + Decimal("0.01"))}

        fails(
            r"balance\.data\[0\]\.details\[0\]\.eq", change("account/balance", COIN, more), margin_mode=mode
        )

    def test_options_break_the_sum_and_say_so(self) -> None:
        fails("options", coin(eq="1.1"), usd=0)

    def test_coins_owed_beside_coins_held_are_no_coins_of_ours(self) -> None:
        fails("repay the loan", coin(liab="0.3", interest="0"), usd=0)

    def test_a_coin_that_is_not_shown_is_an_error_never_zero(self) -> None:
        fails("shows? no BTC: hold any amount", usd=0, coins="0")

    @pytest.mark.parametrize(
        "name", ["eq", "cashBal", "isoEq", "isoUpl", "upl", "stgyEq", "ordFrozen", "availBal"]
    )
    @pytest.mark.parametrize("value", ["", None, "NaN", "1e999", True, "lots"])
    def test_a_figure_that_is_none_is_an_error(self, name: str, value: object) -> None:
        fails(rf"details\[0\]\.{name}", coin(**{name: value}))

    @pytest.mark.parametrize("name", ["interest", "liab", "rewardBal", "eq", "imr", "frozenBal"])
    def test_a_figure_that_is_missing_is_an_error(self, name: str) -> None:
        def gone(row: dict[str, str]) -> dict[str, str]:
            left = {**row, "imr": ""}
            del left[name]
            return left

        fails(rf"details\[0\]\.{name}", change("account/balance", COIN, gone))

    def test_a_coin_shown_twice_is_an_error(self) -> None:
        fails("twice", change("account/balance", "data[0].details", lambda found: found * 2))

    def test_no_account_and_two_accounts_are_errors(self) -> None:
        fails("0 rows instead of one", change("account/balance", "data", lambda _: []))
        fails("2 rows instead of one", change("account/balance", "data", lambda found: found * 2))


class TestMarginBound:
    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_the_coin_and_the_position_say_the_same(self, mode: SimMode) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.exchange.change_feed(NATIVE, path=level(50_000))
            reading = await bench.read()
            wallet, position = bench.pot(reading), reading.position(BTC)
            assert wallet.position_margin.value == pytest.approx(position.initial_margin.value)
            assert (position.margin is None) is (mode is SimMode.CROSS)

        reads(act, margin_mode=mode)

    def test_in_multi_currency_mode_it_is_what_else_is_frozen(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            reading = await bench.read()
            wallet = bench.pot(reading)
            assert wallet.position_margin.value == pytest.approx(reading.position(BTC).initial_margin.value)
            assert wallet.other_margin == Usd.of(5_000)

        reads(
            act,
            change("account/config", "data[0].acctLv", lambda _: "3"),
            coin(imr="", mmr="", liab="0", interest="0", disEq="50000"),
            change("account/balance", "data[0].adjEq", lambda _: "55000"),
        )

    @pytest.mark.parametrize("orders_count", [True, False])
    def test_resting_orders_bind_nothing_of_it(self, orders_count: bool) -> None:
        def counted(row: dict[str, str]) -> dict[str, str]:
            return {**row, "imr": str(Decimal(row["imr"]) + Decimal(row["ordFrozen"]) * orders_count)}

        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.exchange.human_order("main", NATIVE, Side.SELL, 60, 61_000)
            reading = await bench.read()
            bound = bench.pot(reading).position_margin
            assert bound.value == pytest.approx(reading.position(BTC).initial_margin.value)

        reads(act, change("account/balance", COIN, counted))


class TestFlat:
    """Flat is what a row says, or no row while the coin's own figures agree."""

    def test_never_traded(self) -> None:
        async def act(bench: Bench) -> None:
            position = (await bench.read()).position(BTC)
            assert (position.contracts, position.updated_at) == (Contracts.zero(), 0)

        reads(act)

    def test_closed(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            await bench.account.place(bench.order(30_000))
            position = (await bench.read()).position(BTC)
            assert position.contracts == Contracts.zero()
            assert position.updated_at, "a row said so"

        reads(act)

    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_an_empty_list_is_not_believed_while_the_coin_shows_a_position(self, mode: SimMode) -> None:
        fails(
            r"is not zero, yet no position in BTC/USD:BTC or another contract is shown",
            change("account/positions", "data", lambda _: []),
            margin_mode=mode,
        )

    @pytest.mark.parametrize("name", ["isoEq", "imr", "mmr", "notionalLever"])
    def test_each_figure_of_a_position_forbids_to_call_it_flat(self, name: str) -> None:
        changed = {name: "0.01"} | ({"eq": "1.01"} if name == "isoEq" else {})
        fails(f"{name}: is not zero", coin(**changed), usd=0)

    def test_margin_of_a_resting_order_does_not(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_order("main", NATIVE, Side.SELL, 60, 61_000)
            assert (await bench.read()).position(BTC).contracts == Contracts.zero()

        reads(act, coin(imr="0.01", mmr="0.001"))

    def test_so_does_profit_that_sums_to_nothing(self) -> None:
        fails("upl: is not zero", coin(eq="1.001", upl="0.001"), usd=0)

    def test_so_do_frozen_coins_where_no_margin_is_told(self) -> None:
        fails(
            "frozenBal: is not zero",
            change("account/config", "data[0].acctLv", lambda _: "3"),
            coin(imr="", mmr="", frozenBal="0.1"),
            usd=0,
        )

    def test_a_row_of_zero_with_a_profit_is_no_flat_one(self) -> None:
        fails(r"pos: is zero, yet the row shows an entry or a profit", rows(pos="0"))

    def test_a_row_of_zero_with_a_blank_size_is_an_error(self) -> None:
        fails(r"\.pos", rows(pos=""))

    @pytest.mark.parametrize("named", [True, False])
    def test_both_replies_must_agree(self, named: bool) -> None:
        fails(
            "among all positions",
            change("account/positions", "data", lambda _: [], named=named),
        )

    def test_the_leverage_of_a_flat_contract_is_that_of_its_margin_mode(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.set_leverage(BTC, "3", CROSS)
            await bench.account.set_leverage(BTC, "5", ISOLATED)
            leverages = []
            for mode in (CROSS, ISOLATED):
                bench.margin_mode = mode
                leverages.append((await bench.read()).position(BTC).leverage)
            assert leverages == [Decimal(3), Decimal(5)]

        reads(act)


class TestPositions:
    def test_contracts_are_of_a_hundred_dollars_and_ten_for_other_coins(self) -> None:
        async def act(bench: Bench) -> None:
            needs = Needs(frozenset({BTC, ETH}), frozenset({"BTC", "ETH"}))
            bench.exchange.deposit("main", "ETH", 10)
            reading = await bench.account.read(needs)
            faces = {f.instrument.symbol: f.instrument.notional(Contracts.of(1)) for f in reading.facts}
            assert faces == {BTC: Usd.of(100), ETH: Usd.of(10)}

        reads(act)

    def test_a_contract_that_is_no_leg_is_shown_too(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "ETH", 10)
            bench.exchange.human_trade("main", "ETH-USD-SWAP", Side.SELL, 300)
            reading = await bench.read()
            assert {p.symbol: p.contracts for p in reading.positions} == {
                BTC: Contracts.zero(),
                ETH: Contracts.of(-300),
            }

        reads(act)

    def test_one_in_another_margin_mode_is_told_as_it_is(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.margin_mode = CROSS
            position = (await bench.read()).position(BTC)
            assert (position.contracts, position.margin_mode) == (Contracts.of(-300), ISOLATED)

        reads(act, margin_mode=SimMode.ISOLATED)

    def test_held_in_both_margin_modes_the_leg_is_the_wanted_one_and_the_other_a_stranger(self) -> None:
        def both(found: list[dict[str, str]]) -> list[dict[str, str]]:
            crossed = {"mgnMode": "cross", "margin": "", "pos": "-100", "avgPx": "60000", "upl": "0"}
            return [*found, {**found[0], **crossed, "markPx": "60000"}] if found else found

        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            reading = await bench.read()
            assert [(p.margin_mode, p.contracts) for p in reading.positions] == [
                (ISOLATED, Contracts.of(-300)),
                (CROSS, Contracts.of(-100)),
            ]
            assert reading.position(BTC).margin_mode is ISOLATED

        reads(act, change("account/positions", "data", both), margin_mode=SimMode.ISOLATED)

    def test_in_hedge_mode_both_sides_are_one_position_that_says_so(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.set_hedge_mode("main", NATIVE, hedge=True)
            position = (await bench.read()).position(BTC)
            assert (position.contracts, position.hedge_mode) == (Contracts.zero(), True)

        reads(act)

    def test_a_long_and_a_short_side_are_summed(self) -> None:
        def two(found: list[dict[str, str]]) -> list[dict[str, str]]:
            return [
                {**row, "posSide": side, "pos": size, "upl": "0", "avgPx": row["markPx"]}
                for row in found
                for side, size in (("long", "100"), ("short", "300"))
            ]

        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            position = (await bench.read()).position(BTC)
            assert (position.contracts, position.hedge_mode) == (Contracts.of(-200), True)

        reads(act, change("account/positions", "data", two))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("upl", "0.001"),
            ("upl", "0"),
            ("upl", ""),
            ("upl", None),
            ("avgPx", "6000"),
            ("avgPx", ""),
            ("avgPx", "0"),
            ("markPx", "54000"),
            ("markPx", ""),
            ("pos", "-3"),
            ("pos", "300"),
            ("pos", "NaN"),
            ("pos", 1.5),
            ("posSide", "sell"),
            ("posSide", ""),
            ("posSide", None),
            ("posSide", "short"),
            ("mgnMode", "portfolio"),
            ("mgnMode", ""),
            ("instId", "NOPE-USD-SWAP"),
            ("instType", "NOPE"),
            ("lever", "0"),
            ("liqPx", None),
            ("liqPx", "-1"),
            ("uTime", "soon"),
        ],
    )
    def test_a_damaged_row_is_neither_flat_nor_safe(self, field: str, value: object) -> None:
        fails(rf"positions\.data\[0\]\.({field}|upl|pos)", rows(**{field: value}))

    @pytest.mark.parametrize("value", ["", "0", "-0.1", None])
    def test_isolated_margin_is_told(self, value: object) -> None:
        fails(r"data\[0\]\.margin", rows(margin=value), margin_mode=SimMode.ISOLATED)

    def test_one_contract_twice_is_an_error(self) -> None:
        fails("in the rows of one contract", change("account/positions", "data", lambda found: found * 2))

    @pytest.mark.parametrize("kind", ["MARGIN", "OPTION"])
    def test_spot_margin_and_options_in_the_coin_are_not_for_us(self, kind: str) -> None:
        fails("its profit mixes with that of contracts", rows(instType=kind))

    def test_linear_contracts_do_not_concern_a_coin(self) -> None:
        def linear(found: list[dict[str, str]]) -> list[dict[str, str]]:
            return [*found, {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "ccy": "USDT", "pos": "1"}]

        async def act(bench: Bench) -> None:
            assert len((await bench.read()).positions) == 1

        reads(act, change("account/positions", "data", linear, named=False))

    def test_a_dated_contract_in_cross_is_as_old_as_its_trades_and_its_settled_profit_stays_open(
        self,
    ) -> None:
        """Sold at 60,000, settled at 50,000 into the balance, marked at 40,000."""
        settled = Decimal(10_000) / 50_000 - Decimal(10_000) / 60_000
        since = Decimal(10_000) / 40_000 - Decimal(10_000) / 50_000
        dated = {
            "instType": "FUTURES",
            "instId": "BTC-USD-261225",
            "pos": "-100",
            "avgPx": "50000",
            "nonSettleAvgPx": "60000",
            "markPx": "40000",
            "settledPnl": str(settled),
            "upl": str(since),
            "lever": "10",
        }

        def listed(found: list[dict[str, str]]) -> list[dict[str, str]]:
            again = {"instType": "FUTURES", "instId": "BTC-USD-261225", "expTime": "1798185600000"}
            return found or [SWAP | again]

        def held(found: list[dict[str, str]]) -> list[dict[str, str]]:
            return [*found, POSITION | dated]

        async def act(bench: Bench) -> None:
            reading = await bench.read()
            wallet, [_, position] = bench.pot(reading), reading.positions
            assert (position.symbol, position.entry) == ("BTC/USD:BTC-261225", Price.of(60_000))
            assert position.unrealized.value == pytest.approx(settled + since)
            assert wallet.coins.value == pytest.approx(1 - settled)
            assert wallet.unrealized == position.unrealized

        reads(
            act,
            change("public/instruments", "data", listed),
            change("account/positions", "data", held, named=False),
            coin(upl=str(since), eq=str(1 + since)),
        )


SWAP = {
    "ctMult": "1",
    "ctType": "inverse",
    "ctVal": "100",
    "ctValCcy": "USD",
    "groupId": "1",
    "instFamily": "BTC-USD",
    "lotSz": "1",
    "maxLmtSz": "100000",
    "minSz": "1",
    "settleCcy": "BTC",
    "state": "live",
    "tickSz": "0.1",
}
POSITION = {"ccy": "BTC", "posSide": "net", "mgnMode": "cross", "margin": "", "liqPx": "", "uTime": "1"}


class TestInstruments:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("ctVal", ""),
            ("ctVal", "0"),
            ("ctMult", ""),
            ("ctType", "quanto"),
            ("ctValCcy", "BTC"),
            ("settleCcy", "USDT"),
            ("lotSz", "0"),
            ("tickSz", ""),
            ("minSz", None),
            ("maxLmtSz", "-1"),
            ("state", "sleepy"),
            ("instType", "OPTION"),
            ("instId", ""),
        ],
    )
    def test_a_contract_that_is_not_what_it_must_be_is_an_error(self, field: str, value: object) -> None:
        fails(
            rf"data\[0\]\.{field}", change("public/instruments", f"data[0].{field}", lambda _: value), usd=0
        )

    def test_the_face_is_value_times_multiplier(self) -> None:
        async def act(bench: Bench) -> None:
            instrument = (await bench.read()).leg_facts(BTC).instrument
            assert instrument.face == Usd.of(200)
            assert instrument.spec == "BTC-USD-SWAP: 200 USD a contract, lots of 1"

        reads(act, change("public/instruments", "data[0].ctMult", lambda _: "2"))

    @pytest.mark.parametrize("state", ["suspend", "rebase", "post_only", "preopen", "test"])
    def test_only_a_live_contract_is_tradable(self, state: str) -> None:
        async def act(bench: Bench) -> None:
            assert not (await bench.read()).leg_facts(BTC).instrument.tradable

        reads(act, change("public/instruments", "data[0].state", lambda _: state))

    def test_one_that_is_listed_no_more_stays_known_and_is_not_tradable(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            await bench.read()
            bench.changes.append(change("public/instruments", "data", lambda found: found[1:]))
            await bench.clock.sleep(3_600)
            reading = await bench.read()
            assert reading.position(BTC).contracts == Contracts.of(-300)
            assert not reading.leg_facts(BTC).instrument.tradable

        reads(act)

    def test_an_unknown_leg_is_told(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="okx lists no contract XRP/USD:XRP"):
                await bench.account.read(Needs(frozenset({"XRP/USD:XRP"}), frozenset({"BTC"})))

        reads(act)


class TestTiersAndFees:
    def test_tiers_are_counted_in_contracts_whatever_the_price(self) -> None:
        async def act(bench: Bench) -> None:
            before = (await bench.read()).leg_facts(BTC).tiers[0].limit
            bench.exchange.change_feed(NATIVE, path=level(30_000))
            after = (await bench.read()).leg_facts(BTC).tiers[0].limit
            assert (before, after) == (Coin.of(50), Coin.of(100))

        reads(act)

    @pytest.mark.parametrize("value", ["", "0", "1", "-0.004", None])
    def test_a_rate_that_is_none_is_an_error(self, value: object) -> None:
        fails(r"data\[0\]\.mmr", change("public/position-tiers", "data[0].mmr", lambda _: value), usd=0)

    def test_no_tiers_and_doubtful_ones_are_errors(self) -> None:
        fails("no clear margin tiers", change("public/position-tiers", "data", lambda _: []), usd=0)
        fails("no clear margin tiers", change("public/position-tiers", "data", lambda all_: all_ * 2), usd=0)

    def test_tiers_of_another_family_are_an_error(self) -> None:
        fails("instFamily", change("public/position-tiers", "data[0].instFamily", lambda _: "ETH-USD"), usd=0)

    def test_a_fee_is_told_as_negative(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).leg_facts(BTC).taker_fee == Decimal("0.0005")

        reads(act)

    def test_a_fee_is_that_of_the_contracts_group(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).leg_facts(BTC).taker_fee == Decimal("0.0003")

        groups = [{"groupId": "1", "taker": "-0.0003"}, {"groupId": "2", "taker": "-0.0009"}]
        reads(act, change("account/trade-fee", "data[0].feeGroup", lambda _: groups))

    def test_without_groups_it_is_that_of_coin_margined_contracts(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).leg_facts(BTC).taker_fee == Decimal("0.0004")

        reads(
            act,
            change("account/trade-fee", "data[0]", lambda row: {**row, "feeGroup": [], "taker": "-0.0004"}),
        )

    def test_a_group_without_a_fee_is_an_error(self) -> None:
        groups = [{"groupId": "7", "taker": "-0.0003"}]
        fails("feeGroup", change("account/trade-fee", "data[0].feeGroup", lambda _: groups), usd=0)


class TestQuote:
    @pytest.mark.parametrize(
        ("endpoint", "field"),
        [
            ("public/mark-price", "markPx"),
            ("public/mark-price", "ts"),
            ("public/mark-price", "instId"),
            ("market/index-tickers", "instId"),
            ("public/funding-rate", "fundingRate"),
            ("public/funding-rate", "fundingTime"),
            ("public/funding-rate", "instId"),
            ("market/books", "bids"),
            ("market/books", "asks"),
            ("market/books", "ts"),
        ],
    )
    @pytest.mark.parametrize("value", [None, "", "NaN", "other"])
    def test_a_damaged_field_is_an_error(self, endpoint: str, field: str, value: object) -> None:
        fails(
            rf"{endpoint}\.data\[0\]\.{field}", change(endpoint, f"data[0].{field}", lambda _: value), usd=0
        )

    @pytest.mark.parametrize("value", [None, "NaN", "other", "-1"])
    def test_a_damaged_index_is_an_error_and_not_a_missing_one(self, value: object) -> None:
        damage = change("market/index-tickers", "data[0].idxPx", lambda _: value)
        fails(r"market/index-tickers\.data\[0\]\.idxPx", damage, usd=0)

    @pytest.mark.parametrize("price", ["0", "-60000"])
    def test_a_price_is_above_zero(self, price: str) -> None:
        fails("markPx", change("public/mark-price", "data[0].markPx", lambda _: price), usd=0)

    @pytest.mark.parametrize(
        "level",
        [["60000", "1"], ["60000", "1", "0"], ["60000", "0", "0", "1"], ["0", "1", "0", "1"], "60000", []],
    )
    def test_a_book_has_four_columns_and_numbers_above_zero(self, level: object) -> None:
        fails(r"bids\[0\]", change("market/books", "data[0].bids[0]", lambda _: level), usd=0)

    def test_a_book_out_of_order_is_an_error(self) -> None:
        fails("do not ascend", change("market/books", "data[0].bids", lambda found: found[::-1]), usd=0)

    def test_funding_is_settled_next_at_its_time_and_the_interval_is_the_step_to_the_one_after(self) -> None:
        async def act(bench: Bench) -> None:
            funding = (await bench.read()).quote(BTC).funding
            assert funding.next_at is not None
            assert 0 < funding.next_at - bench.clock.now_ms() <= 8 * 3_600_000
            assert funding.interval_hours == Decimal(4)

        def shorter(row: dict[str, str]) -> dict[str, str]:
            return {**row, "nextFundingTime": str(int(row["fundingTime"]) + 4 * 3_600_000)}

        reads(act, change("public/funding-rate", "data[0]", shorter))

    def test_an_interval_that_is_not_told_stays_unknown(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).quote(BTC).funding.interval_hours is None

        reads(act, change("public/funding-rate", "data[0].nextFundingTime", lambda _: ""))

    def test_an_interval_that_goes_backwards_is_an_error(self) -> None:
        fails(
            "nextFundingTime", change("public/funding-rate", "data[0].nextFundingTime", lambda _: "1"), usd=0
        )

    def test_a_reading_is_as_old_as_its_oldest_part(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.lags["book"] = 7.0
            quote = (await bench.read()).quote(BTC)
            assert bench.clock.now_ms() - quote.at > 7_000

        reads(act)


class TestAccountMode:
    @pytest.mark.parametrize(("level", "words"), [("1", "spot"), ("4", "portfolio margin")])
    def test_modes_in_which_coins_cannot_be_counted(self, level: str, words: str) -> None:
        async def act(bench: Bench) -> None:
            assert words in (await bench.read()).mode.unsupported

        reads(act, change("account/config", "data[0].acctLv", lambda _: level))

    def test_multi_currency_mode_opens_nothing_isolated(self) -> None:
        async def act(bench: Bench) -> None:
            for mode, words in ((ISOLATED, "choose futures mode, or cross margin"), (CROSS, "")):
                bench.margin_mode = mode
                assert words in (await bench.read()).mode.unsupported
                assert bool(words) is bool((await bench.read()).mode.unsupported)

        multi = coin(imr="", mmr="", liab="0", interest="0", disEq="1")
        level_3 = change("account/config", "data[0].acctLv", lambda _: "3")
        reads(act, level_3, multi, change("account/balance", "data[0].adjEq", lambda _: "1"))

    def test_where_figures_are_blank_because_of_it_the_reason_is_the_mode(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="account mode is spot"):
                await bench.read()

        reads(
            act, change("account/config", "data[0].acctLv", lambda _: "1"), coin(upl="", isoEq="", isoUpl="")
        )

    @pytest.mark.parametrize(("field", "value"), [("acctLv", "9"), ("acctLv", ""), ("posMode", "both")])
    def test_an_unknown_mode_is_an_error(self, field: str, value: str) -> None:
        fails(field, change("account/config", f"data[0].{field}", lambda _: value), usd=0)

    def test_no_margin_mode_is_the_accounts(self) -> None:
        async def act(bench: Bench) -> None:
            reading = await bench.read()
            assert reading.mode.margin_mode is None
            assert reading.position(BTC).margin_mode is ISOLATED

        reads(act, margin_mode=SimMode.ISOLATED)


class TestOrders:
    def test_orders_by_hand_are_shown_with_what_is_left_of_them(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_order("main", NATIVE, Side.SELL, 5, 61_000)
            [order] = (await bench.read()).orders
            assert (order.symbol, order.contracts, order.client_id) == (BTC, Contracts.of(-5), "")
            assert not order.reduce_only

        reads(act)

    def test_more_than_a_page_of_them(self) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(101):
                bench.exchange.human_order("main", NATIVE, Side.SELL, 1, 62_000)
            reading = await bench.read()
            assert len({order.order_id for order in reading.orders}) == 101

        reads(act)

    def test_spot_and_linear_orders_do_not_concern_us(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).orders == ()

        strangers = [
            {"instType": "SPOT", "instId": "BTC-USDT"},
            {"instType": "SWAP", "instId": "BTC-USDT-SWAP"},
        ]
        reads(act, change("trade/orders-pending", "data", lambda _: strangers))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("state", "pending"),
            ("side", "Sell"),
            ("sz", ""),
            ("accFillSz", "-1"),
            ("reduceOnly", True),
            ("ordId", ""),
            ("clOrdId", None),
            ("instId", "NOPE"),
            ("cTime", ""),
        ],
    )
    def test_a_damaged_order_is_an_error(self, field: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.human_order("main", NATIVE, Side.SELL, 5, 61_000)
            with pytest.raises(ConversionError, match=field):
                await bench.read()

        reads(act, change("trade/orders-pending", f"data[0].{field}", lambda _: value))

    def test_cancelling_what_rests(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            bench.exchange.human_order("main", NATIVE, Side.SELL, 5, 61_000)
            [resting] = (await bench.read()).orders
            assert (await bench.account.cancel(order)).fate is Fate.REJECTED
            assert bench.exchange.account("main").open_orders.keys() == {resting.order_id}

        reads(act)


class TestFind:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("instId", "ETH-USD-SWAP"),
            ("side", "buy"),
            ("accFillSz", "1000"),
            ("accFillSz", "0"),
            ("accFillSz", ""),
            ("avgPx", ""),
            ("state", "done"),
            ("ordId", ""),
            ("fee", ""),
            ("uTime", ""),
        ],
    )
    def test_a_damaged_order_is_no_sighting(self, field: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            with pytest.raises(ConversionError):
                await bench.account.find(order)

        reads(act, change("trade/order", f"data[0].{field}", lambda _: value))

    def test_two_orders_of_one_client_id_are_an_error(self) -> None:
        """Its id is free again once an order is over: only we see to it that it is never used twice."""

        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.ACCEPTED
            assert (await bench.account.place(order)).fate is Fate.ACCEPTED
            with pytest.raises(ReadError, match="in two orders"):
                await bench.account.find(order)

        reads(act)

    def test_among_finished_orders_it_is_looked_for_page_by_page(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            for _ in range(250):
                bench.exchange.human_trade("main", NATIVE, Side.SELL, 1)
            bench.exchange.lags["order"] = 60.0
            sighting = await bench.account.find(order)
            assert sighting.state is not None
            assert sighting.asked == ("trade/order",)
            assert bench.arrived[f"GET {OKX.history}"] == 3

        reads(act)

    def test_a_history_without_end_proves_no_absence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(account, "HISTORY_PAGES", 5)

        async def act(bench: Bench) -> None:
            for _ in range(501):
                bench.exchange.human_trade("main", NATIVE, Side.SELL, 1)
            with pytest.raises(ReadError, match="more than 5 pages"):
                await bench.account.find(bench.order(-1_000), Millis(bench.clock.now_ms()))

        reads(act)

    @pytest.mark.parametrize("before", [True, False], ids=["before it", "after it"])
    def test_what_others_traded_at_other_times_is_not_read(
        self, monkeypatch: pytest.MonkeyPatch, *, before: bool
    ) -> None:
        """However busy the account: the order never arrived, and that becomes certain."""
        monkeypatch.setattr(account, "HISTORY_PAGES", 1)

        async def act(bench: Bench) -> None:
            def busy() -> None:
                for _ in range(101):
                    bench.exchange.human_trade("main", NATIVE, Side.SELL, 1)

            if before:
                busy()
                await bench.clock.sleep(3_600)
            written = Millis(bench.clock.now_ms())
            if not before:
                await bench.clock.sleep(3_600)
                busy()
            with pytest.raises(ReadError, match="more than 1 pages"):
                await bench.account.find(bench.order(-1_000))
            sighting = await bench.account.find(bench.order(-1_000), written)
            assert (sighting.state, len(sighting.asked)) == (None, 2)

        reads(act)

    def test_an_order_that_our_clock_wrote_down_at_another_time_is_found_among_the_finished(self) -> None:
        async def act(bench: Bench) -> None:
            written = Millis(bench.clock.now_ms() + 100_000)
            order = bench.order(-1_000)
            await bench.account.place(order)
            bench.exchange.lags["order"] = 60.0
            assert (await bench.account.find(order, written)).asked == ("trade/order",)

        reads(act)

    def test_another_error_than_not_there_is_no_absence(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="51001"):
                await bench.account.find(bench.order(-1_000))

        body = json.dumps({"code": "51001", "data": [], "msg": "Instrument ID doesn't exist"})
        reads(act, plan=[Fault("exchange_error", body=body, method="GET", path=OKX.place)])

    def test_the_fee_is_what_was_paid(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-30_000)
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.fee.value == pytest.approx(Decimal("0.00025"), rel=Decimal("0.001"))

        reads(act)


class TestLedger:
    async def _entries(self, bench: Bench, began: int) -> list[tuple[EntryKind, Decimal]]:
        entries = (await bench.account.ledger([BTC], Millis(began))).entries
        return [(entry.kind, entry.contracts.value) for entry in entries]

    def test_liquidation_and_deleveraging_are_told_from_trades(self) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            bench.exchange.adl("main", NATIVE, "1/3")
            bench.exchange.change_feed(NATIVE, path=level(90_000))
            await bench.clock.sleep(1)
            assert await self._entries(bench, began) == [
                (EntryKind.TRADE, Decimal(-300)),
                (EntryKind.ADL, Decimal(100)),
                (EntryKind.LIQUIDATION, Decimal(200)),
            ]

        reads(act, margin_mode=SimMode.ISOLATED)

    @pytest.mark.parametrize(("days", "archived"), [(1, False), (5, False), (30, True)])
    def test_what_is_recent_is_asked_of_the_recent_lists(self, days: int, archived: bool) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            await bench.clock.sleep(days * 24 * 3600)
            await bench.account.ledger([BTC], Millis(began))
            assert bench.arrived["GET /api/v5/account/bills-archive"] == int(archived)
            assert bench.arrived["GET /api/v5/account/bills"] == int(not archived)
            assert bench.arrived["GET /api/v5/trade/fills-history"] == int(days > 3)

        reads(act)

    @pytest.mark.parametrize(
        ("endpoint", "field", "value"),
        [
            ("account/bills", "subType", "173"),
            ("account/bills", "subType", "5"),
            ("account/bills", "pnl", ""),
            ("account/bills", "type", "2"),
            ("account/bills", "ccy", "USDT"),
            ("trade/fills", "fee", ""),
            ("trade/fills", "subType", "999"),
            ("trade/fills", "feeCcy", "USDT"),
            ("trade/fills", "fillSz", "-1"),
            ("trade/fills", "instId", "ETH-USD-SWAP"),
        ],
    )
    def test_a_damaged_line_is_an_error(self, endpoint: str, field: str, value: str) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            await bench.clock.sleep(8 * 3600)
            with pytest.raises(ConversionError, match=field if field != "subType" else r"subType|pnl"):
                await bench.account.ledger([BTC], Millis(began))

        reads(act, change(endpoint, f"data[0].{field}", lambda _: value))


class TestLeverage:
    @pytest.mark.parametrize("value", ["5", "", None])
    def test_a_reply_that_tells_another_one_proves_nothing(self, value: object) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.account.set_leverage(BTC, "3", ISOLATED)).fate is Fate.UNKNOWN

        reads(act, change("account/set-leverage", "data[0].lever", lambda _: value))


class TestOpening:
    async def test_without_a_passphrase_there_is_no_account(self) -> None:
        with pytest.raises(CredentialsError, match="passphrase"):
            open_account("main", "okx", Credentials(CREDENTIALS.api_key, CREDENTIALS.secret), clock=_Never())

    def test_demo_trading_is_told_by_a_header(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            assert {request.headers.get("x-simulated-trading") for request in bench.seen} == {"1"}
            assert {request.host for request in bench.seen} == {"www.okx.com"}

        play(act, DEMO, options={"sandbox": True})

    def test_a_key_of_the_other_environment_is_refused_with_that_reason(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(CredentialsError, match="other environment"):
                await bench.read()

        reads(act, options={"sandbox": True})

    @pytest.mark.parametrize(
        ("code", "words"), [("50113", "signature"), ("50105", "passphrase"), ("50110", "addresses")]
    )
    def test_a_refused_key_is_told_from_its_code(self, code: str, words: str) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(CredentialsError, match=words):
                await bench.read()

        body = json.dumps({"code": code, "data": [], "msg": "no"})
        reads(act, plan=[Fault("http_status", status=401, body=body, path="/api/v5/account")])

    def test_a_clock_that_is_wrong_by_minutes_is_corrected_not_refused(self) -> None:
        async def act(bench: Bench) -> None:
            bench.clock.step(600)
            reading = await bench.read()
            assert reading.exchange_offset_ms == pytest.approx(-600_000, abs=50)

        reads(act)


DEMO = replace(OKX, application=lambda exchange: okx.application(exchange, options=okx.Options(demo=True)))


class _Never:
    """A clock that is never asked."""

    def now_ms(self) -> Millis:
        raise AssertionError

    def monotonic(self) -> float:
        raise AssertionError

    async def sleep(self, seconds: float) -> None:
        raise AssertionError
