"""The wire: what a request and a reply are made of, and how Bybit writes numbers."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hedgebot.sim.money import exact, fixed, short

Json = dict[str, Any]
NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived; ``query`` is raw, header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    remote: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``body`` is JSON unless ``status`` is an error of HTTP itself."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A reply with a code other than zero. Most come with HTTP 200, as on the exchange."""

    def __init__(self, code: int, message: str, result: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.result = {} if result is None else result


def envelope(time_ms: int, result: Json, code: int = 0, message: str = "OK") -> bytes:
    """The common frame of every reply."""
    reply = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": time_ms}
    return json.dumps(reply, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a request, of its query or its body; a wrong one raises ``ApiError`` 10001."""

    values: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise ApiError(10001, f"params error: {name} is required")
        return value

    def number(self, name: str) -> Fraction:
        """A required decimal number."""
        value = self.required(name)
        if not NUMBER.fullmatch(value):
            raise ApiError(10001, f"params error: {name} invalid")
        return exact(value)

    def integer(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.lstrip("-").isdecimal():
            raise ApiError(10001, f"params error: {name} invalid")
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value is True or str(value).lower() == "true"

    def category(self, *allowed: str) -> str:
        """The kind of product asked for."""
        value = self.required("category")
        if value not in (allowed or ("spot", "linear", "inverse", "option")):
            raise ApiError(10001, "params error: Invalid category")
        return value


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list, with the number that says where a page ended."""

    number: int
    row: Json


def page(rows: Iterable[Row], params: Params, *, default: int, most: int) -> tuple[list[Json], str]:
    """The entries of one page, newest first, and the cursor of the next; ``rows`` come newest first."""
    limit = params.integer("limit", default)
    if not 1 <= limit <= most:
        raise ApiError(10001, f"params error: limit should be in [1, {most}]")
    after = _cursor(params.text("cursor"))
    shown: list[Json] = []
    last = 0
    for row in rows:
        if after is not None and row.number >= after:
            continue
        if len(shown) == limit:
            return shown, f"{last}%3A{limit}"
        shown.append(row.row)
        last = row.number
    return shown, ""


def _cursor(text: str) -> int | None:
    head = text.replace("%3A", ":").partition(":")[0]
    return int(head) if head.isdecimal() else None


def coins(value: Fraction) -> str:
    """An amount of coins, to eight decimals."""
    return short(value)


def dollars(value: Fraction) -> str:
    return short(value)


def price(value: Fraction, places: int) -> str:
    """A price with its contract's decimals, as ``60000.50``."""
    return fixed(value, places)


def ratio(value: Fraction) -> str:
    """A rate or a leverage."""
    return short(value)


def stamp(at_ms: int) -> str:
    """An instant; empty when it never came."""
    return str(at_ms) if at_ms else ""


def days_back(params: Params, now_ms: int, days: int) -> tuple[int, int]:
    """The span of a list in time: the last ``days`` unless the request says otherwise, never longer."""
    span = days * 86_400_000
    start, end = params.integer("startTime", 0), params.integer("endTime", 0)
    if start and end and end - start > span:
        raise ApiError(10001, f"The time range cannot exceed {days} days")
    if start:
        return start, min(end or start + span, start + span)
    return (end or now_ms) - span, end or now_ms


def listed(category: str, rows: Sequence[Json], cursor: str = "") -> Json:
    """The frame of a list of one category."""
    return {"category": category, "list": list(rows), "nextPageCursor": cursor}
