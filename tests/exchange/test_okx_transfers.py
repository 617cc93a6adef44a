"""Collateral moves on OKX: sent once, known again by their coins and time, judged by listed codes."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.orders import Fate
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferSighting, distinct
from hedgebot.domain.units import Coin, Millis
from hedgebot.errors import ReadError
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.exchange.okx.venue import CODES
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from hedgebot.sim.virtual import EPOCH_MS
from tests.exchange.kit import OKX, Bench, play
from tests.exchange.tamper import Change

SPOT, MARGIN, ISOLATED = Pocket.SPOT, Pocket.MARGIN, Pocket.ISOLATED
PATH, BILLS = "/api/v5/account/position/margin-balance", "/api/v5/account/bills"
WAYS = [(MARGIN, ISOLATED), (ISOLATED, MARGIN)]
AMOUNT = "0.10000078"
EVER, DAY_MS = Millis(EPOCH_MS), 86_400_000


def request(source: Pocket = MARGIN, target: Pocket = ISOLATED, coins: str = "0.1001") -> TransferRequest:
    symbol = OKX.symbol if ISOLATED in {source, target} else ""
    amount = distinct(Coin.of(coins), 77)
    return TransferRequest("hb0000000000001", "main", "BTC", amount, source, target, symbol)


def prepare(bench: Bench) -> None:
    """300 contracts short at leverage 2, 0.2 coins more isolated than needed."""
    bench.exchange.set_leverage("main", OKX.native, 2)
    bench.exchange.human_trade("main", OKX.native, Side.SELL, 300)
    bench.exchange.add_margin("main", OKX.native, "0.2")


def isolated(bench: Bench) -> Fraction:
    return bench.exchange.position("main", OKX.native).margin


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_coins_move_and_are_found_again(source: Pocket, target: Pocket) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        before, truly = bench.pot(await bench.read()), isolated(bench)
        outcome = await bench.account.transfer(request(source, target))
        assert (outcome.fate, outcome.order_id) == (Fate.ACCEPTED, "")
        sign = 1 if target is ISOLATED else -1
        assert isolated(bench) - truly == sign * Fraction(AMOUNT)
        after = bench.pot(await bench.read())
        assert after.coins == before.coins, "an isolated margin is part of the pot"
        moved = before.withdrawable - after.withdrawable
        assert abs(Fraction(moved.value) - sign * Fraction(AMOUNT)) < Fraction("2e-8")
        found = await bench.account.find_transfer(request(source, target), EVER)
        assert found.state is not None
        assert (found.state.over, found.state.failed, found.asked) == (True, False, ())

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_what_is_not_there_is_said_by_the_bills(source: Pocket, target: Pocket) -> None:
    """Not one of other coins, not one of the other way, not one before."""

    async def act(bench: Bench) -> None:
        prepare(bench)
        other = request(source, target, coins="0.05")
        for made in (other, request(target, source)):
            assert (await bench.account.transfer(made)).fate is Fate.ACCEPTED
        later = Millis(bench.clock.now_ms() + 60_000)
        await bench.clock.sleep(120)
        for asked, since in ((request(source, target), EVER), (other, later)):
            found = await bench.account.find_transfer(asked, since)
            assert found == TransferSighting(None, ("account/bills",))

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


def test_what_the_bills_have_forgotten_is_looked_up_in_the_archive() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        assert (await bench.account.transfer(request())).fate is Fate.ACCEPTED
        await bench.clock.sleep(8 * DAY_MS / 1000)
        found = await bench.account.find_transfer(request(), EVER)
        assert found.state is not None
        absent = await bench.account.find_transfer(request(coins="0.05"), EVER)
        assert absent == TransferSighting(None, ("account/bills-archive",))

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("source", "target", "kind"), [(*WAYS[0], "add"), (*WAYS[1], "reduce")])
def test_coins_are_sent_as_they_are(source: Pocket, target: Pocket, kind: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        await bench.account.transfer(request(source, target))
        [posted] = [r for r in bench.seen if r.method == "POST"]
        asked = {"instId": "BTC-USD-SWAP", "posSide": "net", "type": kind, "amt": AMOUNT}
        assert await posted.json() == asked

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


def test_coins_of_an_isolated_position_s_loss_are_not_missing_in_the_pot() -> None:
    """It is that position's margin that carries the loss."""

    async def act(bench: Bench) -> None:
        prepare(bench)
        before = bench.pot(await bench.read())
        bench.exchange.change_feed(OKX.native, path=level(80_000))
        await bench.clock.sleep(5)
        after = bench.pot(await bench.read())
        assert after.unrealized < before.unrealized
        assert after.withdrawable == before.withdrawable

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


