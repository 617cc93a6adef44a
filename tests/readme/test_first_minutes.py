"""The README's commands do what it says, run as they stand there by somebody who only copies them."""

import asyncio
import os
import random
import re
import signal
import sys
import textwrap
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest

from hedgebot.clock import SystemClock
from hedgebot.sim import bybit
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from tests.patience import PATIENCE_S
from tests.simulation.world import KEY, SECRET

pytestmark = pytest.mark.slow

PATIENT = """
sleep() {
    grep -q '^mode = "live"' hedgebot.toml && state=HEDGED || state=DRIFTING
    until hedgebot status 2>&1 | grep -q ": $state,"; do command sleep 0.5; done
}
"""
"""Somebody who waits until it is done where the README gives a time, on a machine of any speed."""

BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(readme: str, title: str) -> list[str]:
    """The shell blocks of one section, as they stand."""
    section = re.split(r"^## ", readme, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(title)]
    return [textwrap.dedent(block) for block in BLOCK.findall(text)]


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def test_the_demo_is_one_command(readme: str) -> None:
    assert blocks(readme, "See it work") == ["make demo\n"]


async def test_the_first_account_step_by_step(readme: str, tmp_path: Path) -> None:
    exchange = SimulatedExchange(
        SystemClock(), Market({"BTCUSD": Feed(path=level(60_000))}), [btcusd()], random.Random(1)
    )
    exchange.open_account("main", key=KEY, secret=SECRET)
    exchange.deposit("main", "BTC", 1)
    first, keys, look, watch, trade = blocks(readme, "Your first account")
    fill_in = f"printf %s {KEY} >main_api_key; printf %s {SECRET} >main_secret\n"
    script = f"{first}{keys}{fill_in}{look}echo plan: $?\n{watch}{trade}kill $!; wait; echo run: $?\n"
    async with serving(bybit.application(exchange)) as url:
        said = await _run(PATIENT + script, tmp_path, url)
    assert "plan: 8" in said, said
    assert "run: 0" in said, said
    assert re.search(r"^btc: DRIFTING, mode observe", said, re.MULTILINE), said
    assert re.search(r"^btc: HEDGED, mode live", said, re.MULTILINE), said
    position = exchange.position("main", "BTCUSD")
    net = exchange.wallet("main", "BTC").balance - abs(position.entry_coins)
    assert 0 <= net <= Fraction("0.001")


async def _run(script: str, folder: Path, url: str) -> str:
    """What a shell says to it, in an empty folder, with nothing set but the way to the exchange and haste."""
    (folder / "script.sh").write_text(script)
    usual = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEBOT_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{usual['PATH']}"
    ours = {"ACCOUNTS__MAIN__BASE_URL": url, "API__LISTEN": "", "CYCLE__INTERVAL": "500ms"}
    env = {**usual, "PATH": path} | {f"HEDGEBOT_{name}": value for name, value in ours.items()}
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            "bash", "script.sh", cwd=folder, env=env, stdout=said, stderr=said, start_new_session=True
        )
        try:
            async with asyncio.timeout(3 * PATIENCE_S):
                await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what a shell that failed left behind
            await process.wait()
    return (folder / "said").read_text()
