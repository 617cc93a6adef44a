"""The program as a whole: its help, its wrong usage, what it imports, and that it never shows a traceback."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hedgebot import __version__
from hedgebot.cli.program import COMMANDS
from hedgebot.settings import schema
from tests.cli.support import environment, hedgebot, in_process, within, write_config

BLOCKED = ("ccxt", "aiohttp", "pydantic_settings", "structlog", "rich", "sqlite3", "prometheus_client")
QUICK = (["--help"], ["version"], ["status", "--help"], ["run", "--help"], ["status"], ["health"], ["pause"])


def run_after(statement: str, args: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """``hedgebot ARGS`` in a process that did something before: None in ``sys.modules`` forbids an import."""
    code = f"import sys; {statement}; sys.argv = ['hedgebot', *{args}]; import hedgebot.__main__"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command() -> None:
    ran = in_process("--help")
    assert (ran.code, ran.err) == (0, "")
    assert all(f"\n  {command.__name__} " in ran.out for command in COMMANDS)


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_every_command_has_help(command: str) -> None:
    ran = in_process(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: hedgebot {command} ")
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("--nonsense",),
        ("status", "--nonsense"),
        ("status", "btc", "eth"),
        ("status", "--watch", "--json"),
        ("ratio",),
        ("ratio", "btc"),
        ("ratio", "btc", "half"),
        ("ratio", "btc", "nan"),
        ("ratio", "btc", "1e3"),
        ("ratio", "btc", "0.5", "--config"),
        ("ratio", "btc", "--config", "other.toml"),
        ("unwind", "--to"),
        ("unwind", "--to", "all"),
        ("pause", "btc", "eth"),
        ("run", "btc"),
        ("check", "-c"),
    ],
)
def test_wrong_usage_exits_with_2_and_writes_no_data(args: tuple[str, ...]) -> None:
    ran = in_process(*args)
    assert (ran.code, ran.out) == (2, "")
    assert "Error: " in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("args", QUICK)
def test_what_only_asks_the_daemon_imports_nothing_heavy(args: list[str], tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = run_after(f"sys.modules.update(dict.fromkeys({BLOCKED}))", args, tmp_path)
    assert ran.returncode in {0, 4}, ran.stderr
    assert "internal error" not in ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("args", [["check"], ["check", "--json"], ["schema"]])
def test_check_and_schema_import_neither_ccxt_nor_aiohttp(args: list[str], tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = run_after("sys.modules.update(ccxt=None, aiohttp=None)", args, tmp_path)
    assert ran.returncode in {0, 5}, ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("args", [["--help"], ["status"]])
def test_it_starts_with_few_modules(args: list[str], tmp_path: Path) -> None:
    """Which is what a start takes on a machine of any speed; `make bench` has its limit in seconds."""
    write_config(tmp_path)
    count = "import atexit; atexit.register(lambda: print(len(sys.modules), file=sys.stderr))"
    assert int(run_after(count, args, tmp_path).stderr.split()[-1]) < 400


@pytest.mark.slow
def test_a_bug_is_told_in_a_line_without_a_traceback(tmp_path: Path) -> None:
    broken = "import hedgebot.cli.daemon_client as it; it.of = lambda _: {}['api_key=canary-b2c4d6e8f0']"
    ran = run_after(broken, ["status"], tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("hedgebot: internal error: KeyError: ")
    assert "Traceback" not in ran.stderr
    assert "canary" not in ran.stderr


@pytest.mark.slow
async def test_a_process_ends_the_same_way(tmp_path: Path) -> None:
    assert (await hedgebot(tmp_path, "nonsense")).code == 2
    assert (await hedgebot(tmp_path)).code == 2
    assert (await hedgebot(tmp_path, "--help")).code == 0


@pytest.mark.slow
async def test_a_reader_that_goes_away_is_no_error_of_ours(tmp_path: Path) -> None:
    shell = await asyncio.create_subprocess_shell(
        f"'{sys.executable}' -m hedgebot schema | head -c 1",
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert await shell.communicate() == (b"{", b"")


async def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert (await within(tmp_path, "version")).out == f"hedgebot {__version__}\n"
    told = json.loads((await within(tmp_path, "version", "--json")).out)
    assert (told["schema"], told["version"]) == (1, __version__)


async def test_schema_is_the_one_for_editors(tmp_path: Path) -> None:
    assert (await within(tmp_path, "schema")).out == schema.dump()
    told = json.loads((await within(tmp_path, "schema", "--json")).out)
    assert told == {"schema": 1, "config": schema.schema()}
