"""What applies: every value of the settings as text, and where it came from."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import SecretStr

from hedgebot.settings import durations
from hedgebot.settings.fields import Section
from hedgebot.settings.model import Settings
from hedgebot.settings.problems import Places
from hedgebot.settings.toml_file import dotted
from hedgebot.settings.toml_lines import KeyPath

NOT_SET = "not set"


def effective(settings: Settings) -> dict[str, str]:
    """Each value as TOML writes it, or ``not set``, by its key, such as ``hedges.btc.legs[0].symbol``."""
    return {dotted(path): _text(value) for path, value in _values(settings)}


def origins(settings: Settings, places: Places) -> dict[str, str]:
    """Where each value of ``effective`` came from: ``default``, ``file:line`` or ``env NAME``."""
    return {dotted(path): places.origin(path) or "default" for path, _ in _values(settings)}


def _values(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, Section | Settings):
        parts: list[tuple[str | int, object]] = [
            (name, getattr(value, name)) for name in type(value).model_fields
        ]
    elif isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, tuple) and value:
        parts = list(enumerate(value))
    else:
        yield path, value
        return
    for key, part in parts:
        yield from _values(part, (*path, key))


def _text(value: object) -> str:
    if value is None:
        return NOT_SET
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, SecretStr):
        return '"***"' if value.get_secret_value() else '""'
    if isinstance(value, timedelta):
        return f'"{durations.text(value)}"'
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "[]" if value == () else json.dumps(value)
