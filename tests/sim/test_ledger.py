"""The ledger: exact sums over whatever happens to an account."""

from collections.abc import Callable
from fractions import Fraction

from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hedgebot.sim.events import Filled, FundingPaid, Posted
from hedgebot.sim.ledger import FLAT, MarginMode, Position, closed, opened
from hedgebot.sim.market import Lines, level
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import RefusedError
from hedgebot.sim.truth import Rules
from tests.sim.kit import BTCUSD, clock_of, exchange

prices = st.integers(1_000, 500_000).map(lambda ticks: Fraction(ticks, 2))
sizes = st.integers(1, 500_000).map(Fraction)
sides = st.sampled_from(Side)


@given(st.lists(st.tuples(sizes, prices), min_size=1, max_size=8))
def test_several_sales_average_harmonically(sales: list[tuple[Fraction, Fraction]]) -> None:
    position = FLAT
    for size, price in sales:
        position = opened(position, -size, BTCUSD, price, Fraction(0))
    whole = sum(size for size, _ in sales)
    assert position.contracts == -whole
    assert position.average(BTCUSD) == whole / sum(size / price for size, price in sales)


@given(sizes, prices, st.fractions(Fraction(1, 100), 1), prices)
def test_a_buy_back_leaves_the_average_and_realises_its_share(
    size: Fraction, entry: Fraction, share: Fraction, exit_: Fraction
) -> None:
    short = Position(contracts=-size, entry_coins=size / entry, margin=Fraction(1))
    left, profit = closed(short, size * share, BTCUSD, exit_)
    assert profit == size * share * (1 / exit_ - 1 / entry)
    assert left.contracts == 0 or left.average(BTCUSD) == entry
    assert left.margin == 1 - share
    assert profit + left.profit(BTCUSD, exit_) == short.profit(BTCUSD, exit_)


@given(sizes, prices, prices)
def test_coins_sold_once_are_worth_the_same_dollars_at_every_price(
    size: Fraction, entry: Fraction, now: Fraction
) -> None:
    short = Position(contracts=-size, entry_coins=size / entry)
    held = size / entry
    assert (held + short.profit(BTCUSD, now)) * now == size


