"""Replies as the conversions get them, without a wire: a document that was changed in one place."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from hedgebot.domain.units import Millis
from hedgebot.errors import ReadError
from hedgebot.exchange.fates import Answer
from tests.exchange.tamper import STEP

AT = Millis(1_795_000_000_000)
GONE = object()
"""What becomes of a field that a reply leaves out."""


def answer(result: object, at: Millis | None = AT, *, ok: bool = True) -> Answer:
    return Answer(ok=ok, code="0", message="", at=at, result=result, where="main: asked")


def but(document: Any, path: str, value: object) -> Any:
    """A copy of ``document`` with another value at ``path``, as in ``list[0].size``, or without it."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    steps: list[Any] = [int(index) if index else name for name, index in STEP.findall(path)]
    holder = changed
    for step in steps[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[steps[-1]]
    else:
        holder[steps[-1]] = value
    return changed


def refusal(read: Callable[[], object]) -> str:
    """The words in which a reply is refused."""
    with pytest.raises(ReadError) as told:
        read()
    return str(told.value).removeprefix("main: asked")
