"""The wire: what a request and a reply are made of, and how Binance writes numbers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hedgebot.sim.money import COIN_PLACES, exact, fixed, short

Json = dict[str, Any]
Document = Json | list[Json] | list[list[Any]]
NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
DIGITS = re.compile(r"\d{1,18}")


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
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An error, with the HTTP status that it comes with."""

    def __init__(
        self, code: int, message: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}


def document(value: Document) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a request; a wrong one raises ``ApiError``."""

    values: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            raise ApiError(-1102, message)
        return value

    def number(self, name: str) -> Fraction:
        """A required decimal number."""
        value = self.required(name)
        if not NUMBER.fullmatch(value):
            raise ApiError(-1100, f"Illegal characters found in parameter '{name}'.")
        return exact(value)

    def integer(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not DIGITS.fullmatch(value):
            raise ApiError(-1102, f"Parameter '{name}' was malformed.")
        return int(value)

    def flag(self, name: str) -> bool:
        value = self.text(name, "false").lower()
        if value not in ("true", "false"):
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value == "true"

    def limit(self, default: int, most: int) -> int:
        value = self.integer("limit", default)
        if not 1 <= value <= most:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return value


def coins(value: Fraction) -> str:
    """An amount of coins, with eight decimals."""
    return fixed(value, COIN_PLACES)


def mark(value: Fraction) -> str:
    """A price that is computed, with eight decimals."""
    return fixed(value, COIN_PLACES)


def number(value: Fraction) -> str:
    """A number of contracts, a rate, a size: no trailing zeros."""
    return short(value)


def price(value: Fraction, places: int) -> str:
    """A price with its contract's decimals."""
    return fixed(value, places)
