"""The port account says of a truth what the real one says of it through ccxt, and does the same to it.

Two exchanges live through the same scene, one behind HTTP and ccxt, the other behind the port account.
Readings, ledgers, fates and the exchanges' own logs must be equal, but for what rounding hides.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from hedgebot.domain.account import Needs
from hedgebot.domain.margin_mode import MarginMode as Mode
from hedgebot.domain.orders import Fate, Identified, OrderRequest, Outcome
from hedgebot.domain.units import Coin, Contracts, Millis, Price
from hedgebot.errors import CredentialsError, ReadError
from hedgebot.ports import Account
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Lines, Market, level
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder
from hedgebot.sim.port import PortAccount
from hedgebot.sim.virtual import EPOCH_MS, VirtualClock, run
from tests.exchange.kit import BINANCE, BYBIT, KEY, OKX, VENUES, Venue
from tests.sim.twins import Twins, play

EIGHT_HOURS = 8 * 3600
MODES = [MarginMode.CROSS, MarginMode.ISOLATED]

each_venue = pytest.mark.parametrize("venue", VENUES.values(), ids=VENUES)
each_mode = pytest.mark.parametrize("margin_mode", MODES, ids=lambda mode: mode.value)


@each_venue
@each_mode
class TestReading:
    def test_an_untouched_account(self, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            assert (await twins.agree()).position(twins.symbol).contracts == Contracts.zero()

        play(act, venue, margin_mode=margin_mode)

    def test_a_short_through_prices_funding_and_buy_backs(
        self, venue: Venue, margin_mode: MarginMode
    ) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-30_000)
            await twins.place(-12_300)
            await twins.agree()
            for price in (52_345, 71_234):
                twins.price(price)
                await twins.agree()
            await twins.rest(EIGHT_HOURS)
            await twins.agree()
            for usd in (7_700, 34_600):
                await twins.place(usd, limit="72000")
                await twins.agree()
            assert not twins.exchange.position("main", twins.native).contracts

        play(act, venue, margin_mode=margin_mode)

    def test_what_others_do_to_the_account(self, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-30_000)
            twins.both(lambda e: e.human_order("main", twins.native, Side.SELL, 13, 61_000))
            twins.both(lambda e: e.human_order("main", twins.native, Side.BUY, 7, 59_000))
            assert len((await twins.agree()).orders) == 2
            twins.price(61_500)
            assert len((await twins.agree()).orders) == 1
            twins.both(lambda e: e.human_trade("main", twins.native, Side.BUY, 11))
            twins.both(lambda e: e.adl("main", twins.native, "0.25"))
            await twins.agree()

        play(act, venue, margin_mode=margin_mode)

    def test_another_position_and_other_coins(self, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            other = venue.contracts[1]
            twins.both(lambda e: e.deposit("main", "ETH", 20))
            twins.both(lambda e: e.deposit("main", "USDT", 1234))
            twins.both(lambda e: e.human_trade("main", other.symbol, Side.BUY, 3_000 / other.face))
            twins.both(lambda e: e.change_feed(other.symbol, path=level(2_900)))
            await twins.place(-20_000)
            await twins.agree()
            await twins.reading(Needs(frozenset({twins.symbol, "ETH/USD:ETH"}), frozenset({"BTC", "ETH"})))

        play(act, venue, margin_mode=margin_mode)

    def test_a_liquidation(self, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.human_trade("main", twins.native, Side.SELL, 200_000 // venue.usd))
            assert (await twins.agree()).position(twins.symbol).liquidation is not None
            twins.price(110_000)
            await twins.rest()
            twins.both(lambda e: e.deposit("main", "BTC", "0.1"))
            assert not (await twins.agree()).position(twins.symbol).contracts

        play(act, venue, margin_mode=margin_mode)

    def test_parts_that_lag_each_by_its_own_time(self, venue: Venue, margin_mode: MarginMode) -> None:
        """Prices move all the while, so that each figure shows what it is as of."""

        async def act(twins: Twins) -> None:
            await twins.place(-30_000)
            await twins.reading()
            lags = {"ticker": 1.5, "book": 3.0, "position": 3.5, "wallet": 3.5, "spot_wallet": 7, "order": 4}
            twins.both(lambda e: e.lags.update(lags))
            twins.both(lambda e: e.human_order("main", twins.native, Side.BUY, 7, 50_000))
            await twins.rest(3)
            assert not (await twins.reading()).orders
            twins.both(lambda e: e.deposit("main", "BTC", "0.1"))
            await twins.reading()

        rising = Lines([(EPOCH_MS, 60_000), (EPOCH_MS + 600_000, 66_000)])
        play(act, venue, margin_mode=margin_mode, price=rising)

    def test_a_wallet_that_lags_behind_the_positions(self, venue: Venue, margin_mode: MarginMode) -> None:
        """Whether that is no reading, or one that guards will doubt, is each exchange's own."""

        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.lags.update(wallet=90))
            await twins.place(-20_000)
            await twins.read()
            await twins.agree()
            twins.price(61_000)
            await twins.read()
            if margin_mode is MarginMode.ISOLATED:
                twins.both(lambda e: e.add_margin("main", twins.native, "0.05"))
                await twins.read()
            await twins.rest()
            await twins.place(20_000, limit="62000")
            await twins.read()
            await twins.agree()

        play(act, venue, margin_mode=margin_mode)

    def test_lists_that_contradict_each_other_are_no_reading(
        self, venue: Venue, margin_mode: MarginMode
    ) -> None:
        async def act(twins: Twins) -> None:
            await twins.reading()
            twins.both(lambda e: e.lags.update(wallet=90, position=_turns(0, 90)))
            await twins.place(-30_000)
            assert isinstance(await twins.read(), ReadError)

        play(act, venue, margin_mode=margin_mode)


