"""Margin and liquidation: where a position is lost, and what is lost with it."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedgebot.sim import margin
from hedgebot.sim.contract import BTC_TIERS, Contract, Tier, ladder
from hedgebot.sim.events import Filled, FillKind, Liquidated
from hedgebot.sim.ledger import MarginMode, Position
from hedgebot.sim.market import Lines
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import Ending, RefusedError
from hedgebot.sim.truth import Rules
from tests.sim.kit import BTCUSD, START_MS, clock_of, exchange

HOUR_MS = 3_600_000
dollars = st.integers(1_000, 200_000).map(Fraction)


def one_tier(rate: str, fee: str = "0") -> Contract:
    tier = Tier(Fraction(10**9), Fraction(rate), Fraction(rate) * 2, Fraction(100))
    return replace(BTCUSD, tiers=(tier,), taker=Fraction(fee))


def short(size: Fraction | int, entry: Fraction | int, coins: Fraction | str) -> Position:
    return Position(contracts=Fraction(-size), entry_coins=Fraction(size) / entry, margin=Fraction(coins))


def long(size: Fraction | int, entry: Fraction | int, coins: Fraction | str) -> Position:
    return Position(contracts=Fraction(size), entry_coins=Fraction(size) / entry, margin=Fraction(coins))


class TestTiers:
    def test_maintenance_margin_is_continuous_where_one_tier_ends(self) -> None:
        for tier in BTC_TIERS[:-1]:
            at, beyond = BTCUSD.maintenance(tier.up_to), BTCUSD.maintenance(tier.up_to + Fraction(1, 10**9))
            assert 0 < beyond - at < Fraction(1, 10**9)

    def test_deductions_follow_from_caps_and_rates(self) -> None:
        tiers = ladder(
            [(5, "0.004", "0", 1), (10, "0.005", "0", 1), (20, "0.01", "0", 1), (50, "0.025", "0", 1)]
        )
        assert [tier.deduction for tier in tiers] == [
            0,
            Fraction("0.005"),
            Fraction("0.055"),
            Fraction("0.355"),
        ]


class TestIsolatedLiquidation:
    @pytest.mark.parametrize("leverage", [2, 3, 10, 50])
    @pytest.mark.parametrize(("rate", "fee"), [("0.005", "0"), ("0.005", "0.00055"), ("0.1", "0")])
    def test_at_mark_a_short_is_lost_where_the_formula_says(self, leverage: int, rate: str, fee: str) -> None:
        """P = E·(1 − mmr − fee)·L/(L − 1): family A of the exchanges' formulas."""
        contract, entry = one_tier(rate, fee), Fraction(60_000)
        position = short(60_000, 60_000, Fraction(1, leverage))
        expected = entry * (1 - Fraction(rate) - Fraction(fee)) * leverage / (leverage - 1)
        assert margin.liquidation_price(position, contract, at_entry=False) == expected

    @pytest.mark.parametrize("leverage", [2, 3, 10, 50])
    def test_at_entry_a_short_is_lost_where_the_formula_says(self, leverage: int) -> None:
        """P = E·L/(L − 1 + mmr·L): family B."""
        rate = Fraction("0.005")
        position = short(60_000, 60_000, Fraction(1, leverage))
        expected = Fraction(60_000) * leverage / (leverage - 1 + rate * leverage)
        assert margin.liquidation_price(position, one_tier("0.005"), at_entry=True) == expected

    def test_a_short_whose_coins_are_all_margin_has_no_price_at_mark(self) -> None:
        position = short(60_000, 60_000, "1")
        assert margin.liquidation_price(position, BTCUSD, at_entry=False) is None
        assert margin.bust_price(position, BTCUSD) is None
        assert margin.liquidation_price(position, one_tier("0.005"), at_entry=True) == 12_000_000

    @given(
        st.booleans(),
        st.integers(1, 20_000_000),
        dollars,
        st.fractions(Fraction(1, 100), Fraction(99, 100)),
        st.booleans(),
    )
    def test_a_position_is_lost_at_its_price_and_not_before(
        self, is_short: bool, size: int, entry: Fraction, share: Fraction, at_entry: bool
    ) -> None:
        made = (short if is_short else long)(size, entry, Fraction(0))
        position = replace(made, margin=made.entry_coins * share)
        assume(not margin.is_lost(position, BTCUSD, entry, at_entry=at_entry))
        price = margin.liquidation_price(position, BTCUSD, at_entry=at_entry)
        assert price is not None
        before = price * (Fraction(999_999, 10**6) if is_short else Fraction(1_000_001, 10**6))
        assert margin.is_lost(position, BTCUSD, price, at_entry=at_entry)
        assert not margin.is_lost(position, BTCUSD, before, at_entry=at_entry)

    @given(st.booleans(), dollars, st.fractions(Fraction(1, 100), Fraction(99, 100)))
    def test_closing_at_the_bust_price_costs_the_margin_to_the_last_coin(
        self, is_short: bool, entry: Fraction, share: Fraction
    ) -> None:
        made = (short if is_short else long)(50_000, entry, Fraction(0))
        position = replace(made, margin=made.entry_coins * share)
        price = margin.bust_price(position, BTCUSD)
        assert price is not None
        fee = BTCUSD.coins(position.contracts, price) * BTCUSD.taker
        assert position.profit(BTCUSD, price) - fee == -position.margin


