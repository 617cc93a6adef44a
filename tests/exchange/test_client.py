"""How requests are made: tried again or not, held back in a ban, led where they may go, counted, closed."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hedgebot.clock import SystemClock
from hedgebot.domain.account import Needs
from hedgebot.domain.orders import Fate
from hedgebot.errors import BackOffError, ConfigError, CredentialsError, ReadError
from hedgebot.exchange.registry import open_account
from hedgebot.exchange.wire import Request, Wire
from hedgebot.sim.account import ApiKey
from hedgebot.sim.bybit.dialect import BYBIT as DIALECT
from hedgebot.sim.faults import HTML, Fault, bybit_error
from hedgebot.sim.virtual import VirtualClock, run
from tests.exchange.kit import BYBIT, CREDENTIALS, KEY, SECRET, Bench, play

WALLET = "/v5/account/wallet-balance"
TOO_FREQUENT = "<html>403 Forbidden: access too frequent</html>"


def faulty(kind: str, path: str = WALLET, **how: Any) -> Fault:
    return Fault(kind, path=path, method="GET", **how)


def ours() -> int:
    """Tasks that are not the server's."""
    return sum("RequestHandler" not in repr(task.get_coro()) for task in asyncio.all_tasks())


class TestReads:
    @pytest.mark.parametrize(
        "fault",
        [
            faulty("lose_request", limit=2),
            faulty("lose_reply", limit=2),
            faulty("truncate_reply", limit=2),
            faulty("html_200", limit=2),
            faulty("empty_200", limit=2),
            faulty("null_200", limit=2),
            faulty("nan_json", limit=2),
            faulty("duplicate_keys", limit=2),
            faulty("http_status", status=503, limit=2),
            faulty("exchange_error", body=bybit_error(10016, "Server error"), limit=2),
            faulty("exchange_error", body=bybit_error(10002, "time window"), limit=2),
            faulty("delay_reply", limit=1),
        ],
        ids=lambda fault: f"{fault.kind} {fault.status}",
    )
    def test_are_tried_again_when_the_failure_may_pass(self, fault: Fault) -> None:
        async def act(bench: Bench) -> None:
            reading = await bench.read()
            assert reading.wallets
            assert bench.arrived[f"GET {WALLET}"] == 1 + int(fault.limit)

        play(act, plan=[fault])

    def test_stop_after_three_tries_and_name_the_endpoint(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="main: bybit account/wallet-balance"):
                await bench.read()
            assert bench.arrived[f"GET {WALLET}"] == 3

        play(act, plan=[faulty("html_200")])

    @pytest.mark.parametrize("status", [400, 403, 404, 451])
    def test_are_not_repeated_when_the_exchange_turns_us_away(self, status: int) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match=f"HTTP {status}"):
                await bench.read()
            assert bench.arrived[f"GET {WALLET}"] == 1

        play(act, plan=[faulty("http_status", status=status)])

    @pytest.mark.parametrize("path", BYBIT.reads)
    def test_one_that_fails_fails_the_reading_and_leaves_no_task_behind(self, path: str) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            before = ours()
            with pytest.raises(ReadError, match=path.removeprefix("/v5/")):
                await bench.read()
            assert ours() == before

        play(act, plan=[faulty("http_status", path, status=404)])

    def test_a_reading_that_is_abandoned_leaves_no_task_behind(self) -> None:
        async def act(bench: Bench) -> None:
            before = ours()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await bench.read()
            assert ours() == before

        play(act, plan=[faulty("delay_reply", seconds=60)])

    def test_all_of_a_reading_go_out_together(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            began = bench.clock.monotonic()
            await bench.read()
            assert bench.clock.monotonic() - began == pytest.approx(0.1)

        play(act, latency=0.05)


class TestKeys:
    @pytest.mark.parametrize("code", [10003, 10004, 10005, 10007, 10010, 33004])
    def test_a_refused_key_is_a_credentials_error(self, code: int) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(CredentialsError, match=str(code)):
                await bench.read()
            assert bench.arrived[f"GET {WALLET}"] == 1

        play(act, plan=[faulty("exchange_error", body=bybit_error(code, "refused"))])

    def test_so_is_http_401(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(CredentialsError):
                await bench.read()

        play(act, plan=[faulty("http_status", status=401)])

    @pytest.mark.parametrize(
        "key",
        [
            ApiKey(key=KEY, secret="another", account="main"),
            ApiKey(key=KEY, secret=SECRET, account="main", expires_ms=1),
            ApiKey(key=KEY, secret=SECRET, account="main", ips=("10.0.0.1",)),
            ApiKey(key="another", secret=SECRET, account="main"),
        ],
        ids=["wrong secret", "expired", "other address", "unknown"],
    )
    def test_the_exchange_refuses(self, key: ApiKey) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.revoke_key(KEY)
            bench.exchange.set_key(key)
            with pytest.raises(CredentialsError) as caught:
                await bench.read()
            assert KEY not in str(caught.value)
            assert SECRET not in str(caught.value)

        play(act)

    def test_a_key_that_may_only_read_has_its_orders_rejected(self) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.set_key(ApiKey(key=KEY, secret=SECRET, account="main", read_only=True))
            await bench.read()
            assert (await bench.account.place(bench.order(-1_000))).fate is Fate.REJECTED

        play(act)


class TestBans:
    @pytest.mark.parametrize(
        ("fault", "seconds"),
        [
            (faulty("http_status", status=403, body=TOO_FREQUENT, limit=1), 600),
            (faulty("http_status", status=429, body=HTML, limit=1), 1),
            (faulty("exchange_error", body=bybit_error(10006, "Too many visits!"), limit=1), 1),
            (faulty("exchange_error", body=bybit_error(10018, "Too many visits!"), limit=1), 1),
            (faulty("exchange_error", body=bybit_error(10429, "protection"), limit=1), 1),
        ],
        ids=["403", "429", "10006", "10018", "10429"],
    )
    def test_no_request_is_made_before_its_end_and_all_is_well_after(
        self, fault: Fault, seconds: float
    ) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(BackOffError) as caught:
                await bench.read()
            assert caught.value.seconds == pytest.approx(seconds, abs=0.1)
            await bench.clock.sleep(0.1)  # what was under way arrives
            before = sum(bench.arrived.values())
            with pytest.raises(BackOffError):
                await bench.read()
            outcome = await bench.account.place(bench.order(-1_000))
            assert (outcome.fate, outcome.reason[:8]) == (Fate.REJECTED, "not sent")
            await bench.clock.sleep(seconds - 0.3)
            with pytest.raises(BackOffError):
                await bench.read()
            assert sum(bench.arrived.values()) == before
            await bench.clock.sleep(0.3)
            assert (await bench.read()).wallets

        play(act, plan=[fault])

    def test_the_exchange_says_until_when(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.app[DIALECT].rate_limits.scale = 0.02
            with pytest.raises(BackOffError) as caught:
                await bench.read()  # the second position list within the second is one too many
            assert 0 < caught.value.seconds <= 1
            await bench.clock.sleep(1.1)
            bench.app[DIALECT].rate_limits.scale = 1
            assert (await bench.read()).wallets

        play(act)

    def test_an_order_that_meets_the_rate_limit_is_rejected_and_the_limit_kept(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.app[DIALECT].rate_limits.scale = 0.1
            fates = [(await bench.account.place(bench.order(-1_000))).fate for _ in range(4)]
            assert fates == [Fate.ACCEPTED, Fate.REJECTED, Fate.REJECTED, Fate.REJECTED]
            assert bench.placed == 2

        play(act)


class TestOwnLimit:
    def test_an_order_goes_before_reads_that_wait(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            await bench.account.place(bench.order(-5_000))
            reads = [asyncio.create_task(bench.read()) for _ in range(40)]
            await asyncio.sleep(0.2)
            for usd in (-1_000, 1_000):
                began = bench.clock.monotonic()
                outcome = await bench.account.place(bench.order(usd))
                assert outcome.fate is Fate.ACCEPTED
                assert bench.clock.monotonic() - began < 0.05
            assert not any(read.done() for read in reads[20:])
            await asyncio.gather(*reads, return_exceptions=True)

        play(act)


class TestMetrics:
    def test_every_request_is_told_with_its_endpoint_and_outcome(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError):
                await bench.read()
            await bench.account.place(bench.order(-9_000_000))
            told = {(endpoint, outcome) for endpoint, outcome, _ in bench.metrics}
            assert ("market/instruments-info", "ok") in told
            assert ("account/wallet-balance", "http_404") in told
            assert ("order/create", "code_110007") in told
            assert all(0 <= seconds < 1 for *_, seconds in bench.metrics)

        play(act, plan=[faulty("http_status", status=404)])

    def test_a_request_without_a_reply_is_told_too(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            assert ("order/create", "no_reply") in {
                (endpoint, outcome) for endpoint, outcome, _ in bench.metrics
            }

        play(act, plan=[Fault("lose_reply", path=BYBIT.place)])


class TestWire:
    async def test_base_url_changes_where_a_request_goes_and_nothing_of_it(self) -> None:
        seen: list[tuple[str, str]] = []

        async def echo(request: web.Request) -> web.Response:
            seen.append((request.headers["Host"], request.raw_path))
            return web.json_response({"retCode": 1, "retMsg": "no", "result": {}, "time": 1})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", echo)
        async with TestServer(app) as server:
            account = open_account(
                "main", "bybit", CREDENTIALS, clock=SystemClock(), base_url=f"http://127.0.0.1:{server.port}"
            )
            with pytest.raises(ReadError):
                await account.read(Needs(frozenset(), frozenset({"BTC"})))
            await account.close()
        assert seen == [("api.bybit.com", "/v5/market/instruments-info?category=inverse&limit=1000")]

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/",
            "http://api.bybit.com/",
            "https://api.bybit.com.example.com/",
            "https://api-testnet.bybit.com/",
        ],
    )
    async def test_reaches_no_other_host(self, url: str) -> None:
        wire = Wire(frozenset({"api.bybit.com"}), clock=SystemClock())
        with pytest.raises(aiohttp.ClientError, match="not a host of this exchange"):
            await wire.send(Request("GET", url, {}, None))
        await wire.close()

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed_not_even_to_the_exchange_itself(self, status: int) -> None:
        seen: list[str] = []

        async def redirect(request: web.Request) -> web.Response:
            seen.append(request.method)
            return web.Response(status=status, headers={"Location": "https://api.bybit.com/v5/order/create"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", redirect)
        async with TestServer(app) as server:
            wire = Wire(
                frozenset({"api.bybit.com"}), clock=SystemClock(), base_url=f"http://127.0.0.1:{server.port}"
            )
            for method in ("GET", "POST"):
                request = Request(method, "https://api.bybit.com/v5/order/create", {}, b"{}")
                assert (await wire.send(request)).status == status
            await wire.close()
        assert seen == ["GET", "POST"]

    def test_the_sandbox_is_another_host(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="no reply"):
                await bench.read()
            assert not bench.arrived

        play(act, options={"sandbox": True})


class TestAccounts:
    def test_an_exchange_that_is_not_there_is_named_with_those_that_are(self) -> None:
        with pytest.raises(ConfigError, match=r"no exchange 'bitmex'; there are .*bybit"):
            open_account("main", "bitmex", CREDENTIALS, clock=SystemClock())

    def test_closing_takes_no_time_and_leaves_nothing_open(self, recwarn: pytest.WarningsRecorder) -> None:
        async def main(clock: VirtualClock) -> float:
            account = open_account("main", "bybit", CREDENTIALS, clock=clock)
            await account.close()
            return clock.monotonic()

        assert run(main) == 0
        assert not recwarn.list

    async def test_opening_makes_no_request_and_shows_no_secret(self) -> None:
        account = open_account("main", "bybit", CREDENTIALS, clock=SystemClock())
        assert repr(account) == "<BybitAccount main>"
        assert json.dumps(str(vars(account))).find(SECRET) == -1
        await account.close()
