"""Domain values as JSON text and back, exactly: ``decode(type(value), encode(value)) == value``.

A dataclass becomes an object with a key for each field, ``Decimal`` and the units become strings,
tuples become lists. Floats have no form on purpose: no money is one, and a monotonic instant
means nothing after a restart.
"""

import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, get_args, get_origin, get_type_hints

from hedgebot.domain.units import Quantity
from hedgebot.errors import JournalError

T = TypeVar("T")
NEWER = "It was written by a newer hedgebot: install that version or a later one"


def encode(value: object) -> str:
    """A dataclass of the domain as JSON text. Raises ``JournalError`` for what has no exact form."""
    try:
        return dump(_plain(value))
    except (TypeError, ValueError) as cause:
        raise _unfit(type(value).__name__, cause) from cause


def dump(data: object) -> str:
    """Plain data as compact JSON text; pure ASCII, so that any string survives, half a surrogate too."""
    try:
        return json.dumps(data, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as cause:
        raise _unfit("value", cause) from cause


def decode(kind: type[T], text: str) -> T:
    """A ``kind`` from its JSON text. Raises ``JournalError`` for anything that ``encode`` would not write."""
    annotation: Any = kind
    try:
        value = _reader(annotation)(json.loads(text))
    except (TypeError, ValueError, KeyError, InvalidOperation, RecursionError) as cause:
        raise JournalError(f"a {kind.__name__} in the journal cannot be read: {cause}", NEWER) from cause
    assert isinstance(value, kind)
    return value


def _unfit(name: str, cause: Exception) -> JournalError:
    return JournalError(f"a {name} cannot be written to the journal: {cause}", "This is a bug: report it")


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Quantity):
        return str(value.value)
    if isinstance(value, Decimal):
        return str(_finite(value))
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"a {type(value).__name__} has no exact form")


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"{value} is not finite")
    return value


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What turns JSON data into a ``kind``, which may be any annotation of a domain field."""
    if get_origin(kind) is UnionType:
        (inner,) = (part for part in get_args(kind) if part is not NoneType)
        return lambda data: None if data is None else _reader(inner)(data)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if isinstance(kind, NewType):
        return _reader(kind.__supertype__)
    return _class_reader(kind)


def _class_reader(kind: Any) -> Callable[[Any], Any]:
    if issubclass(kind, Quantity):
        return lambda data: kind(_decimal(data))
    if issubclass(kind, Decimal):
        return _decimal
    if is_dataclass(kind):
        return _object_reader(kind)
    if issubclass(kind, StrEnum):
        member: Callable[[Any], Any] = kind
        return member
    if kind in {str, int, bool}:
        return lambda data: _exactly(kind, data)
    raise TypeError(f"a {kind.__name__} is never stored")


def _decimal(data: Any) -> Decimal:
    value = _finite(Decimal(_exactly(str, data)))
    if str(value) != data:
        raise ValueError(f"{data!r} is not how a number is written here")
    return value


def _exactly(kind: type[T], data: Any) -> T:
    if type(data) is not kind:
        raise TypeError(f"{data!r} is not of type {kind.__name__}")
    return data


def _tuple_reader(parts: tuple[Any, ...]) -> Callable[[Any], Any]:
    if parts[-1] is Ellipsis:
        each = _reader(parts[0])
        return lambda data: tuple(each(item) for item in _exactly(list, data))
    readers = [_reader(part) for part in parts]
    return lambda data: tuple(read(item) for read, item in zip(readers, _exactly(list, data), strict=True))


def _object_reader(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}

    def read(data: Any) -> Any:
        if unknown := sorted(_exactly(dict, data).keys() - readers.keys()):
            raise KeyError(f"unknown field {unknown[0]}")
        if missing := sorted(required - data.keys()):
            raise KeyError(f"no field {missing[0]}")
        return kind(**{name: readers[name](item) for name, item in data.items()})

    return read
