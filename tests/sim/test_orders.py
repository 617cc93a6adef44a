"""Orders: the rules that one must meet, and what the book gives it."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.sim.events import Filled
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Lines, Steps, thinned
from hedgebot.sim.matching import Book, Shape, Side
from hedgebot.sim.orders import Ending, NewOrder, Order, Reason, RefusedError, Status, TimeInForce
from hedgebot.sim.truth import Rules
from tests.sim.kit import BTCUSD, START_MS, clock_of, exchange

BASE = NewOrder(symbol="BTCUSD", side=Side.SELL, contracts=Fraction(1000), price=Fraction(59_990))


def place(made: SimulatedExchange, **changes: Any) -> Order:
    return made.place("main", replace(BASE, **changes))


def refused(made: SimulatedExchange, **changes: Any) -> Reason:
    with pytest.raises(RefusedError) as caught:
        place(made, **changes)
    return caught.value.reason


class TestRules:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"symbol": "XRPUSD"}, Reason.UNKNOWN_SYMBOL),
            ({"contracts": Fraction(0)}, Reason.TOO_SMALL),
            ({"contracts": Fraction(-5)}, Reason.TOO_SMALL),
            ({"contracts": Fraction(3, 2)}, Reason.BAD_QUANTITY),
            ({"contracts": Fraction(30_000_000)}, Reason.TOO_LARGE),
            ({"contracts": Fraction(6_000_000), "price": None}, Reason.TOO_LARGE),
            ({"price": Fraction(599_901, 10)}, Reason.BAD_PRICE),
            ({"price": Fraction(0)}, Reason.BAD_PRICE),
            ({"price": Fraction(50_000)}, Reason.PRICE_BAND),
            ({"side": Side.BUY, "price": Fraction(70_000)}, Reason.PRICE_BAND),
            ({"reduce_only": True}, Reason.NOTHING_TO_REDUCE),
            ({"index": 2}, Reason.POSITION_MODE),
            ({"contracts": Fraction(700_000)}, Reason.NO_MARGIN),
        ],
    )
    def test_an_order_outside_the_rules_is_refused(self, changes: dict[str, Any], reason: Reason) -> None:
        made = exchange()
        assert refused(made, **changes) is reason
        assert not made.orders("main")

    def test_rules_of_a_contract_may_change_while_it_runs(self) -> None:
        made = exchange()
        made.change_contract("BTCUSD", min_qty=Fraction(2000), qty_step=Fraction(100))
        assert refused(made) is Reason.TOO_SMALL
        assert refused(made, contracts=Fraction(2050)) is Reason.BAD_QUANTITY
        made.change_contract("BTCUSD", status="Closed")
        assert refused(made) is Reason.NOT_TRADING

    def test_the_position_limit_of_a_leverage(self) -> None:
        made = exchange(coins=1000)
        made.set_leverage("main", "BTCUSD", 100)
        assert refused(made, contracts=Fraction(9_100_000)) is Reason.POSITION_LIMIT
        made.set_leverage("main", "BTCUSD", 50)
        assert place(made, contracts=Fraction(9_100_000)).filled > 0


class TestClientIds:
    def test_an_id_is_used_once_for_ever(self) -> None:
        made = exchange()
        assert place(made, client_id="hb1").status is Status.FILLED
        assert refused(made, client_id="hb1") is Reason.DUPLICATE_CLIENT_ID
        assert len(made.effective_orders("main")) == 1

    def test_an_exchange_may_only_look_at_open_orders(self) -> None:
        made = exchange(rules=Rules(client_ids="open"))
        place(made, client_id="hb1")
        place(made, client_id="hb1")
        resting = place(made, client_id="hb2", price=Fraction(61_000))
        assert resting.open
        assert refused(made, client_id="hb2", price=Fraction(61_000)) is Reason.DUPLICATE_CLIENT_ID
        assert [order.client_id for order in made.effective_orders("main")] == ["hb1", "hb1", "hb2"]

    def test_a_refused_order_leaves_its_id_free(self) -> None:
        made = exchange()
        refused(made, client_id="hb1", contracts=Fraction(700_000))
        assert place(made, client_id="hb1").status is Status.FILLED


class TestMatching:
    @given(st.integers(500, 2_000_000).map(lambda n: Fraction(n, 7)), st.integers(1, 40))
    def test_a_book_is_sorted_on_ticks_and_never_crossed(self, middle: Fraction, levels: int) -> None:
        book = Book(BTCUSD, middle, Shape(levels=levels))
        bids, asks = ([level.price for level in book.offers(side)] for side in (Side.SELL, Side.BUY))
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] < asks[0]
        assert all((price / BTCUSD.tick).denominator == 1 for price in bids + asks)

    def test_a_market_order_walks_down_the_book(self) -> None:
        made = exchange(coins=100)
        order = made.human_trade("main", "BTCUSD", Side.SELL, 500_000)
        # 200,000 each at 59,999.0 and 59,993.0, then 100,000 at 59,987.0
        prices = (Fraction(59_999), Fraction(59_993), Fraction(59_987))
        sizes = (200_000, 200_000, 100_000)
        assert order.coins == sum(size / price for size, price in zip(sizes, prices, strict=True))
        assert order.filled / order.coins < 59_999

    def test_a_limit_stops_it(self) -> None:
        made = exchange(coins=100)
        order = place(
            made, contracts=Fraction(500_000), price=Fraction(59_993), time_in_force=TimeInForce.IOC
        )
        assert order.filled == 400_000
        assert (order.status, order.ending) == (Status.CANCELLED, Ending.NO_MATCH)

    def test_a_thin_book_fills_in_part(self) -> None:
        made = exchange()
        made.truth.market.change("BTCUSD", thinned(made.truth.market.feed("BTCUSD"), Fraction(1, 10_000)))
        order = made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        assert order.filled == 25 * 20
        assert order.status is Status.CANCELLED

    def test_an_empty_book_fills_nothing(self) -> None:
        made = exchange()
        made.truth.market.change("BTCUSD", thinned(made.truth.market.feed("BTCUSD"), 0))
        order = made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        assert order.filled == 0
        assert not made.position("main", "BTCUSD").contracts

    @pytest.mark.parametrize(
        ("force", "contracts", "price", "filled", "ending"),
        [
            (TimeInForce.FOK, 500_000, 59_993, 0, Ending.NOT_WHOLE),
            (TimeInForce.FOK, 400_000, 59_993, 400_000, Ending.NONE),
            (TimeInForce.POST_ONLY, 1000, 59_999, 0, Ending.WOULD_TAKE),
            (TimeInForce.IOC, 1000, 60_500, 0, Ending.NO_MATCH),
        ],
    )
    def test_time_in_force(
        self, force: TimeInForce, contracts: int, price: int, filled: int, ending: Ending
    ) -> None:
        made = exchange(coins=100)
        order = place(made, contracts=Fraction(contracts), price=Fraction(price), time_in_force=force)
        assert order.filled == filled
        assert order.ending is ending
        assert not order.open

    def test_the_last_fill_event_names_the_order(self) -> None:
        made = exchange()
        order = place(made, client_id="hb1")
        fill = made.events("main")[-1]
        assert isinstance(fill, Filled)
        assert (fill.client_id, fill.order_id) == ("hb1", order.id)


class TestResting:
    def test_an_order_waits_for_its_price_and_pays_the_makers_fee(self) -> None:
        made = exchange(Lines([(START_MS, 60_000), (START_MS + 10_000, 61_000)]))
        order = place(made, price=Fraction(60_500))
        assert order.open
        clock_of(made).pass_(4)
        assert made.orders("main")[-1].open
        clock_of(made).pass_(4)
        done = made.orders("main")[-1]
        assert done.status is Status.FILLED
        assert done.fee == Fraction(1000, 60_500) * BTCUSD.maker
        assert START_MS + 5000 <= done.updated_ms <= START_MS + 5100

    def test_it_may_be_cancelled_once(self) -> None:
        made = exchange()
        order = place(made, price=Fraction(60_500))
        assert made.cancel("main", order.id).ending is Ending.BY_USER
        with pytest.raises(RefusedError):
            made.cancel("main", order.id)

    def test_it_holds_back_margin(self) -> None:
        made = exchange()
        free = made.value("main").available("BTC")
        place(made, price=Fraction(61_000), contracts=Fraction(61_000))
        assert made.value("main").available("BTC") == free - (Fraction(1, 10) + BTCUSD.taker)

    def test_a_large_one_fills_in_parts_as_the_book_refills(self) -> None:
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 60_600)]), coins=100)
        place(made, price=Fraction(60_500), contracts=Fraction(9_000_000))
        clock_of(made).pass_(2)
        first = made.orders("main")[-1]
        assert first.status is Status.PARTIALLY_FILLED
        clock_of(made).pass_(60)
        assert made.orders("main")[-1].filled > first.filled


class TestReducing:
    def test_it_never_goes_beyond_flat(self) -> None:
        made = exchange()
        made.human_trade("main", "BTCUSD", Side.SELL, 10_000)
        order = place(made, side=Side.BUY, price=None, contracts=Fraction(50_000), reduce_only=True)
        assert order.contracts == 10_000
        assert not made.position("main", "BTCUSD").contracts

    def test_it_needs_no_margin(self) -> None:
        made = exchange(coins="0.2")
        made.human_trade("main", "BTCUSD", Side.SELL, 100_000)
        made.seize("main", "BTC", "0.15")
        assert refused(made, contracts=Fraction(100)) is Reason.NO_MARGIN
        order = place(made, side=Side.BUY, price=None, contracts=Fraction(50_000), reduce_only=True)
        assert order.filled == 50_000

    def test_a_resting_one_ends_with_the_position(self) -> None:
        made = exchange(Steps([(0, 60_000), (START_MS + 1000, 58_000)]))
        made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        place(made, side=Side.BUY, price=Fraction(59_000), reduce_only=True)
        made.adl("main", "BTCUSD", 1)
        clock_of(made).pass_(2)
        assert made.orders("main")[-1].ending is Ending.REDUCE_ONLY
        assert not made.position("main", "BTCUSD").contracts

    def test_an_order_that_does_not_reduce_turns_the_position(self) -> None:
        made = exchange()
        made.human_trade("main", "BTCUSD", Side.SELL, 1000)
        made.human_trade("main", "BTCUSD", Side.BUY, 3000)
        position = made.position("main", "BTCUSD")
        assert position.contracts == 2000
        assert position.average(BTCUSD) == 60_001


class TestHedgeMode:
    def test_both_sides_are_kept_apart(self) -> None:
        made = exchange(rules=Rules(hedge_mode_offered=True))
        made.set_hedge_mode("main", "BTCUSD", hedge=True)
        place(made, index=2)
        place(made, index=1, side=Side.BUY, price=None)
        assert made.position("main", "BTCUSD", 2).contracts == -1000
        assert made.position("main", "BTCUSD", 1).contracts == 1000
        place(made, index=2, side=Side.BUY, price=None, contracts=Fraction(5000))
        assert made.position("main", "BTCUSD", 2).contracts == 0
        assert made.position("main", "BTCUSD", 1).contracts == 1000

    def test_it_is_not_offered_unless_the_rules_say_so(self) -> None:
        with pytest.raises(RefusedError):
            exchange().set_hedge_mode("main", "BTCUSD", hedge=True)
