"""Faults and where they are: one line each, never with text from the file, which could be a secret."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hedgebot.settings import environment, keys, secrets
from hedgebot.settings.ratio import NUMBER, TABLE
from hedgebot.settings.suggest import nearest
from hedgebot.settings.toml_file import CREDENTIAL, Document, dotted
from hedgebot.settings.toml_lines import KeyPath

WRONG_SHAPE = {
    "missing": "must be set",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "tuple_type": "must be a list in brackets; in a variable, as JSON",
}

NO_KEYS = {"[key]", NUMBER, TABLE}
"""What the models name in a path besides keys."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the value at ``path``, as the rest of a sentence that begins with its key."""

    path: KeyPath
    message: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where values come from: lines of one file, and the variables that override it, by path."""

    document: Document
    variables: Mapping[KeyPath, str]

    def variable(self, path: KeyPath) -> str | None:
        """The variable that sets ``path`` or the list it is in, or that would, in a table of variables."""
        for length in range(len(path), 0, -1):
            prefix = path[:length]
            if prefix in self.variables:
                return self.variables[prefix]
            if prefix in self.document.lines:
                return None
            if any(other[:length] == prefix for other in self.variables):
                return environment.variable(path)
        return None

    def line(self, path: KeyPath) -> int | None:
        """The line of ``path``, or of the nearest table or list around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.document.lines:
                return self.document.lines[path[:length]]
        return None

    def origin(self, path: KeyPath) -> str | None:
        """``file:line`` or ``env NAME`` of a value that was set, None of a default."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return f"env {self.variables[path[:length]]}"
        line = self.document.lines.get(path)
        return f"{self.document.file}:{line}" if line else None


def told(problems: Iterable[Problem], places: Places) -> list[str]:
    """The problems as lines for the operator, in the order of the file, then those of variables by name."""
    placed = [
        (places.variable(problem.path), places.line(problem.path) or 0, problem) for problem in problems
    ]
    placed.sort(key=lambda one: (one[0] or "", one[1]))
    return list(dict.fromkeys(_line(*one, file=places.document.file) for one in placed))


def _line(variable: str | None, line: int, problem: Problem, file: str) -> str:
    if variable:
        inside = problem.path[len(environment.path(variable)) :]
        return f"{variable}: {dotted(inside)}{': ' if inside else ''}{problem.message}"
    place = f"{file}:{line}" if line else file
    return f"{place}: {dotted(problem.path)}: {problem.message}"


def invalid(error: ValidationError) -> Iterator[Problem]:
    """What the models found, in our words."""
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in detail["loc"] if part not in NO_KEYS)
        yield Problem(path, _message(path, detail))


def _message(path: KeyPath, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return unknown(path)
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return WRONG_SHAPE.get(detail["type"], "is not valid")


def unknown(path: KeyPath) -> str:
    """What to say of a key that is not a setting."""
    key = str(path[-1])
    if CREDENTIAL.search(key):
        return secrets.misplaced(path)
    owner = _owner(key, path)
    if owner:
        return f"not a setting here; it belongs in [{owner}]"
    here = keys.names_in(path[:-1])
    close = nearest(key, here)
    if close:
        return f'not a setting. Did you mean "{close}"?'
    return f"not a setting. Settings here are {', '.join(here)}"


def _owner(key: str, path: KeyPath) -> str | None:
    """The table that does have ``key``: one in the same section, with its name, rather than another."""
    owners = [pattern[:-1] for pattern in keys.patterns() if pattern[-1] == key and len(pattern) > 1]
    owners.sort(key=lambda owner: owner[0] != path[0])
    if not owners:
        return None
    name = str(path[1]) if owners[0][0] == path[0] and len(path) > 2 else "NAME"
    return ".".join(name if part == keys.ANY else part for part in owners[0])
