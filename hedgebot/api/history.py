"""``GET /api/v1/history?hedge=btc&hours=24``: a hedge's charts as columns of equal length, and its decisions.

    {"schema": 1, "hedge": "btc",
     "series": {"at_ms": [1795240800000], "target_ratio": ["1"], "band": ["0.02"], "ratio": ["0.9991"],
                "net": ["0.0009"], "price_usd": ["60000"], "value_usd": ["60000"],
                "unhedged_usd": ["60000"], "liquidation_distance": ["1.4724"]},
     "decisions": [{"id": 812, "at": "2026-11-21T06:00:00Z", "state": "hedged", "reason": "…",
                    "acted": false}]}

Amounts are decimal strings; ``null`` is "not known then" or "no such thing", and a row of nulls is a gap.
``unhedged_usd`` is what the coins of the first row, and those that came since, would be worth had nothing
been sold. The distance is that of the nearest leg. Decisions are the last ones, newest first: the cycles at
which the state or the reason changed, or something was done.
"""

import re
from collections.abc import Collection, Mapping

from aiohttp import web

from hedgebot.api.views import Watched
from hedgebot.errors import HedgebotError

HOURS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
DEFAULT_HOURS = "24"
PARAMETERS = {"hedge", "hours"}


class QueryError(HedgebotError):
    """A question that has no answer; ``status`` is HTTP's word for why."""

    def __init__(self, status: int, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step)
        self.status = status


def asked(query: Mapping[str, str], hedges: Collection[str]) -> tuple[str, float]:
    """The hedge and the hours of a query. Raises ``QueryError``."""
    if strays := query.keys() - PARAMETERS:
        raise QueryError(400, f'"{min(strays)}" is not a parameter', "There are: hedge, hours")
    name, hours = query.get("hedge"), query.get("hours", DEFAULT_HOURS)
    if name is None and len(hedges) == 1:
        (name,) = hedges
    if name is None or name not in hedges:
        raise QueryError(404, "no such hedge", f"There are: {', '.join(hedges)}")
    if not HOURS.fullmatch(hours) or not float(hours):
        raise QueryError(400, "hours must be a number above 0, such as 24 or 0.5")
    return name, float(hours)


def route(watched: Watched) -> web.RouteDef:
    """The route over one daemon; answers from memory."""

    async def history(request: web.Request) -> web.Response:
        try:
            hedge, hours = asked(request.query, watched.status()["hedges"].keys())
        except QueryError as error:
            told = {"schema": 1, "error": error.what, "next_step": error.next_step}
            return web.json_response(told, status=error.status)
        return web.json_response(watched.history(hedge, hours))

    return web.get("/api/v1/history", history)
