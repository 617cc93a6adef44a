"""What another program writes: read strictly, from a file or an address, and nothing else of either."""

import asyncio
import os
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.signals import Wanted
from hedgebot.domain.units import Millis
from hedgebot.errors import ReadError
from hedgebot.external import RatioAddress, RatioFile, source
from hedgebot.external.document import LARGEST, parse
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run

GOOD = b'{"ratio": "0.5", "at": "2026-11-21T05:20:00Z"}'
WANTED = Wanted(Decimal("0.5"), Millis(1_795_238_400_000))


class TestTheDocument:
    @pytest.mark.parametrize(
        "text",
        [
            GOOD,
            b'{"at": "2026-11-21T06:20:00+01:00", "ratio": 0.5}',
            b' {"ratio": 5e-1, "at": "2026-11-21 05:20:00+00:00"}\n',
        ],
    )
    def test_says_a_ratio_and_when_it_was_written(self, text: bytes) -> None:
        assert parse(text, "here") == WANTED

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (b"", "is not strict JSON"),
            (b"0.5", "must have ratio and at"),
            (b"[]", "must have ratio and at"),
            (GOOD[:-1], "is not strict JSON"),
            (b"\xff\xfe" + GOOD, "is not strict JSON"),
            (b'{"ratio": NaN, "at": "2026-11-21T05:20:00Z"}', "is not strict JSON"),
            (b'{"ratio": 0.5, "ratio": 1, "at": "2026-11-21T05:20:00Z"}', "is not strict JSON"),
            (b'{"ratio": 0.5}', "must have ratio and at"),
            (b'{"ratio": 0.5, "at": "2026-11-21T05:20:00Z", "note": ""}', "must have ratio and at"),
            (b'{"ratio": 1.01, "at": "2026-11-21T05:20:00Z"}', "ratio must be from 0 to 1"),
            (b'{"ratio": -0.01, "at": "2026-11-21T05:20:00Z"}', "ratio must be from 0 to 1"),
            (b'{"ratio": 1e-999999999999999, "at": "2026-11-21T05:20:00Z"}', "at most 40 decimal places"),
            (b'{"ratio": "1e-41", "at": "2026-11-21T05:20:00Z"}', "at most 40 decimal places"),
            (b'{"ratio": 0e999999999, "at": "2026-11-21T05:20:00Z"}', "at most 40 decimal places"),
            (b'{"ratio": true, "at": "2026-11-21T05:20:00Z"}', "ratio must be from 0 to 1"),
            (b'{"ratio": null, "at": "2026-11-21T05:20:00Z"}', "ratio must be from 0 to 1"),
            (b'{"ratio": "half", "at": "2026-11-21T05:20:00Z"}', "ratio must be from 0 to 1"),
            (b'{"ratio": "sNaN", "at": "2026-11-21T05:20:00Z"}', "ratio must be from 0 to 1"),
            (b'{"ratio": 0.5, "at": "2026-11-21T05:20:00"}', "at must be a time with its zone"),
            (b'{"ratio": 0.5, "at": 1795238400}', "at must be a time with its zone"),
            (b'{"ratio": 0.5, "at": "0001-01-01T00:00:00Z"}', "at must be a time with its zone"),
            (b'{"ratio": 0.5, "at": "9999-12-31T23:59:59-23:59"}', "at must be a time with its zone"),
            (b"[" * LARGEST, "is not strict JSON"),
            (GOOD + b" " * LARGEST, "is longer than 4096 bytes"),
        ],
    )
    def test_of_any_other_form_is_refused(self, text: bytes, says: str) -> None:
        with pytest.raises(ReadError, match=says):
            parse(text, "here")

    def test_may_hold_what_a_computer_makes_of_nothing(self) -> None:
        """0.1 + 0.2 - 0.3, in binary fractions."""
        assert parse(GOOD.replace(b'"0.5"', b"5.551115123125783e-17"), "here").ratio < Decimal("1e-16")

    @given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
    def test_never_fails_in_another_way(self, text: bytes) -> None:
        with pytest.raises(ReadError):
            parse(text, "here")


