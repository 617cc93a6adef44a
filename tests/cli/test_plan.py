"""``plan``: what would be done, why and at what cost; it sends nothing and disturbs nothing."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.faults import Fault
from hedgebot.sim.matching import Side
from tests.cli.exchange import Place, daemon, simulated
from tests.cli.support import CREDENTIALS, Ran, within, write_config


async def plan(place: Place, *args: str, **env: str) -> Ran:
    ran = await within(place.folder, "plan", *args, **CREDENTIALS | env)
    assert "canary" not in ran.out + ran.err
    return ran


async def data(place: Place) -> tuple[int, dict[str, Any]]:
    ran = await plan(place, "--json")
    told = json.loads(ran.out)
    assert (told["schema"], told["mode"]) == (1, "live")
    return ran.code, told["hedges"]["btc"]


class TestBeforeAnythingIsHedged:
    async def test_the_first_sale_is_told_with_its_cost_and_nothing_is_sent(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            ran = await plan(place)
            assert (place.orders, place.short) == (0, 0)
        assert (ran.code, ran.err) == (8, "")
        lines = ran.out.splitlines()
        assert lines[0] == "btc: would trade"
        assert any("sell 59966 contracts of main:BTC/USD:BTC at 59700 or better" in line for line in lines)
        assert any("fee 32.98 USD, slippage" in line for line in lines)
        assert max(map(len, lines)) <= 80

    async def test_the_same_for_programs(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            code, told = await data(place)
        assert (code, told["verdict"]) == (8, "drift")
        assert told["order"]["side"] == "sell"
        assert told["order"]["contracts"] == "59966"
        assert told["order"]["protects_usd"] == "60000"
        assert told["order"]["reduce_only"] is False
        assert told["leverage"] is None
        assert told["status"]["held"] == "1"

    async def test_leverage_to_be_set_first_hides_no_order(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.configure(leg=", leverage = 2")
            code, told = await data(place)
        assert code == 8
        assert told["leverage"] == {"leg": "main:BTC/USD:BTC", "leverage": "2"}
        assert told["order"]["contracts"] == "59966"
        assert told["reason"].startswith("set leverage 2, then sell")

    async def test_no_journal_is_begun(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            await plan(place)
        assert [path.name for path in tmp_path.iterdir()] == ["hedgebot.toml"]

    async def test_with_nothing_held_there_is_nothing_to_do(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.withdraw("main", "BTC", 1)
            ran = await plan(place)
        assert (ran.code, ran.out.splitlines()[0]) == (0, "btc: nothing to do")


@pytest.mark.slow
class TestBesideADaemon:
    async def test_it_works_while_the_daemon_runs_and_does_not_disturb_it(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place, daemon(tmp_path) as running:
            await place.until("hedged")
            code, told = await data(place)
            assert (code, told["verdict"], told["reason"]) == (0, "ok", "inside the band")
            assert place.orders == 1
            await place.until("hedged")
            await running.stop()
            assert not [line for line in running.log if line["level"] in {"warning", "error"}]

    async def test_it_leaves_the_journal_of_a_stopped_one_as_it_is(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            async with daemon(tmp_path):
                await place.until("hedged")
            before = hashlib.sha256((tmp_path / "hedgebot.db").read_bytes()).digest()
            assert (await plan(place)).code == 0
            assert hashlib.sha256((tmp_path / "hedgebot.db").read_bytes()).digest() == before

    async def test_it_knows_the_operators_orders(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            async with daemon(tmp_path):
                await place.until("hedged")
                assert (await within(tmp_path, "pause")).code == 0
                await place.until("paused")
            place.exchange.deposit("main", "BTC", 1)
            ran = await plan(place)
        assert ran.code == 6
        assert ran.out.splitlines()[:2] == [
            "btc: nothing may be done",
            "  why          paused by the operator",
        ]

    async def test_a_journal_that_is_none_is_an_error(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            (tmp_path / "hedgebot.db").write_text("precious " * 1000)
            ran = await plan(place)
        assert (ran.code, ran.out) == (1, "")
        assert "hedgebot.db" in ran.err


class TestWhatRestrains:
    async def test_a_guard_that_forbids_exits_with_6_and_says_what_to_do(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.human_trade("main", "BTCUSD", Side.BUY, 1000)
            code, told = await data(place)
            ran = await plan(place)
        assert (code, told["verdict"]) == (6, "forbidden")
        restraining = [f for f in told["status"]["findings"] if f["permission"] != "any"]
        assert restraining
        assert restraining[0]["reason"] == told["reason"]
        assert "btc: nothing may be done" in ran.out

    async def test_a_refused_key_exits_with_5(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            ran = await plan(place, HEDGEBOT_ACCOUNTS__MAIN__API_KEY="canary-other-key")
        assert ran.code == 5
        assert ran.out.splitlines()[0] == "btc: the exchange refuses the key"
        assert "Check the account's key" in ran.err

    @pytest.mark.parametrize("status", [500, 200])
    async def test_an_exchange_that_only_errs_exits_with_1(self, status: int, tmp_path: Path) -> None:
        async with simulated(tmp_path, Fault("http_status", status=status, processed=False)) as place:
            ran = await plan(place)
        assert ran.code == 1
        assert ran.out.splitlines()[0] == "btc: not to be seen"

    async def test_an_exchange_out_of_reach_exits_with_1(self, tmp_path: Path) -> None:
        write_config(tmp_path)
        ran = await within(tmp_path, "plan", **CREDENTIALS)
        assert (ran.code, ran.out.splitlines()[0]) == (1, "btc: not to be seen")


class TestARatioThatMoves:
    async def test_is_asked_for_before_the_plan_is_made(self, tmp_path: Path) -> None:
        """A file, bars of the exchange and the ledger, each read once and told as a finding."""
        policies = {
            "external": {"file": "ratio.json"},
            "steps": {"signal": "drawdown", "window": "1d", "steps": [{"at": 0, "ratio": 0.25}]},
        }
        at = datetime.now(UTC).isoformat()
        (tmp_path / "ratio.json").write_text(json.dumps({"ratio": "0.5", "at": at}))
        names = ("HEDGEBOT_HEDGES__BTC__RATIO", "HEDGEBOT_HEDGES__BTC__FUNDING__BUDGET")
        async with simulated(tmp_path) as place:
            ran = await plan(place, "--json", **dict(zip(names, (json.dumps(policies), "0.2"), strict=True)))
        told = json.loads(ran.out)["hedges"]["btc"]
        assert (ran.code, told["target_ratio"]) == (8, "0.5")
        findings = {finding["guard"]: finding for finding in told["status"]["findings"]}
        assert findings["policy"]["measured"] == "drawdown 0, external 0.5"
        assert findings["funding"]["measured"] == "0.0% over 7 d"
        assert findings["basis"]["measured"] == "0.0000"
        assert not any(findings[guard]["alarm"] for guard in ("policy", "funding", "basis"))
