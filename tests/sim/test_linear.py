"""Contracts whose margin and profit are in a stable coin: the same books, another payoff."""

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.sim import margin
from hedgebot.sim.contract import Tier, solusdt
from hedgebot.sim.events import FundingPaid, Liquidated
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode, Position
from hedgebot.sim.market import Feed, Lines, Market, Path, level
from hedgebot.sim.matching import Shape, Side
from hedgebot.sim.orders import NewOrder, Reason, RefusedError
from tests.sim.kit import START_MS, HandClock, clock_of

SOLUSDT = replace(
    solusdt(), taker=Fraction(0), face=Fraction(1, 10), qty_step=Fraction(1), min_qty=Fraction(1)
)
THIN = Shape(spread=Fraction(0))
HOUR_MS = 3_600_000
prices = st.integers(20, 900).map(Fraction)


def made(path: Path, *, mode: MarginMode = MarginMode.CROSS, dollars: int = 1_000) -> SimulatedExchange:
    """An account with ten coins and so many dollars."""
    feeds = Market({"SOLUSDT": Feed(path=path, shape=THIN)})
    found = SimulatedExchange(HandClock(), feeds, [SOLUSDT], random.Random(1))
    found.open_account("main")
    found.set_margin_mode("main", mode)
    found.deposit("main", "USDT", dollars)
    found.set_leverage("main", "SOLUSDT", 2)
    return found


def position(contracts: int, entry: Fraction, own: Fraction) -> Position:
    worth = SOLUSDT.coins(Fraction(contracts), entry)
    return Position(contracts=Fraction(contracts), entry_coins=worth, margin=own)


class TestPayoff:
    @given(first=prices, second=prices, now=prices)
    def test_averages_are_plain_and_profit_is_the_difference(
        self, first: Fraction, second: Fraction, now: Fraction
    ) -> None:
        entry = SOLUSDT.coins(Fraction(60), first) + SOLUSDT.coins(Fraction(40), second)
        short = Position(contracts=Fraction(-100), entry_coins=entry)
        assert short.average(SOLUSDT) == (60 * first + 40 * second) / 100
        assert short.profit(SOLUSDT, now) == 10 * (short.average(SOLUSDT) - now)
        assert replace(short, contracts=Fraction(100)).profit(SOLUSDT, now) == -short.profit(SOLUSDT, now)

    def test_a_trade_books_dollars(self) -> None:
        found = made(Lines([(START_MS, 100), (START_MS + HOUR_MS, 80)]))
        found.human_trade("main", "SOLUSDT", Side.SELL, 100)
        sold = found.position("main", "SOLUSDT").entry_coins
        clock_of(found).pass_(3_600)
        found.human_trade("main", "SOLUSDT", Side.BUY, 100)
        gained = found.wallet("main", "USDT").balance - 1_000
        assert abs(gained - (sold - 800)) < 1
        assert not found.position("main", "SOLUSDT").contracts

    def test_funding_is_dollars_to_the_short(self) -> None:
        found = made(level(100))
        found.human_trade("main", "SOLUSDT", Side.SELL, 100)
        clock_of(found).pass_(8 * 3_600)
        found.advance()
        [paid] = [event for event in found.events("main") if isinstance(event, FundingPaid)]
        assert (paid.wallet, paid.change) == (("unified", "USDT"), Fraction(1, 10))

    def test_orders_are_worth_five_dollars_at_least_unless_they_reduce(self) -> None:
        found = made(Lines([(START_MS, 100), (START_MS + HOUR_MS, 20)]))
        found.human_trade("main", "SOLUSDT", Side.SELL, 1)
        clock_of(found).pass_(3_600)
        with pytest.raises(RefusedError) as refused:
            found.human_trade("main", "SOLUSDT", Side.SELL, 2)
        assert refused.value.reason is Reason.TOO_CHEAP
        back = NewOrder(symbol="SOLUSDT", side=Side.BUY, contracts=Fraction(1), reduce_only=True)
        assert found.place("main", back).filled == 1


class TestLiquidation:
    @given(entry=prices, own=st.integers(10, 5_000), long=st.booleans())
    def test_an_isolated_one_is_lost_where_its_dollars_meet_what_it_needs(
        self, entry: Fraction, own: int, long: bool
    ) -> None:
        rate = Fraction(1, 100)
        contract = replace(SOLUSDT, tiers=(Tier(Fraction(10**9), rate, rate, Fraction(100)),))
        held = position(100 if long else -100, entry, Fraction(own))
        found = margin.liquidation_price(held, contract, at_entry=False)
        expected = (10 * entry - own) / (10 * (1 - rate)) if long else (own + 10 * entry) / (10 * (1 + rate))
        assert found == (expected if expected > 0 else None)

    @pytest.mark.parametrize("mode", [MarginMode.ISOLATED, MarginMode.CROSS])
    def test_a_short_is_lost_at_the_price_that_is_told(self, mode: MarginMode) -> None:
        """Ten coins sold at 100; in cross 1,000 dollars stand behind them, isolated 500."""
        found = made(Lines([(START_MS, 100), (START_MS + HOUR_MS, 300)]), mode=mode)
        found.human_trade("main", "SOLUSDT", Side.SELL, 100)
        told = found.value("main").liquidation_price(("SOLUSDT", 0))
        assert told is not None
        assert abs(told - (198 if mode is MarginMode.CROSS else 148)) < 1
        clock_of(found).pass_(3_600)
        found.advance()
        [lost] = [event for event in found.events("main") if isinstance(event, Liquidated)]
        assert 0 <= lost.mark - told < Fraction(1, 10)
        left = found.wallet("main", "USDT").balance
        assert abs(left - (0 if mode is MarginMode.CROSS else 500)) < 1

    def test_dollars_cover_no_short_at_any_price(self) -> None:
        found = made(level(100), dollars=10**6)
        found.human_trade("main", "SOLUSDT", Side.SELL, 100)
        assert not found.value("main").covered()
        assert found.value("main").liquidation_price(("SOLUSDT", 0))
