"""Damaged replies by the thousand; prints a summary as JSON, and fails if one was believed.

A payload is named by its seed and its number: ``--seed 7 --only 4711`` plays that one again and tells what
was done to it.
"""

import argparse
import asyncio
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from itertools import repeat
from pathlib import Path

from tests.conftest import REAL_DATA
from tests.hostile.campaign import Arena, Summary
from tests.hostile.tape import tapes

PAYLOADS = REAL_DATA / "payloads"


def main() -> int:
    asked = _arguments()
    payloads = PAYLOADS if PAYLOADS.is_dir() else None
    if asked.only is not None:
        return _tell(asked.seed, asked.only, payloads)
    started = time.monotonic()
    shares = [range(first, asked.count, asked.jobs) for first in range(asked.jobs)]
    with ProcessPoolExecutor(asked.jobs) as workers:
        parts = workers.map(_play, repeat(asked.seed), shares, repeat(payloads))
        summary = reduce(Summary.merged, parts)
    seconds = time.monotonic() - started
    told = {"seed": asked.seed, "recorded": payloads is not None, **summary.as_json()}
    told |= {"seconds": round(seconds, 1), "per_second": round(summary.payloads / seconds)}
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 1 if summary.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="how many payloads (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, help="where they are drawn from (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument(
        "--only", type=int, metavar="NUMBER", help="play the one with this number and tell it"
    )
    return parser.parse_args()


def _play(seed: int, numbers: range, payloads: Path | None) -> Summary:
    accounts = tapes()  # in loops of their own

    async def play() -> Summary:
        return await (await Arena.of(accounts, payloads)).play(seed, numbers)

    return asyncio.run(play())


def _tell(seed: int, number: int, payloads: Path | None) -> int:
    accounts = tapes()

    async def play() -> int:
        result = await (await Arena.of(accounts, payloads)).payload(seed, number)
        sys.stdout.write(f"{result.case}\n{result.done}\n{result.reply.body.decode(errors='replace')}\n")
        sys.stdout.write(f"{result.verdict.outcome}: {result.verdict.wrong or 'as it should be'}\n")
        return 1 if result.verdict.wrong else 0

    return asyncio.run(play())


if __name__ == "__main__":
    sys.exit(main())
