"""The traps of ccxt 4.5.90 and of OKX itself: each is shown to be there, and shown not to reach us."""

import asyncio
import json
import logging
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ccxt.async_support as ccxt
import pytest

from hedgebot.domain.account import EntryKind
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Coin, Contracts, Millis, Usd
from hedgebot.errors import ConversionError, HedgebotError
from hedgebot.exchange.okx.account import OkxAccount
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode as SimMode
from hedgebot.sim.market import level
from tests.exchange.kit import KEY, OKX, SECRET, Bench, play
from tests.exchange.tamper import Change

BTC, NATIVE = OKX.symbol, OKX.native
PASSPHRASE = OKX.password
CREATE: dict[str, Any] = {"method": "POST", "path": OKX.place}


def account(bench: Bench) -> OkxAccount:
    assert isinstance(bench.account, OkxAccount)
    return bench.account


def vendor(bench: Bench) -> Any:
    """The ccxt instance beneath an account."""
    return account(bench)._client._vendor


async def by_ccxt(bench: Bench, method: str, *arguments: Any) -> Any:
    """What ccxt's own method makes of the same exchange."""
    found = vendor(bench)
    found.options["fetchMarkets"] = {"types": ["swap"]}
    if found.markets is None:
        await found.load_markets()
    return await getattr(found, method)(*arguments)


def bodies(bench: Bench, path: str) -> list[Any]:
    """What was sent to an endpoint."""
    return [json.loads(request._read_bytes or b"null") for request in bench.seen if request.path == path]


def error(code: int, message: str) -> str:
    return json.dumps({"code": str(code), "data": [], "msg": message})


class TestMarginModeIsOfEachOrder:
    """ccxt's orders are cross unless each is told otherwise, even after ``set_margin_mode('isolated')``."""

    def test_the_trap(self) -> None:
        async def act(bench: Bench) -> None:
            await by_ccxt(bench, "set_margin_mode", "isolated", BTC, {"lever": 2})
            await by_ccxt(bench, "create_order", BTC, "limit", "sell", 20, 59_990)
            assert bench.exchange.account("main").state.mode_of(NATIVE) is SimMode.CROSS

        play(act, OKX, margin_mode=SimMode.CROSS)

    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_ours_name_it_every_time_also_to_reduce(self, mode: SimMode) -> None:
        async def act(bench: Bench) -> None:
            for usd in (-12_000, 5_000):
                await bench.account.place(bench.order(usd))
            sent = bodies(bench, OKX.place)
            assert [(order["tdMode"], order["reduceOnly"]) for order in sent] == [
                (mode.value, False),
                (mode.value, True),
            ]

        play(act, OKX, margin_mode=mode)

    def test_leverage_is_set_in_that_mode_too(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.set_leverage(BTC, "2", MarginMode.ISOLATED)
            [sent] = bodies(bench, "/api/v5/account/set-leverage")
            assert sent == {"instId": NATIVE, "lever": "2", "mgnMode": "isolated"}

        play(act, OKX)


class TestAddingMarginRaisesAfterItWasDone:
    def test_the_trap(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            before = bench.exchange.position("main", NATIVE).margin
            with pytest.raises(TypeError):
                await by_ccxt(bench, "add_margin", BTC, 0.1)
            assert bench.exchange.position("main", NATIVE).margin == before + Fraction("0.1")

        play(act, OKX, margin_mode=SimMode.ISOLATED)


class TestOrdersGoToTheirOwnEndpoint:
    def test_the_trap(self) -> None:
        async def act(bench: Bench) -> None:
            await by_ccxt(bench, "create_order", BTC, "limit", "sell", 20, 59_990)
            assert bench.arrived["POST /api/v5/trade/batch-orders"] == 1

        play(act, OKX)

    def test_ours_are_single_and_bear_our_id_and_nobodys_tag(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            assert bench.arrived["POST /api/v5/trade/batch-orders"] == 0
            [sent] = bodies(bench, OKX.place)
            assert (sent["clOrdId"], sent["ordType"], sent["sz"]) == (order.client_id, "ioc", "10")
            assert "tag" not in sent

        play(act, OKX)


class TestAnOrderHasAnEnd:
    """A request may wait somewhere on its way: after ``expTime`` OKX itself refuses it."""

    def test_every_order_names_it_by_the_exchanges_clock(self) -> None:
        async def act(bench: Bench) -> None:
            bench.clock.step(-3_600)
            await bench.read()
            await bench.account.place(bench.order(-1_000))
            [expiry] = [int(r.headers["expTime"]) for r in bench.seen if "expTime" in r.headers]
            now = bench.exchange.truth.clock.now_ms()
            assert now + 4_900 < expiry <= now + 5_000

        play(act, OKX, settle_after_s=10.0)

    def test_nothing_else_does(self) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.read()
            await bench.account.place(order)
            await bench.account.cancel(order)
            await bench.account.set_leverage(BTC, "2")
            assert [r.path for r in bench.seen if "expTime" in r.headers] == [OKX.place]

        play(act, OKX)

    def test_one_that_arrives_later_has_no_effect(self) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.account.place(bench.order(-1_000))).fate is Fate.UNKNOWN
            await bench.clock.sleep(60)
            assert (bench.placed, bench.effective) == (1, 0)

        play(act, OKX, settle_after_s=10.0, plan=[Fault("late_arrival", seconds=5.1, **CREATE)])

    def test_one_that_arrives_within_it_has(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            await bench.clock.sleep(60)
            assert (bench.placed, bench.effective) == (1, 1)

        play(act, OKX, settle_after_s=10.0, plan=[Fault("late_arrival", seconds=4.8, **CREATE)])


class TestTotalsAreNoCoins:
    def test_ccxts_total_has_the_profit_in_it_and_the_balance_lacks_the_margin(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-60_000))
            bench.exchange.change_feed(NATIVE, path=level(30_000))
            total = (await by_ccxt(bench, "fetch_balance"))["BTC"]["total"]
            wallet = bench.pot(await bench.read())
            assert total == pytest.approx(2.0 + 0.5 - 0.0005, abs=0.001)
            assert abs(wallet.coins - Coin.of("1.4995")).value < Decimal("0.00001")

        play(act, OKX, coins="1.5", margin_mode=SimMode.ISOLATED)


def test_the_notional_is_contracts_times_face_and_never_a_figure_of_the_reply() -> None:
    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-30_000))
        reading = await bench.read()
        instrument = reading.leg_facts(BTC).instrument
        assert instrument.notional(reading.position(BTC).contracts) == Usd.of(30_000)

    wrong = Change("/api/v5/account/positions", "data[0].notionalUsd", lambda _: "2276.25")
    play(act, OKX, changes=[wrong])


