"""``check``: what applies, where it came from, what is missing; and no connection unless one is asked for."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from hedgebot.sim.account import ApiKey
from tests.cli.exchange import simulated
from tests.cli.support import CREDENTIALS, KEY, SECRET, Ran, within, write_config

PLACED_KEY = ApiKey(key=KEY, secret=SECRET, account="main")
"""The key as the simulated exchange has it at first."""

LATE_MS = 4_000_000_000_000


async def test_a_good_configuration_is_told_value_by_value_with_its_origin(tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = await within(tmp_path, "check", **CREDENTIALS, HEDGEBOT_HEDGES__BTC__BAND="0.05")
    told = {line.partition("#")[0].strip(): line.partition("# ")[2] for line in ran.out.splitlines()}
    assert (ran.code, ran.err) == (0, "")
    assert told['mode = "live"'] == "hedgebot.toml:2"
    assert told["hedges.btc.band = 0.05"] == "env HEDGEBOT_HEDGES__BTC__BAND"
    assert told["hedges.btc.ratio = 1"] == "default"
    assert f"socket: {tmp_path}/hedgebot.sock" in ran.out
    assert "credentials of main: found" in ran.out


async def test_the_same_for_programs(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    told = json.loads((await within(tmp_path, "check", "--json", "-c", str(config), **CREDENTIALS)).out)
    assert told["schema"] == 1
    assert told["config"] == str(config)
    assert told["settings"]["mode"] == {"value": '"live"', "origin": f"{config}:2"}
    assert told["paths"]["store"] == str(tmp_path / "hedgebot.db")
    assert told["credentials"] == {"main": "found"}
    assert told["warnings"] == []


async def test_a_wrong_configuration_exits_with_3_and_tells_every_fault(tmp_path: Path) -> None:
    write_config(tmp_path, mode="life", hedge="ratoi = 1")
    ran = await within(tmp_path, "check")
    assert (ran.code, ran.out) == (3, "")
    assert 'hedgebot.toml:2: mode: must be "observe" or "live". Did you mean "live"?' in ran.err
    assert 'hedges.btc.ratoi: not a setting. Did you mean "ratio"?' in ran.err


@pytest.mark.parametrize("command", ["check", "plan", "run", "status", "pause"])
async def test_no_configuration_exits_with_3(command: str, tmp_path: Path) -> None:
    ran = await within(tmp_path, command)
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
        exchange.setblocking(False)
        write_config(tmp_path, url=f"http://127.0.0.1:{exchange.getsockname()[1]}")
        ran = await within(tmp_path, command, **CREDENTIALS | {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": key})
        with pytest.raises(BlockingIOError):
            exchange.accept()  # nobody waits at the door
    assert ran.code == 5
    assert 'account "main" has no api_key' in ran.err
    assert "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY" in ran.err


async def test_what_applies_is_shown_even_then(tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = await within(tmp_path, "check", "--json")
    assert (ran.code, json.loads(ran.out)["credentials"]) == (5, {"main": "unusable"})


async def test_a_secret_that_others_may_read_exits_with_5(tmp_path: Path) -> None:
    write_config(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    keys = {"HEDGEBOT_ACCOUNTS__MAIN__API_KEY": KEY, "HEDGEBOT_ACCOUNTS__MAIN__SECRET_FILE": str(secret)}
    ran = await within(tmp_path, "check", **keys)
    assert ran.code == 5
    assert f"chmod 600 {secret}" in ran.err
    secret.chmod(0o600)
    assert (await within(tmp_path, "check", **keys)).code == 0


async def test_a_configuration_that_others_may_change_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path).chmod(0o666)
    assert "warning: hedgebot.toml can be changed by other users" in (await checked(tmp_path)).err


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, True), (0o600, False)])
async def test_a_webhook_that_others_may_read_is_warned_of(mode: int, warned: bool, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text(f'{config.read_text()}\n[alarms]\nwebhook = "https://hooks.example/x"\n')
    config.chmod(mode)
    ran = await checked(tmp_path)
    assert ("holds the webhook's address" in ran.err) is warned
    assert "hooks.example" not in ran.out + ran.err


async def test_a_store_whose_folder_is_missing_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path)
    ran = await within(tmp_path, "check", **CREDENTIALS, STATE_DIRECTORY=str(tmp_path / "absent"))
    assert ran.code == 0
    assert f"mkdir -p {tmp_path}/absent" in ran.err


async def test_a_folder_in_which_anybody_may_replace_the_store_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path)
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    ran = await within(tmp_path, "check", **CREDENTIALS, STATE_DIRECTORY=str(state))
    assert f"anybody may replace the store: chmod o-w {state}" in ran.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_folder_that_cannot_be_written_is_warned_of(tmp_path: Path) -> None:
    write_config(tmp_path)
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    ran = await within(tmp_path, "check", **CREDENTIALS, STATE_DIRECTORY=str(state))
    assert "this user may not write in the folder of the store" in ran.err


async def test_no_credential_is_shown(tmp_path: Path) -> None:
    write_config(tmp_path)
    for args in ((), ("--json",)):
        ran = await within(tmp_path, "check", *args, **CREDENTIALS)
        assert "canary" not in ran.out + ran.err


async def test_a_credential_in_the_file_is_an_error_that_does_not_repeat_it(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    text = config.read_text()
    config.write_text(text.replace("[hedges.btc]", f'api_key = "{KEY}"\n[hedges.btc]'))
    ran = await within(tmp_path, "check")
    assert ran.code == 3
    assert "must not be in the configuration" in ran.err
    assert "canary" not in ran.out + ran.err


async def checked(folder: Path) -> Ran:
    return await within(folder, "check", **CREDENTIALS)


class TestKeys:
    """``--keys`` asks the exchanges; nothing else does."""

    async def test_what_they_may_do_is_told_in_words(self, tmp_path: Path) -> None:
        async with simulated(tmp_path):
            ran = await within(tmp_path, "check", "--keys", **CREDENTIALS)
        assert (ran.code, ran.err) == (0, "")
        told = "key of main: may trade, cannot withdraw, from any address, names no expiry"
        assert told in ran.out.splitlines()

    async def test_and_for_programs(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.set_key(replace(PLACED_KEY, withdraw=True, expires_ms=LATE_MS, ips=("127.0.0.1",)))
            ran = await within(tmp_path, "check", "--keys", "--json", **CREDENTIALS)
        assert ran.code == 5
        assert json.loads(ran.out)["keys"]["main"] == {
            "verified": True,
            "trade": True,
            "withdraw": True,
            "ip_bound": True,
            "expires_at": "2096-10-02T07:06:40Z",
            "accepted": False,
            "words": "may trade, can withdraw, only from listed addresses, expires on 2096-10-02",
        }

    async def test_one_that_can_withdraw_exits_with_5_and_the_way_out(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.set_key(replace(PLACED_KEY, withdraw=True))
            ran = await within(tmp_path, "check", "--keys", **CREDENTIALS)
            allowed = await within(
                tmp_path, "check", "--keys", **CREDENTIALS, HEDGEBOT_ACCOUNTS__MAIN__ALLOW_WITHDRAW="true"
            )
        assert ran.code == 5
        assert "main: the key can withdraw coins, and so can whoever steals it" in ran.err
        assert "accounts.main.allow_withdraw = true" in ran.err
        assert (allowed.code, allowed.err) == (0, "")

    async def test_one_that_only_reads_will_do_to_observe_with(self, tmp_path: Path) -> None:
        async with simulated(tmp_path) as place:
            place.exchange.set_key(replace(PLACED_KEY, read_only=True))
            assert (await within(tmp_path, "check", "--keys", **CREDENTIALS)).code == 5
            place.configure(mode="observe")
            ran = await within(tmp_path, "check", "--keys", **CREDENTIALS)
        assert ran.code == 0
        assert "key of main: may not trade, cannot withdraw" in ran.out

    async def test_what_cannot_be_verified_is_said_so(self, tmp_path: Path) -> None:
        write_config(tmp_path)
        ran = await within(tmp_path, "check", "--keys", **CREDENTIALS)
        assert ran.code == 1
        assert "key of main: could not be verified: main: bybit user/query-api: no reply" in ran.out

    async def test_without_credentials_nothing_is_asked(self, tmp_path: Path) -> None:
        write_config(tmp_path)
        ran = await within(tmp_path, "check", "--keys", "--json")
        assert (ran.code, json.loads(ran.out)["keys"]) == (5, {})
