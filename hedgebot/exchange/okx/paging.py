"""Replies that come in pages, newest first."""

from collections.abc import AsyncIterator, Mapping

from hedgebot.errors import ReadError
from hedgebot.exchange.client import Client, Endpoint
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import rows

FULL = 100  # rows of the longest page
MOST_PAGES = 100


async def pages(
    client: Client, endpoint: Endpoint, params: Mapping[str, object], key: str, most: int = MOST_PAGES
) -> AsyncIterator[Answer]:
    """Page after page; ``key`` names the id from which the next one goes on. A page not full is the last.

    Raises ``ReadError`` when ``most`` pages are not the end.
    """
    after: dict[str, object] = {}
    for _ in range(most):
        answer = await client.read(endpoint, {**params, **after, "limit": FULL})
        yield answer
        shown = rows(answer)
        if len(shown) < FULL:
            return
        after = {"after": shown[-1].name(key)}
    raise ReadError(f"okx {endpoint.path}: more than {most} pages")
