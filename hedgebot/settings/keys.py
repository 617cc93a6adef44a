"""Which keys exist where: walks the models, so that no list of keys is written twice."""

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from hedgebot.settings.model import Settings
from hedgebot.settings.toml_lines import KeyPath

ANY = "*"
"""Stands for any name in the paths of ``patterns``."""


def kind(path: Sequence[str | int]) -> Any:
    """The type of what lies at ``path``, or None where nothing can."""
    found: Any = Settings
    for part in path:
        found = _table_of(found)
        if is_model(found):
            field = found.model_fields.get(part)
            found = field.annotation if field else None
        elif get_origin(found) is dict:
            found = get_args(found)[1]
        elif get_origin(found) is tuple and isinstance(part, int):
            found = get_args(found)[0]
        else:
            return None
    return found


def is_table(found: Any) -> bool:
    """Whether a type is a table of keys or names. What may be a table or a value counts as a value."""
    return is_model(found) or get_origin(found) is dict


def _table_of(found: Any) -> Any:
    """The model among the types of a value that may also be a table, such as a ratio."""
    for part in get_args(found) if get_origin(found) in {Union, UnionType} else ():
        bare = get_args(part)[0] if get_origin(part) is Annotated else part
        if is_model(bare):
            return bare
    return found


def is_model(found: Any) -> bool:
    """Whether a type is one of the models."""
    return isinstance(found, type) and issubclass(found, BaseModel)


def names_in(path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that the table at ``path`` may have; empty where any name may stand."""
    found = _table_of(kind(path))
    return tuple(found.model_fields) if is_model(found) else ()


def patterns(found: Any = Settings) -> Iterator[tuple[str, ...]]:
    """The path of every value, ``ANY`` in the place of names; a list is one value."""
    if is_model(found):
        for name, field in found.model_fields.items():
            yield from ((name, *rest) for rest in patterns(field.annotation))
    elif get_origin(found) is dict:
        yield from ((ANY, *rest) for rest in patterns(get_args(found)[1]))
    else:
        yield ()


def paths(named: Mapping[str, Sequence[str]]) -> Iterator[KeyPath]:
    """The path of every value, with the names that ``named`` has for accounts and hedges."""
    for pattern in patterns():
        if ANY in pattern:
            yield from ((pattern[0], name, *pattern[2:]) for name in named.get(pattern[0], ()))
        else:
            yield pattern
