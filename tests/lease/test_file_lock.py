"""One daemon for each store, whatever happens to the processes."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hedgebot.errors import ExitCode, HedgebotError, LockHeldError
from hedgebot.lease.file_lock import FileLock
from tests.patience import PATIENCE_S

HOLDER = """
import sys
from pathlib import Path
from hedgebot.lease.file_lock import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hedgebot.lock"


@contextmanager
def another_process(path: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
class TestTwoProcesses:
    def test_the_second_is_refused_and_told_who_holds_it(self, path: Path, root: Path) -> None:
        with another_process(path, root) as process:
            with pytest.raises(LockHeldError) as refused, FileLock(path):
                pass
            assert f"process {process.pid}" in str(refused.value)
            assert f"kill {process.pid}" in refused.value.next_step
            assert refused.value.exit_code == ExitCode.FORBIDDEN

    def test_a_refusal_leaves_the_holder_its_name_and_its_lock(self, path: Path, root: Path) -> None:
        with another_process(path, root) as process:
            for _ in range(3):
                with pytest.raises(LockHeldError):
                    FileLock(path).acquire()
            assert path.read_text() == f"{process.pid}\n"

    def test_it_is_free_after_an_orderly_end(self, path: Path, root: Path) -> None:
        with another_process(path, root) as process:
            process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 0
        with FileLock(path) as lock:
            assert lock.held

    def test_it_is_free_after_a_kill(self, path: Path, root: Path) -> None:
        with another_process(path, root) as process:
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=PATIENCE_S)
            assert path.read_text() == f"{process.pid}\n"
            with FileLock(path):
                assert path.read_text() == f"{os.getpid()}\n"

    def test_a_child_does_not_inherit_it(self, path: Path) -> None:
        lock = FileLock(path)
        lock.acquire()
        with subprocess.Popen(["sleep", "600"], close_fds=False) as child:
            lock.release()
            with FileLock(path):
                assert child.poll() is None
            child.kill()


class TestOneProcess:
    def test_two_locks_of_one_path_exclude_each_other(self, path: Path) -> None:
        with FileLock(path), pytest.raises(LockHeldError, match=f"process {os.getpid()}"):
            FileLock(path).acquire()

    def test_paths_are_independent(self, tmp_path: Path) -> None:
        with FileLock(tmp_path / "a"), FileLock(tmp_path / "b") as second:
            assert second.held

    def test_it_can_be_taken_again(self, path: Path) -> None:
        lock = FileLock(path)
        for _ in range(2):
            with lock:
                assert lock.held
            assert not lock.held

    def test_taking_and_releasing_twice_changes_nothing(self, path: Path) -> None:
        lock = FileLock(path)
        lock.acquire()
        lock.acquire()
        lock.release()
        lock.release()
        assert not lock.held

    def test_it_is_released_when_the_block_fails(self, path: Path) -> None:
        lock = FileLock(path)
        with pytest.raises(ZeroDivisionError), lock:
            _ = 1 / 0
        with FileLock(path) as another:
            assert another.held

    def test_a_holder_that_has_not_written_its_pid_yet_is_another_process(self, path: Path) -> None:
        with FileLock(path):
            path.write_text("")
            with pytest.raises(LockHeldError, match="another process"):
                FileLock(path).acquire()


class TestTheFile:
    @pytest.mark.parametrize("mode", [None, 0o644, 0o666])
    def test_only_its_owner_may_read_it(self, path: Path, mode: int | None) -> None:
        if mode is not None:
            path.touch()
            path.chmod(mode)
        with FileLock(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_holds_the_pid_while_it_is_held_and_stays_afterwards(self, path: Path) -> None:
        with FileLock(path):
            inode = path.stat().st_ino
            assert path.read_text() == f"{os.getpid()}\n"
        assert path.read_text() == ""
        assert path.stat().st_ino == inode

    def test_a_symbolic_link_is_refused_and_its_target_left_alone(self, path: Path, tmp_path: Path) -> None:
        target = tmp_path / "precious"
        target.write_text("content")
        path.symlink_to(target)
        with pytest.raises(HedgebotError, match="symbolic link"):
            FileLock(path).acquire()
        assert target.read_text() == "content"

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(HedgebotError, match="cannot be opened"):
            FileLock(tmp_path / "absent" / "hedgebot.lock").acquire()

    def test_a_refusal_leaves_no_file_open(self, path: Path) -> None:
        with FileLock(path):
            before = _open_files()
            for _ in range(5):
                with pytest.raises(LockHeldError):
                    FileLock(path).acquire()
            assert _open_files() == before
