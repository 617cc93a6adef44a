"""The document in which another program says which ratio it wants.

    {"ratio": "0.5", "at": "2026-11-21T05:00:00Z"}

``ratio`` from 0 to 1, a number or text; ``at`` when it was written, with its zone. Nothing else may be in it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from hedgebot.domain.signals import Wanted
from hedgebot.domain.units import ONE, ZERO, Millis
from hedgebot.errors import ReadError

LARGEST = 4096
"""Bytes of the longest document that is read."""

PLACES = 40
"""Of a ratio: what a computer's own fractions need, and no more."""

KEYS = {"ratio", "at"}
FORM = 'Write {"ratio": "0.5", "at": "2026-11-21T05:00:00Z"} and nothing else'
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def parse(data: bytes, where: str) -> Wanted:
    """What ``data`` says. Raises ``ReadError`` for everything but that form; repeats none of its text."""
    if len(data) > LARGEST:
        raise ReadError(f"{where}: is longer than {LARGEST} bytes", FORM)
    try:
        found = json.loads(
            data.decode(), parse_float=Decimal, parse_constant=_none, object_pairs_hook=_unique
        )
    except (ValueError, ArithmeticError, RecursionError):
        raise ReadError(f"{where}: is not strict JSON", FORM) from None
    if not isinstance(found, Mapping) or found.keys() != KEYS:
        raise ReadError(f"{where}: must have ratio and at, and nothing else", FORM)
    return Wanted(_ratio(found["ratio"], where), _at(found["at"], where))


def _ratio(value: object, where: str) -> Decimal:
    ratio = None
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            ratio = Decimal(value)
        except (InvalidOperation, ValueError):
            ratio = None
    if ratio is None or not ratio.is_finite() or not ZERO <= ratio <= ONE:
        raise ReadError(f"{where}: ratio must be from 0 to 1", FORM)
    if abs(int(ratio.as_tuple().exponent)) > PLACES:
        raise ReadError(f"{where}: ratio must have at most {PLACES} decimal places", FORM)
    return ratio


def _at(value: object, where: str) -> Millis:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not FIRST <= at < LAST:
        raise ReadError(f"{where}: at must be a time with its zone", FORM)
    return Millis(int(at.timestamp() * 1000))


def _none(_: str) -> NoReturn:
    raise ValueError


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)
