"""A wave of the soak: a process of its own, coins that come, faults of the wire and of HTTP, and calm."""

from pathlib import Path

import pytest

from tests.simulation.soak import soak


@pytest.mark.slow
async def test_a_short_soak_finds_nothing(tmp_path: Path) -> None:
    summary = await soak(seconds=1, seed=1, folder=tmp_path)
    assert summary["violations"] == []
    assert summary["waves"] == 1
    assert summary["wire"], "a calm wire proves nothing"
