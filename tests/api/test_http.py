"""The read-only server: what it answers, to whom, and that nothing there changes anything."""

import asyncio
import json
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from hedgebot.api import http
from hedgebot.api.metrics import Metrics
from tests.api.support import StandIn, free_port, page
from tests.patience import PATIENCE_S

PATHS = ("/", "/page.js", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/history")
METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "COMMAND")


class TestWhatItAnswers:
    async def test_health_follows_the_loops(self) -> None:
        daemon = StandIn()
        async with page(daemon) as server:
            assert (await server.ask("/healthz")).status == 200
            daemon.alive = False
            sick = await server.ask("/healthz")
        assert (sick.status, sick.body) == (503, b"no cycle ended in time\n")

    async def test_readiness_is_apart_from_health(self) -> None:
        async with page(StandIn(seen=False)) as server:
            assert (await server.ask("/readyz")).status == 503
            assert (await server.ask("/healthz")).status == 200

    async def test_status_is_the_daemons_own_object(self) -> None:
        daemon = StandIn()
        async with page(daemon) as server:
            reply = await server.ask("/api/v1/status")
        assert reply.headers["content-type"].startswith("application/json")
        assert json.loads(reply.body) == daemon.status()

    async def test_metrics_are_in_prometheus_text(self) -> None:
        async with page(StandIn()) as server:
            reply = await server.ask("/metrics")
        assert reply.headers["content-type"].startswith("text/plain; version=")
        names = {family.name for family in text_string_to_metric_families(reply.body.decode())}
        assert "process_cpu_seconds" in names

    @pytest.mark.parametrize(
        "path", ["/favicon.ico", "/api/v1/command", "/api/v2/status", "/../etc/passwd", "//"]
    )
    async def test_nothing_else_is_there(self, path: str) -> None:
        async with page(StandIn()) as server:
            assert (await server.ask(path)).status == 404


class TestItOnlyReads:
    @pytest.mark.parametrize("path", [*PATHS, "/api/v1/command", "/nowhere"])
    @pytest.mark.parametrize("method", METHODS)
    async def test_no_method_but_get_and_head(self, method: str, path: str) -> None:
        daemon = StandIn()
        async with page(daemon) as server:
            reply = await server.ask(path, "Content-Length: 0", method=method)
        assert reply.status in {400, 405}
        assert not daemon.taken

    @pytest.mark.parametrize("path", PATHS)
    async def test_head_is_a_get_without_its_body(self, path: str) -> None:
        async with page(StandIn()) as server:
            reply = await server.ask(path, method="HEAD")
        assert reply.status == 200
        assert reply.body == b""


class TestBrowsersLedHereByOthers:
    @pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
    @pytest.mark.parametrize("host", ["evil.com", "127.0.0.1.evil.com:8787", "0.0.0.0", ""])
    async def test_a_rebound_name_learns_nothing(self, host: str, path: str) -> None:
        async with page(StandIn()) as server:
            reply = await server.ask(path, host=host)
        assert reply.status == 421
        assert b"0.9991" not in reply.body

    @pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
    @pytest.mark.parametrize("origin", ["http://evil.com", "null", "http://127.0.0.1:1"])
    async def test_a_page_of_another_origin_learns_nothing(self, origin: str, path: str) -> None:
        async with page(StandIn()) as server:
            reply = await server.ask(path, f"Origin: {origin}")
        assert reply.status == 403
        assert not [name for name in reply.headers if name.startswith("access-control")]

    async def test_a_preflight_is_not_granted(self) -> None:
        asks = ("Origin: http://127.0.0.1", "Access-Control-Request-Method: POST")
        async with page(StandIn()) as server:
            reply = await server.ask("/api/v1/status", *asks, method="OPTIONS")
        assert reply.status == 405
        assert not [name for name in reply.headers if name.startswith("access-control")]

    async def test_a_configured_name_is_answered(self) -> None:
        async with page(StandIn(), "hedge.example") as server:
            assert (await server.ask(host="hedge.example:8787")).status == 200
            assert (await server.ask(host="other.example")).status == 421

    @pytest.mark.parametrize(
        "head",
        [
            "GET /api/v1/status HTTP/1.0\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.com\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: evil.com\r\nHost: 127.0.0.1\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nhost: evil.com\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n evil.com\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\x00.evil.com\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: evil.com\r\nForwarded: host=127.0.0.1\r\n\r\n",
            "GET http://127.0.0.1/api/v1/status HTTP/1.1\r\nHost: evil.com\r\n\r\n",
            "GET http://evil.com/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET http://127.0.0.1@evil.com/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET http://127.0.0.1.evil.com/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET https://evil.com:8787/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n\r\n",
            "CONNECT evil.com:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET evil.com:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            "GET /api/v1/status HTTP/1.1\r\nHost: evil.com\r\nX-Forwarded-Host: 127.0.0.1\r\n\r\n",
        ],
    )
    async def test_no_trick_with_the_host_header_helps(self, head: str) -> None:
        async with page(StandIn()) as server:
            reply = await server.send(head)
        assert reply.status in {400, 421}
        assert b"0.9991" not in reply.body

    async def test_a_whole_url_as_target_is_answered_where_it_names_this_machine(self) -> None:
        async with page(StandIn()) as server:
            head = "GET http://localhost:8787/healthz HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n\r\n"
            assert (await server.send(head)).status == 200

    @pytest.mark.parametrize(
        ("path", "host"),
        [*((path, "127.0.0.1") for path in PATHS), ("/nowhere", "127.0.0.1"), ("/", "evil.com")],
    )
    async def test_every_answer_forbids_embedding_caching_and_guessing(self, path: str, host: str) -> None:
        async with page(StandIn()) as server:
            headers = (await server.ask(path, host=host)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["server"] == "hedgebot"
        assert "set-cookie" not in headers


class TestItsPort:
    async def test_it_listens_only_where_it_is_told(self) -> None:
        port = free_port("127.0.0.2")
        app = http.application(StandIn(), Metrics().exposition, ())
        async with http.read_only(app, ("127.0.0.2", port)):
            await _closed("127.0.0.1", port)
            _, writer = await asyncio.open_connection("127.0.0.2", port)
            writer.close()
        await _closed("127.0.0.2", port)

    async def test_a_taken_port_is_told_and_the_daemon_runs_on_without_it(self) -> None:
        with socket.socket() as other, capture_logs() as said:
            other.bind(("127.0.0.1", 0))
            other.listen()
            async with http.read_only(
                http.application(StandIn(), Metrics().exposition, ()), other.getsockname()
            ):
                pass
        assert [(line["log_level"], line["reason"]) for line in said] == [("error", "Address already in use")]
        assert "api.listen" in said[0]["next_step"]

    async def test_a_client_that_stays_does_not_delay_the_end(self) -> None:
        """A server waits for its clients for a minute unless it is told not to."""
        async with asyncio.timeout(PATIENCE_S / 2):
            async with page(StandIn()) as server:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(b"GET /healthz HTTP/1.1\r\n")
                await writer.drain()
            writer.close()


async def _closed(host: str, port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


@pytest.mark.usefixtures("never_blocks")
async def test_no_answer_blocks_the_loop() -> None:
    async with page(StandIn()) as server:
        for path in PATHS:
            assert (await server.ask(path)).status == 200