@each_venue
@pytest.mark.parametrize("hours", [1, 24])
def test_the_bars_that_have_ended(venue: Venue, hours: int) -> None:
    """A candle names when it ended; those of the wire are as many as asked for, over all its pages."""
    bar_ms, count = hours * 3_600_000, 720 if hours == 1 else 365

    async def act(twins: Twins) -> None:
        since = Millis(EPOCH_MS - (EPOCH_MS % bar_ms) - count * bar_ms)
        candles = await twins.same(lambda account: account.candles(twins.symbol, bar_ms, since))
        assert not isinstance(candles, Exception)
        assert [candle.end for candle in candles] == [since + bar_ms * n for n in range(1, count + 1)]
        assert len({candle.close for candle in candles}) == count

    wandering = Lines([(EPOCH_MS - 400 * 86_400_000, 40_000), (EPOCH_MS, 60_000)])
    play(act, venue, price=wandering)


@each_venue
def test_the_spot_price_is_what_the_coin_is_worth_whatever_the_contract_does(venue: Venue) -> None:
    async def act(twins: Twins) -> None:
        twins.both(lambda e: e.change_feed(twins.native, basis=level("-0.02"), index_error=level("0.03")))
        assert await twins.same(lambda account: account.spot_price("BTC")) == Price.of(60_000)
        assert isinstance(await twins.same(lambda account: account.spot_price("XRP")), ReadError)

    play(act, venue)


