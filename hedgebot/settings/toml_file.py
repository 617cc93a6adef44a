"""Reads the configuration file, and says of one that cannot be read where and why."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hedgebot.errors import ConfigError
from hedgebot.settings import toml_lines
from hedgebot.settings.toml_lines import KeyPath

CREDENTIAL = re.compile(
    r"api[_-]?key|secret|passw|passphrase|private|credential|token|\bkeys?\b", re.IGNORECASE
)
"""What the name of a key looks like whose value must never be shown."""

MENTIONED = re.compile(rf"^[^#\n]*({CREDENTIAL.pattern})", re.IGNORECASE | re.MULTILINE)
WIDEST = 120
LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A valid TOML file: its content, numbers with a point as ``Decimal``, and the line of each key."""

    file: str
    table: dict[str, Any]
    lines: Mapping[KeyPath, int]


def read(path: Path) -> Document:
    """The file at ``path``; ``ConfigError`` when it is missing, unreadable or not TOML."""
    text = _text(path)
    try:
        return Document(str(path), tomllib.loads(text, parse_float=_number), toml_lines.lines(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(path, text, str(error))]) from None
    except ValueError:
        raise ConfigError([f"{path}: not valid TOML: a number has too many digits"]) from None
    except RecursionError:
        raise ConfigError([f"{path}: not valid TOML: brackets are nested too deeply"]) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: no such file. Start from the example: cp config/hedgebot.example.toml {path}"]
        ) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(data) > LARGEST:
        raise ConfigError([f"{path}: is larger than any configuration; name the right file"])
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not valid TOML: not UTF-8 text"]) from None


def _number(text: str) -> Decimal:
    """Exact; what no ``Decimal`` can hold becomes NaN, which every field refuses."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _syntax(path: Path, text: str, error: str) -> str:
    """One line about what ``tomllib`` refused: the place, the reason and the offending line."""
    found = re.search(r" \(at line (\d+), column \d+\)$", error)
    lines = text.rstrip("\n").split("\n")
    line = min(int(found[1]), len(lines)) if found else len(lines)
    shown = _shown(lines, line)
    twice = _twice(text, line) if error.startswith(("Cannot", "Duplicate")) else None
    if twice:
        return f"{path}:{line}: {twice}: {shown}"
    reason = error.partition(" (at ")[0].replace("\n", "\\n")
    return f"{path}:{line}: not valid TOML, {reason[:1].lower()}{reason[1:]}: {shown}"


def _shown(lines: list[str], line: int) -> str:
    """The line itself, unless it could be part of a credential's value."""
    before = "\n".join(lines[:line])
    if MENTIONED.search(before):
        return "(the line is not shown, because the file holds credentials)"
    content = re.sub(r"://[^/\s]*@", "://…@", lines[line - 1].strip())
    printable = "".join(sign if sign.isprintable() else "�" for sign in content)
    return printable if len(printable) <= WIDEST else printable[:WIDEST] + "…"


def _twice(text: str, line: int) -> str | None:
    """Which key up to ``line`` repeats an earlier one, and where that one is."""
    seen: dict[KeyPath, int] = {}
    repeated = None
    for path, at in toml_lines.keys(text):
        if at > line:
            break
        if path in seen:
            repeated = f"{dotted(path)}: set twice, first in line {seen[path]}"
        seen.setdefault(path, at)
    return repeated


def dotted(path: KeyPath) -> str:
    """``hedges.btc.legs[0].symbol``; keys that TOML would quote are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", part)
            text += ("." if text else "") + (part if plain else ascii(part))
    return text
