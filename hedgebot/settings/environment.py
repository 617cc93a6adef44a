"""Settings in variables: ``HEDGEBOT_SECTION__KEY``, over the file. Lists are written as JSON."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from hedgebot.settings import keys, secrets
from hedgebot.settings.model import Settings
from hedgebot.settings.suggest import nearest
from hedgebot.settings.toml_lines import KeyPath

PREFIX = "HEDGEBOT_"
EXAMPLE = f"{PREFIX}CYCLE__INTERVAL"
NEAR = 0.8
SEPARATOR = "\0"
"""Between the keys of a variable as pydantic-settings splits them: no variable can have it."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the environment sets: the values as nested tables, which variable set each, what is wrong."""

    table: dict[str, Any]
    variables: Mapping[KeyPath, str]
    problems: list[str]


def read(env: Mapping[str, str], file: Mapping[str, Any]) -> Overrides:
    """The settings in ``env``; the accounts and hedges of ``file`` are known to it too."""
    ours = sorted(name for name in env if name.upper().startswith(PREFIX))
    variables: dict[KeyPath, str] = {path(name): name for name in ours if _sets_value(name)}
    named = {
        section: sorted({*_names(file.get(section)), *_names_set(section, variables)})
        for section in ("accounts", "hedges")
    }
    allowed = {secrets.variable(account, kind) for account in named["accounts"] for kind in CREDENTIALS}
    candidates = [variable(found) for found in keys.paths(named)] + sorted(allowed)
    stray = [name for name in ours if name not in variables.values() and name not in allowed]
    table = _Source({name: env[name] for name in variables.values()})()
    return Overrides(table, variables, [f"{name}: {_stray(name, candidates)}" for name in stray])


def path(name: str) -> tuple[str, ...]:
    """The keys that a variable names. An underscore before the separator belongs to the name before it."""
    return tuple(re.split(r"__(?!_)", name.removeprefix(PREFIX).lower()))


def variable(found: KeyPath) -> str:
    """The variable that sets the value at ``found``."""
    return PREFIX + "__".join(map(str, found)).upper()


CREDENTIALS = tuple(kind + suffix for kind in secrets.KINDS for suffix in ("", secrets.FILE))


def _sets_value(name: str) -> bool:
    """Whether a variable names a value: what is inside of one, as in a list, is set with all of it."""
    whole = path(name)
    around = all(keys.is_table(keys.kind(whole[:length])) for length in range(1, len(whole)))
    found = keys.kind(whole)
    return around and found is not None and not keys.is_table(found) and name == variable(whole)


def _names(table: object) -> Iterable[str]:
    return table if isinstance(table, dict) else ()


def _names_set(section: str, variables: Iterable[KeyPath]) -> Iterable[str]:
    return (str(found[1]) for found in variables if found[0] == section)


def _stray(name: str, candidates: Iterable[str]) -> str:
    if keys.is_table(keys.kind(path(name))):
        return f"a table; set its keys one by one, as {EXAMPLE} does"
    close = nearest(name, candidates, NEAR)
    hint = f"Did you mean {close}?" if close else f"Settings are named as {EXAMPLE} is"
    return f"not a setting. {hint}"


class _Source(EnvSettingsSource):
    """Nests variables by their names. Reads those it is given, not the process's own, and floats exactly."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(Settings, env_prefix="", env_nested_delimiter=SEPARATOR)
        self.env_vars = {SEPARATOR.join(path(name)): value for name, value in env.items()}

    def decode_complex_value(self, _field_name: str, _field: FieldInfo | None, value: Any) -> Any:
        """A list from JSON; what is none stays as it is, for the models to refuse."""
        try:
            return json.loads(
                value, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_without_repeats
            )
        except (ValueError, ArithmeticError, RecursionError):
            return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key is set twice")
    return dict(pairs)
