"""Collateral moves on Bybit: sent once, in four decimals, judged by listed codes; no history knows them."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.orders import Fate
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferSighting, distinct
from hedgebot.domain.units import Coin, Millis
from hedgebot.exchange.bybit.venue import CODES
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.exchange.kit import BYBIT, Bench, play
from tests.exchange.tamper import Change

SPOT, MARGIN, ISOLATED = Pocket.SPOT, Pocket.MARGIN, Pocket.ISOLATED
PATH = "/v5/position/add-margin"
WAYS = [(MARGIN, ISOLATED), (ISOLATED, MARGIN)]


def request(source: Pocket = MARGIN, target: Pocket = ISOLATED, coins: str = "0.1001") -> TransferRequest:
    symbol = BYBIT.symbol if ISOLATED in {source, target} else ""
    amount = distinct(Coin.of(coins), 77)
    return TransferRequest("hb0000000000001", "main", "BTC", amount, source, target, symbol)


def prepare(bench: Bench) -> None:
    """30,000 dollars short at leverage 2, 0.2 coins more isolated than needed."""
    bench.exchange.set_leverage("main", BYBIT.native, 2)
    bench.exchange.human_trade("main", BYBIT.native, Side.SELL, 30_000)
    bench.exchange.add_margin("main", BYBIT.native, "0.2")


def isolated(bench: Bench) -> Fraction:
    return bench.exchange.position("main", BYBIT.native).margin


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_coins_move_and_both_pockets_show_it(source: Pocket, target: Pocket) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        before, truly = await bench.read(), isolated(bench)
        outcome = await bench.account.transfer(request(source, target))
        assert (outcome.fate, outcome.order_id) == (Fate.ACCEPTED, "")
        after, sign = await bench.read(), 1 if target is ISOLATED else -1
        assert isolated(bench) - truly == sign * Fraction("0.1"), "cut to four decimals"
        shown = [p.margin.value for r in (before, after) for p in r.positions if p.margin]
        assert shown[1] - shown[0] == sign * Decimal("0.1")
        pots = [bench.pot(reading) for reading in (before, after)]
        assert pots[0].coins == pots[1].coins, "an isolated margin is part of the pot"
        assert pots[0].withdrawable.value - pots[1].withdrawable.value == sign * Decimal("0.1")

    play(act, BYBIT, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("source", "target", "sent"), [(*WAYS[0], "0.1000"), (*WAYS[1], "-0.1000")])
def test_what_is_taken_out_has_its_sign(source: Pocket, target: Pocket, sent: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        await bench.account.transfer(request(source, target))
        [posted] = [r for r in bench.seen if r.method == "POST"]
        assert await posted.json() == {
            "category": "inverse", "symbol": "BTCUSD", "margin": sent, "positionIdx": 0
        }  # fmt: skip

    play(act, BYBIT, margin_mode=MarginMode.ISOLATED)


def test_the_fewest_coins_are_enough_for_four_decimals() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        before = isolated(bench)
        assert (await bench.account.transfer(request(coins="0.0002"))).fate is Fate.ACCEPTED
        assert isolated(bench) - before == Fraction("0.0001")

    play(act, BYBIT, margin_mode=MarginMode.ISOLATED)


def test_coins_of_an_isolated_position_s_loss_are_not_missing_in_the_pot() -> None:
    """It is that position's margin that carries the loss."""

    async def act(bench: Bench) -> None:
        prepare(bench)
        before = bench.pot(await bench.read())
        bench.exchange.change_feed(BYBIT.native, path=level(80_000))
        await bench.clock.sleep(5)
        after = bench.pot(await bench.read())
        assert after.unrealized < before.unrealized
        assert after.withdrawable == before.withdrawable

    play(act, BYBIT, margin_mode=MarginMode.ISOLATED)


def test_no_history_tells_anything() -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        await bench.account.transfer(request())
        assert await bench.account.find_transfer(request(), Millis(0)) == TransferSighting(None)

    play(act, BYBIT, margin_mode=MarginMode.ISOLATED)


def test_one_pot_has_no_spot_wallet() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.transfer(request(SPOT, MARGIN))
        assert outcome.fate is Fate.REJECTED
        assert outcome.reason.startswith("not sent: ")
        assert not bench.arrived

    play(act, BYBIT)


@pytest.mark.parametrize(("source", "target", "code"), [(*WAYS[0], "110014"), (*WAYS[1], "110078")])
def test_more_than_there_is_is_refused(source: Pocket, target: Pocket, code: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        outcome = await bench.account.transfer(request(source, target, coins="5"))
        assert outcome.fate is Fate.REJECTED
        assert code in outcome.reason

    play(act, BYBIT, margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("mode", "code"), [(MarginMode.ISOLATED, "110033"), (MarginMode.CROSS, "110015")])
def test_where_nothing_is_isolated_it_is_refused(mode: MarginMode, code: str) -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.transfer(request())
        assert outcome.fate is Fate.REJECTED
        assert code in outcome.reason

    play(act, BYBIT, margin_mode=mode)


WHERE: dict[str, Any] = {"method": "POST", "path": PATH}
FAULTS = {
    "request lost": Fault("lose_request", **WHERE),
    "reply lost": Fault("lose_reply", **WHERE),
    "arrives late": Fault("late_arrival", seconds=8, **WHERE),
    "HTML with 200": Fault("html_200", **WHERE),
    "unlisted code": Fault(
        "http_status",
        status=200,
        body=json.dumps({"retCode": 110073, "retMsg": "", "result": {}, "time": 1}),
        **WHERE,
    ),
    "listed code with 503": Fault(
        "http_status",
        status=503,
        body=json.dumps({"retCode": 110014, "retMsg": "", "result": {}, "time": 1}),
        **WHERE,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_proves_nothing_and_is_sent_once(name: str) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        assert (await bench.account.transfer(request())).fate is Fate.UNKNOWN
        await bench.clock.sleep(60)
        assert bench.arrived[f"POST {PATH}"] == 1

    play(act, BYBIT, plan=[FAULTS[name]], margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(("name", "value"), [("symbol", "ETHUSD"), ("positionIdx", 2)])
def test_a_success_about_another_position_proves_nothing(name: str, value: object) -> None:
    async def act(bench: Bench) -> None:
        prepare(bench)
        assert (await bench.account.transfer(request())).fate is Fate.UNKNOWN

    play(act, BYBIT, changes=[Change(PATH, name, lambda _: value)], margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("110014", Fate.REJECTED),
        ("110078", Fate.REJECTED),
        ("10005", Fate.REJECTED),
        ("10002", Fate.REJECTED),
        ("10000", Fate.UNKNOWN),  # a time-out within the exchange
        ("10016", Fate.UNKNOWN),
        ("110017", Fate.UNKNOWN),  # of orders, not of margins
        ("110043", Fate.UNKNOWN),
    ],
)
def test_only_listed_codes_reject(code: str, fate: Fate) -> None:
    said = Answer(False, code, "words", None, None, "move")
    assert CODES.judge(Operation.MARGIN, said, lambda _: "never asked").fate is fate
