"""Which line of a TOML text defines which key; the standard library's reader does not tell.

A scanner of the text's tokens, not a second reader: ``tomllib`` judges whether the text is valid.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""Keys from the root, with indices into arrays: ``("hedges", "btc", "legs", 0, "symbol")``."""

TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r]+|\#[^\n]*)
  | (?P<newline>\n)
  | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
  | (?P<mark>[][{}=,.])
  | (?P<bare>[^]\s[{}=,.\#"']+)
  | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)


class Token(NamedTuple):
    kind: str
    text: str
    line: int


def lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, where each key, table and array element of ``text`` is first written."""
    index: dict[KeyPath, int] = {}
    written = list(keys(text))
    for path, line in written:
        index.setdefault(path, line)
    for path, line in written:
        for length in range(1, len(path)):
            index.setdefault(path[:length], line)
    return index


def keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Each key, table header and array element in the order of ``text``, with its line."""
    tokens = _Tokens(text)
    table: KeyPath = ()
    elements: dict[KeyPath, int] = {}
    while not tokens.at(""):
        line = tokens.line
        if tokens.take("["):
            table = _header(tokens, elements)
            yield table, line
        elif not tokens.take("\n"):
            yield from _pair(tokens, table)


def _header(tokens: "_Tokens", elements: dict[KeyPath, int]) -> KeyPath:
    """The table that the rest of a ``[table]`` or ``[[element]]`` opens; ``elements`` counts the latter."""
    repeated = tokens.take("[")
    path: KeyPath = ()
    parts = tokens.key()
    for number, part in enumerate(parts, 1):
        path += (part,)
        if repeated and number == len(parts):
            elements[path] = elements.get(path, -1) + 1
        if path in elements:
            path += (elements[path],)
    while tokens.take("]"):
        pass
    return path


def _pair(tokens: "_Tokens", table: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    line = tokens.line
    path = table + tokens.key()
    if tokens.take("="):
        yield path, line
        yield from _value(tokens, path)


def _value(tokens: "_Tokens", path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    """The keys inside the value of ``path``, which is read to its end."""
    if tokens.take("{"):
        while not tokens.take("}") and not tokens.at(""):
            if not (tokens.take(",") or tokens.take("\n")):
                yield from _pair(tokens, path)
    elif tokens.take("["):
        number = 0
        while not tokens.take("]") and not tokens.at(""):
            if not (tokens.take(",") or tokens.take("\n")):
                yield (*path, number), tokens.line
                yield from _value(tokens, (*path, number))
                number += 1
    else:
        tokens.skip()
        while not any(tokens.at(end) for end in (",", "]", "}", "\n", "")):
            tokens.skip()


class _Tokens:
    """The tokens of a text that matter, one ahead; past the last one the text is empty."""

    def __init__(self, text: str) -> None:
        self._rest = self._scan(text)
        self._next = Token("", "", 1)
        self.skip()

    @staticmethod
    def _scan(text: str) -> Iterator[Token]:
        line = 1
        for found in TOKEN.finditer(text):
            if found.lastgroup != "blank":
                yield Token(str(found.lastgroup), found[0], line)
            line += found[0].count("\n")

    @property
    def line(self) -> int:
        return self._next.line

    def at(self, text: str) -> bool:
        return self._next.text == text

    def skip(self) -> None:
        self._next = next(self._rest, Token("", "", self._next.line))

    def take(self, text: str) -> bool:
        """Whether ``text`` comes next; then it is passed."""
        found = bool(text) and self.at(text)
        if found:
            self.skip()
        return found

    def key(self) -> tuple[str, ...]:
        """A dotted key. Reads at least one token, whatever it is, so that a scan of broken text ends."""
        parts = [self._part()]
        while self.take("."):
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> str:
        kind, text, _ = self._next
        self.skip()
        if kind != "text":
            return text
        try:
            return str(tomllib.loads(f"key = {text}")["key"])
        except tomllib.TOMLDecodeError:
            return text