@each_venue
class TestFate:
    """What becomes of the same order; the twins compare ids, and all that truly happened."""

    @pytest.mark.parametrize(
        ("usd", "limit"),
        [
            (-1_000, "59000"),
            (-1_000, "60500"),
            (-2_000_000, "59000"),
            (-1_000, "50000"),
            (-1_000, "59000.03"),
            (1_000, "61000"),
        ],
        ids=["filled", "unmatched", "no margin", "far price", "off tick", "nothing to reduce"],
    )
    def test_of_one_order(self, venue: Venue, usd: int, limit: str) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(usd, limit=limit)
            await twins.agree()

        play(act, venue)

    @pytest.mark.parametrize(
        "changes", [{"status": "Closed"}, {"min_qty": 50}, {"max_qty": 5}, {"qty_step": 7}]
    )
    def test_in_a_contract_that_has_changed(self, venue: Venue, changes: dict[str, Any]) -> None:
        async def act(twins: Twins) -> None:
            await twins.reading()
            twins.both(lambda e: e.change_contract(twins.native, **_exact(changes)))
            assert await twins.place(-10 * venue.usd) is Fate.REJECTED
            await twins.agree()

        play(act, venue)

    def test_of_more_than_there_is_to_reduce(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-3_000)
            await twins.place(5_000)
            await twins.agree()

        play(act, venue)

    def test_of_a_sale_larger_than_the_book(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-230_000, limit="59998.5")
            await twins.agree()

        play(act, venue, coins="10")

    def test_of_a_client_id_that_is_used_again(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            client_id = "hb0000000000abc"
            resting = NewOrder(
                symbol=twins.native,
                side=Side.SELL,
                contracts=Fraction(10),
                price=Fraction(61_000),
                client_id=client_id,
            )
            twins.both(lambda e: e.place("main", resting))
            assert await twins.place(-1_000, client_id=client_id) is Fate.UNKNOWN
            await twins.agree()
            twins.price(61_500)
            await twins.rest()
            await twins.place(-1_000, limit="60500", client_id=client_id)
            await twins.agree()

        play(act, venue)

    def test_of_a_client_id_that_others_use_too(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-5_000)
            order = twins.sent[0]
            bought = NewOrder(
                symbol=twins.native, side=Side.BUY, contracts=Fraction(10), client_id=order.client_id
            )
            twins.both(partial(_taken, bought))
            for behind in (None, "order", "order_history"):
                twins.both(partial(_lagging, behind))
                await twins.same(lambda account: account.find(order))

        if venue.rules.client_ids == "ever":
            pytest.skip("no other order can carry it")
        play(act, venue)

    def test_of_a_contract_that_is_not_listed(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            order = replace(twins.real.order(-1_000), symbol="DOGE/USD:DOGE")
            assert await twins.fate(lambda account: account.place(order)) is Fate.REJECTED
            needs = Needs(frozenset({order.symbol}), frozenset({"BTC"}))
            assert isinstance(await twins.same(lambda account: account.read(needs)), ReadError)

        play(act, venue)

    def test_of_a_cancel(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.human_order("main", twins.native, Side.SELL, 13, 61_000))
            named = replace(twins.real.order(-1_000), client_id="hb0000000000abc")
            resting = NewOrder(
                symbol=twins.native,
                side=Side.SELL,
                contracts=Fraction(10),
                price=Fraction(61_000),
                client_id=named.client_id,
            )
            twins.both(lambda e: e.place("main", resting))
            by_hand = (await twins.reading()).orders[0]
            fates = []
            for order in (named, named, by_hand):
                fates.append(await twins.fate(partial(_cancel, order)))
                await twins.agree()
            assert fates == [Fate.ACCEPTED, Fate.REJECTED, Fate.REJECTED]
            assert len(twins.exchange.account("main").open_orders) == 1

        play(act, venue)


@each_venue
@each_mode
class TestSettings:
    def test_leverage_of_a_leg_flat_and_open(self, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            for sale in (0, -20_000):
                if sale:
                    await twins.place(sale)
                for leverage in ("3", "3", "2.5", "1", "1000", "0.5"):
                    await twins.set_leverage(leverage)
                    await twins.agree()

        play(act, venue, margin_mode=margin_mode)

    def test_a_leg_that_is_wanted_in_the_other_mode(self, venue: Venue, margin_mode: MarginMode) -> None:
        """Where each position has its own mode it is switched; else the account's stays."""

        async def act(twins: Twins) -> None:
            await twins.place(-1_000)
            await twins.place(1_000)
            twins.real.margin_mode = Mode.CROSS if margin_mode is MarginMode.ISOLATED else Mode.ISOLATED
            await twins.agree()
            await twins.set_leverage("4")
            await twins.agree()
            await twins.place(-2_000)
            await twins.set_leverage("4")
            await twins.agree()
            twins.real.margin_mode = Mode(margin_mode.value)
            await twins.place(-2_000)
            await twins.agree()

        play(act, venue, margin_mode=margin_mode)

    def test_a_mode_switched_by_hand_is_seen_when_facts_are_read_again(
        self, venue: Venue, margin_mode: MarginMode
    ) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-1_000)
            await twins.reading()
            other = MarginMode.CROSS if margin_mode is MarginMode.ISOLATED else MarginMode.ISOLATED
            twins.both(lambda e: e.set_margin_mode("main", other))
            for _ in range(3):
                await twins.read()
            await twins.rest(3600)
            await twins.agree()

        play(act, venue, margin_mode=margin_mode)


@each_venue
class TestFacts:
    def test_a_changed_contract_is_seen_within_an_hour(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            before = await twins.reading()
            changed = {
                "min_qty": Fraction(3),
                "taker": Fraction(1, 1000),
                "funding_interval_ms": 4 * 3_600_000,
            }
            twins.both(lambda e: e.change_contract(twins.native, **changed))
            assert (await twins.reading()).facts == before.facts
            await twins.rest(3600)
            assert (await twins.reading()).facts != before.facts

        play(act, venue)

    def test_a_contract_that_is_closed_for_a_while(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.change_contract(twins.native, status="Closed"))
            assert not (await twins.reading()).leg_facts(twins.symbol).instrument.tradable
            twins.both(lambda e: e.change_contract(twins.native, status="Trading"))
            await twins.rest(61)
            assert (await twins.reading()).leg_facts(twins.symbol).instrument.tradable

        play(act, venue)


class TestWallets:
    @pytest.mark.parametrize("venue", VENUES.values(), ids=VENUES)
    def test_a_liquidation_beyond_all_prices(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            for usd in (-50_000, -10_000, -1_200):
                await twins.place(usd)
                await twins.reading()

        play(act, venue)

    def test_coins_move_between_the_wallets_of_a_split_account(self) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.deposit("main", "BTC", "0.7", "spot"))
            twins.both(lambda e: e.lock("main", "BTC", "0.1", "spot"))
            await twins.place(-30_000)
            await twins.agree()
            twins.both(lambda e: e.transfer("main", "BTC", "0.25", "spot", "margin", "1"))
            await twins.agree()
            twins.both(lambda e: e.transfer("main", "BTC", "0.2", "margin", "spot", "2"))
            reading = await twins.agree()
            assert reading.wallets[0].coins == Coin.of("0.65")
            alone = Needs(frozenset(), frozenset({"BTC", "ETH", "USDT"}))
            assert len((await twins.reading(alone)).wallets) == 3
            unknown = Needs(frozenset(), frozenset({"DOGE"}))
            assert isinstance(await twins.same(lambda account: account.read(unknown)), ReadError)

        play(act, BINANCE)

    @pytest.mark.parametrize("venue", [BYBIT, OKX], ids=["bybit", "okx"])
    @each_mode
    def test_coins_that_are_owed_given_or_locked(self, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.lend("main", "BTC", "0.3"))
            twins.both(lambda e: e.grant_bonus("main", "BTC", "0.2"))
            twins.both(lambda e: e.lock("main", "BTC", "0.15"))
            await twins.place(-20_000)
            for price in (55_000, 66_000):
                twins.price(price)
                await twins.agree()

        play(act, venue, margin_mode=margin_mode)

    def test_portfolio_margin_is_told_and_its_figures_are_not(self) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-20_000)
            await twins.reading()
            twins.both(lambda e: e.set_margin_mode("main", MarginMode.PORTFOLIO))
            assert isinstance(await twins.read(), ReadError)
            assert (await twins.agree()).mode.unsupported
            assert await twins.set_leverage("3") is Fate.REJECTED

        play(act, BYBIT)

    def test_a_margin_wallet_that_was_never_used(self) -> None:
        async def act(twins: Twins) -> None:
            ether = Needs(frozenset({"ETH/USD:ETH"}), frozenset({"ETH"}))
            assert isinstance(await twins.same(lambda account: account.read(ether)), ReadError)

        play(act, BINANCE)

    def test_a_coin_that_is_not_there(self) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.seize("main", "BTC", 1))
            await twins.read()

        for venue in VENUES.values():
            play(act, venue)

    @each_mode
    def test_both_sides_of_hedge_mode(self, margin_mode: MarginMode) -> None:
        async def act(twins: Twins) -> None:
            await twins.reading()
            twins.both(lambda e: e.set_hedge_mode("main", twins.native, hedge=True))
            await twins.read()
            await twins.rest(3600)
            assert (await twins.reading()).position(twins.symbol).hedge_mode
            for side, index, size in ((Side.BUY, 1, 100), (Side.SELL, 2, 80)):
                order = NewOrder(symbol=twins.native, side=side, contracts=Fraction(size), index=index)
                twins.both(partial(_taken, order))
            twins.price(58_000)
            assert (await twins.reading()).position(twins.symbol).hedge_mode
            assert await twins.place(-1_000) is Fate.REJECTED

        for venue in (BINANCE, OKX):
            play(act, venue, margin_mode=margin_mode)


@each_venue
class TestLookingBack:
    @pytest.mark.parametrize("lag", [{"order": 90}, {"order_history": 90}, {"execution": 90}], ids=str)
    def test_endpoints_that_lag_and_are_named(self, venue: Venue, lag: dict[str, float]) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.lags.update(lag))
            await twins.place(-1_000)
            sighting = await twins.find(twins.sent[0])
            assert len(sighting.asked) == ("execution" not in lag)

        play(act, venue)

    def test_an_order_that_is_nowhere(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            sighting = await twins.find(twins.real.order(-1_000))
            assert (sighting.state, len(sighting.asked)) == (None, 2)

        play(act, venue)

    @pytest.mark.parametrize("days", [0.1, 1.5, 4, 8])
    def test_orders_are_forgotten_after_a_while(self, venue: Venue, days: float) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-1_000)
            await twins.place(-1_000, limit="60500")
            await twins.rest(days * 86_400)
            for order in twins.sent:
                await twins.find(order)

        play(act, venue)

    @pytest.mark.parametrize("lag", [{"execution": 90}, {"transaction": 90}], ids=str)
    def test_a_ledger_that_lags(self, venue: Venue, lag: dict[str, float]) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-30_000)
            await twins.rest(EIGHT_HOURS - 100)
            twins.both(lambda e: e.lags.update(lag))
            await twins.place(-1_000)
            counts = [len((await twins.ledger()).entries) for _ in range(3)]
            assert counts[-1] == 3

        play(act, venue)

    def test_the_ledger_of_some_weeks(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-30_000)
            for _ in range(5):
                await twins.rest(3 * 86_400)
                twins.both(lambda e: e.human_trade("main", twins.native, Side.BUY, 1))
            await twins.agree()
            since = EPOCH_MS + 7 * 86_400_000
            assert (await twins.ledger(since)).entries[0].at >= since

        play(act, venue)


