"""What every test may ask for, and how they run on a machine of any speed."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
LIVES = frozenset({"simulation", "campaign", "hostile"})
"""Folders of tests that play whole lives of the daemon, which take a second or more each."""

REAL_DATA = ROOT.parent / "shared" / "data"

# The same examples at every run in CI, so that a failure is the change's own; new ones at each run elsewhere.
# No deadline, and as much time to draw as it takes: a busy machine is not a fault of the code.
anyhow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("ci", anyhow, derandomize=True)
settings.register_profile("here", anyhow)
# Few, always the same, for a test that runs once for each mutant, in a process that other tests ran in.
settings.register_profile(
    "mutants",
    anyhow,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
mutating = "MUTANT_UNDER_TEST" in os.environ
settings.load_profile("mutants" if mutating else "ci" if os.environ.get("CI") else "here")

# A seventh of what starting a daemon costs: aiohttp reads the machine's certificates as it is imported, and
# nothing here speaks TLS.
os.environ.setdefault("SSL_CERT_FILE", os.devnull)

# A shell that runs us in the background ignores Ctrl-C for us and for all that we start, which listens to it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole lives are slow: what chooses tests by their markers comes after this."""
    for item in items:
        if LIVES & {folder.name for folder in item.path.parents}:
            item.add_marker(pytest.mark.slow)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Short and without backslashes: mutation testing chooses tests by their ids, paths to pytest."""
    if not isinstance(val, str | bytes):
        return None
    text = val if isinstance(val, str) else val.decode("latin-1")
    return text.encode("unicode_escape").decode("ascii").replace("\\", "/")[:100]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there before the first test stays: a test that collects garbage looks through its own only."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """As many as there are cores for what computes; twice as many where slow tests wait beside it."""
    cores = len(os.sched_getaffinity(0))
    return None if config.option.markexpr == "not slow" else 2 * cores


@pytest.fixture(scope="module")
def own_garbage() -> None:
    """For a module that collects garbage: it looks through its own, not through that of all before it."""
    gc.collect()
    gc.freeze()


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
