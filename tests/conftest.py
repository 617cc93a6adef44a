"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"

# The same examples at every run in CI, so that a failure is the change's own; new ones at each run elsewhere.
# No deadline: a busy machine is not a fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("here", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real prices, payloads and worked examples; it is not part of the repository."""
    if not REAL_DATA.is_dir():
        pytest.skip("the folder of real data beside the project is absent")
    return REAL_DATA


@pytest.fixture
def never_blocks() -> Iterator[BlockBuster]:
    """Fail when code of hedgebot blocks the event loop (file and socket I/O, sleeps, locks)."""
    with blockbuster_ctx("hedgebot") as blockbuster:
        yield blockbuster
