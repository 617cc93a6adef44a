"""Collateral moves on Binance: sent once, known again by their coins and time, judged by listed codes."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.orders import Fate
from hedgebot.domain.transfers import Pocket, TransferRequest, distinct
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import ReadError
from hedgebot.exchange.binance.venue import CODES
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.matching import Side
from tests.exchange.kit import BINANCE, Bench, play

SPOT, MARGIN, ISOLATED = Pocket.SPOT, Pocket.MARGIN, Pocket.ISOLATED
WALLETS, POSITION = "/sapi/v1/asset/transfer", "/dapi/v1/positionMargin"
EVER = Millis(0)
WAYS = [(SPOT, MARGIN), (MARGIN, SPOT), (MARGIN, ISOLATED), (ISOLATED, MARGIN)]
AMOUNT = "0.10000078"


def request(source: Pocket = SPOT, target: Pocket = MARGIN, coins: str = "0.1001") -> TransferRequest:
    symbol = BINANCE.symbol if ISOLATED in {source, target} else ""
    amount = distinct(Coin.of(coins), 77)
    return TransferRequest("hb0000000000001", "main", "BTC", amount, source, target, symbol)


def prepare(bench: Bench) -> None:
    """A coin in either wallet; 300 contracts short at leverage 2, 0.2 coins more isolated than needed."""
    bench.exchange.deposit("main", "BTC", 1, "spot")
    bench.exchange.set_leverage("main", BINANCE.native, 2)
    bench.exchange.human_trade("main", BINANCE.native, Side.SELL, 300)
    bench.exchange.add_margin("main", BINANCE.native, "0.2")


def coins(bench: Bench) -> tuple[Fraction, Fraction, Fraction]:
    """What lies in the spot wallet, the margin wallet and the isolated margin."""
    spot, margin = (bench.exchange.wallet("main", "BTC", name).balance for name in ("spot", "margin"))
    return spot, margin, bench.exchange.position("main", BINANCE.native).margin


def posted(bench: Bench, path: str) -> int:
    return bench.arrived[f"POST {path}"]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_coins_move_and_are_found_again(source: Pocket, target: Pocket) -> None:
    moved = Fraction(AMOUNT)
    changes = {
        (SPOT, MARGIN): (-moved, moved, 0),
        (MARGIN, SPOT): (moved, -moved, 0),
        (MARGIN, ISOLATED): (0, 0, moved),
        (ISOLATED, MARGIN): (0, 0, -moved),
    }

    async def act(bench: Bench) -> None:
        prepare(bench)
        before = coins(bench)
        outcome = await bench.account.transfer(request(source, target))
        assert outcome.fate is Fate.ACCEPTED
        after = tuple(now - then for now, then in zip(coins(bench), before, strict=True))
        assert after == changes[source, target]
        found = await bench.account.find_transfer(request(source, target), EVER)
        assert found.state is not None
        assert (found.state.over, found.state.failed, found.asked) == (True, False, ())
        assert found.state.transfer_id == outcome.order_id

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_what_is_not_there_is_said_by_the_endpoint_that_would_know(source: Pocket, target: Pocket) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        other = request(source, target, coins="0.05")
        assert (await bench.account.transfer(other)).fate is Fate.ACCEPTED
        since = Millis(bench.clock.now_ms() + 60_000)
        for asked in (
            await bench.account.find_transfer(request(source, target), EVER),
            await bench.account.find_transfer(other, since),
        ):
            assert (asked.state, len(asked.asked)) == (None, 1)

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


def test_coins_on_their_way_are_pending_until_they_arrive() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        bench.exchange.transfers_take = 2400
        assert (await bench.account.transfer(request())).fate is Fate.ACCEPTED
        for seconds, over in ((0, False), (2390, False), (20, True)):
            await bench.clock.sleep(seconds)
            found = await bench.account.find_transfer(request(), EVER)
            assert found.state is not None
            assert found.state.over is over

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


def test_coins_are_sent_as_they_are_and_never_rounded() -> None:
    """ccxt would send whole ones."""

    async def act(bench: Bench) -> None:
        prepare(bench)
        for source, target in ((SPOT, MARGIN), (MARGIN, ISOLATED)):
            await bench.account.transfer(request(source, target))
        sent = [r for r in bench.seen if r.method == "POST"]
        assert [AMOUNT in str(r.rel_url) or AMOUNT in (await r.text()) for r in sent] == [True, True]

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [(SPOT, MARGIN, "-5013"), (MARGIN, SPOT, "-5013"), (MARGIN, ISOLATED, "-4050")],
)
def test_more_than_there_is_is_refused(source: Pocket, target: Pocket, code: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        outcome = await bench.account.transfer(request(source, target, coins="5"))
        assert outcome.fate is Fate.REJECTED
        assert code in outcome.reason

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


def faults(path: str) -> dict[str, Fault]:
    where: dict[str, Any] = {"method": "POST", "path": path}
    return {
        "request lost": Fault("lose_request", **where),
        "reply lost": Fault("lose_reply", **where),
        "arrives late": Fault("late_arrival", seconds=8, **where),
        "HTML with 200": Fault("html_200", **where),
        "unlisted code": Fault(
            "http_status", status=400, body=json.dumps({"code": -5012, "msg": ""}), **where
        ),
        "listed code with 503": Fault("http_status", status=503, body='{"code":-5013,"msg":""}', **where),
    }


@pytest.mark.parametrize("path", [WALLETS, POSITION])
@pytest.mark.parametrize("name", faults("/"))
def test_proves_nothing_and_is_sent_once(path: str, name: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        moving = request() if path == WALLETS else request(MARGIN, ISOLATED)
        outcome = await bench.account.transfer(moving)
        assert outcome.fate is Fate.UNKNOWN
        await bench.clock.sleep(60)
        assert posted(bench, path) == 1

    play(act, BINANCE, plan=[faults(path)[name]], margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize("path", [WALLETS, f"{POSITION}/history"])
def test_a_history_that_cannot_be_read_is_not_an_empty_one(path: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        with pytest.raises(ReadError):
            await bench.account.find_transfer(
                request() if path == WALLETS else request(MARGIN, ISOLATED), EVER
            )

    fault = Fault("html_200", method="GET", path=path)
    play(act, BINANCE, plan=[fault], margin_mode=MarginMode.ISOLATED)


def test_two_moves_of_the_same_coins_are_not_told_apart() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        for _ in range(2):
            bench.exchange.transfer("main", "BTC", AMOUNT, "spot", "margin", bench.exchange.truth.new_id())
        with pytest.raises(ReadError, match="is that of two moves"):
            await bench.account.find_transfer(request(), EVER)
        other = replace(request(), coins=Coin.of("0.2"))
        assert (await bench.account.find_transfer(other, EVER)).state is None

    play(act, BINANCE, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("operation", "code", "fate"),
    [
        (Operation.TRANSFER, "-5002", Fate.REJECTED),
        (Operation.TRANSFER, "-5010", Fate.UNKNOWN),  # "failed", when it may have begun
        (Operation.TRANSFER, "-5012", Fate.UNKNOWN),  # "pending"
        (Operation.TRANSFER, "-4050", Fate.UNKNOWN),
        (Operation.TRANSFER, "-2015", Fate.REJECTED),
        (Operation.MARGIN, "-4050", Fate.REJECTED),
        (Operation.MARGIN, "-4051", Fate.REJECTED),
        (Operation.MARGIN, "-5013", Fate.UNKNOWN),
        (Operation.MARGIN, "-1007", Fate.UNKNOWN),
    ],
)
def test_only_listed_codes_reject(operation: Operation, code: str, fate: Fate) -> None:
    said = Answer(False, code, "words", None, None, "move")
    assert CODES.judge(operation, said, lambda _: "never asked").fate is fate
