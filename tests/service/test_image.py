"""The image's files agree with each other and the program. That they build is shown by ``make image``."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SHELLCHECK = shutil.which("shellcheck")


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    """Its instructions, each on one line."""
    return instructions((root / "Dockerfile").read_text())


@pytest.fixture(scope="module")
def compose(root: Path) -> list[str]:
    """The settings in force, each on one line."""
    return instructions((root / "config" / "compose.yaml").read_text()).split("\n")


def instructions(text: str) -> str:
    return "\n".join(
        line.partition(" # ")[0].strip()
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.strip().startswith("#")
    )


class TestTheDockerfile:
    def test_gets_from_the_project_exactly_what_it_copies(self, root: Path, dockerfile: str) -> None:
        copied = {
            name
            for names in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
            for name in names.split()
        }
        ignore = (root / ".dockerignore").read_text().splitlines()
        assert "*" in ignore
        assert {line[1:] for line in ignore if line.startswith("!")} == copied

    def test_installs_hashed_wheels_only(self, dockerfile: str) -> None:
        fetches = [line for line in re.findall(r"pip install .*", dockerfile) if "--no-index" not in line]
        assert fetches
        assert all("--require-hashes --only-binary :all:" in line for line in fetches)

    @pytest.mark.parametrize("name", ["Dockerfile", "config/build-image", "config/compose.yaml"])
    def test_names_no_place_to_download_from(self, root: Path, name: str) -> None:
        assert "://" not in (root / name).read_text()

    def test_runs_as_a_fixed_number_from_the_config_that_it_is_checked_by(self, dockerfile: str) -> None:
        assert re.findall(r"^USER .*$", dockerfile, re.MULTILINE) == ["USER 10001:10001"]
        assert 'ENTRYPOINT ["hedgebot"]' in dockerfile
        assert 'CMD ["run", "-c", "/etc/hedgebot/hedgebot.toml"]' in dockerfile
        assert 'CMD ["hedgebot", "health", "-c", "/etc/hedgebot/hedgebot.toml"]' in dockerfile
        assert "STOPSIGNAL SIGTERM" in dockerfile


class TestCompose:
    @pytest.mark.parametrize(
        "setting",
        [
            "read_only: true",
            "cap_drop: [ALL]",
            'security_opt: ["no-new-privileges:true"]',
            "pids_limit: 64",
            "mem_limit: 512m",
            "ulimits: { core: 0 }",
            "init: true",
            "stop_grace_period: 60s",
            "restart: unless-stopped",
            'options: { max-size: 10m, max-file: "5" }',
        ],
    )
    def test_locks_the_container_in(self, compose: list[str], setting: str) -> None:
        assert setting in compose

    def test_publishes_no_port(self, compose: list[str]) -> None:
        assert not [line for line in compose if line.startswith(("ports:", "network_mode:", "privileged:"))]

    def test_can_write_where_the_image_looks_and_nowhere_else(
        self, compose: list[str], dockerfile: str
    ) -> None:
        state, runtime = (re.search(rf"{kind}_DIRECTORY=(\S+)", dockerfile) for kind in ("STATE", "RUNTIME"))
        assert state is not None
        assert runtime is not None
        assert f"VOLUME {state[1]}" in dockerfile
        mounts = [line.removeprefix("- ") for line in compose if line.startswith(("- ./", "- /", "- state"))]
        assert mounts == [
            "./etc:/etc/hedgebot:ro",
            f"state:{state[1]}",
            f"{runtime[1]}:size=1m,mode=0700,uid=10001,gid=10001",
            "/tmp:size=64m",
        ]

    def test_hands_over_credentials_under_the_names_that_are_looked_for(self, compose: list[str]) -> None:
        assert [line for line in compose if "main_" in line] == [
            "- main_api_key",
            "- main_secret",
            "main_api_key:",
            "file: ./secrets/main_api_key",
            "main_secret:",
            "file: ./secrets/main_secret",
        ]


@pytest.mark.slow
class TestBuilding:
    def test_explains_itself(self, root: Path) -> None:
        ran = subprocess.run(
            [root / "config/build-image", "--help"], capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "config/build-image [--tag NAME] [--base IMAGE] [--demo]" in ran.stderr

    @pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
    def test_is_clean_shell(self, root: Path) -> None:
        assert SHELLCHECK is not None
        ran = subprocess.run(
            [SHELLCHECK, root / "config/build-image"], capture_output=True, text=True, check=False
        )
        assert ran.stdout == ""
