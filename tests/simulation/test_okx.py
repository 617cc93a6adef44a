"""A hedge's life on OKX: one pot, contracts of 100 dollars, a margin mode on every order.

Client ids are free again here once their orders are over: an order sent twice would take effect twice.
"""

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder
from tests.simulation.judge import violations
from tests.simulation.test_order_fate import FAULTY_SECONDS, mixed, quiet
from tests.simulation.world import OKX, Scene, Setup, path, play

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CRASH_AND_RALLY = path(
    (0, 60_000), (60, 60_000), (660, 30_000), (720, 30_000), (1320, 54_000), (1400, 54_000)
)
"""Quiet, a fall by half over ten minutes, a rise by four fifths from the low."""

LOT_FEE_AND_SLIPPAGE = Fraction(100, 60_000) + Fraction("0.0005") + Fraction("0.0001")
PLACE = "/api/v5/trade/order"


class Orders:
    """A middleware of the server that keeps the bodies of the orders that arrive."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "POST" and request.path == PLACE:
            self.sent.append(json.loads(await request.read()))
        return await handler(request)


@pytest.mark.parametrize("ratio", ["1", "0.5"])
@pytest.mark.parametrize("margin_mode", [MarginMode.ISOLATED, MarginMode.CROSS])
def test_a_pot_at_twice_leverage_is_hedged_within_three_cycles(
    tmp_path: Path, ratio: str, margin_mode: MarginMode
) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(3)
        missing = Fraction(ratio) * scene.held - (scene.held - scene.net)
        assert 0 <= missing <= LOT_FEE_AND_SLIPPAGE
        assert scene.orders == 1
        [leg] = scene.hedge()["legs"]
        assert (scene.hedge()["state"], leg["contracts"]) == ("hedged", f"-{scene.short}")

    play(Setup(venue=OKX, ratio=ratio, margin_mode=margin_mode), tmp_path, act)


@pytest.mark.parametrize(("ratio", "margin_mode"), [("1", MarginMode.ISOLATED), ("0.5", MarginMode.CROSS)])
def test_a_crash_and_a_rally_cause_no_order(tmp_path: Path, ratio: str, margin_mode: MarginMode) -> None:
    async def act(scene: Scene) -> None:
        await scene.clock.sleep(50)
        hedged, net = scene.value, scene.net
        await scene.clock.sleep(660)
        assert scene.exchange.quote(scene.native).mark == 30_000
        assert scene.orders == 1
        if ratio == "1":
            assert abs(scene.value - hedged) < 30_000 * LOT_FEE_AND_SLIPPAGE * 2
        await scene.clock.sleep(700)
        assert (scene.orders, scene.net) == (1, net)

    setup = Setup(venue=OKX, ratio=ratio, margin_mode=margin_mode, price=CRASH_AND_RALLY, interval="15s")
    play(replace(setup, near=ratio == "0.5"), tmp_path, act)


@pytest.mark.parametrize("margin_mode", [MarginMode.ISOLATED, MarginMode.CROSS])
def test_every_order_bears_the_legs_margin_mode_and_leverage_is_set_in_it(
    tmp_path: Path, margin_mode: MarginMode
) -> None:
    orders = Orders()

    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        assert scene.exchange.account("main").state.leverage[scene.native] == 2
        scene.exchange.seize("main", "BTC", "0.1")
        await scene.clock.sleep(60)
        assert [(order["side"], order["tdMode"]) for order in orders.sent] == [
            ("sell", margin_mode.value),
            ("buy", margin_mode.value),
        ]

    setup = Setup(venue=OKX, margin_mode=margin_mode, middlewares=(orders.middleware,))
    play(setup, tmp_path, act)


class Unnamed(Setup):
    """A leg whose margin mode the config does not name."""

    def config(self) -> str:
        return super().config().replace(', margin_mode = "isolated"', "")


def test_where_none_is_named_the_first_order_is_in_cross_margin(tmp_path: Path) -> None:
    orders = Orders()

    async def act(scene: Scene) -> None:
        await scene.cycles(3)
        assert [order["tdMode"] for order in orders.sent] == ["cross"]
        assert scene.hedge()["state"] == "hedged"

    play(Unnamed(venue=OKX, leverage=None, middlewares=(orders.middleware,)), tmp_path, act)


def test_where_none_is_named_a_position_is_reduced_in_its_own(tmp_path: Path) -> None:
    orders = Orders()

    async def act(scene: Scene) -> None:
        scene.exchange.place("main", NewOrder(symbol=scene.native, side=Side.SELL, contracts=Fraction(500)))
        await scene.start()
        await scene.cycles(3)
        assert [(order["side"], order["tdMode"]) for order in orders.sent] == [("buy", "isolated")]
        assert scene.hedge()["state"] == "hedged"

    setup = Unnamed(venue=OKX, ratio="0.5", leverage=None, middlewares=(orders.middleware,))
    play(setup, tmp_path, act, started=False)


def test_a_position_in_another_margin_mode_than_configured_is_not_traded_on(tmp_path: Path) -> None:
    """Its orders would open a second position beside it."""
    orders = Orders()

    async def act(scene: Scene) -> None:
        scene.exchange.set_margin_mode("main", MarginMode.CROSS, scene.native)
        scene.exchange.place("main", NewOrder(symbol=scene.native, side=Side.SELL, contracts=Fraction(100)))
        await scene.start()
        await scene.cycles(4)
        assert orders.sent == []
        assert scene.hedge()["state"] == "halted"
        assert "margins cross, the config wants isolated" in scene.hedge()["last_cycle"]["reason"]

    play(Setup(venue=OKX, middlewares=(orders.middleware,)), tmp_path, act, started=False)


@pytest.mark.parametrize(("side", "share"), [(Side.BUY, "1/6"), (Side.BUY, "1"), (Side.SELL, "1/12")])
def test_a_position_changed_by_hand_is_corrected_within_three_cycles(
    tmp_path: Path, side: Side, share: str
) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        hedged = scene.short
        size = int(hedged * Fraction(share))
        scene.exchange.human_trade("main", scene.native, side, size)
        await scene.cycles(3)
        assert abs(scene.short - hedged) <= 2
        assert 0 <= scene.net <= 2 * LOT_FEE_AND_SLIPPAGE

    play(Setup(venue=OKX, leverage=3), tmp_path, act)


def test_a_hedge_in_hedge_mode_halts(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        scene.exchange.set_hedge_mode("main", scene.native, hedge=True)
        await scene.start()
        await scene.cycles(3)
        assert (scene.orders, scene.hedge()["state"]) == (0, "halted")
        assert "hedge mode" in scene.hedge()["last_cycle"]["reason"]

    play(Setup(venue=OKX), tmp_path, act, started=False)


@pytest.mark.parametrize(
    "endpoint", ["account/balance", "account/positions", "public/mark-price", "market/books"]
)
@pytest.mark.parametrize("rows", [[], [{}], None], ids=["empty", "blank", "null"])
def test_a_spoilt_read_never_becomes_an_order(tmp_path: Path, endpoint: str, rows: object) -> None:
    spoilt = False

    @web.middleware
    async def spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
        reply = await handler(request)
        if not spoilt or request.path != f"/api/v5/{endpoint}":
            return reply
        return web.json_response({"code": "0", "msg": "", "data": rows})

    async def act(scene: Scene) -> None:
        nonlocal spoilt
        await scene.clock.sleep(25)
        before, spoilt = scene.short, True
        scene.exchange.deposit("main", "BTC", "0.25")
        await scene.clock.sleep(50)
        assert (scene.short, scene.orders, scene.hedge()["state"]) == (before, 1, "blind")
        spoilt = False
        await scene.clock.sleep(15)
        assert scene.orders == 2

    play(Setup(venue=OKX, middlewares=(spoil,), interval="10s"), tmp_path, act)


SEEDS = range(7, 14)
DUPLICATE = json.dumps(
    {"code": "1", "msg": "", "data": [{"sCode": "51016", "sMsg": "exists", "ordId": "", "clOrdId": ""}]}
)
TIMED_OUT = json.dumps({"code": "50004", "msg": "API endpoint request timeout", "data": []})


def order(kind: str, **how: Any) -> Fault:
    """A fault around the placing of an order."""
    return Fault(kind, method="POST", path=PLACE, **how)


AROUND_ORDERS = (
    order("lose_request"),
    order("lose_reply"),
    order("late_arrival", seconds=(0.5, 10.0)),
    order("delay_reply", seconds=(5.0, 60.0)),
    order("truncate_reply"),
    order("html_200"),
    order("empty_200"),
    order("http_status", status=502),
    order("http_status", status=503, body=TIMED_OUT, processed=False),
    order("http_status", status=400, body=TIMED_OUT),
    order("exchange_error", body=DUPLICATE),
    order("nan_json"),
    order("garble"),
)
READS = ("wallet", "position", "order", "order_history", "execution")


def drawn(seed: int) -> Setup:
    """A mixture: some faults around orders, and lags of up to five seconds.

    In cross margin at 10x the margin would allow a second order of the same size: only the daemon forbids it.
    """
    rng = random.Random(seed)
    return Setup(
        venue=OKX,
        ratio=rng.choice(("1", "0.5")),
        leverage=10,
        margin_mode=MarginMode.CROSS,
        interval=rng.choice(("1s", "2s")),
        seed=seed,
        faults=mixed(AROUND_ORDERS, seed, rng),
        lags={read: rng.choice((0, 0, 1, 5)) for read in READS},
    )


def test_no_mixture_of_faults_doubles_or_drops_an_order(tmp_path: Path) -> None:
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        play(drawn(seed), folder, _live_through)


async def _live_through(scene: Scene) -> None:
    rng = random.Random(scene.setup.seed)
    ratio, deposits = Fraction(scene.setup.ratio), sorted(rng.sample(range(5, FAULTY_SECONDS), 2))
    for second in range(FAULTY_SECONDS):
        await scene.clock.sleep(1)
        if second in deposits:
            scene.exchange.deposit("main", "BTC", "0.2")
        _judge(scene, ratio)
    scene.faults.stop()
    await quiet(scene, lambda: _judge(scene, ratio))
    missing = ratio * scene.held - (scene.held - scene.net)
    assert 0 <= missing <= Fraction("0.004"), f"seed {scene.setup.seed}: {float(missing)} coins from target"


def _judge(scene: Scene, ratio: Fraction) -> None:
    most = Fraction(600) * scene.held * ratio
    found = violations(scene.exchange, symbol=scene.native, most=most)
    assert not found, f"seed {scene.setup.seed}: {found}"
