"""The exchange as time passes: funding, deleveraging, loans, transfers, and what a lagging read shows."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.sim.contract import HOUR_MS
from hedgebot.sim.events import Filled, FillKind, FundingPaid, OrderRefused
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Curve, Lines, Steps, level
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import RefusedError
from hedgebot.sim.truth import Rules
from tests.sim.kit import BTCUSD, START_MS, HandClock, clock_of, exchange

EIGHT_HOURS = 8 * HOUR_MS
NEXT_FUNDING_MS = (START_MS // EIGHT_HOURS + 1) * EIGHT_HOURS


class TestFunding:
    def test_a_positive_rate_pays_the_short(self) -> None:
        made = exchange(funding=level("0.001"))
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        before = made.wallet("main", "BTC").balance
        clock_of(made).at_ms = NEXT_FUNDING_MS - 1
        assert made.wallet("main", "BTC").balance == before
        clock_of(made).at_ms = NEXT_FUNDING_MS
        assert made.wallet("main", "BTC").balance - before == Fraction(30_000, 60_000) * Fraction("0.001")

    def test_a_negative_rate_pays_the_long(self) -> None:
        made = exchange(funding=level("-0.001"))
        made.human_trade("main", "BTCUSD", Side.BUY, 30_000)
        before = made.wallet("main", "BTC").balance
        clock_of(made).at_ms = NEXT_FUNDING_MS
        assert made.wallet("main", "BTC").balance > before

    def test_it_is_taken_at_the_mark_of_its_instant(self) -> None:
        made = exchange(Steps([(0, 60_000), (NEXT_FUNDING_MS, 30_000), (NEXT_FUNDING_MS + 1, 90_000)]))
        made.change_feed("BTCUSD", funding=level("0.001"))
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).at_ms = NEXT_FUNDING_MS + 5000
        paid = next(e for e in made.events("main") if isinstance(e, FundingPaid))
        assert paid.at_ms == NEXT_FUNDING_MS
        assert paid.mark == 30_000
        assert paid.change == Fraction("0.001")

    def test_the_interval_may_change_while_it_runs(self) -> None:
        made = exchange(funding=level("0.001"))
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        made.change_contract("BTCUSD", funding_interval_ms=HOUR_MS)
        clock_of(made).at_ms = NEXT_FUNDING_MS
        hours = (NEXT_FUNDING_MS - START_MS) // HOUR_MS + 1
        assert sum(isinstance(e, FundingPaid) for e in made.events("main")) == hours

    def test_nobody_is_charged_when_flat(self) -> None:
        made = exchange(funding=level("0.001"))
        clock_of(made).pass_(90_000)
        assert made.wallet("main", "BTC").balance == 1
        assert len(made.truth.funding["BTCUSD"]) == 3

    def test_what_the_wallet_cannot_pay_comes_out_of_the_isolated_margin(self) -> None:
        made = exchange(coins="0.5", funding=level("-0.05"))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 2)
        made.human_trade("main", "BTCUSD", Side.SELL, 59_000)
        margin = made.position("main", "BTCUSD").margin
        clock_of(made).at_ms = NEXT_FUNDING_MS
        left = made.position("main", "BTCUSD").margin
        assert left == made.wallet("main", "BTC").balance
        assert left < margin


class TestDelivery:
    """A dated contract ends: what is open closes at the index, what rests is cancelled, and it is gone."""

    ENDS_MS = START_MS + 60_000

    def dated(self) -> SimulatedExchange:
        made = exchange(Steps([(0, 60_000), (START_MS + 30_000, 40_000)]), basis=level("0.02"))
        made.change_contract("BTCUSD", delivery_ms=self.ENDS_MS)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        made.human_order("main", "BTCUSD", Side.SELL, 1000, 62_500)
        return made

    def test_it_closes_at_the_index_without_a_fee(self) -> None:
        made = self.dated()
        sold = made.position("main", "BTCUSD").entry_coins
        paid = made.wallet("main", "BTC").balance
        clock_of(made).at_ms = self.ENDS_MS
        assert not made.position("main", "BTCUSD").contracts
        assert made.wallet("main", "BTC").balance == paid + Fraction(30_000, 40_000) - sold
        fill = [event for event in made.events("main") if isinstance(event, Filled)][-1]
        assert fill.kind is FillKind.DELIVERY
        assert [fill.price, fill.fee, fill.at_ms] == [40_000, 0, self.ENDS_MS]
        assert not made.account("main").open_orders

    def test_it_is_traded_until_then_and_not_after(self) -> None:
        made = self.dated()
        clock_of(made).at_ms = self.ENDS_MS - 1
        assert made.position("main", "BTCUSD").contracts == -30_000
        made.human_trade("main", "BTCUSD", Side.SELL, 100)
        clock_of(made).at_ms = self.ENDS_MS
        with pytest.raises(RefusedError):
            made.human_trade("main", "BTCUSD", Side.SELL, 100)


class TestDeleveraging:
    def test_a_part_is_closed_at_mark_without_a_fee(self) -> None:
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 40_000)]))
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(2)
        made.adl("main", "BTCUSD", "0.4")
        fill = made.events("main")[-1]
        assert isinstance(fill, Filled)
        assert fill.kind is FillKind.ADL
        assert fill.contracts == 12_000
        assert fill.fee == 0
        assert fill.realised == 12_000 * (Fraction(1, 40_000) - Fraction(1, 59_999))
        assert made.position("main", "BTCUSD").contracts == -18_000
        assert not [order for order in made.orders("main") if order.client_id]

    def test_less_than_a_contract_is_refused(self) -> None:
        made = exchange()
        made.human_trade("main", "BTCUSD", Side.SELL, 1)
        with pytest.raises(RefusedError):
            made.adl("main", "BTCUSD", "0.5")


class TestCoins:
    def test_only_what_is_free_may_leave(self) -> None:
        made = exchange()
        made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        with pytest.raises(RefusedError):
            made.withdraw("main", "BTC", "0.95")
        made.withdraw("main", "BTC", "0.5")
        assert made.wallet("main", "BTC").balance < Fraction("0.5")

    def test_unrealised_profit_never_leaves(self) -> None:
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 20_000)]))
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(2)
        assert made.equity("main", "BTC") > Fraction("1.9")
        assert made.value("main").withdrawable(("unified", "BTC")) <= made.wallet("main", "BTC").balance

    def test_borrowed_coins_are_not_ones_own(self) -> None:
        made = exchange()
        made.lend("main", "BTC", "0.4")
        assert made.wallet("main", "BTC").balance == Fraction("1.4")
        assert made.equity("main", "BTC") == 1
        with pytest.raises(RefusedError):
            made.withdraw("main", "BTC", "1.1")

    def test_bonus_and_locked_coins_stay(self) -> None:
        made = exchange()
        made.grant_bonus("main", "BTC", "0.1")
        made.lock("main", "BTC", "0.3")
        assert made.value("main").withdrawable(("unified", "BTC")) == Fraction("0.7")
        assert made.roles("main", "BTC").equity == Fraction("1.1")

    def test_a_transfer_moves_and_counts_once(self) -> None:
        made = exchange()
        made.deposit("main", "BTC", 2, wallet="funding")
        made.transfer("main", "BTC", "1.5", "funding", "unified", "t1")
        assert made.wallet("main", "BTC").balance == Fraction("2.5")
        assert made.wallet("main", "BTC", "funding").balance == Fraction("0.5")
        with pytest.raises(RefusedError):
            made.transfer("main", "BTC", "0.1", "funding", "unified", "t1")

    def test_a_mistake_of_the_exchange_takes_anything(self) -> None:
        made = exchange()
        made.seize("main", "BTC", "5")
        assert made.wallet("main", "BTC").balance == -4

    def test_it_takes_the_margin_of_an_isolated_position_last(self) -> None:
        made = exchange()
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 2)
        made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        free = made.value("main").roles("BTC").free
        behind = made.position("main", "BTCUSD").margin
        made.seize("main", "BTC", free)
        assert made.position("main", "BTCUSD").margin == behind
        made.seize("main", "BTC", "0.1")
        assert made.position("main", "BTCUSD").margin == behind - Fraction("0.1")
        assert made.value("main").roles("BTC").free == 0

    def test_a_position_whose_margin_it_took_is_liquidated(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + HOUR_MS, 90_000)]))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.set_leverage("main", "BTCUSD", 2)
        made.human_trade("main", "BTCUSD", Side.SELL, 60_000)
        clock_of(made).pass_(3600)
        made.seize("main", "BTC", "0.6")  # 0.4 coins are left, 0.33 of them lost on paper
        assert made.position("main", "BTCUSD").contracts
        made.seize("main", "BTC", "0.07")
        clock_of(made).pass_(1)
        assert not made.position("main", "BTCUSD").contracts
        assert made.wallet("main", "BTC").balance == 0


class TestLag:
    def test_a_read_shows_the_past_and_a_write_acts_on_the_present(self) -> None:
        made = exchange()
        made.lags["position"] = 3
        clock_of(made).pass_(10)
        made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        key = ("BTCUSD", 0)
        assert not made.view("main", "position").value.state.position(key).contracts
        assert made.view("main", "wallet").value.state.position(key).contracts == -1000
        clock_of(made).pass_(3)
        assert made.view("main", "position").value.state.position(key).contracts == -1000

    def test_orders_appear_and_close_late_too(self) -> None:
        made = exchange()
        made.lags["order"] = 5
        order = made.human_order("main", "BTCUSD", Side.SELL, 1000, 61_000)
        account = made.account("main")
        assert not account.open_at(made.as_of("order"))
        clock_of(made).pass_(5)
        assert [o.id for o in account.open_at(made.as_of("order"))] == [order.id]
        made.cancel("main", order.id)
        assert [o.open for o in account.open_at(made.as_of("order"))] == [True]
        clock_of(made).pass_(5)
        assert not account.open_at(made.as_of("order"))
        assert [o.id for o in account.closed_at(made.as_of("order"))] == [order.id]

    def test_a_lag_may_be_drawn(self) -> None:
        made = exchange()
        lags = iter([0.0, 2.5])
        made.lags["wallet"] = lambda: next(lags)
        assert made.as_of("wallet") == START_MS
        assert made.as_of("wallet") == START_MS - 2500

    @given(st.lists(st.integers(1, 5000), min_size=1, max_size=20), st.integers(0, 90_000))
    def test_the_past_does_not_change(self, waits: list[int], look_back: int) -> None:
        made = exchange()
        seen = [(START_MS, made.account("main").state)]
        for wait in waits:
            clock_of(made).at_ms += wait
            made.deposit("main", "BTC", "0.01")
            seen.append((clock_of(made).at_ms, made.account("main").state))
        at_ms = clock_of(made).at_ms - look_back
        known = [state for since, state in seen if since <= at_ms]
        assert not known or made.account("main").state_at(at_ms) == known[-1]


class TestMarket:
    def test_an_index_error_moves_the_mark_but_not_the_book(self) -> None:
        made = exchange()
        made.change_feed("BTCUSD", index_error=level("0.1"))
        quote = made.quote("BTCUSD")
        assert [quote.index, quote.mark, quote.last] == [66_000, 66_000, 60_000]

    def test_a_basis_moves_mark_and_book(self) -> None:
        made = exchange()
        made.change_feed("BTCUSD", basis=level("-0.1"))
        quote = made.quote("BTCUSD")
        assert [quote.index, quote.mark, quote.last] == [60_000, 54_000, 54_000]

    def test_lines_bend_at_their_points(self) -> None:
        path = Lines([(0, 100), (10, 200), (20, 0)])
        assert [path.at(at) for at in (-5, 0, 5, 10, 15, 20, 99)] == [100, 100, 150, 200, 100, 0, 0]
        assert list(path.turns(0, 20)) == [10, 20]

    def test_steps_jump(self) -> None:
        path = Steps([(0, 100), (10, 200)])
        assert [path.at(at) for at in (-1, 0, 9, 10)] == [100, 100, 100, 200]

    def test_a_curve_is_looked_at_often_enough_to_catch_a_spike(self) -> None:
        spike = START_MS // 60_000 * 60_000 + 300_000
        made = exchange(Curve(lambda at: Fraction(150_000 if at == spike else 60_000)))
        made.set_margin_mode("main", MarginMode.ISOLATED)
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(3600)
        assert not made.position("main", "BTCUSD").contracts

    def test_a_clock_that_steps_back_changes_nothing(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + 10_000, 61_000)]))
        clock_of(made).pass_(10)
        assert made.quote("BTCUSD").mark == 61_000
        clock_of(made).pass_(-5)
        assert made.quote("BTCUSD").mark == 61_000


class TestRecord:
    def test_a_refusal_is_logged(self) -> None:
        made = exchange()
        with pytest.raises(RefusedError):
            made.human_trade("main", "BTCUSD", Side.SELL, 10**6)
        assert isinstance(made.events("main")[-1], OrderRefused)

    def test_the_same_seed_gives_the_same_history(self) -> None:
        def history() -> list[object]:
            made = exchange(funding=level("0.001"))
            made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
            clock_of(made).pass_(90_000)
            return [*made.events("main")]

        assert history() == history()

    def test_two_accounts_share_the_market_and_nothing_else(self) -> None:
        made = exchange()
        made.open_account("other")
        made.deposit("other", "BTC", 2)
        made.human_trade("other", "BTCUSD", Side.SELL, 1000)
        assert not made.position("main", "BTCUSD").contracts
        assert not [e for e in made.events("main") if isinstance(e, Filled)]

    def test_a_smallest_unit_bounds_the_digits(self) -> None:
        made = exchange(
            Curve(lambda at: Fraction(60_000 + at % 997)),
            funding=level("0.0001"),
            clock=HandClock(),
            rules=Rules(posting_unit=Fraction(1, 10**18)),
        )
        made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
        clock_of(made).pass_(8 * 3600 * 100)
        assert made.wallet("main", "BTC").balance.denominator <= 10**18
        assert BTCUSD.perpetual
