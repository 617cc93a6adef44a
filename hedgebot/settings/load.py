"""Reads the whole configuration: the file, the environment over it, every fault of both at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hedgebot.errors import ConfigError
from hedgebot.settings import environment, rules, toml_file
from hedgebot.settings.effective import origins
from hedgebot.settings.model import Settings
from hedgebot.settings.problems import Places, Problem, invalid, told, unknown
from hedgebot.settings.toml_lines import KeyPath


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration that applies, and for each value where it came from.

    ``origins`` has the keys of ``effective.effective``, such as ``hedges.btc.legs[0].symbol``, and
    ``default``, ``hedgebot.toml:14`` or ``env HEDGEBOT_MODE`` for each.
    """

    settings: Settings
    origins: Mapping[str, str]


def load(path: Path, env: Mapping[str, str]) -> Loaded:
    """The file at ``path`` with the variables in ``env`` over it; ``ConfigError`` tells all that is wrong."""
    document = toml_file.read(path)
    overrides = environment.read(env, document.table)
    overridden = set(overrides.variables)
    lines = {
        key: line
        for key, line in document.lines.items()
        if not any(key[:length] in overridden for length in range(1, len(key) + 1))
    }
    places = Places(replace(document, lines=lines), overrides.variables)
    settings, problems = _checked(_merged(document.table, overrides.table, overridden))
    if settings is None or problems or overrides.problems:
        raise ConfigError(told(problems, places) + overrides.problems)
    return Loaded(settings, origins(settings, places))


def _checked(table: dict[str, Any]) -> tuple[Settings | None, list[Problem]]:
    """The settings in ``table``, if it is valid, and what is wrong with it."""
    strays = table.keys() - Settings.model_fields.keys()
    problems = [Problem((key,), unknown((key,))) for key in strays] + list(rules.broken(table))
    try:
        # Without strays: pydantic-settings takes keys such as _env_file for options of its own.
        settings = Settings(**{key: value for key, value in table.items() if key not in strays})
    except ValidationError as error:
        return None, [*invalid(error), *problems]
    return settings, problems


def _merged(
    file: dict[str, Any], over: dict[str, Any], whole: set[KeyPath], at: KeyPath = ()
) -> dict[str, Any]:
    """``over`` over ``file``, table by table; what lies at one of the paths ``whole`` is put there whole.

    A value where a table belongs stays, to be refused.
    """
    result = dict(file)
    for key, value in over.items():
        below, here = file.get(key), (*at, key)
        if isinstance(value, dict) and key in file and here not in whole:
            result[key] = _merged(below, value, whole, here) if isinstance(below, dict) else below
        else:
            result[key] = value
    return result
