"""The systemd unit: what systemd itself says of it, and what it must never lose."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.errors import ExitCode

MOST_EXPOSED = 1.5
"""systemd's own score, from 0 (locked in) to 10."""

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")

Unit = dict[str, list[str]]


@pytest.fixture(scope="module")
def file(root: Path) -> Path:
    return root / "systemd" / "hedgebot.service"


@pytest.fixture(scope="module")
def unit(file: Path) -> Unit:
    """Each setting's values, in order."""
    found: Unit = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", file.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def analyze(*args: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, "--no-pager", *args], capture_output=True, text=True, check=False)


@pytest.fixture
def staged(tmp_path: Path, file: Path) -> Callable[..., Path]:
    """A root folder with systemd's own units, ours with some text replaced, and the program it starts."""

    def stage(old: str = "", new: str = "") -> Path:
        shutil.copytree("/usr/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
        program = tmp_path / "usr/local/lib/hedgebot/bin/hedgebot"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        installed = tmp_path / "etc/systemd/system/hedgebot.service"
        installed.parent.mkdir(parents=True)
        text = file.read_text()
        assert old in text
        installed.write_text(text.replace(old, new))
        return tmp_path

    return stage


@pytest.mark.slow
@needs_systemd
class TestSystemdItself:
    def test_finds_nothing_wrong_with_it(self, staged: Callable[..., Path]) -> None:
        found = analyze("verify", "--man=no", f"--root={staged()}", "hedgebot.service")
        assert (found.returncode, found.stdout, found.stderr) == (0, "", "")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("ExecStart=/usr/local/lib/hedgebot", "ExecStart=/nowhere"),
            ("WatchdogSec=90", "WatchdogSec=soon"),
            ("ProtectHome=", "ProtectHouse="),
        ],
    )
    def test_would_find_a_mistake(self, staged: Callable[..., Path], old: str, new: str) -> None:
        assert analyze("verify", "--man=no", f"--root={staged(old, new)}", "hedgebot.service").stderr

    def test_scores_it_as_locked_in(self, file: Path) -> None:
        found = analyze("security", "--offline=true", f"--threshold={int(MOST_EXPOSED * 10)}", str(file))
        assert found.returncode == 0, found.stdout
        score = re.search(r"exposure level for hedgebot\.service: ([0-9.]+)", found.stdout)
        assert score is not None
        assert float(score[1]) <= MOST_EXPOSED


class TestTheUnit:
    def test_is_watched_by_its_cycles(self, unit: Unit) -> None:
        assert (unit["Type"], unit["NotifyAccess"], unit["WatchdogSec"]) == (["notify"], ["main"], ["90"])

    def test_starts_again_for_ever_but_not_where_only_a_person_can_help(self, unit: Unit) -> None:
        assert unit["Restart"] == ["on-failure"]
        assert unit["StartLimitIntervalSec"] == ["0"]
        hopeless = f"{ExitCode.CONFIG} {ExitCode.CREDENTIALS}"
        assert unit["RestartPreventExitStatus"] == [hopeless] == ["3 5"]

    def test_takes_credentials_under_the_names_that_the_daemon_looks_for(self, unit: Unit) -> None:
        names = [entry.partition(":")[0] for entry in unit["LoadCredential"]]
        assert names == ["main_api_key", "main_secret"]
        assert not unit.keys() & {"Environment", "EnvironmentFile", "SetCredential"}

    def test_says_what_each_group_of_settings_is_for(self, file: Path) -> None:
        """Every paragraph of settings is headed by its reason, or by its section."""
        for paragraph in file.read_text().strip().split("\n\n"):
            assert paragraph.startswith(("#", "[Unit]", "[Service]", "[Install]")), paragraph
