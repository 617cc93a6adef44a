"""The status page: static files, served as they are. No build step, nothing from elsewhere, read-only.

``page.js`` asks ``/api/v1/status`` and keeps the page honest about its age. ``hedge.js`` fills one hedge's
part with ``panels.js``, ``gauge.js`` and ``charts.js``, which asks ``/api/v1/history``; ``words.js`` says it
in words a holder understands. What exchanges and people wrote reaches the page as text only. The charts are
drawn by uPlot 1.6.32, vendored in ``uplot`` with its licence.
"""

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/hedge.js": ("hedge.js", "text/javascript"),
    "/panels.js": ("panels.js", "text/javascript"),
    "/gauge.js": ("gauge.js", "text/javascript"),
    "/charts.js": ("charts.js", "text/javascript"),
    "/words.js": ("words.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/uplot.js": ("uplot/uPlot.iife.min.js", "text/javascript"),
    "/uplot.css": ("uplot/uPlot.min.css", "text/css"),
    "/uplot-licence.txt": ("uplot/LICENSE", "text/plain"),
}
"""Every path of the page: its file beside this one, and its media type."""

CONTENTS = {path: (Path(__file__).parent / name).read_bytes() for path, (name, _) in FILES.items()}
"""Read once: a request must not wait for the disk, nor see half an upgrade."""


def routes() -> list[web.RouteDef]:
    return [web.get(path, _serve(CONTENTS[path], kind)) for path, (_, kind) in FILES.items()]


def _serve(body: bytes, kind: str) -> Handler:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return serve
