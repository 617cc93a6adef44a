"""The program keeps its architecture, and each rule of it catches a change that breaks it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hedgebot.errors import ExitCode
from tests.architecture import (
    LONGEST_BODY,
    RULES,
    Module,
    Program,
    Rule,
    functions_fit_a_screen,
    imports_follow_the_table,
    libraries_stay_at_their_edge,
    nothing_exists_for_tests_alone,
    only_clocks_read_the_time,
    only_the_root_draws_entropy,
    packages_say_what_belongs_in_them,
    pure_code_imports_only_the_standard_library,
    pure_code_never_waits,
    read_program,
    the_simulator_has_its_own_arithmetic,
)


@pytest.fixture(scope="module")
def program(root: Path) -> Program:
    return read_program(root)


@pytest.mark.parametrize("rule", RULES)
def test_the_program_keeps(rule: Rule, program: Program) -> None:
    assert rule(program) == []


def source(name: str, text: str, *, is_package: bool = False) -> Module:
    return Module(name, text, is_package)


BREAKS: list[tuple[Rule, list[Module]]] = [
    (imports_follow_the_table, [source("risk.jump", "from hedgebot.planning import size")]),
    (imports_follow_the_table, [source("observation", "import hedgebot.execution")]),
    (imports_follow_the_table, [source("planning", "from hedgebot.ports import Clock")]),
    (imports_follow_the_table, [source("planning.size", "def f():\n    from hedgebot.risk import guard")]),
    (imports_follow_the_table, [source("planning.size", "from ..risk import guard")]),
    (imports_follow_the_table, [source("planning", "from .. import risk", is_package=True)]),
    (
        imports_follow_the_table,
        [source("domain.units", "from hedgebot.ports import Clock"), source("ports", "")],
    ),
    (imports_follow_the_table, [source("exchange.bybit", "from hedgebot.journal import sqlite")]),
    (imports_follow_the_table, [source("sim.server", "from hedgebot.exchange import convert")]),
    (imports_follow_the_table, [source("cycle", "from hedgebot import exchange")]),
    (imports_follow_the_table, [source("execution.settle", "from hedgebot.journal.sqlite import Journal")]),
    (imports_follow_the_table, [source("api.http", "from hedgebot.app import App"), source("app", "")]),
    (pure_code_imports_only_the_standard_library, [source("domain.units", "import pydantic")]),
    (pure_code_imports_only_the_standard_library, [source("risk.clock", "from aiohttp import web")]),
    (libraries_stay_at_their_edge, [source("cli", "def f():\n    import ccxt.async_support as ccxt")]),
    (
        the_simulator_has_its_own_arithmetic,
        [source("sim.a", "import hedgebot.domain.inverse"), source("domain.inverse", "")],
    ),
    (
        the_simulator_has_its_own_arithmetic,
        [
            source("sim.ledger", "from hedgebot.domain.snapshot import Leg"),
            source("domain.snapshot", "from hedgebot.domain import inverse"),
            source("domain.inverse", ""),
        ],
    ),
    (pure_code_never_waits, [source("risk.jump", "async def f(): ...")]),
    (pure_code_never_waits, [source("domain.units", "def f():\n    [x async for x in y]")]),
    (only_clocks_read_the_time, [source("cycle", "import time\nx = time.time()")]),
    (only_clocks_read_the_time, [source("cycle", "from time import monotonic_ns as now\nx = now()")]),
    (only_clocks_read_the_time, [source("cycle", "import time as t\nf(t.monotonic)")]),
    (
        only_clocks_read_the_time,
        [source("api.page", "from datetime import UTC, datetime\nx = datetime.now(UTC)")],
    ),
    (only_clocks_read_the_time, [source("api.page", "import datetime as dt\nx = dt.datetime.utcnow()")]),
    (only_clocks_read_the_time, [source("api.page", "from datetime import date\nx = date.today()")]),
    (only_clocks_read_the_time, [source("daemon", "import asyncio\nx = asyncio.get_running_loop().time()")]),
    (only_clocks_read_the_time, [source("daemon", "def f(self):\n    return self._loop.time()")]),
    (only_the_root_draws_entropy, [source("execution.ids", "import random\nx = random.random()")]),
    (only_the_root_draws_entropy, [source("execution.ids", "from random import choice\nx = choice(y)")]),
    (only_the_root_draws_entropy, [source("execution.ids", "import random\nx = random.Random()")]),
    (only_the_root_draws_entropy, [source("journal.sqlite", "import random\nx = random.SystemRandom()")]),
    (only_the_root_draws_entropy, [source("journal.sqlite", "from uuid import uuid4\nx = uuid4()")]),
    (only_the_root_draws_entropy, [source("journal.sqlite", "import os\nx = os.urandom(3)")]),
    (only_the_root_draws_entropy, [source("journal.sqlite", "import secrets\nx = secrets.randbits(20)")]),
    (functions_fit_a_screen, [source("cycle", "def f():\n" + "    x = 1\n" * (LONGEST_BODY + 1))]),
    (nothing_exists_for_tests_alone, [source("clock", "class FakeClock: ...")]),
    (nothing_exists_for_tests_alone, [source("clock", "def reset_for_tests(): ...")]),
    (packages_say_what_belongs_in_them, [source("risk", "import abc", is_package=True)]),
]


@pytest.mark.parametrize(("rule", "modules"), BREAKS)
def test_a_change_is_caught_that_breaks(rule: Rule, modules: list[Module]) -> None:
    assert len(rule(modules)) == 1


ALLOWED: list[Module] = [
    source("app", "import random\nfrom hedgebot.exchange import bybit\nx = random.SystemRandom()"),
    source("cli.run", "from hedgebot.api.unix_socket import ask"),
    source("clock", "import time\nx = time.monotonic()"),
    source(
        "sim.matching", "import random\ndef f(rng: random.Random):\n    rng.random()\nx = random.Random(1)"
    ),
    source("settings.load", "from hedgebot.settings import secrets\nx = secrets.KINDS"),
    source("exchange.client", "import ccxt.async_support as ccxt\nfrom hedgebot.ports import Clock"),
    source("logs", "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC)"),
    source("risk.jump", "from hedgebot.domain.units import Coin\nfrom decimal import Decimal"),
    source("cycle", "async def f(clock):\n    await clock.sleep(clock.monotonic())\n    return record.time"),
    source("cycle", "def f():\n" + "    x = 1\n" * LONGEST_BODY),
    source("risk", '"""Guards."""', is_package=True),
]


@pytest.mark.parametrize("rule", RULES)
def test_what_is_allowed_passes(rule: Rule) -> None:
    assert [problem for module in ALLOWED for problem in rule([module])] == []


FORBIDDEN_TEXT = {  # written so that they do not match themselves
    "a package registry": re.compile(r"[p]ypi\.org|[p]ythonhosted|[r]egistry\.npm|[-]-(extra-)?index-url"),
    "a place on one machine": re.compile(r"/(w[o]rk|t[m]p|r[o]ot|h[o]me|o[p]t)/"),
}
OWN_FILES = ["*", ".ci/*", "hedgebot/**/*", "tests/**/*", "config/**/*", "systemd/**/*"]


@pytest.mark.parametrize("what", FORBIDDEN_TEXT)
def test_no_file_names(what: str, root: Path) -> None:
    forbidden = FORBIDDEN_TEXT[what]
    files = {path for pattern in OWN_FILES for path in root.glob(pattern) if path.is_file()}
    assert len(files) > 20
    assert [
        f"{path.relative_to(root)}:{number}: {found.group()}"
        for path in sorted(files)
        if "__pycache__" not in path.parts
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (found := forbidden.search(line))
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["--help"], ExitCode.OK),
        (["version"], ExitCode.OK),
        (["check"], ExitCode.CONFIG),
        (["status"], ExitCode.CONFIG),
        (["health", "--config", "minimal.toml"], ExitCode.NOT_RUNNING),
        (["status", "--config", "minimal.toml"], ExitCode.NOT_RUNNING),
    ],
)
def test_a_command_that_asks_no_exchange_does_not_load_ccxt(
    arguments: list[str], exit_code: ExitCode, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "minimal.toml").write_text(MINIMAL)
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('loaded' if 'ccxt' in sys.modules else 'spared', file=sys.stderr))\n"
        "from hedgebot.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    environment = {"PYTHONPATH": str(root)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (exit_code, ["spared"]), ended.stderr


MINIMAL = """
[accounts.main]
exchange = "bybit"

[hedges.btc]
asset = "BTC"
ratio = 1.0
spot = [{ account = "main" }]
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
"""
