"""Replies that come in pages."""

from collections.abc import Mapping

from hedgebot.errors import ReadError
from hedgebot.exchange.client import Client, Endpoint
from hedgebot.exchange.fates import Answer

CURSOR = "nextPageCursor"
MOST_PAGES = 100


async def pages(
    client: Client, endpoint: Endpoint, params: Mapping[str, object], limit: int, *, sparse: bool = False
) -> list[Answer]:
    """All pages, of at most ``limit`` rows each.

    A page that is not full is the last, whatever its cursor: an extra round trip to see an empty one would
    delay every cycle. Where pages may be ``sparse`` only an empty one, or no cursor, is the last.
    """
    read: list[Answer] = []
    cursor = ""
    while len(read) < MOST_PAGES:
        asked = {**params, "limit": limit} | ({"cursor": cursor} if cursor else {})
        read.append(await client.read(endpoint, asked))
        result = read[-1].fields
        cursor = result.text(CURSOR) if result.has(CURSOR) and result.value(CURSOR) is not None else ""
        if not cursor or len(result.items("list")) < (1 if sparse else limit):
            return read
    raise ReadError(f"bybit {endpoint.path}: more than {MOST_PAGES} pages")
