"""Damage to rows and keys: gone, doubled, contradicting each other, out of order, another account's."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.hostile.draw import TWICE, Damage, Draw, at, changed, like, number_in
from tests.hostile.values import is_word, opposite


def rows(change: Callable[[list[Any], Draw], list[Any]]) -> Damage:
    """A list that is not empty becomes another one."""

    def damage(draw: Draw) -> None:
        path = draw.a_list()
        found = None if path is None else at(draw.document, path)
        if path is not None and isinstance(found, list):
            draw.note(path, "other rows")
            draw.document = changed(draw.document, path, change(list(found), draw))

    return damage


def _row_gone(found: list[Any], draw: Draw) -> list[Any]:
    del found[draw.rng.randrange(len(found))]
    return found


def _row_twice(found: list[Any], draw: Draw) -> list[Any]:
    found.insert(draw.rng.randint(0, len(found)), draw.rng.choice(found))
    return found


def _row_twice_and_different(found: list[Any], draw: Draw) -> list[Any]:
    row = draw.rng.choice(found)
    if isinstance(row, dict) and row:
        key = draw.rng.choice(list(row))
        number = number_in(row[key])
        value = opposite(row[key], draw.rng) if is_word(row[key]) else "0"
        row = {**row, key: value if number is None else like(row[key], number * 2)}
    found.insert(draw.rng.randint(0, len(found)), row)
    return found


def _shuffled(found: list[Any], draw: Draw) -> list[Any]:
    draw.rng.shuffle(found)
    return found


def _flooded(found: list[Any], draw: Draw) -> list[Any]:
    return [draw.rng.choice(found)] * draw.rng.choice([20, 60, 110, 250])


def _with_strangers(found: list[Any], draw: Draw) -> list[Any]:
    """Rows of another account among ours, or in their place."""
    others = [row for other in draw.sample.others for row in _all_rows(other) if _alike(row, found[0])]
    if not others:
        return found[:-1]
    stranger = draw.rng.choice(others)
    return [stranger] if draw.rng.random() < 0.5 else [*found, stranger]


def _all_rows(document: Any) -> Iterator[Any]:
    below: Any = ()
    if isinstance(document, dict | list):
        below = document.values() if isinstance(document, dict) else document
    for each in below:
        yield each
        yield from _all_rows(each)


def _alike(row: Any, other: Any) -> bool:
    return isinstance(row, dict) and isinstance(other, dict) and row.keys() == other.keys()


def _other_reply(draw: Draw) -> None:
    """The reply of another account, or of another moment."""
    if draw.sample.others:
        draw.notes.append("another account's reply")
        draw.document = draw.rng.choice(draw.sample.others)


def _whole_row_scaled(draw: Draw) -> None:
    """Every number in one object times the same factor: consistent in itself."""
    path = draw.an_object()
    row = None if path is None else at(draw.document, path)
    if path is None or not isinstance(row, dict):
        return
    factor = Decimal(draw.rng.choice(["10", "0.1", "-1", "2", "1.02", "0.5", "100", "0.01"]))
    numbers = {key: number_in(value) for key, value in row.items() if isinstance(value, str)}
    made = {key: f"{number * factor:f}" for key, number in numbers.items() if number is not None}
    draw.note(path, f"all numbers times {factor}")
    draw.document = changed(draw.document, path, {**row, **made})


def _key_twice(draw: Draw) -> None:
    path = draw.place()
    holder = at(draw.document, path[:-1]) if path else None
    if path is not None and isinstance(holder, dict):
        value = draw.rng.choice([holder[path[-1]], "0", None])
        draw.note(path, "twice")
        draw.document = changed(draw.document, path[:-1], {**holder, f"{TWICE}{path[-1]}": value})


def _key_renamed(draw: Draw) -> None:
    path = draw.place()
    holder = at(draw.document, path[:-1]) if path else None
    if path is not None and isinstance(holder, dict):
        key = str(path[-1])
        other = draw.rng.choice([key.upper(), key.lower(), f"{key} ", f"{key}_", f"new{key}"])
        made = {(other if name == key else name): value for name, value in holder.items()}
        draw.note(path, f"renamed to {other!r}")
        draw.document = changed(draw.document, path[:-1], made)


ON_ROWS: Mapping[str, Damage] = {
    "row gone": rows(_row_gone),
    "row twice": rows(_row_twice),
    "rows differ": rows(_row_twice_and_different),
    "reordered": rows(_shuffled),
    "flooded": rows(_flooded),
    "strangers": rows(_with_strangers),
    "other reply": _other_reply,
    "row scaled": _whole_row_scaled,
    "key twice": _key_twice,
    "key renamed": _key_renamed,
}
