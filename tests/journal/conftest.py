"""Fixtures of the journal's tests."""

from pathlib import Path

import pytest

from hedgebot.journal import database
from tests.journal.support import ManualClock

pytest.register_assert_rewrite("tests.journal.conformance")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def careless_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits do not wait for the disk, in tests that do not pull its plug."""
    for level in ("SYNCED", "NOTED"):
        monkeypatch.setattr(database, level, "PRAGMA synchronous = OFF")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hedgebot.db"
