"""A valve before a simulated exchange: what stands behind it is answered when a test says so."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.patience import until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ABOUT_THE_KEY = "/v5/user/"
"""What is asked there is asked beside the cycles."""


@dataclass
class Valve:
    """While it is closed the exchange answers nothing, and no cycle ends. ``held`` are those who wait."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    held: list[str] = field(default_factory=list)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.opened.is_set():
            self.held.append(request.path)
        await self.opened.wait()
        return await handler(request)

    async def closed(self) -> None:
        """Close it, and wait until a cycle is stuck behind it: all before that one have ended."""
        self.held.clear()
        self.opened.clear()
        await until(lambda: [path for path in self.held if not path.startswith(ABOUT_THE_KEY)])
