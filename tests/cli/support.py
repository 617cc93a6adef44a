"""The command line as people run it: a process, its exit code, and what it wrote where."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from hedgebot.cli.program import program

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "canary-key-7f3a91", "canary-secret-b2c4d6e8f0"
CREDENTIALS = {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": KEY, "HEDGEBOT_ACCOUNTS__MAIN__SECRET": SECRET}
NOBODY = "http://127.0.0.1:9"
"""A port of loopback that nothing listens on."""

CONFIG = """
mode = "{mode}"
[cycle]
interval = "200ms"
deadline = "2s"
settle_after = "1s"
[api]
listen = "{listen}"
[accounts.main]
exchange = "bybit"
base_url = "{url}"
[hedges.btc]
asset = "BTC"
{hedge}
legs = [{{ account = "main", symbol = "BTC/USD:BTC"{leg} }}]
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def write_config(folder: Path, **changes: str) -> Path:
    """``hedgebot.toml`` in ``folder``; without changes its exchange does not answer."""
    values: dict[str, Any] = {"mode": "live", "listen": "", "url": NOBODY, "hedge": "", "leg": ""} | changes
    path = folder / "hedgebot.toml"
    path.write_text(CONFIG.format(**values))
    return path


def environment(**extra: str) -> dict[str, str]:
    """Of this process, without anything of hedgebot's own; the program is found from any folder."""
    ours = {"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY", "NO_COLOR"}
    kept = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith("HEDGEBOT_")}
    return kept | {"PYTHONPATH": str(ROOT)} | extra


async def start(folder: Path, *args: str, **env: str) -> asyncio.subprocess.Process:
    """``hedgebot ARGS`` in ``folder``, running."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hedgebot",
        *args,
        cwd=folder,
        env=environment(**env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(process: asyncio.subprocess.Process, seconds: float = 30) -> Ran:
    """Wait for its end and take what it wrote."""
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def hedgebot(folder: Path, *args: str, **env: str) -> Ran:
    """Run ``hedgebot ARGS`` in ``folder`` to its end; ``env`` is added to the environment."""
    return await finish(await start(folder, *args, **env))


def in_process(*args: str) -> Ran:
    """The same within this process, for what needs none of its own: a process takes its time to start."""
    ran = CliRunner().invoke(program(), args, prog_name="hedgebot", terminal_width=80, catch_exceptions=False)
    return Ran(ran.exit_code, ran.stdout, ran.stderr)
