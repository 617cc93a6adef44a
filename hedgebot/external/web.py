"""An address at which another program answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from hedgebot.domain.signals import Wanted
from hedgebot.errors import ReadError
from hedgebot.external.document import LARGEST, parse

SECONDS = 5.0
"""How long the address may take to answer."""


@dataclass(frozen=True, slots=True)
class RatioAddress:
    """``hedgebot.ports.RatioSource``. No other host is asked: not a proxy's, not one that it redirects to.

    Only the host is ever named: the rest of the address may hold a key.
    """

    url: str = field(repr=False)
    connector: Callable[[], aiohttp.BaseConnector | None]

    async def read(self) -> Wanted:
        where, limit = urlsplit(self.url).hostname or "", aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, connector=self.connector(), trust_env=False) as session,
                session.get(self.url, allow_redirects=False) as reply,
            ):
                if reply.status != 200:
                    raise ReadError(f"{where}: answered HTTP {reply.status}")
                data = bytearray()
                async for chunk in reply.content.iter_chunked(LARGEST):
                    data += chunk
                    if len(data) > LARGEST:
                        break
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            raise ReadError(f"{where}: did not answer ({type(cause).__name__})") from None
        return parse(bytes(data), where)
