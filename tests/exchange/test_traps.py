"""The traps of ccxt 4.5.90, T1 to T12: each is shown to be there, and shown not to reach us."""

import asyncio
import logging
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest

from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Coin, Contracts, Usd
from hedgebot.errors import ConversionError, HedgebotError
from hedgebot.exchange.bybit.account import BybitAccount
from hedgebot.sim.faults import Fault, bybit_error
from hedgebot.sim.market import level
from tests.exchange.kit import BYBIT, KEY, SECRET, Bench, play
from tests.exchange.tamper import Change
from tests.exchange.test_convert import row

BTC = "BTC/USD:BTC"
CREATE: dict[str, Any] = {"method": "POST", "path": BYBIT.place}


def account(bench: Bench) -> BybitAccount:
    assert isinstance(bench.account, BybitAccount)
    return bench.account


def vendor(bench: Bench) -> Any:
    """The ccxt instance beneath an account."""
    return account(bench)._client._vendor


async def vendors_order(bench: Bench) -> Any:
    """The same order through ccxt's own method: what it makes of the reply."""
    return await vendor(bench).privatePostV5OrderCreate({"orderLinkId": "another"})


@pytest.mark.parametrize("at", [0, 1, 20, 0.5, 0.99])
def test_t1_an_accepted_order_whose_reply_is_cut_short_is_unknown_and_found(at: float) -> None:
    async def act(bench: Bench) -> None:
        order = bench.order(-1_000)
        assert (await bench.account.place(order)).fate is Fate.UNKNOWN
        with pytest.raises((ccxt.ExchangeError, ccxt.NetworkError)):
            await vendors_order(bench)
        assert (await bench.account.find(order)).state is not None
        assert bench.effective == 1

    play(act, plan=[Fault("truncate_reply", at=at, **CREATE)])


@pytest.mark.parametrize("kind", ["html_200", "empty_200", "null_200", "nan_json"])
def test_t2_a_success_without_a_body_is_unknown_and_found(kind: str) -> None:
    async def act(bench: Bench) -> None:
        order = bench.order(-1_000)
        assert (await bench.account.place(order)).fate is Fate.UNKNOWN
        assert (await bench.account.find(order)).state is not None
        assert bench.effective == 1

    play(act, plan=[Fault(kind, **CREATE)])


@pytest.mark.parametrize("code", [10000, 10016])
def test_t3_a_time_out_behind_the_exchange_is_no_rejection(code: int) -> None:
    async def act(bench: Bench) -> None:
        order = bench.order(-1_000)
        assert (await bench.account.place(order)).fate is Fate.UNKNOWN
        assert (await bench.account.find(order)).state is not None

    play(act, plan=[Fault("exchange_error", body=bybit_error(code, "Server Timeout"), **CREATE)])


def test_t4_a_duplicate_id_is_no_rejection() -> None:
    async def act(bench: Bench) -> None:
        order = bench.order(-1_000)
        fates = [(await bench.account.place(order)).fate for _ in range(3)]
        assert fates == [Fate.ACCEPTED, Fate.UNKNOWN, Fate.UNKNOWN]
        assert bench.effective == 1

    play(act)


