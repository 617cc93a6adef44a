"""The demo keeps what it promises, on every exchange at once, in the time it takes."""

import asyncio
import sys
from pathlib import Path

from hedgebot.cli.demo_play import play
from hedgebot.cli.demo_tally import Tally, summary
from hedgebot.cli.demo_venues import VENUES


async def test_every_exchange_is_hedged_through_the_whole_story() -> None:
    said: list[str] = []
    tallies = await play(said.append, list(VENUES.values()))
    assert "What it came to" in summary(tallies)
    assert sum("-- " in line for line in said) == 7
    for tally in tallies:
        _judge(tally)


def _judge(tally: Tally) -> None:
    """Hedged at the end, by three orders: the first sale, the deposit's, and the answer to the human."""
    assert tally.state == "hedged", tally.name
    assert len({fill.order_id for fill in tally.trades if fill.client_id}) == 3, tally.name
    without, protected = tally.lowest
    assert without < 31_000, tally.name
    assert protected > 59_800, tally.name
    assert tally.worst_settled < 0.003, tally.name


async def test_an_unknown_exchange_is_refused(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hedgebot", "demo", "--exchange", "mtgox",
        cwd=tmp_path, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, complaint = await process.communicate()
    assert process.returncode == 2
    assert b"bybit, binance, okx" in complaint
