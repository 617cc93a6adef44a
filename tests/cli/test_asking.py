"""Asking and ordering a daemon: exit codes, and what is said when it does not answer."""

import asyncio
import json
import socket
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.api.control import control
from hedgebot.cli import daemon_client
from hedgebot.cli.asking import worst
from hedgebot.domain.records import State, Verb
from hedgebot.errors import HedgebotError, JournalError
from tests.api.support import StandIn, hedge
from tests.cli.support import within, write_config

ASKING = [["status"], ["status", "--json"], ["health"]]
ORDERING = [["pause"], ["resume"], ["ratio", "btc", "0.5"], ["unwind"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_config(tmp_path)
    return tmp_path


class TestStatus:
    @pytest.mark.parametrize(
        ("states", "code"),
        [
            (["hedged"], 0),
            (["adjusting"], 0),
            (["paused"], 0),
            (["unwinding"], 0),
            (["unwound"], 0),
            (["drifting"], 8),
            (["blind"], 6),
            (["halted"], 6),
            (["starting"], 6),
            (["of tomorrow"], 6),
            (["hedged", "drifting"], 8),
            (["drifting", "blind", "hedged"], 6),
            ([], 0),
        ],
    )
    def test_the_worst_hedge_decides_the_exit_code(self, states: list[str], code: int) -> None:
        hedges = {str(number): hedge(state=state) for number, state in enumerate(states)}
        assert worst({"hedges": hedges}) == code

    def test_every_state_has_one(self) -> None:
        assert {worst({"hedges": {"btc": hedge(state=state.value)}}) for state in State} == {0, 6, 8}

    async def test_for_programs_it_is_the_daemons_object_as_it_is(self, folder: Path) -> None:
        daemon = StandIn({"btc": hedge(state="drifting")})
        async with control(daemon, folder / "hedgebot.sock"):
            ran = await within(folder, "status", "--json")
        assert (ran.code, ran.err) == (8, "")
        assert json.loads(ran.out) == daemon.status()

    async def test_for_people_it_has_no_colours_in_a_pipe(self, folder: Path) -> None:
        async with control(StandIn(), folder / "hedgebot.sock"):
            ran = await within(folder, "status")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith("btc: HEDGED, mode live, 1.2 s ago\n")
        assert "\x1b" not in ran.out


class TestHealth:
    @pytest.mark.parametrize(("alive", "code"), [(True, 0), (False, 1)])
    async def test_it_is_that_of_healthz(self, alive: bool, code: int, folder: Path) -> None:
        async with control(StandIn(alive=alive), folder / "hedgebot.sock"):
            ran = await within(folder, "health", "--json")
        assert (ran.code, json.loads(ran.out)) == (code, {"schema": 1, "healthy": alive})


class TestOrders:
    @pytest.mark.parametrize(
        ("args", "taken"),
        [
            (["pause"], (None, Verb.PAUSE, None)),
            (["pause", "btc"], ("btc", Verb.PAUSE, None)),
            (["resume"], (None, Verb.RESUME, None)),
            (["unwind"], (None, Verb.UNWIND, Decimal(0))),
            (["unwind", "btc", "--to", "0.25"], ("btc", Verb.UNWIND, Decimal("0.25"))),
            (["ratio", "btc", "0.5"], ("btc", Verb.RATIO, Decimal("0.5"))),
            (["ratio", "btc", "0.5", "--config", "hedgebot.toml"], ("btc", Verb.RATIO, Decimal("0.5"))),
            (["ratio", "--config", "hedgebot.toml", "btc", "0.5"], ("btc", Verb.RATIO, Decimal("0.5"))),
            (["ratio", "-c", "hedgebot.toml", "btc", "0.5"], ("btc", Verb.RATIO, Decimal("0.5"))),
            (["ratio", "btc", "--config"], ("btc", Verb.RATIO, None)),
            (["ratio", "btc", "--config", "--json"], ("btc", Verb.RATIO, None)),
            (["ratio", "btc", "--config", "-c", "hedgebot.toml"], ("btc", Verb.RATIO, None)),
            (["ratio", "btc", "--to-config"], ("btc", Verb.RATIO, None)),
        ],
    )
    async def test_each_is_given_as_written(
        self, args: list[str], taken: tuple[Any, ...], folder: Path
    ) -> None:
        daemon = StandIn()
        async with control(daemon, folder / "hedgebot.sock"):
            ran = await within(folder, *args)
        assert (ran.code, ran.err) == (0, "")
        assert [order[:3] for order in daemon.taken] == [taken]
        assert "btc" in ran.out

    async def test_for_programs_the_answer_says_what_it_concerned(self, folder: Path) -> None:
        async with control(StandIn({"btc": hedge(), "eth": hedge()}), folder / "hedgebot.sock"):
            ran = await within(folder, "unwind", "--json")
        told = json.loads(ran.out)
        assert (told["schema"], told["verb"], told["ratio"]) == (1, "unwind", "0")
        assert told["hedges"] == ["btc", "eth"]

    @pytest.mark.parametrize(
        "refusal",
        [HedgebotError("no such hedge", "There is: btc"), JournalError("the disk is full", "Make room")],
    )
    async def test_a_refusal_is_told_with_what_to_do(self, refusal: HedgebotError, folder: Path) -> None:
        async with control(StandIn(refuses=refusal), folder / "hedgebot.sock"):
            ran = await within(folder, "pause")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == f"hedgebot: {refusal.what}\n  {refusal.next_step}\n"

    async def test_a_configuration_broken_since_the_start_stops_no_order(self, folder: Path) -> None:
        (folder / "hedgebot.toml").write_text('mode = "nonsense"\n[hedges.btc]\nratoi = 7\n')
        daemon = StandIn()
        async with control(daemon, folder / "hedgebot.sock"):
            assert (await within(folder, "pause")).code == 0
        assert daemon.taken


class TestNoAnswer:
    @pytest.mark.parametrize("args", [*ASKING, *ORDERING])
    async def test_without_a_daemon_the_exit_code_is_4(self, args: list[str], folder: Path) -> None:
        ran = await within(folder, *args)
        assert (ran.code, ran.out) == (4, "")
        assert f"no daemon answers at {folder}/hedgebot.sock" in ran.err

    async def test_nor_with_the_socket_of_a_dead_one(self, folder: Path) -> None:
        with closing(socket.socket(socket.AF_UNIX)) as dead:
            dead.bind(str(folder / "hedgebot.sock"))
        assert (await within(folder, "status")).code == 4

    async def test_a_daemon_that_dies_while_answering_is_none(self, folder: Path) -> None:
        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_unix_server(hang_up, folder / "hedgebot.sock"):
            assert (await within(folder, "status")).code == 4

    async def test_something_else_behind_the_socket_is_an_error(self, folder: Path) -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"220 mail.example ESMTP\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_unix_server(greet, folder / "hedgebot.sock"):
            ran = await within(folder, "status")
        assert (ran.code, ran.out) == (1, "")
        assert "no hedgebot" in ran.err

    async def test_a_daemon_that_hangs_is_given_5_seconds_then_the_exit_code_is_7(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert daemon_client.TIMEOUT == 5
        monkeypatch.setattr(daemon_client, "TIMEOUT", 0.1)

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_unix_server(hang, folder / "hedgebot.sock"):
            ended = [await within(folder, command) for command in ("status", "health", "pause")]
        assert [(ran.code, ran.out) for ran in ended] == [(7, "")] * 3
        assert all("did not answer within 0.1 s" in ran.err for ran in ended)
        assert "not known" in ended[2].err
