"""``GET /api/v1/history?hedge=btc&hours=24``: a hedge's charts as columns of equal length, and its decisions.

    {"schema": 1, "hedge": "btc",
     "series": {"at_ms": [1795000000000], "target_ratio": ["1"], "band": ["0.02"], "ratio": ["0.9991"],
                "net": ["0.0009"], "price_usd": ["60000"], "value_usd": ["60000"],
                "unhedged_usd": ["60000"], "liquidation_distance": ["1.4724"]},
     "decisions": [{"id": 812, "at": "2026-11-21T05:00:00Z", "state": "hedged", "reason": "…", "acted": false}]}

Amounts are decimal strings; ``null`` is "not known then" or "no such thing", and a row of nulls is a gap.
``unhedged_usd`` is what the coins of the first row, and those that came since, would be worth had nothing
been sold. Decisions are the newest 50 at which state or reason changed or something was done.
"""

import math
import re
from collections.abc import Collection, Mapping

from aiohttp import web

from hedgebot.api.views import Watched

DEFAULT_HOURS, MOST_HOURS = "24", 720
NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")
PARAMETERS = frozenset({"hedge", "hours"})


class Refused(Exception):  # noqa: N818
    """What was asked cannot be told."""


def route(watched: Watched) -> web.RouteDef:
    async def history(request: web.Request) -> web.Response:
        hedges = watched.status()["hedges"]
        return web.json_response(watched.history(*asked(request.query, hedges)))

    return web.get("/api/v1/history", history)
