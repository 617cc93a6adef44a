"""What stands in the logs, and what never does."""

import asyncio
import gc
import io
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from decimal import Decimal

import pytest
import structlog
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from hedgebot import logs
from hedgebot.errors import ReadError
from hedgebot.scrubber import Scrubber
from tests.logs.conftest import CANARY, Sink, Terminal

log = structlog.get_logger("hedgebot.test")

Configure = Callable[..., Sink]


def assert_no_canary(text: str) -> None:
    """No part of the secret that is plain text in every encoding may be there."""
    assert text, "nothing was logged at all"
    for part in ("canary", "Ax7", "Qz9", "ell'"):
        assert part not in text


class TestLines:
    def test_json_is_one_object_a_line_with_what_people_look_for_first(self, configure: Configure) -> None:
        sink = configure()
        log.info("order filled", leg="main:BTC/USD:BTC", contracts=-5, price=Decimal("1E+5"))
        assert sink.text.endswith("\n")
        assert list(sink.last.items()) == [
            ("timestamp", "2026-11-20T05:00:00.123Z"),
            ("level", "info"),
            ("event", "order filled"),
            ("logger", "hedgebot.test"),
            ("leg", "main:BTC/USD:BTC"),
            ("contracts", -5),
            ("price", "100000"),
        ]

    def test_a_console_line_is_for_reading(self, configure: Configure) -> None:
        sink = configure(as_json=False)
        log.info("order filled", contracts=-5, price=Decimal("0.10"))
        assert sink.text.split() == [
            *("2026-11-20T05:00:00.123Z", "[info", "]", "order", "filled"),
            *("[hedgebot.test]", "contracts=-5", "price=0.10"),
        ]

    @pytest.mark.parametrize(
        ("stream", "as_json", "starts"),
        [
            (io.StringIO, None, "{"),
            (io.StringIO, False, "2026"),
            (Terminal, None, "\x1b["),
            (Terminal, True, "{"),
        ],
    )
    def test_people_read_on_terminals_and_programs_elsewhere_unless_told(
        self, configure: Configure, stream: type[io.StringIO], as_json: bool | None, starts: str
    ) -> None:
        sink = configure(stream(), as_json=as_json)
        log.info("hello")
        assert sink.text.startswith(starts)

    def test_no_colours_where_they_are_unwanted(
        self, configure: Configure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        sink = configure(Terminal())
        log.info("hello")
        assert "\x1b" not in sink.text

    def test_what_is_bound_to_a_cycle_stands_on_all_its_lines(self, configure: Configure) -> None:
        sink = configure()
        with structlog.contextvars.bound_contextvars(cycle=812):
            log.info("ours")
            logging.getLogger("aiohttp.client").warning("a library's")
        log.info("after")
        assert [entry.get("cycle") for entry in sink.entries] == [812, 812, None]

    def test_configuring_again_replaces_what_was(self, configure: Configure) -> None:
        first, second = configure(), configure()
        log.info("hello")
        assert not first.text
        assert len(second.entries) == 1

    def test_logs_go_to_standard_error_by_default(
        self, configure: Configure, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure(scrubber=Scrubber(), now_ms=lambda: 0)
        log.info("hello")
        out, err = capsys.readouterr()
        assert not out
        assert "hello" in err

    def test_a_state_is_news_only_when_it_changes(self) -> None:
        changes = logs.Changes()
        said = [changes.is_news("btc", state) for state in ("hedged", "hedged", "blind", "hedged")]
        assert said == [True, False, True, True]
        assert changes.is_news("eth", "hedged")
        assert changes.is_news("none", None)


class TestLevels:
    def test_our_own_loggers_say_debug_when_asked(self, configure: Configure) -> None:
        sink = configure(level=logging.DEBUG)
        log.debug("detail")
        assert sink.last["event"] == "detail"
        configure(level=logging.WARNING)
        log.info("not now")
        assert len(sink.entries) == 1

    @pytest.mark.parametrize(
        "library", ["ccxt", "ccxt.base.exchange", "aiohttp.client", "asyncio", "urllib3"]
    )
    def test_libraries_never_say_debug_even_when_they_are_set_to(
        self, configure: Configure, library: str
    ) -> None:
        sink = configure(level=logging.DEBUG)
        logger = logging.getLogger(library)
        assert logger.getEffectiveLevel() >= logging.INFO
        before = logger.level
        logger.setLevel(logging.DEBUG)
        logger.debug("GET /v5/order?signature=abc")
        logger.info("fine")
        logger.setLevel(before)
        assert [entry["event"] for entry in sink.entries] == ["fine"]

    def test_a_request_for_the_page_is_no_news(self, configure: Configure) -> None:
        sink = configure()
        logging.getLogger("aiohttp.access").info("GET /metrics")
        assert not sink.text


class TestSecrets:
    def test_in_an_event_or_a_value(self, sink: Sink) -> None:
        event = f"key {CANARY} loaded"
        log.info(event, params={"k": [CANARY]}, text=CANARY, raw=CANARY.encode())
        assert_no_canary(sink.text)

    def test_in_an_exception_and_its_causes(self, sink: Sink) -> None:
        with pytest.raises(ReadError) as caught:
            _fail_with_causes()
        caught.value.add_note(f"while using {CANARY}")
        log.error("read failed", exc_info=caught.value)
        assert_no_canary(sink.text)
        assert "KeyError" in sink.text
        assert "ReadError" in sink.text

    def test_in_an_exception_group(self, sink: Sink) -> None:
        log.error("failed", exc_info=ExceptionGroup(CANARY, [ValueError(CANARY), OSError(5, CANARY)]))
        assert_no_canary(sink.text)

    def test_tracebacks_show_no_locals(self, sink: Sink) -> None:
        with pytest.raises(ZeroDivisionError) as caught:
            _fail_beside(str(12345679 * 9))
        log.error("failed", exc_info=caught.value)
        assert "ZeroDivisionError" in sink.text
        assert "111111111" not in sink.text

    def test_in_the_standard_library_s_messages_arguments_and_exceptions(self, sink: Sink) -> None:
        logger = logging.getLogger("ccxt.base.exchange")
        logger.warning("key %s", CANARY)
        logger.error({"apiKey": CANARY})
        try:
            raise ValueError(CANARY)
        except ValueError:
            logger.exception("failed")
        logger.warning("where", stack_info=True, extra={"secret": CANARY})
        assert_no_canary(sink.text)

    def test_in_a_message_that_cannot_be_rendered(self, sink: Sink) -> None:
        _remove_other_handlers()
        logging.getLogger("aiohttp.client").warning("%d bytes", CANARY)
        log.info("value", broken=_Unprintable())
        assert sink.text.count("was not logged") == 2
        assert_no_canary(sink.text)

    def test_in_what_aiohttp_says_of_a_handler_that_failed(self, sink: Sink) -> None:
        async def handler(request: web.Request) -> web.Response:
            raise RuntimeError(f"{request.query_string} {CANARY}")

        async def main() -> None:
            app = web.Application()
            app.router.add_get("/", handler)
            async with TestServer(app) as server, ClientSession() as session:
                params = {"api_key": "never-loaded-key", "signature": "0123abcd", "other": CANARY}
                async with session.get(server.make_url("/"), params=params) as response:
                    assert response.status == 500

        asyncio.run(main())
        assert "Error handling request" in sink.text
        assert_no_canary(sink.text)
        assert "never-loaded-key" not in sink.text
        assert "0123abcd" not in sink.text

    def test_in_a_warning(self, sink: Sink) -> None:
        warnings.simplefilter("always")
        warnings.warn(f"old key {CANARY}", DeprecationWarning, stacklevel=1)
        assert "DeprecationWarning" in sink.text
        assert_no_canary(sink.text)

    def test_in_a_crash(self, sink: Sink) -> None:
        sys.excepthook(ValueError, ValueError(CANARY), None)
        assert "stopped by an error" in sink.text
        assert_no_canary(sink.text)

    def test_in_the_crash_of_a_thread(self, sink: Sink) -> None:
        thread = threading.Thread(target=lambda: _fail_beside(CANARY))
        thread.start()
        thread.join()
        assert "ZeroDivisionError" in sink.text
        assert_no_canary(sink.text)

    @pytest.mark.usefixtures("own_garbage")
    def test_in_an_error_that_python_ignores(self, sink: Sink) -> None:
        thing = _FailsWhenCollected()
        del thing
        gc.collect()
        assert "RuntimeError" in sink.text
        assert_no_canary(sink.text)

    @pytest.mark.usefixtures("own_garbage")
    def test_in_a_task_that_nobody_awaited(self, sink: Sink) -> None:
        async def fail() -> None:
            raise ValueError(CANARY)

        async def main() -> None:
            logs.watch(asyncio.get_running_loop())
            task = asyncio.create_task(fail(), name=CANARY)
            await asyncio.sleep(0)
            del task
            gc.collect()

        asyncio.run(main())
        assert "never retrieved" in sink.text
        assert_no_canary(sink.text)

    def test_in_a_callback_that_failed(self, sink: Sink) -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            logs.watch(loop)
            loop.call_soon(_fail_beside, CANARY)
            await asyncio.sleep(0)

        asyncio.run(main())
        assert "ZeroDivisionError" in sink.text
        assert_no_canary(sink.text)


def test_a_stream_that_nobody_reads_stops_nothing(configure: Configure) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    configure(Broken())
    log.info("hello")


def _remove_other_handlers() -> None:
    """Pytest's own fails on a message that cannot be rendered."""
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if isinstance(handler, logs.ScrubbingHandler)]


def _fail_with_causes() -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(f"https://x/?apiKey={CANARY}") from error
    except ValueError as error:
        raise ReadError(f"could not read with {CANARY}", "check the key") from error


def _fail_beside(local: str) -> float:
    return len(local) / 0


class _Unprintable:
    def __str__(self) -> str:
        raise RuntimeError(CANARY)

    __repr__ = __str__


class _FailsWhenCollected:
    def __del__(self) -> None:
        raise RuntimeError(CANARY)
