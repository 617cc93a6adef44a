"""What both doors show: is the daemon alive, is it ready, what does it hold."""

from typing import Any, Protocol

from aiohttp import web


class Watched(Protocol):
    """What is asked of the daemon here."""

    def status(self) -> dict[str, Any]:
        """The status object (README, "Status")."""
        ...

    def history(self, name: str, hours: float) -> dict[str, Any]:
        """The last hours of a hedge that there is (see ``api.history``)."""
        ...

    def healthy(self) -> bool: ...

    def ready(self) -> bool: ...


class Views:
    """Handlers over one daemon; each answers from memory, none waits for an exchange."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    async def healthz(self, _request: web.Request) -> web.Response:
        return _verdict("no cycle ended in time", good=self._watched.healthy())

    async def readyz(self, _request: web.Request) -> web.Response:
        reason = "no coherent snapshot yet, or an order or a transfer is unresolved"
        return _verdict(reason, good=self._watched.ready())

    async def status(self, _request: web.Request) -> web.Response:
        return web.json_response(self._watched.status())


def _verdict(otherwise: str, *, good: bool) -> web.Response:
    return web.Response(status=200 if good else 503, text="ok\n" if good else f"{otherwise}\n")
