"""The command line as people run it: a process, its exit code, and what it wrote where."""

import asyncio
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hedgebot.cli import main
from tests.logging_state import logging_as_it_was
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "canary-key-7f3a91", "canary-secret-b2c4d6e8f0"
CREDENTIALS = {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": KEY, "HEDGEBOT_ACCOUNTS__MAIN__SECRET": SECRET}
NOBODY = "http://127.0.0.1:9"
"""A port of loopback that nothing listens on."""

CONFIG = """
mode = "{mode}"
[cycle]
interval = "200ms"
deadline = "20s"
settle_after = "10s"
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


async def finish(process: asyncio.subprocess.Process) -> Ran:
    """Wait for its end and take what it wrote."""
    try:
        async with asyncio.timeout(PATIENCE_S):
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


async def within(folder: Path, *args: str, **env: str) -> Ran:
    """The same within this process, beside its loop: a process of its own takes a second to start."""
    with chdir(folder), patch.dict(os.environ, environment(**env), clear=True):
        return await asyncio.to_thread(in_process, *args)


def in_process(*args: str) -> Ran:
    """``hedgebot ARGS`` in this process as it is: its folder, its environment, 80 columns."""
    out, err, code = StringIO(), StringIO(), None
    with (
        logging_as_it_was(),
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["hedgebot", *args]),
        patch.dict(os.environ, COLUMNS="80"),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Ran(int(code), out.getvalue(), err.getvalue())
