"""Asks the running daemon over its control socket; the standard library alone, so that it starts quickly."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from hedgebot.errors import ExitCode, HedgebotError, NoAnswerError, NotRunningError
from hedgebot.settings import paths

TIMEOUT = 5.0


class DaemonError(HedgebotError):
    """The daemon refused, and said why; ``exit_code`` is its own."""

    def __init__(self, what: str, next_step: str, exit_code: int) -> None:
        super().__init__(what, next_step)
        self.exit_code = ExitCode(exit_code)


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._path))


@dataclass(frozen=True, slots=True)
class DaemonClient:
    """Every call raises ``NotRunningError``, ``NoAnswerError`` after 5 s, or ``DaemonError``."""

    path: Path

    def status(self) -> dict[str, Any]:
        return self._data("GET", "/api/v1/status")

    def healthy(self) -> bool:
        return self._ask("GET", "/healthz")[0] == 200

    def command(self, hedge: str | None, verb: str, ratio: str | None) -> dict[str, Any]:
        """Give an order; what it took effect on."""
        return self._data("POST", "/api/v1/command", {"hedge": hedge, "verb": verb, "ratio": ratio})

    def _data(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        status, reply = self._ask(method, path, body)
        try:
            found = json.loads(reply)
        except ValueError:
            raise HedgebotError(f"{self.path}: what answers there is no hedgebot") from None
        if status != 200:
            raise DaemonError(found.get("error", ""), found.get("next_step", ""), found.get("exit_code", 1))
        return dict(found)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        connection = _UnixConnection(self.path)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        except TimeoutError as cause:
            step = "It may be busy or stopped; look at its log" + (
                ". Whether it took the order is not known: look at its status" if body else ""
            )
            raise NoAnswerError(f"the daemon did not answer within {TIMEOUT:g} s", step) from cause
        except (FileNotFoundError, ConnectionError) as cause:
            raise NotRunningError(f"no daemon answers at {self.path}", "Start it: hedgebot run") from cause
        except HTTPException as cause:
            raise HedgebotError(f"{self.path}: what answers there is no hedgebot") from cause
        except OSError as cause:
            step = "Run this as the daemon's user"
            raise HedgebotError(f"{self.path}: cannot be used: {cause.strerror}", step) from cause
        finally:
            connection.close()


def of(config: Path) -> DaemonClient:
    """The daemon of a configuration file; a fault elsewhere in it does not matter."""
    return DaemonClient(paths.locate(config, os.environ).socket)
