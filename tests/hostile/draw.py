"""A true reply about to be damaged: its document, its places, and what is done to it."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

from hedgebot.exchange.wire import Reply

Path = tuple[str | int, ...]
Pattern = tuple[str, ...]
"""A path with ``*`` for every index: a field of all rows."""

GONE = object()
TWICE = "\ue000"
"""Stands before a key that is to appear twice, until the text is made."""

NESTED = "\ue001"
"""Stands before a depth, where so many brackets are to be."""

USED_ONES = 0.85
"""How often the damage falls on a field that the program is known to look at."""


@dataclass(frozen=True)
class Sample:
    """A true reply, with what damage needs of it. ``used`` are the fields that the program looks at.

    ``others`` are true replies to the same question, from other accounts and other moments.
    """

    reply: Reply
    document: Any
    spots: Mapping[Pattern, Sequence[Path]]
    used: Sequence[Pattern]
    lists: Sequence[Pattern]
    objects: Sequence[Pattern]
    others: Sequence[Any] = ()

    @classmethod
    def of(cls, reply: Reply, used: Sequence[Pattern] = (), others: Sequence[Any] = ()) -> "Sample":
        document = json.loads(reply.body)
        spots: dict[Pattern, list[Path]] = {}
        for path in _paths(document):
            spots.setdefault(pattern_of(path), []).append(path)
        lists, objects = (
            [pattern for pattern, paths in spots.items() if isinstance(at(document, paths[0]), kind)]
            for kind in (list, dict)
        )
        known = [pattern for pattern in used if pattern in spots]
        return cls(reply, document, spots, known, lists, objects, others)


@dataclass
class Draw:
    """One sample being damaged, by one source of chance. ``notes`` say what was done."""

    sample: Sample
    rng: Random
    document: Any
    notes: list[str] = field(default_factory=list)

    def place(self, fits: Callable[[Any], bool] = lambda _: True) -> Path | None:
        """A place whose value fits, drawn by field, so that a book's levels do not hide the rest."""
        used = self.sample.used
        patterns = used if used and self.rng.random() < USED_ONES else [*self.sample.spots][1:]
        for _ in range(8 if patterns else 0):
            path = self._one_of(patterns)
            found = at(self.document, path)
            if found is not GONE and fits(found):
                return path
        return None

    def a_list(self) -> Path | None:
        """A place where a list that is not empty lies."""
        return self._holding(self.sample.lists, list)

    def an_object(self) -> Path | None:
        """A place where an object that is not empty lies."""
        return self._holding(self.sample.objects, dict)

    def _holding(self, patterns: Sequence[Pattern], kind: type) -> Path | None:
        path = self._one_of(patterns) if patterns else None
        found = GONE if path is None else at(self.document, path)
        return path if isinstance(found, kind) and found else None

    def _one_of(self, patterns: Sequence[Pattern]) -> Path:
        return self.rng.choice(self.sample.spots[self.rng.choice(patterns)])

    def put(self, path: Path, value: Any) -> None:
        self.note(path, f"{_shown(at(self.document, path))} to {_shown(value)}")
        self.document = changed(self.document, path, value)

    def note(self, path: Path, what: str) -> None:
        self.notes.append(f"{'.'.join(map(str, path)) or 'all'}: {what}")


Damage = Callable[[Draw], None]


def _paths(document: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    children: Any = ()
    if isinstance(document, dict | list):
        children = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in children:
        yield from _paths(value, (*path, key))


def pattern_of(path: Path) -> Pattern:
    return tuple("*" if isinstance(step, int) else step for step in path)


def at(document: Any, path: Path) -> Any:
    """What lies at a path, or ``GONE``."""
    for step in path:
        try:
            document = GONE if isinstance(document, str) else document[step]
        except (LookupError, TypeError):
            return GONE
    return document


def changed(document: Any, path: Path, value: Any) -> Any:
    """A copy with another value at a path, copied only along it; ``GONE`` takes it away."""
    if not path:
        return value
    step, below = path[0], at(document, path[:1])
    if below is GONE:
        return document
    holder = copy.copy(document)
    made = changed(below, path[1:], value)
    if made is GONE:
        del holder[step]
    else:
        holder[step] = made
    return holder


def number_in(value: Any) -> Decimal | None:
    """The number that a value is or spells, if it does."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def like(old: Any, number: Decimal) -> Any:
    """A number in the form of an old one: text stays text, an integer stays one where it can."""
    if isinstance(old, str):
        return f"{number:f}"
    return int(number) if number == number.to_integral_value() else float(number)


def text_of(document: Any) -> bytes:
    """A document as JSON, with what no JSON has where the damage wants it."""
    text = json.dumps(document, separators=(",", ":"))
    if "\\ue00" in text:
        text = re.sub(r'"\\ue001(\d+)"', lambda found: "[" * int(found[1]) + "]" * int(found[1]), text)
        text = text.replace("\\ue000", "")
    return text.encode()


def _shown(value: Any) -> str:
    text = "nothing" if value is GONE else repr(value)
    return text if len(text) < 60 else text[:60] + "…"
