"""Where the store, its lock and the control socket lie."""

from pathlib import Path

import pytest

from hedgebot.errors import ConfigError
from hedgebot.settings.load import load
from hedgebot.settings.paths import Paths, locate, paths
from tests.settings.cases import ACCOUNT, HEDGE


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path.resolve()


def both(env: dict[str, str], url: str | None = None) -> Paths:
    """The paths, which the daemon and a command that only looks for it must agree on."""
    file = Path("hedgebot.toml")
    file.write_text(ACCOUNT + HEDGE + (f'[store]\nurl = "{url}"\n' if url else ""))
    found = paths(load(file, env).settings, env)
    assert locate(file, env) == found
    return found


def beside(store: Path) -> Paths:
    return Paths(store, store.with_name(store.name + ".lock"), store.with_name("hedgebot.sock"))


def test_by_default_they_lie_in_the_working_directory(here: Path) -> None:
    assert both({}) == beside(here / "hedgebot.db")


def test_a_relative_path_starts_at_the_state_directory(here: Path) -> None:
    env = {"STATE_DIRECTORY": "/var/lib/hedgebot:/var/lib/other"}
    assert both(env) == beside(Path("/var/lib/hedgebot/hedgebot.db"))
    assert both(env, "sqlite:///sub/x.db") == beside(Path("/var/lib/hedgebot/sub/x.db"))


def test_an_absolute_path_stays(here: Path) -> None:
    assert both({"STATE_DIRECTORY": "/var/lib/hedgebot"}, "sqlite:////srv/x.db") == beside(Path("/srv/x.db"))


def test_the_socket_lies_in_the_runtime_directory_if_there_is_one(here: Path) -> None:
    found = both({"RUNTIME_DIRECTORY": "/run/hedgebot:/run/other"})
    assert found.socket == Path("/run/hedgebot/hedgebot.sock")
    assert found.lock == here / "hedgebot.db.lock"


def test_an_empty_directory_counts_as_none(here: Path) -> None:
    assert both({"STATE_DIRECTORY": "", "RUNTIME_DIRECTORY": ""}) == beside(here / "hedgebot.db")


def test_a_variable_wins_over_the_file(here: Path) -> None:
    assert both({"HEDGEBOT_STORE__URL": "sqlite:///y.db"}, "sqlite:///x.db") == beside(here / "y.db")


def test_a_path_too_long_for_a_socket_tells_the_way_out(here: Path) -> None:
    with pytest.raises(ConfigError, match="too long for a socket's path; set RUNTIME_DIRECTORY"):
        both({"STATE_DIRECTORY": "/" + "x" * 100})
    assert both({"STATE_DIRECTORY": "/" + "x" * 100, "RUNTIME_DIRECTORY": "/run"}).socket == Path(
        "/run/hedgebot.sock"
    )


class TestLookingForADaemon:
    def test_does_not_mind_faults_elsewhere_in_the_file(self, here: Path) -> None:
        file = Path("hedgebot.toml")
        file.write_text('mode = "Live"\nbogus = 1\nhedges = 3\n[store]\nurl = "sqlite:///x.db"\n')
        assert locate(file, {"HEDGEBOT_BOGUS": "1"}) == beside(here / "x.db")

    def test_needs_no_file_when_a_variable_tells(self, here: Path) -> None:
        assert locate(Path("none.toml"), {"HEDGEBOT_STORE__URL": "sqlite:///x.db"}) == beside(here / "x.db")

    @pytest.mark.parametrize("text", ['store = "x"', '[store]\nurl = "CANARY"', "[store]\nurl = 5", "mode ="])
    def test_tells_what_keeps_it_from_it(self, text: str, here: Path) -> None:
        Path("hedgebot.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"hedgebot\.toml") as caught:
            locate(Path("hedgebot.toml"), {})
        assert "CANARY" not in str(caught.value)

    def test_without_a_file_tells_how_to_get_one(self, here: Path) -> None:
        with pytest.raises(ConfigError, match="no such file"):
            locate(Path("none.toml"), {})
