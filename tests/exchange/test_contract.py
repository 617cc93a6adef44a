"""What the daemon relies on, held for every exchange alike: the port ``Account`` through unmodified ccxt."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.account import EntryKind
from hedgebot.domain.inverse import Short
from hedgebot.domain.orders import Fate
from hedgebot.domain.transfers import Pocket, TransferRequest
from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.errors import ReadError
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder
from tests.exchange.kit import MARK, VENUES, Bench, Venue, play
from tests.exchange.tamper import Change

EIGHT_HOURS = 8 * 3600
ROUNDING = Decimal("2e-8")


@dataclass(frozen=True)
class Scene:
    """Plays an act on one exchange."""

    venue: Venue

    def __call__(self, act: Callable[[Bench], Awaitable[None]], **setup: Any) -> None:
        play(act, self.venue, **setup)


@pytest.fixture(params=[pytest.param(venue, id=name) for name, venue in VENUES.items()])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Each exchange in turn."""
    return Scene(request.param)


def close_to(one: Coin, other: Coin) -> bool:
    return abs((one - other).value) <= ROUNDING


class TestWallet:
    def test_an_untouched_pot_is_its_coins(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            wallet = bench.pot(await bench.read())
            assert (wallet.coins, wallet.unrealized) == (Coin.of("1.5"), Coin.zero())
            assert wallet.withdrawable == Coin.of("1.5")

        scene(act, coins="1.5")

    def test_open_profit_is_not_among_the_coins(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.exchange.change_feed(bench.venue.native, path=level(50_000))
            reading = await bench.read()
            wallet, position = bench.pot(reading), reading.position(bench.venue.symbol)
            short = Short(Usd.of(30_000), position.entry, Price.of(50_000))
            assert wallet.unrealized.value > Decimal("0.09")
            assert close_to(wallet.unrealized, short.unrealized)
            assert close_to(position.unrealized, wallet.unrealized)
            paid = bench.venue.contracts[0].taker * Fraction(30_000, 59_999)
            assert close_to(wallet.coins, Coin.of(1) - _coins(paid))
            assert close_to(wallet.coins + wallet.unrealized, _equity(bench))

        scene(act)

    def test_coins_owed_and_bonus_coins_are_not_held(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.lend("main", "BTC", "0.3")
            bench.exchange.grant_bonus("main", "BTC", "0.2")
            assert bench.pot(await bench.read()).coins == Coin.of(1)

        if not scene.venue.lends:
            pytest.skip("coins of this wallet are never borrowed nor given")
        scene(act)

    def test_what_positions_bind_cannot_be_withdrawn(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            wallet = bench.pot(await bench.read())
            assert (
                Coin.zero() < wallet.withdrawable < wallet.coins - wallet.position_margin + Coin.of("0.0001")
            )
            truth = bench.exchange.value("main").withdrawable((bench.venue.pot, "BTC"))
            assert wallet.withdrawable <= _coins(truth)

        scene(act)


INDICES = {
    "bybit": ("/v5/market/tickers", "list[0].indexPrice"),
    "binance": ("/dapi/v1/premiumIndex", "[0].indexPrice"),
    "okx": ("/api/v5/market/index-tickers", "data[0].idxPx"),
}


class TestIndex:
    @pytest.mark.parametrize("said", ["", "0"])
    def test_that_is_not_there_is_not_zero(self, scene: Scene, said: str) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.read()).quote(bench.venue.symbol).index is None

        scene(act, changes=[Change(*INDICES[scene.venue.name], lambda _: said)])


class TestPosition:
    def test_flat_is_said_explicitly(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            position = (await bench.read()).position(bench.venue.symbol)
            assert position.contracts == Contracts.zero()
            assert (position.entry, position.unrealized) == (None, Coin.zero())
            assert not position.hedge_mode

        scene(act)

    @pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.ISOLATED])
    def test_opened_added_to_reduced_and_closed(self, scene: Scene, mode: MarginMode) -> None:
        async def act(bench: Bench) -> None:
            sizes = []
            for usd in (-12_000, -8_000, 5_000, 15_000):
                outcome = await bench.account.place(bench.order(usd))
                assert outcome.fate is Fate.ACCEPTED
                position = (await bench.read()).position(bench.venue.symbol)
                sizes.append(position.contracts.value * bench.venue.usd)
                assert (position.margin is None) is (mode is MarginMode.CROSS)
            assert sizes == [-12_000, -20_000, -15_000, 0]

        scene(act, margin_mode=mode)

    def test_an_order_that_closes_never_turns_the_position(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-3_000))
            outcome = await bench.account.place(bench.order(5_000))
            left = (await bench.read()).position(bench.venue.symbol).contracts.value * bench.venue.usd
            cut_to_size = outcome.fate is Fate.ACCEPTED
            assert left == (0 if cut_to_size else -3_000)

        scene(act)

    def test_the_wallet_and_the_positions_agree(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            reading = await bench.read()
            wallet, position = bench.pot(reading), reading.position(bench.venue.symbol)
            assert close_to(wallet.unrealized, position.unrealized)
            assert close_to(wallet.position_margin, position.initial_margin)

        scene(act)


class TestFate:
    def test_an_accepted_order_has_an_id(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            outcome = await bench.account.place(bench.order(-1_000))
            assert (outcome.fate, outcome.order_id) == (
                Fate.ACCEPTED,
                bench.exchange.orders("main")[-1].id,
            )

        scene(act)

    def test_an_order_beyond_the_margin_is_rejected(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            outcome = await bench.account.place(bench.order(-2_000_000))
            assert outcome.fate is Fate.REJECTED
            assert not bench.exchange.orders("main")

        scene(act)

    def test_a_duplicate_client_id_was_accepted_earlier_and_is_not_a_rejection(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            resting = NewOrder(
                symbol=bench.venue.native,
                side=Side.SELL,
                contracts=Fraction(10),
                price=Fraction(61_000),
                client_id=order.client_id,
            )
            bench.exchange.place("main", resting)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert bench.effective == 1

        scene(act)

    def test_a_client_id_is_refused_again_once_its_order_is_over(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.ACCEPTED
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert bench.effective == 1

        if scene.venue.rules.client_ids != "ever":
            pytest.skip("ids are unique among open orders only: nothing is ever sent twice")
        scene(act)

    def test_a_lost_reply_is_unknown_and_the_order_is_found_by_its_client_id(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            state = (await bench.account.find(order)).state
            assert state is not None
            assert (state.over, state.filled) == (True, order.contracts)

        scene(act, plan=[Fault("lose_reply", method="POST")])

    def test_a_lost_request_is_unknown_too_and_no_endpoint_shows_an_order(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            sighting = await bench.account.find(order)
            assert sighting.state is None
            assert len(sighting.asked) == 2

        scene(act, plan=[Fault("lose_request", method="POST")])


class TestFind:
    def test_a_partial_fill_is_over_with_what_was_filled(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            quote = (await bench.read()).quote(bench.venue.symbol)
            best = quote.bids[0]
            usd = -int(best[1].value * bench.venue.usd) - 1_000 * bench.venue.usd
            order = bench.order(usd, limit=str(best[0]))
            await bench.account.place(order)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.over
            assert state.filled == -best[1]
            assert (state.average, state.rejected) == (best[0], False)
            assert state.fee > Coin.zero()

        scene(act, coins="10")

    def test_an_order_without_a_match_is_over_and_empty(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000, limit="60500")
            assert (await bench.account.place(order)).fate is Fate.ACCEPTED
            state = (await bench.account.find(order)).state
            assert state is not None
            assert (state.over, state.filled, state.average, state.fee) == (
                True,
                Contracts.zero(),
                None,
                Coin.zero(),
            )

        scene(act)

    def test_an_endpoint_that_lags_is_named_and_does_not_hide_the_order(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.lags["order_history"] = 5.0
            order = bench.order(-1_000)
            await bench.account.place(order)
            sighting = await bench.account.find(order)
            assert sighting.state is not None
            assert len(sighting.asked) == 1

        scene(act)

    def test_both_endpoints_must_answer(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            with pytest.raises(ReadError):
                await bench.account.find(order)

        scene(act, plan=[Fault("html_200", method="GET", path=scene.venue.history)])

    def test_cancelling_what_is_over_is_rejected(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            assert (await bench.account.cancel(order)).fate is Fate.REJECTED

        scene(act)


class TestSettings:
    def test_leverage_is_set_and_shown_and_may_be_set_again(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(2):
                outcome = await bench.account.set_leverage(bench.venue.symbol, "3")
                assert outcome.fate is Fate.ACCEPTED
            assert (await bench.read()).position(bench.venue.symbol).leverage == Decimal(3)

        scene(act)

    def test_leverage_beyond_the_limit_is_rejected(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.account.set_leverage(bench.venue.symbol, "1000")).fate is Fate.REJECTED

        scene(act)

    @pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.ISOLATED])
    def test_the_margin_mode_is_told(self, scene: Scene, mode: MarginMode) -> None:
        async def act(bench: Bench) -> None:
            reading = await bench.read()
            own = reading.position(bench.venue.symbol).margin_mode
            assert (own or reading.mode.margin_mode) == mode.value
            assert not reading.mode.unsupported

        scene(act, margin_mode=mode)

    def test_a_refused_move_has_the_margin_mode_read_again(self, scene: Scene) -> None:
        """Bybit's is the account's, and otherwise read once an hour."""

        async def act(bench: Bench) -> None:
            symbol = bench.venue.symbol
            await bench.account.place(bench.order(-30_000))
            await bench.read()
            named = "" if bench.venue.name == "bybit" else bench.venue.native
            bench.exchange.set_margin_mode("main", MarginMode.CROSS, named)
            ways = Pocket.MARGIN, Pocket.ISOLATED
            move = TransferRequest("t1", "main", "BTC", Coin.of("0.1"), *ways, symbol)
            assert (await bench.account.transfer(move)).fate is Fate.REJECTED
            reading = await bench.read()
            assert (reading.position(symbol).margin_mode or reading.mode.margin_mode) == "cross"

        scene(act)


class TestLedger:
    @pytest.mark.parametrize(("rate", "sign"), [("0.0001", 1), ("-0.0001", -1)])
    def test_a_positive_funding_rate_pays_the_short(self, scene: Scene, rate: str, sign: int) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            await bench.clock.sleep(EIGHT_HOURS)
            entries = (await bench.account.ledger([bench.venue.symbol], Millis(began))).entries
            fee, funding = entries
            assert (fee.kind, funding.kind) == (EntryKind.TRADE, EntryKind.FUNDING)
            assert fee.coins < Coin.zero()
            assert fee.contracts.value * bench.venue.usd == -30_000
            assert funding.coins == Coin(sign * Decimal("0.00005"))

        scene(act, funding=rate)

    def test_what_is_still_to_come_by_our_clock_is_there_too(self, scene: Scene) -> None:
        """That was set back by an hour; the exchange's goes on."""

        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            bench.clock.step(-3600)
            await bench.account.read(bench.needs)  # the clocks are compared anew
            assert len((await bench.account.ledger([bench.venue.symbol], Millis(began))).entries) == 1

        scene(act)

    def test_entries_of_many_weeks_and_pages_come_oldest_first_and_once(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.now_ms()
            await bench.account.place(bench.order(-30_000))
            for _ in range(120):
                bench.exchange.human_trade("main", bench.venue.native, Side.BUY, 1)
            await bench.clock.sleep(20 * 24 * 3600)
            entries = (await bench.account.ledger([bench.venue.symbol], Millis(began))).entries
            assert len(entries) == 1 + 120 + 20 * 3
            assert len({entry.id for entry in entries}) == len(entries)
            assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)

        scene(act)


class TestQuote:
    def test_prices_book_and_funding_of_the_contract(self, scene: Scene) -> None:
        async def act(bench: Bench) -> None:
            reading = await bench.read()
            quote = reading.quote(bench.venue.symbol)
            assert quote.mark == Price.of(MARK)
            assert quote.bids[0][0] < quote.mark < quote.asks[0][0]
            assert (quote.funding.rate, quote.funding.interval_hours) == (Decimal("0.0001"), Decimal(8))
            facts = reading.leg_facts(bench.venue.symbol)
            assert facts.instrument.notional(Contracts.of(1)) == Usd.of(bench.venue.usd)
            lowest = bench.venue.contracts[0].tiers[0].maintenance
            assert Coin(facts.maintenance(Coin.of(1))) == _coins(lowest)

        scene(act)


def _equity(bench: Bench) -> Coin:
    return _coins(bench.exchange.equity("main", "BTC"))


def _coins(exact: Fraction) -> Coin:
    return Coin(Decimal(exact.numerator) / Decimal(exact.denominator))
