"""The control socket: who can reach it, what it takes, and how it says no."""

import asyncio
import getpass
import json
import os
import socket
import stat
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.api.control import LARGEST, MalformedError, Order, control, parse
from hedgebot.domain.records import Verb
from hedgebot.errors import HedgebotError, JournalError, LockHeldError
from tests.api.support import StandIn

COMMAND = "http://hedgebot/api/v1/command"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hedgebot.sock"


async def post(path: Path, body: bytes, headers: dict[str, str] = JSON) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.post(COMMAND, data=body, headers=headers) as reply,
    ):
        return reply.status, await reply.json()


class TestWhoCanReachIt:
    async def test_only_its_owner_can_open_it(self, path: Path) -> None:
        async with control(StandIn(), path):
            mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600

    async def test_not_even_in_its_first_moment_could_others(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        modes: list[int] = []
        chmod = Path.chmod

        def seen(self: Path, mode: int) -> None:
            modes.append(stat.S_IMODE(self.stat().st_mode))
            chmod(self, mode)

        monkeypatch.setattr(Path, "chmod", seen)
        before = os.umask(0)
        try:
            async with control(StandIn(), path):
                pass
        finally:
            os.umask(before)
        assert modes == [0o600]

    async def test_it_is_gone_when_the_daemon_is(self, path: Path) -> None:
        async with control(StandIn(), path):
            pass
        assert not path.exists()

    async def test_it_is_gone_when_the_daemon_fails(self, path: Path) -> None:
        with pytest.raises(RuntimeError):
            async with control(StandIn(), path):
                raise RuntimeError
        assert not path.exists()

    async def test_what_a_dead_daemon_left_is_replaced(self, path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        async with control(StandIn(), path):
            assert (await post(path, b'{"verb": "pause"}'))[0] == 200

    async def test_a_living_daemon_keeps_it(self, path: Path) -> None:
        first = StandIn()
        async with control(first, path):
            with pytest.raises(LockHeldError, match="another daemon listens"):
                async with control(StandIn(), path):
                    pass
            assert (await post(path, b'{"verb": "pause"}'))[0] == 200
        assert first.taken

    async def test_a_living_daemon_that_is_too_busy_to_answer_keeps_it_too(self, path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(str(path))
            busy.listen(0)
            waiting.connect(str(path))
            with pytest.raises(LockHeldError):
                async with control(StandIn(), path):
                    pass
        assert path.exists()

    async def test_another_file_in_its_place_is_left_alone(self, path: Path) -> None:
        path.write_text("precious")
        with pytest.raises(HedgebotError, match="in the way"):
            async with control(StandIn(), path):
                pass
        assert path.read_text() == "precious"

    async def test_a_missing_folder_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(HedgebotError, match="No such file or directory"):
            async with control(StandIn(), tmp_path / "absent" / "hedgebot.sock"):
                pass

    async def test_a_socket_that_a_later_daemon_put_there_is_left_to_it(self, path: Path) -> None:
        async with control(StandIn(), path):
            path.unlink()
            with socket.socket(socket.AF_UNIX) as later:
                later.bind(str(path))
        assert path.exists()


class TestCommands:
    @pytest.mark.parametrize(
        ("body", "taken"),
        [
            ({"verb": "pause"}, (None, Verb.PAUSE, None)),
            ({"hedge": None, "verb": "resume", "ratio": None}, (None, Verb.RESUME, None)),
            ({"hedge": "btc", "verb": "ratio", "ratio": "0.5"}, ("btc", Verb.RATIO, Decimal("0.5"))),
            ({"hedge": "btc", "verb": "ratio", "ratio": None}, ("btc", Verb.RATIO, None)),
            ({"hedge": "btc", "verb": "unwind", "ratio": "0"}, ("btc", Verb.UNWIND, Decimal(0))),
        ],
    )
    async def test_each_reaches_the_daemon_with_the_user_that_the_kernel_knows(
        self, path: Path, body: dict[str, Any], taken: tuple[Any, ...]
    ) -> None:
        daemon = StandIn()
        async with control(daemon, path):
            status, done = await post(path, json.dumps(body).encode())
        assert daemon.taken == [(*taken, getpass.getuser())]
        assert status == 200
        assert done["schema"] == 1
        assert done["hedges"] == ["btc"]
        assert done["who"] == getpass.getuser()

    async def test_what_the_daemon_refuses_is_told_with_what_to_do(self, path: Path) -> None:
        async with control(StandIn(refuses=HedgebotError("no such hedge", "There is: btc")), path):
            status, told = await post(path, b'{"verb": "pause"}')
        assert status == 400
        assert told == {"schema": 1, "error": "no such hedge", "next_step": "There is: btc", "exit_code": 1}

    async def test_a_command_that_cannot_be_kept_is_no_fault_of_the_asker(self, path: Path) -> None:
        async with control(StandIn(refuses=JournalError("the disk is full", "Make room")), path):
            status, told = await post(path, b'{"verb": "pause"}')
        assert status == 503
        assert told["error"] == "the disk is full"

    async def test_only_json_is_taken(self, path: Path) -> None:
        daemon = StandIn()
        async with control(daemon, path):
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
                status, told = await post(path, b'{"verb": "pause"}', {"Content-Type": kind})
                assert (status, told["error"]) == (415, "a command is application/json")
        assert not daemon.taken

    async def test_a_body_without_end_is_cut_off(self, path: Path) -> None:
        daemon = StandIn()
        async with control(daemon, path):
            status, told = await post(path, b'{"verb": "pause"' + b" " * LARGEST + b"}")
        assert (status, daemon.taken) == (413, [])
        assert told["error"]

    async def test_reading_is_the_same_as_on_the_page(self, path: Path) -> None:
        daemon = StandIn()
        async with (
            control(daemon, path),
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        ):
            async with session.get("http://hedgebot/api/v1/status") as reply:
                assert await reply.json() == daemon.status()
            async with session.get("http://hedgebot/healthz") as reply:
                assert reply.status == 200
            async with session.get(COMMAND) as reply:
                assert reply.status == 405
                assert (await reply.json())["exit_code"] == 1

    async def test_commands_at_once_are_all_taken(self, path: Path) -> None:
        daemon = StandIn()
        async with control(daemon, path):
            answers = await asyncio.gather(*(post(path, b'{"verb": "pause"}') for _ in range(20)))
        assert [status for status, _ in answers] == [200] * 20
        assert len(daemon.taken) == 20


class TestParsing:
    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            (b"", "not valid JSON"),
            (b"{", "not valid JSON"),
            (b"\xff\xfe", "not valid JSON"),
            ('{"verb": "pause"}'.encode("utf-16"), "not valid JSON"),
            (b"[" * 4000, "not valid JSON"),
            (b'{"verb": NaN}', "not valid JSON"),
            (b'{"verb": "pause", "verb": "resume"}', "not valid JSON"),
            (b"[]", "not a JSON object"),
            (b"null", "not a JSON object"),
            (b'"pause"', "not a JSON object"),
            (b"{}", "verb"),
            (b'{"verb": null}', "verb"),
            (b'{"verb": 1}', "verb"),
            (b'{"verb": ["pause"]}', "verb"),
            (b'{"verb": "PAUSE"}', "verb"),
            (b'{"verb": "unwound"}', "verb"),
            (b'{"verb": "home"}', "verb"),
            (b'{"verb": "buy"}', "verb"),
            (b'{"verb": "pause", "who": "root"}', '"who" is not a key'),
            (b'{"verb": "pause", "Hedge": "btc"}', '"Hedge" is not a key'),
            (b'{"verb": "pause", "hedge": 1}', "hedge"),
            (b'{"verb": "pause", "hedge": ["btc"]}', "hedge"),
            (b'{"verb": "pause", "ratio": "0.5"}', "pause takes no ratio"),
            (b'{"verb": "resume", "ratio": "0"}', "resume takes no ratio"),
            (b'{"verb": "ratio", "ratio": 0.5}', "ratio"),
            (b'{"verb": "ratio", "ratio": true}', "ratio"),
            (b'{"verb": "ratio", "ratio": ""}', "ratio"),
            (b'{"verb": "ratio", "ratio": "-0.5"}', "ratio"),
            (b'{"verb": "ratio", "ratio": "+1"}', "ratio"),
            (b'{"verb": "ratio", "ratio": "1e3"}', "ratio"),
            (b'{"verb": "ratio", "ratio": "NaN"}', "ratio"),
            (b'{"verb": "ratio", "ratio": "Infinity"}', "ratio"),
            (b'{"verb": "ratio", "ratio": " 1"}', "ratio"),
            (b'{"verb": "ratio", "ratio": "0.5\\n"}', "ratio"),
            (b'{"verb": "ratio", "ratio": "1_0"}', "ratio"),
            ('{"verb": "ratio", "ratio": "٠.٥"}'.encode(), "ratio"),
            (b'{"verb": "ratio", "ratio": "0.1234567890123456789"}', "ratio"),
        ],
    )
    def test_what_is_not_a_command_is_refused(self, body: bytes, complaint: str) -> None:
        with pytest.raises(MalformedError, match=complaint):
            parse(body)

    @given(st.binary(max_size=200))
    def test_no_bytes_raise_anything_else(self, body: bytes) -> None:
        with suppress(MalformedError):
            assert isinstance(parse(body), Order)