def test_funding_received_is_positive_in_bills_and_ours() -> None:
    async def act(bench: Bench) -> None:
        began = bench.clock.now_ms()
        await bench.account.place(bench.order(-30_000))
        await bench.clock.sleep(8 * 3600)
        [entry] = [
            each
            for each in (await bench.account.ledger([BTC], Millis(began))).entries
            if each.kind is EntryKind.FUNDING
        ]
        assert entry.coins == Coin.of("0.00005")

    play(act, OKX)


def test_a_refusal_hides_in_the_row_of_code_one() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-2_000_000))
        assert outcome.fate is Fate.REJECTED
        assert "51008" in outcome.reason
        with pytest.raises(ccxt.InsufficientFunds):
            await by_ccxt(bench, "privatePostTradeOrder", bodies(bench, OKX.place)[0])

    play(act, OKX)


class TestT1ToT4:
    @pytest.mark.parametrize("at", [0, 1, 20, 0.5, 0.99])
    def test_t1_an_accepted_order_whose_reply_is_cut_short_is_unknown_and_found(self, at: float) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert (await bench.account.find(order)).state is not None
            assert bench.effective == 1

        play(act, OKX, plan=[Fault("truncate_reply", at=at, **CREATE)])

    @pytest.mark.parametrize("kind", ["html_200", "empty_200", "null_200", "nan_json"])
    def test_t2_a_success_without_a_body_is_unknown_and_found(self, kind: str) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert (await bench.account.find(order)).state is not None
            assert bench.effective == 1

        play(act, OKX, plan=[Fault(kind, **CREATE)])

    @pytest.mark.parametrize(("code", "status"), [(50004, 400), (50026, 500), (50001, 503), (51054, 500)])
    def test_t3_a_time_out_behind_the_exchange_is_no_rejection(self, code: int, status: int) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert (await bench.account.find(order)).state is not None

        play(act, OKX, plan=[Fault("http_status", status=status, body=error(code, "timeout"), **CREATE)])

    def test_t4_a_finished_orders_id_is_free_again_so_it_is_never_sent_twice(self) -> None:
        """OKX keeps client ids apart among open orders only: nothing of ours relies on its refusal."""

        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            await bench.clock.sleep(120)
            assert (bench.placed, bench.effective) == (1, 1)
            state = (await bench.account.find(order)).state
            assert state is not None
            assert state.filled == order.contracts

        play(act, OKX, plan=[Fault("lose_reply", **CREATE)])


