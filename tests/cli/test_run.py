"""``run``: how the daemon starts, how it is steered and how it ends, as a process on real sockets."""

import asyncio
import os
import signal
import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hedgebot.sim.account import ApiKey
from hedgebot.sim.faults import Fault
from tests.api.support import free_port, hedge, leg
from tests.cli.exchange import daemon, simulated
from tests.cli.support import CREDENTIALS, KEY, SECRET, hedgebot, within, write_config
from tests.patience import PATIENCE_S, POLL_S, until
from tests.service.listener import listening
from tests.valve import Valve

pytestmark = pytest.mark.slow

BROKEN = Fault("http_status", status=503, processed=False)
PLACED_KEY = ApiKey(key=KEY, secret=SECRET, account="main")
"""The key as the simulated exchange has it at first."""

PUBLISHED = hedge().keys()
"""The keys of a hedge in the status object, as published."""


class TestTheFirstHedge:
    async def test_the_plan_is_told_in_words_before_the_first_order_is_sent(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place, daemon(tmp_path) as running:
            await place.until("hedged")
            assert (await running.stop()).code == 0
            assert place.short == 59966
        planned = [line.get("reason", "").startswith("sell 59966 contracts") for line in running.log]
        sent = ["order" in line and "outcome" in line for line in running.log]
        assert planned.index(True) < sent.index(True)

    async def test_observing_sends_nothing(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.configure(mode="observe")
            async with daemon(tmp_path):
                status = await place.until("drifting")
                assert status["last_cycle"]["reason"].startswith("sell 59966 contracts")
                assert status["last_cycle"]["acted"] is False
                assert (await within(tmp_path, "status")).code == 8
            assert place.orders == 0

    async def test_the_status_has_the_published_keys_from_the_first_moment_on(self, tmp_path: Path) -> None:
        valve = Valve()
        async with simulated(tmp_path, BROKEN, valve=valve) as place, daemon(tmp_path):
            assert (await place.until("starting")).keys() >= PUBLISHED
            assert (await within(tmp_path, "status")).code == 6
            valve.opened.set()
            assert (await place.until("blind")).keys() >= PUBLISHED
            place.faults.stop()
            found = await place.until("hedged")
            assert found.keys() >= PUBLISHED
            assert found["legs"][0].keys() >= leg().keys()
            assert found["last_cycle"].keys() == hedge()["last_cycle"].keys()
            whole = await asyncio.to_thread(place.client.status)
            assert whole.keys() >= {"schema", "mode", "version", "hedges"}


class TestSteering:
    async def test_pause_ratio_unwind_and_resume_take_effect_and_are_told(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place, daemon(tmp_path) as running:
            await place.until("hedged")
            assert (await within(tmp_path, "pause")).code == 0
            await place.until("paused")
            assert (await within(tmp_path, "resume", "btc")).code == 0
            await place.until("hedged")
            assert (await within(tmp_path, "ratio", "btc", "0.5")).code == 0
            await until(lambda: place.short <= 30_100)
            assert (await within(tmp_path, "unwind")).code == 0
            await place.until("unwound")
            assert place.short == 0
            await running.stop()
        told = [(line["verb"], line["ratio"]) for line in running.log if line["event"] == "command"]
        assert told == [("pause", None), ("resume", None), ("ratio", "0.5"), ("unwind", "0")]

    async def test_what_was_ordered_survives_a_restart(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            async with daemon(tmp_path):
                await place.until("hedged")
                await within(tmp_path, "pause")
                await place.until("paused")
            async with daemon(tmp_path):
                assert (await place.until("paused"))["paused"] is True
                assert (await within(tmp_path, "status")).code == 0

    async def test_what_cannot_be_done_is_refused(self, tmp_path: Path) -> None:
        refusals = {
            ("pause", "eth"): 'there is no hedge "eth"',
            ("ratio", "btc", "1.5"): "btc accepts ratios from 0 to 1, not 1.5",
            ("unwind", "--to", "2"): "unwind needs a ratio from 0 to 1",
        }
        async with simulated(tmp_path) as place, daemon(tmp_path):
            await place.until("hedged")
            for args, complaint in refusals.items():
                ran = await within(tmp_path, *args)
                assert (ran.code, ran.out) == (1, "")
                assert complaint in ran.err
            assert (await place.status())["state"] == "hedged"


class TestItsEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    async def test_a_signal_ends_it_with_0_and_leaves_the_hedge(
        self, number: signal.Signals, tmp_path: Path
    ) -> None:
        async with simulated(tmp_path) as place, daemon(tmp_path) as running:
            await place.until("hedged")
            ran = await running.stop(number)
            assert (ran.code, ran.out) == (0, "")
            assert place.short == 59966
        assert not (tmp_path / "hedgebot.sock").exists()
        assert (await within(tmp_path, "status")).code == 4

    async def test_the_first_signal_waits_for_the_cycle_and_the_second_does_not(self, tmp_path: Path) -> None:
        with listening(str(tmp_path / "notify")) as manager:
            async with (
                simulated(tmp_path, valve=Valve()) as place,
                daemon(tmp_path, NOTIFY_SOCKET=manager.address, HEDGEBOT_CYCLE__DEADLINE="5m") as running,
            ):
                await place.until("starting")
                running.process.send_signal(signal.SIGTERM)
                await manager.until("STOPPING=1")
                assert (await place.status())["state"] == "starting"
                assert (await running.stop()).code == 0
        assert [line["event"] for line in running.log][-1].startswith("stopping at once")


class TestWhatKeepsItFromStarting:
    async def test_a_second_daemon_on_the_same_store_exits_with_6_and_disturbs_nothing(
        self, tmp_path: Path
    ) -> None:
        async with simulated(tmp_path) as place, daemon(tmp_path) as first:
            await place.until("hedged")
            second = await hedgebot(tmp_path, "run", **CREDENTIALS)
            assert (second.code, second.out) == (6, "")
            assert str(first.process.pid) in second.err
            assert (await within(tmp_path, "status")).code == 0
            assert place.orders == 1

    async def test_a_wrong_configuration_exits_with_3_and_makes_no_store(self, tmp_path: Path) -> None:
        write_config(tmp_path, mode="life")
        assert (await hedgebot(tmp_path, "run", **CREDENTIALS)).code == 3
        assert [path.name for path in tmp_path.iterdir()] == ["hedgebot.toml"]

    async def test_a_key_refused_before_there_is_a_hedge_exits_with_5(self, tmp_path: Path) -> None:
        async with simulated(tmp_path):
            keys = CREDENTIALS | {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": "canary-other-key"}
            ran = await hedgebot(tmp_path, "run", **keys)
        assert ran.code == 5
        assert "Check the account's key" in ran.err
        assert "canary" not in ran.err
        assert not (tmp_path / "hedgebot.sock").exists()

    async def test_a_journal_of_another_program_exits_with_1_and_is_left_alone(self, tmp_path: Path) -> None:
        write_config(tmp_path)
        (tmp_path / "hedgebot.db").write_text("precious " * 1000)
        ran = await hedgebot(tmp_path, "run", **CREDENTIALS)
        assert ran.code == 1
        assert "Traceback" not in ran.err
        assert (tmp_path / "hedgebot.db").read_text() == "precious " * 1000

    @pytest.mark.parametrize(
        ("key", "says", "step"),
        [
            (
                replace(PLACED_KEY, withdraw=True),
                "the key can withdraw coins",
                "accounts.main.allow_withdraw = true",
            ),
            (
                replace(PLACED_KEY, read_only=True),
                "the key may not trade contracts",
                'set mode = "observe"',
            ),
        ],
    )
    async def test_a_key_that_may_do_too_much_or_too_little_exits_with_5_and_says_what_to_do(
        self, key: ApiKey, says: str, step: str, tmp_path: Path
    ) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.set_key(key)
            ran = await hedgebot(tmp_path, "run", **CREDENTIALS)
            assert place.orders == 0
        assert (ran.code, ran.out) == (5, "")
        assert f"hedgebot: main: {says}" in ran.err
        assert step in ran.err
        assert not (tmp_path / "hedgebot.sock").exists()


class TestWhatDoesNot:
    async def test_a_key_that_can_withdraw_halts_and_stays_where_a_short_is_open(
        self, tmp_path: Path
    ) -> None:
        async with simulated(tmp_path) as place:
            async with daemon(tmp_path):
                await place.until("hedged")
            place.exchange.set_key(replace(PLACED_KEY, withdraw=True))
            (tmp_path / "hedgebot.db").unlink()  # not even the journal tells of the short
            async with daemon(tmp_path) as running:
                status = await place.until("halted")
                (found,) = (each for each in status["findings"] if each["guard"] == "key")
                assert (found["permission"], found["alarm"]) == ("none", True)
                assert (await within(tmp_path, "status")).code == 6
                assert (await within(tmp_path, "health")).code == 0
                assert (await running.stop()).code == 0
            assert place.orders == 1

    async def test_nor_does_one_that_its_owner_accepts(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.set_key(replace(PLACED_KEY, withdraw=True))
            async with daemon(tmp_path, HEDGEBOT_ACCOUNTS__MAIN__ALLOW_WITHDRAW="true"):
                await place.until("hedged")

    async def test_nor_one_that_cannot_be_verified(self, tmp_path: Path) -> None:
        trouble = Fault("http_status", status=503, path="/v5/user/query-api")
        async with simulated(tmp_path, trouble) as place, daemon(tmp_path):
            status = await place.until("hedged")
            (found,) = (each for each in status["findings"] if each["guard"] == "key")
            assert "could not be verified: main: bybit user/query-api" in found["reason"]
            assert (found["permission"], found["alarm"]) == ("any", False)

    async def test_a_key_refused_once_there_is_a_hedge_halts_and_stays(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            async with daemon(tmp_path):
                await place.until("hedged")
            place.exchange.revoke_key(KEY)
            async with daemon(tmp_path) as running:
                await place.until("halted")
                assert (await within(tmp_path, "status")).code == 6
                assert (await within(tmp_path, "health")).code == 0
                assert (await running.stop()).code == 0
            assert place.short == 59966

    async def test_a_key_revoked_while_it_runs_halts_and_one_restored_goes_on(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place, daemon(tmp_path):
            await place.until("hedged")
            place.exchange.revoke_key(KEY)
            await place.until("halted")
            place.exchange.set_key(PLACED_KEY)
            await place.until("hedged")
            assert place.orders == 1

    async def test_an_exchange_out_of_reach_is_watched_for(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.configure()
            config = tmp_path / "hedgebot.toml"
            config.write_text(config.read_text().replace(place.url, "http://127.0.0.1:9"))
            async with daemon(tmp_path) as running:
                await place.until("blind")
                assert (await within(tmp_path, "status")).code == 6
                assert (await within(tmp_path, "health")).code == 0
                assert (await running.stop()).code == 0

    async def test_a_taken_port_costs_the_page_and_nothing_else(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            with closing(socket.socket()) as other:
                other.bind(("127.0.0.1", 0))
                other.listen()
                place.configure(listen=f"127.0.0.1:{other.getsockname()[1]}")
                async with daemon(tmp_path) as running:
                    await place.until("hedged")
                    assert (await within(tmp_path, "health")).code == 0
                    await running.stop()
        errors = [line for line in running.log if line["level"] == "error"]
        assert [line["reason"] for line in errors] == ["Address already in use"]


class TestOverHttp:
    async def test_health_readiness_metrics_and_status(self, tmp_path: Path) -> None:
        port = free_port()
        async with simulated(tmp_path) as place:
            place.configure(listen=f"127.0.0.1:{port}")
            async with daemon(tmp_path), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await place.until("hedged")
                assert await _get(session, "/healthz") == (200, "ok\n")
                async with asyncio.timeout(PATIENCE_S):  # its margin is being moved
                    while await _get(session, "/readyz") != (200, "ok\n"):
                        await asyncio.sleep(POLL_S)
                _, metrics = await _get(session, "/metrics")
                async with session.get("/api/v1/status") as reply:
                    assert (await reply.json())["hedges"]["btc"]["state"] == "hedged"
                async with session.get("/", headers={"Host": "evil.com"}) as reply:
                    assert reply.status == 421
        samples = [s for family in text_string_to_metric_families(metrics) for s in family.samples]
        requests = [s for s in samples if s.name == "hedgebot_exchange_requests_total"]
        assert {(s.labels["account"], s.labels["outcome"]) for s in requests} == {("main", "ok")}
        orders = [s for s in samples if s.name == "hedgebot_orders_total"]
        assert [(s.labels["side"], s.labels["outcome"], s.value) for s in orders] == [("sell", "filled", 1)]

    async def test_it_is_not_ready_before_it_has_seen_anything(self, tmp_path: Path) -> None:
        port = free_port()
        async with simulated(tmp_path, BROKEN) as place:
            place.configure(listen=f"127.0.0.1:{port}")
            async with daemon(tmp_path), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await place.until("blind")
                assert (await _get(session, "/readyz"))[0] == 503
                assert (await _get(session, "/healthz"))[0] == 200


async def test_every_file_that_it_makes_is_its_owners_alone(tmp_path: Path) -> None:
    """Also where the user's mask would let everybody read and write."""
    before = os.umask(0)
    try:
        async with simulated(tmp_path) as place, daemon(tmp_path):
            await place.until("hedged")
            made = {path.name: path.lstat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert made.pop("hedgebot.toml") == 0o666, "which the test wrote"
    names = ("hedgebot.db", "hedgebot.db-wal", "hedgebot.db-shm", "hedgebot.db.lock", "hedgebot.sock")
    assert made == dict.fromkeys(names, 0o600)


async def _get(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as reply:
        return reply.status, await reply.text()
