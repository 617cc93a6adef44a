"""Another program's word on the ratio: where it is read, and what it has to look like.

Here belongs whatever answers ``ports.RatioSource``: ``file`` and ``web``. ``document`` is the one form that
both take.
"""

from collections.abc import Callable
from pathlib import Path

import aiohttp

from hedgebot.external.file import RatioFile
from hedgebot.external.web import RatioAddress
from hedgebot.ports import RatioSource


def source(
    file: str | None, url: str | None, folder: Path, connector: Callable[[], aiohttp.BaseConnector | None]
) -> RatioSource:
    """Where to read: at ``url``, or in ``file``, which lies in ``folder`` unless it says where."""
    return RatioFile(folder / (file or "")) if url is None else RatioAddress(url, connector)


__all__ = ["RatioAddress", "RatioFile", "source"]