class TestT5:
    @pytest.mark.parametrize(
        "option", [{"maxRetriesOnFailure": 3}, {"trade/order": {"maxRetriesOnFailure": 3}}]
    )
    def test_with_ccxts_retries_switched_on_nothing_is_sent(self, option: dict[str, Any]) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            vendor(bench).options.update(option)
            outcome = await bench.account.place(bench.order(-1_000))
            assert (outcome.fate, bench.placed) == (Fate.REJECTED, 0)

        play(act, OKX)

    def test_a_dropped_connection_is_one_request_also_for_reads(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(HedgebotError):
                await bench.account.find(bench.order(-1_000))
            assert bench.arrived[f"GET {OKX.history}"] == 3  # our three tries, none of aiohttp's

        play(act, OKX, plan=[Fault("lose_reply", path=OKX.history)])


class TestT6:
    def test_ccxts_limiter_is_off_and_ours_counts_each_endpoint_by_itself(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            for _ in range(20):
                await bench.read()
            began = bench.clock.monotonic()
            assert (await bench.account.place(bench.order(-1_000))).fate is Fate.ACCEPTED
            assert vendor(bench).enableRateLimit is False
            assert bench.clock.monotonic() - began < 0.1, "behind twenty readings"
            assert not [outcome for _, outcome, _ in bench.metrics if outcome != "ok"], "none was too fast"

        play(act, OKX)

    def test_a_burst_stays_within_what_each_endpoint_takes(self) -> None:
        async def act(bench: Bench) -> None:
            await asyncio.gather(*(bench.read() for _ in range(6)), return_exceptions=True)
            assert not [outcome for _, outcome, _ in bench.metrics if outcome == "code_50011"]

        play(act, OKX)


@pytest.mark.parametrize(("field", "value"), [("pos", ""), ("pos", "NaN"), ("pos", "1e999"), ("upl", None)])
def test_t9_t10_a_damaged_position_is_neither_flat_nor_safe(field: str, value: object) -> None:
    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-1_000))
        with pytest.raises(ConversionError):
            await bench.read()

    play(act, OKX, changes=[Change("/api/v5/account/positions", f"data[0].{field}", lambda _: value)])


def test_an_empty_reply_is_no_flat_position_while_the_coin_shows_one() -> None:
    """The one that made others believe in zero exposure: a list that is empty by fault."""

    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-1_000))
        assert (await bench.read()).position(BTC).contracts == Contracts.of(-10)
        bench.changes.append(Change("/api/v5/account/positions", "data", lambda _: []))
        with pytest.raises(ConversionError, match="no position"):
            await bench.read()

    play(act, OKX, margin_mode=SimMode.ISOLATED)


def test_t11_nothing_private_is_asked_before_it_is_needed_and_never_about_currencies() -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        first = bench.seen[:3]
        assert {(r.path, "OK-ACCESS-KEY" in r.headers) for r in first} == {
            ("/api/v5/public/time", False),
            ("/api/v5/public/instruments", False),
        }
        assert not [path for path in bench.arrived if "asset" in path]

    play(act, OKX)


class TestT12:
    @pytest.mark.parametrize(
        "fault",
        [
            None,
            Fault("lose_reply"),
            Fault("truncate_reply"),
            Fault("html_200"),
            Fault("http_status", status=401),
            Fault("http_status", status=500),
            Fault("exchange_error", body=error(50113, f"Invalid Sign {KEY} {SECRET} {PASSPHRASE}")),
            Fault("exchange_error", body=error(51000, f"unknown {SECRET}")),
            Fault("delay_reply"),
        ],
        ids=lambda fault: fault and f"{fault.kind} {fault.status}",
    )
    def test_no_secret_is_in_an_error_a_reason_or_a_log(
        self, fault: Fault | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        told: list[str] = []

        async def act(bench: Bench) -> None:
            await account(bench)._slow.listing()
            bench.faults._plan = (fault,) if fault else ()
            for attempt in (
                bench.read(),
                bench.account.find(bench.order(-1_000)),
                bench.account.place(bench.order(-1_000)),
            ):
                try:
                    told.append(str(await attempt))
                except HedgebotError as failure:
                    told.extend((str(failure), repr(failure), str(failure.__cause__)))
            told.append(repr(bench.account))
            signatures = [request.headers.get("OK-ACCESS-SIGN", "") for request in bench.seen]
            everything = "\n".join((*told, caplog.text))
            assert not [s for s in (KEY, SECRET, PASSPHRASE, *filter(None, signatures)) if s in everything]

        play(act, OKX)
        assert told
