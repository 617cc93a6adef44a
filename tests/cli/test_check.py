"""``check``: what applies, where it came from, what is missing; and no connection."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.support import CREDENTIALS, KEY, SECRET, Ran, hedgebot, write_config


async def test_a_good_configuration_is_told_value_by_value_with_its_origin(tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = await hedgebot(tmp_path, "check", **CREDENTIALS, HEDGEBOT_HEDGES__BTC__BAND="0.05")
    told = {line.partition("#")[0].strip(): line.partition("# ")[2] for line in ran.out.splitlines()}
    assert (ran.code, ran.err) == (0, "")
    assert told['mode = "live"'] == "hedgebot.toml:2"
    assert told["hedges.btc.band = 0.05"] == "env HEDGEBOT_HEDGES__BTC__BAND"
    assert told["hedges.btc.ratio = 1"] == "default"
    assert f"socket: {tmp_path}/hedgebot.sock" in ran.out
    assert "credentials of main: found" in ran.out


async def test_the_same_for_programs(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    told = json.loads((await hedgebot(tmp_path, "check", "--json", "-c", str(config), **CREDENTIALS)).out)
    assert told["schema"] == 1
    assert told["config"] == str(config)
    assert told["settings"]["mode"] == {"value": '"live"', "origin": f"{config}:2"}
    assert told["paths"]["store"] == str(tmp_path / "hedgebot.db")
    assert told["credentials"] == {"main": "found"}
    assert told["warnings"] == []


async def test_a_wrong_configuration_exits_with_3_and_tells_every_fault(tmp_path: Path) -> None:
    write_config(tmp_path, mode="life", hedge="ratoi = 1")
    ran = await hedgebot(tmp_path, "check")
    assert (ran.code, ran.out) == (3, "")
    assert 'hedgebot.toml:2: mode: must be "observe" or "live". Did you mean "live"?' in ran.err
    assert 'hedges.btc.ratoi: not a setting. Did you mean "ratio"?' in ran.err


@pytest.mark.parametrize("command", ["check", "plan", "run", "status", "pause"])
async def test_no_configuration_exits_with_3(command: str, tmp_path: Path) -> None:
    ran = await hedgebot(tmp_path, command)
    assert (ran.code, ran.out) == (3, "")
    assert "hedgebot.toml: no such file" in ran.err


@pytest.mark.parametrize("command", ["check", "plan", "run"])
@pytest.mark.parametrize("key", ["", "  "])
async def test_a_missing_or_empty_credential_exits_with_5_before_any_request(
    command: str, key: str, tmp_path: Path
) -> None:
    with socket.socket() as exchange:
        exchange.bind(("127.0.0.1", 0))
        exchange.listen()
        exchange.settimeout(0.2)
        write_config(tmp_path, url=f"http://127.0.0.1:{exchange.getsockname()[1]}")
        ran = await hedgebot(tmp_path, command, **CREDENTIALS | {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": key})
        with pytest.raises(TimeoutError):
            exchange.accept()
    assert ran.code == 5
    assert 'account "main" has no api_key' in ran.err
    assert "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY" in ran.err


async def test_what_applies_is_shown_even_then(tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = await hedgebot(tmp_path, "check", "--json")
    assert (ran.code, json.loads(ran.out)["credentials"]) == (5, {"main": "unusable"})


async def test_a_secret_that_others_may_read_exits_with_5(tmp_path: Path) -> None:
    write_config(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    keys = {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": KEY, "HEDGEBOT_ACCOUNTS__MAIN__SECRET_FILE": str(secret)}
    ran = await hedgebot(tmp_path, "check", **keys)
    assert ran.code == 5
    assert f"chmod 600 {secret}" in ran.err
    secret.chmod(0o600)
    assert (await hedgebot(tmp_path, "check", **keys)).code == 0


async def test_a_configuration_that_others_may_change_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path).chmod(0o666)
    assert "warning: hedgebot.toml can be changed by other users" in (await checked(tmp_path)).err


async def test_a_store_whose_folder_is_missing_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = await hedgebot(tmp_path, "check", **CREDENTIALS, STATE_DIRECTORY=str(tmp_path / "absent"))
    assert ran.code == 0
    assert f"mkdir -p {tmp_path}/absent" in ran.err


async def test_a_folder_in_which_anybody_may_replace_the_store_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    ran = await hedgebot(tmp_path, "check", **CREDENTIALS, STATE_DIRECTORY=str(state))
    assert f"anybody may replace the store: chmod o-w {state}" in ran.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_cannot_be_written_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    ran = await hedgebot(tmp_path, "check", **CREDENTIALS, STATE_DIRECTORY=str(state))
    assert "this user may not write in the folder of the store" in ran.err


async def test_no_credential_is_shown(tmp_path: Path) -> None:
    write_config(tmp_path)
    for args in ((), ("--json",)):
        ran = await hedgebot(tmp_path, "check", *args, **CREDENTIALS)
        assert "canary" not in ran.out + ran.err


async def test_a_credential_in_the_file_is_an_error_that_does_not_repeat_it(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    text = config.read_text()
    config.write_text(text.replace("[hedges.btc]", f'api_key = "{KEY}"\n[hedges.btc]'))
    ran = await hedgebot(tmp_path, "check")
    assert ran.code == 3
    assert "must not be in the configuration" in ran.err
    assert "canary" not in ran.out + ran.err


async def checked(folder: Path) -> Ran:
    return await hedgebot(folder, "check", **CREDENTIALS)