class Account(RuleBasedStateMachine):
    """One account through anything that may happen to it."""

    unit: Fraction | None = None

    @initialize(coins=st.integers(1, 50))
    def open(self, coins: int) -> None:
        rules = Rules(posting_unit=self.unit)
        self.exchange = exchange(60_000, coins=coins, rules=rules, funding=level("0.003"))

    @rule(side=sides, size=sizes)
    def trade(self, side: Side, size: Fraction) -> None:
        self._try(lambda: self.exchange.human_trade("main", "BTCUSD", side, size))

    @rule(side=sides, size=sizes, ticks=st.integers(-400, 400))
    def rest(self, side: Side, size: Fraction, ticks: int) -> None:
        price = self.exchange.quote("BTCUSD").last + ticks * BTCUSD.tick
        self._try(lambda: self.exchange.human_order("main", "BTCUSD", side, size, price))

    @rule(percent=st.integers(-60, 120), hours=st.integers(0, 20))
    def price_moves(self, percent: int, hours: int) -> None:
        clock = clock_of(self.exchange)
        now, then = clock.at_ms, clock.at_ms + hours * 3_600_000 + 1
        start = self.exchange.quote("BTCUSD").index
        goal = min(max(start * (100 + percent) / 100, Fraction(1000)), Fraction(500_000))
        self.exchange.change_feed("BTCUSD", path=Lines([(now, start), (then, goal)]))
        clock.at_ms = then

    @rule(hundredths=st.integers(1, 500))
    def deposit(self, hundredths: int) -> None:
        self.exchange.deposit("main", "BTC", Fraction(hundredths, 100))

    @rule(hundredths=st.integers(1, 500))
    def withdraw(self, hundredths: int) -> None:
        self._try(lambda: self.exchange.withdraw("main", "BTC", Fraction(hundredths, 100)))

    @rule(tenths=st.integers(1, 20))
    def borrow(self, tenths: int) -> None:
        self.exchange.lend("main", "BTC", Fraction(tenths, 10))

    @rule(mode=st.sampled_from(MarginMode))
    def switch_mode(self, mode: MarginMode) -> None:
        self._try(lambda: self.exchange.set_margin_mode("main", mode))

    @rule(leverage=st.integers(1, 60))
    def set_leverage(self, leverage: int) -> None:
        self._try(lambda: self.exchange.set_leverage("main", "BTCUSD", leverage))

    @rule(thousandths=st.integers(-500, 500))
    def add_margin(self, thousandths: int) -> None:
        self._try(lambda: self.exchange.add_margin("main", "BTCUSD", Fraction(thousandths, 1000)))

    @rule(percent=st.integers(1, 100))
    @precondition(lambda self: self.exchange.position("main", "BTCUSD").contracts)
    def deleverage(self, percent: int) -> None:
        self._try(lambda: self.exchange.adl("main", "BTCUSD", Fraction(percent, 100)))

    @invariant()
    def the_wallet_is_the_sum_of_what_was_posted(self) -> None:
        posted = [e for e in self.exchange.events("main") if isinstance(e, Posted)]
        assert self.exchange.wallet("main", "BTC").balance == sum((e.change for e in posted), Fraction(0))

    @invariant()
    def the_roles_of_the_coins_sum_to_the_equity(self) -> None:
        assert self.exchange.roles("main", "BTC").equity == self.exchange.equity("main", "BTC")

    @invariant()
    def what_was_realised_is_what_the_trades_bought_less_what_they_sold(self) -> None:
        """Coins bought less coins sold, and the entry that is still open, are the realised profit."""
        fills = [e for e in self.exchange.events("main") if isinstance(e, Filled)]
        position = self.exchange.position("main", "BTCUSD")
        flow = sum((f.coins * f.side.sign for f in fills), Fraction(0))
        open_entry = position.entry_coins if position.contracts < 0 else -position.entry_coins
        realised = sum((f.realised for f in fills), Fraction(0))
        slack = len(fills) * self.unit if self.unit else 0
        assert abs(realised - (flow + open_entry)) <= slack

    @invariant()
    def contracts_are_what_the_trades_left(self) -> None:
        fills = [e for e in self.exchange.events("main") if isinstance(e, Filled)]
        contracts = sum((f.contracts * f.side.sign for f in fills), Fraction(0))
        assert self.exchange.position("main", "BTCUSD").contracts == contracts

    @invariant()
    def funding_is_the_value_at_mark_times_the_rate(self) -> None:
        for paid in self.exchange.events("main"):
            if isinstance(paid, FundingPaid):
                exact = -paid.contracts / paid.mark * paid.rate
                assert abs(paid.change - exact) <= (self.unit or 0)

    @invariant()
    def an_isolated_margin_is_never_more_than_the_wallet_has(self) -> None:
        state = self.exchange.account("main").state
        if state.margin_mode is MarginMode.ISOLATED:
            margin = state.position(("BTCUSD", 0)).margin
            assert margin >= 0
            assert margin == 0 or margin <= state.wallet(("unified", "BTC")).balance

    def teardown(self) -> None:
        for kind in {type(e).__name__ for e in self.exchange.events("main")}:
            event(kind)

    def _try(self, act: Callable[[], object]) -> None:
        """Do what the exchange may refuse; a refusal changes nothing."""
        before = self.exchange.account("main").state
        try:
            act()
        except RefusedError:
            assert self.exchange.account("main").state == before


class RoundedAccount(Account):
    """The same with a ledger that books to a smallest unit."""

    unit = Fraction(1, 10**8)


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=20, stateful_step_count=30)
TestRoundedAccount = RoundedAccount.TestCase
TestRoundedAccount.settings = settings(max_examples=15, stateful_step_count=25)