@each_venue
class TestKeys:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"read_only": True},
            {"withdraw": True, "ips": ("127.0.0.1",)},
            {"expires_ms": EPOCH_MS + 86_400_500},
            {"expires_ms": EPOCH_MS},
            {"ips": ("10.0.0.1",)},
        ],
        ids=str,
    )
    def test_what_a_key_may_do(self, venue: Venue, changes: dict[str, Any]) -> None:
        async def act(twins: Twins) -> None:
            twins.both(lambda e: e.set_key(replace(e.truth.keys[KEY], **changes)))
            await twins.same(lambda account: account.key_scope())
            await twins.read()
            await twins.place(-1_000)

        play(act, venue)

    def test_a_revoked_key_fails_every_call(self, venue: Venue) -> None:
        async def act(twins: Twins) -> None:
            await twins.place(-1_000)
            twins.both(lambda e: e.revoke_key(KEY))
            calls: list[Callable[[Account], Awaitable[Any]]] = [
                lambda account: account.read(twins.real.needs),
                lambda account: account.ledger([twins.symbol], Millis(EPOCH_MS)),
                lambda account: account.find(twins.sent[0]),
                lambda account: account.key_scope(),
            ]
            for call in calls:
                assert isinstance(await twins.same(call), CredentialsError)
            assert await twins.place(-1_000) is Fate.REJECTED

        play(act, venue)


