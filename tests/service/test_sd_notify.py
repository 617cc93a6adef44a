"""What a service manager is told, over a real socket, and that nobody's silence or fault is felt."""

import os
import socket
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from hedgebot.notify.sd_notify import Supervisor, supervisor
from tests.service.listener import listening

PID = 4711


class TestTelling:
    @pytest.mark.parametrize("abstract", [False, True])
    def test_each_message_is_one_datagram_of_lines(self, tmp_path: Path, abstract: bool) -> None:
        address = f"@hedgebot-{os.getpid()}" if abstract else str(tmp_path / "notify")
        with listening(address) as manager:
            telling = supervisor({"NOTIFY_SOCKET": address}, PID)
            telling.ready(patience=30)
            telling.alive("btc: hedged")
            telling.stopping()
            assert manager.take() == [
                ["READY=1"],
                ["WATCHDOG=1", "STATUS=btc: hedged"],
                ["STOPPING=1", "STATUS=stopping; the hedge stays on the exchange as it is"],
            ]

    async def test_it_never_blocks_the_loop(self, tmp_path: Path, never_blocks: BlockBuster) -> None:
        with listening(str(tmp_path / "notify")) as manager:
            Supervisor(manager.address).alive("btc: hedged")
            assert manager.told("WATCHDOG=1") == 1


class TestTheWatchdog:
    @pytest.mark.parametrize(
        ("env", "seconds"),
        [
            ({"WATCHDOG_USEC": "90000000"}, 90),
            ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(PID)}, 90),
            ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, None),
            ({}, None),
            ({"WATCHDOG_USEC": "0"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
            ({"WATCHDOG_USEC": "-1"}, None),
            ({"WATCHDOG_USEC": "²"}, None),
        ],
    )
    def test_is_the_environments_if_it_is_meant_for_us(
        self, env: dict[str, str], seconds: float | None
    ) -> None:
        assert supervisor(env, PID).watchdog == seconds

    @pytest.mark.parametrize(
        ("watchdog", "patience", "told"),
        [
            (90, 30, ["READY=1"]),
            (90, 90, ["READY=1"]),
            (90, 10_800, ["READY=1", "WATCHDOG_USEC=10800000000"]),
            (None, 10_800, ["READY=1"]),
        ],
    )
    def test_is_lengthened_for_slow_cycles_and_never_shortened(
        self, tmp_path: Path, watchdog: float | None, patience: float, told: list[str]
    ) -> None:
        with listening(str(tmp_path / "notify")) as manager:
            Supervisor(manager.address, watchdog).ready(patience)
            assert manager.take() == [told]


class TestNothingIsFeltOf:
    @pytest.mark.parametrize(
        "address", ["", "/nowhere/notify", "@hedgebot-nobody", "notify", "vsock:2:1234", "/" + "x" * 200]
    )
    def test_a_socket_that_is_not_there(self, address: str) -> None:
        Supervisor(address).alive("btc: hedged")

    def test_a_socket_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "notify").touch()
        Supervisor(str(tmp_path / "notify")).alive("btc: hedged")

    def test_a_socket_whose_listener_died(self, tmp_path: Path) -> None:
        with listening(str(tmp_path / "notify")) as manager:
            pass
        Supervisor(manager.address).alive("btc: hedged")

    def test_a_listener_that_does_not_listen(self, tmp_path: Path) -> None:
        with listening(str(tmp_path / "notify")) as manager:
            for _ in range(_queue_length() + 10):
                Supervisor(manager.address).alive("btc: hedged")
            assert 0 < manager.told("WATCHDOG=1") <= _queue_length() + 1

    def test_a_stream_socket(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(tmp_path / "notify"))
            other.listen()
            Supervisor(str(tmp_path / "notify")).alive("btc: hedged")


def _queue_length() -> int:
    """Datagrams that Linux keeps for a socket that nobody reads."""
    return int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
