"""The wire: what a request and a reply are made of, and how OKX writes numbers."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hedgebot.sim.money import exact, fixed

Json = dict[str, Any]
NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
PLACES = 16
NO_TIMES: Mapping[str, str] = {}


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


class ApiError(Exception):
    """A reply with a code of its own and no data, with the HTTP status that OKX documents for the code."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class FailedError(Exception):
    """A write that was understood and refused: code 1, the reason in the only row of the data."""

    def __init__(self, row: Json, message: str = "All operations failed") -> None:
        super().__init__(message)
        self.row = row
        self.message = message


def envelope(data: object, code: int = 0, message: str = "", times: Mapping[str, str] = NO_TIMES) -> bytes:
    """The common frame of every reply; some tell when they were made."""
    reply = {"code": str(code), "data": data, "msg": message, **times}
    return json.dumps(reply, separators=(",", ":")).encode()


def parameter(name: str) -> ApiError:
    """The error for a parameter that makes no sense."""
    return ApiError(51000, f"Parameter {name} error", 400)


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a request, of its query or its body; a wrong one raises ``ApiError`` 51000."""

    values: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None or value == "" else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise ApiError(50014, f"Parameter {name} can not be empty.", 400)
        return value

    def one_of(self, name: str, *allowed: str) -> str:
        value = self.required(name)
        if value not in allowed:
            raise parameter(name)
        return value

    def number(self, name: str) -> Fraction:
        """A required decimal number."""
        value = self.required(name)
        if not NUMBER.fullmatch(value):
            raise parameter(name)
        return exact(value)

    def integer(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.lstrip("-").isdecimal():
            raise parameter(name)
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value is True or str(value).lower() == "true"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list, with the id by which pages are turned."""

    number: int
    row: Json


def page(rows: Iterable[Row], params: Params) -> list[Json]:
    """The entries of one page; ``rows`` come newest first."""
    limit = params.integer("limit", 100)
    if not 1 <= limit <= 100:
        raise parameter("limit")
    after, before = params.integer("after", 0), params.integer("before", 0)
    wanted = (r.row for r in rows if (not after or r.number < after) and r.number > before)
    return [row for row, _ in zip(wanted, range(limit), strict=False)]


def span(params: Params, now_ms: int, days: int) -> tuple[int, int]:
    """From when to when a list reaches: the last ``days`` at most."""
    oldest = now_ms - days * 86_400_000
    return max(params.integer("begin", oldest), oldest), params.integer("end", now_ms)


def num(value: Fraction) -> str:
    """A number as OKX writes it: up to sixteen decimals, without zeros at the end."""
    if value.denominator == 1:
        return str(value.numerator)
    return fixed(value, PLACES).rstrip("0").rstrip(".")


def price(value: Fraction, places: int) -> str:
    """A price on its contract's grid."""
    text = fixed(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def stamp(at_ms: int) -> str:
    """An instant; empty when it never came."""
    return str(at_ms) if at_ms else ""