class TestT5:
    def test_a_time_out_is_one_request(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            await bench.clock.sleep(120)
            assert bench.placed == 1

        play(act, plan=[Fault("delay_reply", **CREATE)])

    @pytest.mark.parametrize(
        "option", [{"maxRetriesOnFailure": 3}, {"v5/order/create": {"maxRetriesOnFailure": 3}}]
    )
    def test_with_ccxts_retries_switched_on_nothing_is_sent(self, option: dict[str, Any]) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            vendor(bench).options.update(option)
            outcome = await bench.account.place(bench.order(-1_000))
            assert (outcome.fate, bench.placed) == (Fate.REJECTED, 0)
            assert "could be sent twice" in outcome.reason

        play(act)

    def test_with_aiohttps_retries_switched_on_nothing_is_sent(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            vendor(bench).session._retry_connection = True
            outcome = await bench.account.place(bench.order(-1_000))
            assert (outcome.fate, bench.placed) == (Fate.REJECTED, 0)
            assert "would send a request again" in outcome.reason

        play(act)

    def test_a_dropped_connection_is_one_request_also_for_reads(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(HedgebotError):
                await bench.read()
            assert bench.arrived["GET /v5/market/instruments-info"] == 3  # our three tries, none of aiohttp's

        play(act, plan=[Fault("lose_reply", path="/v5/market/instruments-info")])


class TestT6:
    def test_ccxts_limiter_is_off(self) -> None:
        async def act(bench: Bench) -> None:
            began = bench.clock.monotonic()
            await asyncio.gather(*(bench.read() for _ in range(3)))
            assert vendor(bench).enableRateLimit is False
            assert bench.clock.monotonic() - began < 0.25

        play(act)

    def test_a_step_of_the_wall_clock_holds_nothing_up(self) -> None:
        async def act(bench: Bench) -> None:
            await asyncio.gather(*(bench.read() for _ in range(5)))
            bench.clock.step(-3_600)
            began = bench.clock.monotonic()
            await bench.read()
            assert bench.clock.monotonic() - began < 0.5

        play(act)

    def test_reads_that_were_abandoned_cost_the_next_one_nothing(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            reads = [asyncio.create_task(bench.read()) for _ in range(30)]
            await asyncio.sleep(0)
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)
            began = bench.clock.monotonic()
            await bench.account.place(bench.order(-1_000))
            assert bench.clock.monotonic() - began < 0.1

        play(act)


def test_t7_a_minimum_order_of_ten_does_not_make_a_contract_of_ten_dollars() -> None:
    async def act(bench: Bench) -> None:
        facts = (await bench.read()).leg_facts(BTC)
        assert facts.instrument.min_order == Contracts.of(10)
        assert facts.instrument.notional(Contracts.of(1_000)) == Usd.of(1_000)

    play(
        act, changes=[Change("market/instruments-info", "list[0].lotSizeFilter.minOrderQty", lambda _: "10")]
    )


def test_t8_coins_and_open_loss_are_kept_apart() -> None:
    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-60_000))
        bench.exchange.change_feed("BTCUSD", path=level(66_000))
        [wallet] = (await bench.read()).wallets
        assert wallet.unrealized < Coin.of("-0.09")
        assert abs((wallet.coins - Coin.of("1.49945")).value) < Decimal(
            "0.00001"
        )  # 1.5 less the fee, no profit

    play(act, coins="1.5")


@pytest.mark.parametrize("number", ["NaN", "1e999", "1_000", "٣", "Infinity"])
def test_t9_what_ccxt_calls_a_number_is_none(number: str) -> None:
    assert ccxt.bybit().safe_number({"size": number}, "size") is not None
    with pytest.raises(ConversionError):
        row(number).decimal("size")


def test_t9_a_key_that_comes_twice_is_no_answer() -> None:
    async def act(bench: Bench) -> None:
        assert (await bench.account.place(bench.order(-1_000))).fate is Fate.UNKNOWN

    play(act, plan=[Fault("duplicate_keys", **CREATE)])


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", ""), ("side", "sell"), ("side", ""), ("size", "-1000"), ("symbol", "NOPE"), ("liqPrice", None)],
)
def test_t10_a_damaged_position_is_neither_flat_nor_safe(field: str, value: object) -> None:
    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-1_000))
        with pytest.raises(ConversionError):
            await bench.read()

    play(act, changes=[Change("position/list", f"list[0].{field}", lambda _: value)])


def test_t11_nothing_private_is_asked_before_it_is_needed_and_never_about_currencies() -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        first = bench.seen[0]
        assert (first.path, "X-BAPI-API-KEY" in first.headers) == ("/v5/market/instruments-info", False)
        assert not [path for path in bench.arrived if "asset" in path or "query-api" in path]
        assert vendor(bench).has["fetchCurrencies"] is False

    play(act, plan=[Fault("http_status", status=403, path="/v5/asset")])


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
            Fault("http_status", status=302),
            Fault(
                "exchange_error", body=bybit_error(10004, f"error sign! origin_string[1658{KEY}5000{SECRET}]")
            ),
            Fault("exchange_error", body=bybit_error(10001, f"unknown {SECRET}")),
            Fault("delay_reply"),
        ],
        ids=lambda fault: fault and f"{fault.kind} {fault.status}",
    )
    def test_no_secret_is_in_an_error_a_reason_or_a_log(
        self, fault: Fault | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for name in ("ccxt", "ccxt.base.exchange", "aiohttp", "aiohttp.client", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)  # and back at the test's end
        told: list[str] = []

        async def act(bench: Bench) -> None:
            await account(bench)._slow.listing()
            bench.faults._plan = (fault,) if fault else ()
            for attempt in (
                bench.read(),
                bench.account.find(bench.order(-1)),
                bench.account.place(bench.order(-1)),
            ):
                try:
                    told.append(str(await attempt))
                except HedgebotError as error:
                    told.extend(_whole(error))
            told.append(repr(bench.account))
            signatures = [request.headers.get("X-BAPI-SIGN", "") for request in bench.seen]
            everything = "\n".join((*told, caplog.text))
            assert not [s for s in (KEY, SECRET, *filter(None, signatures)) if s in everything]

        play(act)
        assert told

    def test_a_wrong_secret_is_not_echoed_with_the_key(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(HedgebotError) as caught:
                await bench.read()
            assert "error sign" in str(caught.value)
            assert KEY not in "".join(_whole(caught.value))

        play(act, secret="wrong")


def _whole(error: BaseException | None) -> list[str]:
    """Every text that a traceback of this error would show."""
    texts: list[str] = []
    while error is not None:
        texts += [str(error), repr(error)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return texts