def test_one_pot_has_no_spot_wallet() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.transfer(request(SPOT, MARGIN))
        assert outcome.fate is Fate.REJECTED
        assert outcome.reason.startswith("not sent: ")
        assert await bench.account.find_transfer(request(SPOT, MARGIN), EVER) == TransferSighting(None)
        assert not bench.arrived

    play(act, OKX)


@pytest.mark.parametrize(("source", "target", "code"), [(*WAYS[0], "59303"), (*WAYS[1], "59301")])
def test_more_than_there_is_is_refused(source: Pocket, target: Pocket, code: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        outcome = await bench.account.transfer(request(source, target, coins="5"))
        assert outcome.fate is Fate.REJECTED
        assert code in outcome.reason

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("mode", "code"), [(MarginMode.ISOLATED, "59300"), (MarginMode.CROSS, "51043")])
def test_where_nothing_is_isolated_it_is_refused(mode: MarginMode, code: str) -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.transfer(request())
        assert outcome.fate is Fate.REJECTED
        assert code in outcome.reason

    play(act, OKX, margin_mode=mode)


WHERE: dict[str, Any] = {"method": "POST", "path": PATH}


def error(code: int) -> str:
    return json.dumps({"code": str(code), "msg": "", "data": []})


FAULTS = {
    "request lost": Fault("lose_request", **WHERE),
    "reply lost": Fault("lose_reply", **WHERE),
    "arrives late": Fault("late_arrival", seconds=8, **WHERE),
    "HTML with 200": Fault("html_200", **WHERE),
    "unlisted code": Fault("http_status", status=200, body=error(59999), **WHERE),
    "code 1 without a reason": Fault("http_status", status=200, body=error(1), **WHERE),
    "listed code with 503": Fault("http_status", status=503, body=error(59303), **WHERE),
}


@pytest.mark.parametrize("name", FAULTS)
def test_proves_nothing_and_is_sent_once(name: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        assert (await bench.account.transfer(request())).fate is Fate.UNKNOWN
        await bench.clock.sleep(60)
        assert bench.arrived[f"POST {PATH}"] == 1

    play(act, OKX, plan=[FAULTS[name]], margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("name", "value"), [("instId", "ETH-USD-SWAP"), ("type", "reduce"), ("amt", "0.1")])
def test_a_success_about_another_move_proves_nothing(name: str, value: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        assert (await bench.account.transfer(request())).fate is Fate.UNKNOWN

    changes = [Change(PATH, f"data[0].{name}", lambda _: value)]
    play(act, OKX, changes=changes, margin_mode=MarginMode.ISOLATED)


def test_bills_that_cannot_be_read_are_not_empty_ones() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        with pytest.raises(ReadError):
            await bench.account.find_transfer(request(), EVER)

    fault = Fault("html_200", method="GET", path=BILLS)
    play(act, OKX, plan=[fault], margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("name", "value"), [("type", "8"), ("instId", "ETH-USD-SWAP"), ("ccy", "ETH"), ("posBalChg", "much")]
)
def test_bills_of_something_else_are_an_error(name: str, value: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        await bench.account.transfer(request())
        with pytest.raises(ReadError, match=name):
            await bench.account.find_transfer(request(), EVER)

    changes = [Change(BILLS, f"data[0].{name}", lambda _: value)]
    play(act, OKX, changes=changes, margin_mode=MarginMode.ISOLATED)


def test_two_moves_of_the_same_coins_are_not_told_apart() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        for _ in range(2):
            bench.exchange.add_margin("main", OKX.native, AMOUNT)
        with pytest.raises(ReadError, match="is that of two moves"):
            await bench.account.find_transfer(request(), EVER)
        other = replace(request(), coins=Coin.of("0.05"))
        assert (await bench.account.find_transfer(other, EVER)).state is None

    play(act, OKX, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("59303", Fate.REJECTED),
        ("59300", Fate.REJECTED),
        ("50011", Fate.REJECTED),
        ("50111", Fate.REJECTED),
        ("50004", Fate.UNKNOWN),  # a time-out within the exchange
        ("50026", Fate.UNKNOWN),
        ("51008", Fate.UNKNOWN),  # of orders, not of margins
        ("1", Fate.UNKNOWN),
    ],
)
def test_only_listed_codes_reject(code: str, fate: Fate) -> None:
    said = Answer(False, code, "words", None, None, "move")
    assert CODES.judge(Operation.MARGIN, said, lambda _: "never asked").fate is fate
