"""Collateral moves: the port account does and says what the real one does and says through ccxt."""

from collections.abc import Callable

import pytest

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferSighting
from hedgebot.domain.units import Coin, Millis
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.virtual import EPOCH_MS
from tests.exchange.kit import BINANCE, BYBIT, OKX, Venue
from tests.sim.twins import Twins, play

SPOT, MARGIN, ISOLATED = Pocket.SPOT, Pocket.MARGIN, Pocket.ISOLATED
UNIFIED = pytest.mark.parametrize("venue", [BYBIT, OKX], ids=["bybit", "okx"])
WAYS = [(SPOT, MARGIN), (MARGIN, SPOT), (MARGIN, ISOLATED), (ISOLATED, MARGIN)]


def request(source: Pocket, target: Pocket, coins: str = "0.10000078") -> TransferRequest:
    symbol = BINANCE.symbol if ISOLATED in {source, target} else ""
    return TransferRequest("hb0000000000001", "main", "BTC", Coin.of(coins), source, target, symbol)


def isolated(margin: str) -> Callable[[SimulatedExchange], object]:
    return lambda exchange: exchange.add_margin("main", BINANCE.native, margin)


async def moved(twins: Twins, asked: TransferRequest) -> Fate:
    return await twins.fate(lambda account: account.transfer(asked))


async def found(twins: Twins, asked: TransferRequest) -> TransferSighting:
    seen = await twins.same(lambda account: account.find_transfer(asked, Millis(EPOCH_MS)))
    assert isinstance(seen, TransferSighting)
    return seen


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_coins_move_both_ways(source: Pocket, target: Pocket) -> None:
    async def act(twins: Twins) -> None:
        twins.both(lambda e: e.deposit("main", "BTC", "0.7", "spot"))
        await twins.place(-30_000)
        twins.both(isolated("0.2"))
        await twins.agree()
        asked = request(source, target)
        assert (await found(twins, asked)).state is None
        assert await moved(twins, asked) is Fate.ACCEPTED
        await twins.agree()
        state = (await found(twins, asked)).state
        assert state is not None
        assert (state.over, state.failed) == (True, False)
        assert await moved(twins, request(source, target, "3")) is Fate.REJECTED
        await twins.agree()

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


def test_coins_that_take_their_time() -> None:
    async def act(twins: Twins) -> None:
        twins.both(lambda e: e.deposit("main", "BTC", "0.7", "spot"))
        twins.both(lambda e: setattr(e, "transfers_take", 2400))
        asked = request(SPOT, MARGIN)
        assert await moved(twins, asked) is Fate.ACCEPTED
        for over in (False, True):
            state = (await found(twins, asked)).state
            assert state is not None
            assert state.over is over
            await twins.agree()
            await twins.rest(2400)

    play(act, BINANCE)


@UNIFIED
@pytest.mark.parametrize(("source", "target"), WAYS[2:])
def test_coins_move_within_one_pot(venue: Venue, source: Pocket, target: Pocket) -> None:
    async def act(twins: Twins) -> None:
        await twins.set_leverage("2")
        await twins.place(-30_000)
        twins.both(lambda exchange: exchange.add_margin("main", venue.native, "0.2"))
        for usd in (60_000, 75_000):
            twins.price(usd)
            await twins.agree()
        asked = request(source, target)
        assert (await found(twins, asked)).state is None
        assert await moved(twins, asked) is Fate.ACCEPTED
        await twins.agree()
        shown = (await found(twins, asked)).state
        assert shown is None if venue is BYBIT else shown is not None
        assert await moved(twins, request(source, target, "3")) is Fate.REJECTED
        await twins.agree()

    play(act, venue, margin_mode=MarginMode.ISOLATED)


@UNIFIED
def test_what_is_no_isolated_position_takes_none(venue: Venue) -> None:
    async def act(twins: Twins) -> None:
        assert await moved(twins, request(MARGIN, ISOLATED)) is Fate.REJECTED
        await twins.place(-30_000)
        assert await moved(twins, request(MARGIN, ISOLATED)) is Fate.REJECTED
        await twins.agree()

    play(act, venue, margin_mode=MarginMode.CROSS)


@UNIFIED
def test_one_pot_has_no_other_wallet_and_nothing_is_sent(venue: Venue) -> None:
    async def act(twins: Twins) -> None:
        for answer in await twins.answers(lambda account: account.transfer(request(SPOT, MARGIN))):
            assert isinstance(answer, Outcome)
            assert answer.fate is Fate.REJECTED
            assert answer.reason.startswith("not sent: ")
        assert await found(twins, request(SPOT, MARGIN)) == TransferSighting(None)

    play(act, venue)