class TestDelay:
    def test_a_call_takes_effect_half_way(self) -> None:
        async def main(clock: VirtualClock) -> None:
            asked: list[str] = []

            def delay(call: str) -> float:
                asked.append(call)
                return 0.5

            feed = Feed(path=level(60_000))
            exchange = SimulatedExchange(clock, Market({"BTCUSD": feed}), [btcusd()], random.Random(1))
            exchange.open_account("main")
            exchange.deposit("main", "BTC", 1)
            account = PortAccount(exchange, "main", clock, delay=delay)
            outcome = await account.place(order)
            assert outcome.fate is Fate.ACCEPTED
            assert clock.monotonic() == 1
            assert exchange.orders("main")[0].created_ms == EPOCH_MS + 500
            reading = await account.read(Needs(frozenset({order.symbol}), frozenset({"BTC"})))
            assert (reading.started, reading.quotes[0].at, reading.ended) == (1, EPOCH_MS + 1500, 2)
            assert asked == ["place", "place", "read", "read"]

        order = OrderRequest("hb1", "main", "BTC/USD:BTC", Contracts.of(-100), Price.of(59_000), False)
        run(main)


def _turns(*seconds: float) -> Callable[[], float]:
    """A lag that is another one each time."""
    return cycle(seconds).__next__


def _exact(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: Fraction(value) if isinstance(value, int) else value for name, value in changes.items()}


def _taken(order: NewOrder, exchange: SimulatedExchange) -> None:
    exchange.place("main", order)


def _lagging(read: str | None, exchange: SimulatedExchange) -> None:
    exchange.lags = {read: 90} if read else {}


def _cancel(order: Identified, account: Account) -> Awaitable[Outcome]:
    return account.cancel(order)