class TestLiquidationByTheExchange:
    def test_an_isolated_short_loses_its_margin_and_nothing_else(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 180_000)]))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 4)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        before, position = made.wallet("main", "BTC").balance, made.position("main", "BTCUSD")
        price = made.value("main").liquidation_price(("BTCUSD", 0))
        assert price is not None
        clock_of(made).pass_(3600)
        event = next(e for e in made.events("main") if isinstance(e, Liquidated))
        assert price <= event.mark < price + 1
        assert event.lost == position.margin
        assert made.wallet("main", "BTC").balance == before - position.margin
        assert not made.position("main", "BTCUSD").contracts

    def test_the_moment_is_found_between_two_looks(self) -> None:
        """180 s after the start the line from 60,000 passes 66,000; nobody looked for an hour."""
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 180_000)]))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(3600)
        event = next(e for e in made.events("main") if isinstance(e, Liquidated))
        assert event.mark == pytest.approx(66_300, rel=0.001)
        assert event.at_ms - START_MS == pytest.approx((66_300 - 60_000) / 120_000 * HOUR_MS, rel=0.02)

    def test_a_spike_between_two_looks_liquidates(self) -> None:
        points = [(START_MS, 60_000), (START_MS + 1000, 130_000), (START_MS + 2000, 60_000)]
        made = exchange(Lines(points))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 2)
        made.human_trade("main", "BTCUSD", Side.SELL, 50_000)
        clock_of(made).pass_(5)
        assert [e.kind for e in made.events("main") if isinstance(e, Filled)][-1] is FillKind.BUST

    def test_a_cross_account_loses_its_pot(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 180_000)]), coins="0.5")
        made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        price = made.value("main").liquidation_price(("BTCUSD", 0))
        clock_of(made).pass_(3600)
        event = next(e for e in made.events("main") if isinstance(e, Liquidated))
        assert price is not None
        assert price <= event.mark < price + 1
        assert made.wallet("main", "BTC").balance == 0
        assert event.lost == Fraction("0.5") - Fraction(60_000, 59_999) * BTCUSD.taker

    def test_a_cross_short_covered_by_the_pot_survives_any_price(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 1_900_000)]))
        made.human_trade("main", "BTCUSD", Side.SELL, 59_900)
        clock_of(made).pass_(7200)
        assert made.position("main", "BTCUSD").contracts == -59_900

    def test_dollars_in_the_pot_push_the_price_away(self) -> None:
        alone, helped = exchange(coins="0.5"), exchange(coins="0.5")
        helped.deposit("main", "USDT", 30_000)
        for made in (alone, helped):
            made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        near, far = (made.value("main").liquidation_price(("BTCUSD", 0)) for made in (alone, helped))
        assert near is not None
        assert far is not None
        assert far > near

    def test_a_haircut_pulls_it_nearer(self) -> None:
        ratios = Rules(collateral_ratio={"BTC": Fraction(9, 10)})
        plain, cut = exchange(coins="0.5"), exchange(coins="0.5", rules=ratios)
        for made in (plain, cut):
            made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        far, near = (made.value("main").liquidation_price(("BTCUSD", 0)) for made in (plain, cut))
        assert near is not None
        assert far is not None
        assert near < far

    def test_resting_orders_are_cancelled_first(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 180_000)]), coins="0.5")
        made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        order = made.human_order("main", "BTCUSD", Side.BUY, 100, 59_000)
        clock_of(made).pass_(3600)
        assert made.orders("main")[-1].id == order.id
        assert made.orders("main")[-1].ending is Ending.LIQUIDATION


class TestAddedMargin:
    def test_more_margin_moves_the_price_away(self) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 4)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        near = made.value("main").liquidation_price(("BTCUSD", 0))
        made.add_margin("main", "BTCUSD", "0.1")
        far = made.value("main").liquidation_price(("BTCUSD", 0))
        assert near is not None
        assert far is not None
        assert far > near
        made.add_margin("main", "BTCUSD", "-0.1")
        assert made.value("main").liquidation_price(("BTCUSD", 0)) == near

    @pytest.mark.parametrize("coins", ["0.9", "-0.001"])
    def test_neither_more_than_is_free_nor_less_than_the_leverage_needs(self, coins: str) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 4)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        with pytest.raises(RefusedError):
            made.add_margin("main", "BTCUSD", coins)

    def test_once_margin_covers_the_short_no_price_is_left(self) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 4)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        made.add_margin("main", "BTCUSD", "0.45")
        assert made.value("main").liquidation_price(("BTCUSD", 0)) is None


class TestInitialMargin:
    def test_at_1x_isolated_the_whole_pot_cannot_be_sold(self) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 1)
        with pytest.raises(RefusedError):
            made.human_trade("main", "BTCUSD", Side.SELL, 59_999)

    @pytest.mark.parametrize(("mode", "leverage"), [(MarginMode.CROSS, 2), (MarginMode.ISOLATED, 2)])
    def test_at_2x_it_can(self, mode: MarginMode, leverage: int) -> None:
        made = exchange()
        made.set_margin_mode("main", mode)
        made.set_leverage("main", "BTCUSD", leverage)
        assert made.human_trade("main", "BTCUSD", Side.SELL, 59_966).filled == 59_966

    def test_an_order_beyond_the_margin_changes_nothing(self) -> None:
        made = exchange()
        before = made.account("main").state
        with pytest.raises(RefusedError, match="margin"):
            made.human_trade("main", "BTCUSD", Side.SELL, 700_000)
        assert made.account("main").state == before
        assert not made.orders("main")
