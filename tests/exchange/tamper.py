"""Replies changed on their way: one field at a time, everything else as the exchange said it."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Change:
    """What becomes of the value at ``path`` in the result of ``endpoint``, as in ``list[0].size``.

    An endpoint that begins with a slash is a whole path; a reply without an envelope is its own result.
    Replies that have no such value stay as they are, and those to queries of which ``when`` says no.
    """

    endpoint: str
    path: str
    become: Callable[[Any], object]
    when: Callable[[Mapping[str, str]], bool] = lambda _: True

    def concerns(self, request: web.Request) -> bool:
        path = self.endpoint if self.endpoint.startswith("/") else f"/v5/{self.endpoint}"
        return request.path == path and self.when(request.query)

    def apply(self, result: Any) -> None:
        steps: list[Any] = [int(index) if index else name for name, index in STEP.findall(self.path)]
        holder = result
        try:
            for step in steps[:-1]:
                holder = holder[step]
            before = holder.get(steps[-1]) if isinstance(holder, dict) else holder[steps[-1]]
        except (LookupError, TypeError):
            return
        holder[steps[-1]] = self.become(before)


def tampering(changes: Sequence[Change]) -> Middleware:
    """A middleware of the server that makes these changes, as they are when a reply leaves."""

    @web.middleware
    async def tamper(request: web.Request, handler: Handler) -> web.StreamResponse:
        reply = await handler(request)
        concerned = [change for change in changes if change.concerns(request)]
        if not concerned or not isinstance(reply, web.Response) or not isinstance(reply.body, bytes):
            return reply
        document = json.loads(reply.body)
        for change in concerned:
            change.apply(document.get("result", document) if isinstance(document, dict) else document)
        return web.json_response(document)

    return tamper
