"""Credentials: where they are found, what is refused, and that no message repeats one."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from hedgebot.errors import CredentialsError, ExitCode
from hedgebot.settings.secrets import Credentials, credentials_for

KEY = "HEDGEBOT_ACCOUNTS__MAIN__API_KEY"
SECRET = "HEDGEBOT_ACCOUNTS__MAIN__SECRET"
PASSWORD = "HEDGEBOT_ACCOUNTS__MAIN__PASSWORD"
BOTH = {KEY: "CANARY-key", SECRET: "CANARY-secret"}


def found(tmp_path: Path, env: Mapping[str, str], **options: tuple[str, ...]) -> Credentials:
    return credentials_for("main", "bybit", env, run_secrets=tmp_path / "run", **options)


def plain(credentials: Credentials) -> tuple[str, str, str | None]:
    password = credentials.password.get_secret_value() if credentials.password else None
    return credentials.api_key.get_secret_value(), credentials.secret.get_secret_value(), password


def refusal(tmp_path: Path, env: Mapping[str, str], **options: tuple[str, ...]) -> str:
    with pytest.raises(CredentialsError) as caught:
        found(tmp_path, env, **options)
    assert caught.value.exit_code == ExitCode.CREDENTIALS
    assert "CANARY" not in str(caught.value)
    assert caught.value.next_step
    return str(caught.value)


def file(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


class TestTheyAreFound:
    def test_in_variables(self, tmp_path: Path) -> None:
        assert plain(found(tmp_path, BOTH)) == ("CANARY-key", "CANARY-secret", None)
        assert plain(found(tmp_path, BOTH | {PASSWORD: "CANARY"}))[2] == "CANARY"

    def test_in_files_that_variables_name(self, tmp_path: Path) -> None:
        key = file(tmp_path / "k", "CANARY-key\n", 0o400)
        assert plain(found(tmp_path, {KEY + "_FILE": str(key), SECRET: "s"}))[0] == "CANARY-key"

    @pytest.mark.parametrize("mode", [0o400, 0o444, 0o644])
    def test_in_the_folder_of_systemd_then_that_of_containers(self, mode: int, tmp_path: Path) -> None:
        file(tmp_path / "run" / "main_api_key", "run-key", mode)
        file(tmp_path / "run" / "main_secret", "run-secret", mode)
        file(tmp_path / "systemd" / "main_api_key", "systemd-key\n", mode)
        env = {"CREDENTIALS_DIRECTORY": str(tmp_path / "systemd")}
        assert plain(found(tmp_path, env)) == ("systemd-key", "run-secret", None)

    def test_in_a_variable_before_a_folder(self, tmp_path: Path) -> None:
        file(tmp_path / "run" / "main_api_key", "from the folder")
        assert plain(found(tmp_path, BOTH))[0] == "CANARY-key"

    @pytest.mark.parametrize("mode", [0o444, 0o644])
    def test_in_a_named_file_that_a_supervisor_mounted_for_all(self, mode: int, tmp_path: Path) -> None:
        mounted = file(tmp_path / "run" / "bybit-key", "key", mode)
        assert plain(found(tmp_path, {KEY + "_FILE": str(mounted), SECRET: "s"}))[0] == "key"

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_without_the_newline_at_the_end_of_a_file(self, end: str, tmp_path: Path) -> None:
        key = file(tmp_path / "k", "key" + end)
        assert plain(found(tmp_path, {KEY + "_FILE": str(key), SECRET: "s"}))[0] == "key"

    def test_with_the_lines_of_a_private_key(self, tmp_path: Path) -> None:
        pem = "-----BEGIN PRIVATE KEY-----\nabc=\n-----END PRIVATE KEY-----"
        secret = file(tmp_path / "s", pem + "\n")
        assert plain(found(tmp_path, {KEY: "k", SECRET + "_FILE": str(secret)}))[1] == pem

    def test_for_a_name_with_an_underscore_at_its_end(self, tmp_path: Path) -> None:
        env = {"HEDGEBOT_ACCOUNTS__SUB___API_KEY": "k", "HEDGEBOT_ACCOUNTS__SUB___SECRET": "s"}
        assert plain(credentials_for("sub_", "bybit", env, run_secrets=tmp_path)) == ("k", "s", None)

    def test_and_do_not_show_when_printed(self, tmp_path: Path) -> None:
        credentials = found(tmp_path, BOTH | {PASSWORD: "CANARY"})
        assert "CANARY" not in f"{credentials!r} {credentials} {credentials.api_key} {credentials.secret!r}"


class TestWhatIsMissingIsNamed:
    def test_all_of_it_at_once(self, tmp_path: Path) -> None:
        said = refusal(tmp_path, {})
        assert 'account "main" has no api_key and no secret, which bybit needs' in said
        assert f"Set {KEY}, {SECRET} (or the same with _FILE), or put main_api_key, main_secret into" in said

    @pytest.mark.parametrize("empty", ["", " ", "\n"])
    def test_an_empty_one_is_missing(self, empty: str, tmp_path: Path) -> None:
        assert "has no secret, which" in refusal(tmp_path, BOTH | {SECRET: empty})
        nothing = file(tmp_path / "empty", empty)
        assert "has no secret, which" in refusal(tmp_path, {KEY: "k", SECRET + "_FILE": str(nothing)})

    def test_an_empty_variable_does_not_hide_a_file(self, tmp_path: Path) -> None:
        file(tmp_path / "run" / "main_secret", "s")
        assert plain(found(tmp_path, {KEY: "k", SECRET: "", SECRET + "_FILE": ""}))[1] == "s"

    @pytest.mark.parametrize(("exchange", "wanted"), [("bybit", False), ("okx", True)])
    def test_a_password_where_the_exchange_wants_one(
        self, exchange: str, wanted: bool, tmp_path: Path
    ) -> None:
        if not wanted:
            assert credentials_for("main", exchange, BOTH, run_secrets=tmp_path).password is None
            return
        with pytest.raises(CredentialsError, match=f"has no password, which {exchange} needs"):
            credentials_for("main", exchange, BOTH, run_secrets=tmp_path)
        held = credentials_for("main", exchange, BOTH | {PASSWORD: "p"}, run_secrets=tmp_path)
        assert plain(held)[2] == "p"

    def test_what_the_exchange_needs_decides(self, tmp_path: Path) -> None:
        needed = ("api_key", "secret", "password")
        assert "has no password, which bybit needs" in refusal(tmp_path, BOTH, required=needed)
        assert plain(found(tmp_path, BOTH | {PASSWORD: "p"}, required=needed))[2] == "p"


class TestItIsRefused:
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666, 0o610])
    def test_a_named_file_that_others_may_read_or_change(self, mode: int, tmp_path: Path) -> None:
        key = file(tmp_path / "k", "CANARY", mode)
        said = refusal(tmp_path, BOTH | {KEY: "", KEY + "_FILE": str(key)})
        assert said == f"{key}: others than its owner may read or change it. chmod 600 {key}"

    def test_such_a_file_behind_a_link_in_a_mounted_folder(self, tmp_path: Path) -> None:
        key = file(tmp_path / "k", "CANARY", 0o644)
        link = tmp_path / "run" / "link"
        link.parent.mkdir()
        link.symlink_to(key)
        assert "others than its owner" in refusal(tmp_path, {KEY + "_FILE": str(link), SECRET: "s"})

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_a_named_file_of_another_user(self, tmp_path: Path) -> None:
        key = file(tmp_path / "k", "CANARY")
        os.chown(key, 12345, 12345)
        assert "belongs to another user" in refusal(tmp_path, {KEY + "_FILE": str(key), SECRET: "s"})

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        said = refusal(tmp_path, {KEY + "_FILE": str(tmp_path / "none"), SECRET: "s"})
        assert "none: cannot be read: No such file or directory" in said

    def test_a_folder_and_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)  # reading it would wait for ever
        for odd in (tmp_path, tmp_path / "pipe"):
            assert "not a plain file" in refusal(tmp_path, {KEY + "_FILE": str(odd), SECRET: "s"})

    def test_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        key = file(tmp_path / "k", b"CANARY\xff")
        assert "not UTF-8 text" in refusal(tmp_path, {KEY + "_FILE": str(key), SECRET: "s"})

    def test_a_variable_together_with_its_file(self, tmp_path: Path) -> None:
        key = file(tmp_path / "k", "CANARY")
        assert "are both set. Remove one" in refusal(tmp_path, BOTH | {KEY + "_FILE": str(key)})

    @pytest.mark.parametrize(
        "value", ["CANARY\nX", " CANARY", "CANARY ", "CAN\u00e4CANARY", "CANARY\n\n", "CANARY\x00"]
    )
    def test_a_key_that_no_header_can_carry(self, value: str, tmp_path: Path) -> None:
        assert f"{KEY}: has spaces or line breaks" in refusal(tmp_path, BOTH | {KEY: value})
        assert f"{PASSWORD}: has spaces or line breaks" in refusal(tmp_path, BOTH | {PASSWORD: value})

    def test_without_a_cause_that_could_show_it(self, tmp_path: Path) -> None:
        key = file(tmp_path / "k", b"CANARY\xff")
        with pytest.raises(CredentialsError) as caught:
            found(tmp_path, {KEY + "_FILE": str(key), SECRET: "s"})
        assert caught.value.__suppress_context__