class TestAFile:
    async def test_is_read_as_it_is_now(self, tmp_path: Path) -> None:
        file = source("ratio.json", None, tmp_path, lambda: None)
        with pytest.raises(ReadError, match="cannot be read: No such file"):
            await file.read()
        (tmp_path / "ratio.json").write_bytes(GOOD)
        assert await file.read() == WANTED

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
    async def test_that_is_none_is_not_waited_for(self, make: Callable[[Path], None], tmp_path: Path) -> None:
        make(tmp_path / "ratio.json")
        with pytest.raises(ReadError, match=r"is no file|cannot be read"):
            await RatioFile(tmp_path / "ratio.json").read()

    async def test_of_any_length_is_read_no_further_than_a_document_goes(self, tmp_path: Path) -> None:
        (tmp_path / "ratio.json").write_bytes(GOOD + b" " * 10_000_000)
        with pytest.raises(ReadError, match="is longer than 4096 bytes"):
            await RatioFile(tmp_path / "ratio.json").read()

    async def test_on_a_disk_that_never_answers_takes_one_thread_and_nothing_from_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = threading.Event()

        def hang(file: RatioFile) -> bytes:
            answers.wait()
            return GOOD

        monkeypatch.setattr(RatioFile, "_bytes", hang)
        file, before = RatioFile(tmp_path / "ratio.json"), set(threading.enumerate())
        try:
            for _ in range(50):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.001):
                        await file.read()
            (reader,) = set(threading.enumerate()) - before
            assert reader.daemon, "the end of the process does not wait for it"
        finally:
            answers.set()
        assert await file.read() == WANTED

    async def test_elsewhere_is_named_in_full(self, tmp_path: Path) -> None:
        (tmp_path / "there.json").write_bytes(GOOD)
        file = source(str(tmp_path / "there.json"), None, Path("/nowhere"), lambda: None)
        assert await file.read() == WANTED


ADDRESS = "127.0.0.1:9300"


def asked(
    answer: Callable[[], web.StreamResponse], url: str = f"http://{ADDRESS}/btc.json?key=canary"
) -> object:
    """What an address that answers so comes to: what it wants, or why that is not known."""
    found: list[object] = []

    async def main(clock: VirtualClock) -> None:
        network, application = MemoryNetwork(latency=0.01), web.Application()

        async def reply(_: web.Request) -> web.StreamResponse:
            return answer()

        application.router.add_get("/btc.json", reply)
        async with serve(application, network, ADDRESS):
            try:
                found.append(await RatioAddress(url, lambda: MemoryConnector(network)).read())
            except ReadError as error:
                found.append(str(error))

    run(main)
    assert "canary" not in str(found)
    return found[0]


class TestAnAddress:
    def test_is_asked(self) -> None:
        assert asked(lambda: web.Response(body=GOOD)) == WANTED

    def test_that_redirects_is_not_followed(self) -> None:
        moved = web.HTTPFound("http://elsewhere.example/btc.json")
        assert (
            asked(lambda: web.Response(status=302, headers=moved.headers)) == "127.0.0.1: answered HTTP 302"
        )

    def test_that_answers_without_end_is_left(self) -> None:
        assert "is longer than 4096 bytes" in str(asked(lambda: web.Response(body=GOOD + b" " * 10_000_000)))

    def test_that_fails_is_named_by_its_host_alone(self) -> None:
        assert asked(lambda: web.Response(status=500)) == "127.0.0.1: answered HTTP 500"
        dead = asked(web.Response, "http://127.0.0.1:1/btc.json?key=canary")
        assert str(dead).startswith("127.0.0.1: did not answer (Client")

    def test_is_not_shown(self) -> None:
        assert "canary" not in repr(RatioAddress("https://signals.example/?key=canary", lambda: None))
