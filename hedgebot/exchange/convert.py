"""Strict reading of an exchange's replies: a field is what it must be, or an error names it.

Nothing here has a default. A field that may be blank is read by a method that says so.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price, Usd
from hedgebot.errors import ConversionError

NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
INTEGER = re.compile(r"[0-9]{1,18}")
LARGEST = Decimal(10) ** 18
SHOWN = 40  # characters of a wrong value that an error repeats

Word = TypeVar("Word")


def strict_json(body: bytes, where: str) -> object:
    """The document in ``body``; fractions stay text. No NaN, no infinity, no key twice in one object."""
    try:
        return json.loads(
            body.decode(), parse_float=str, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as cause:
        raise ConversionError(where, f"is not strict JSON ({type(cause).__name__})") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key appears twice")
    return document


class Fields:
    """One object of a reply. ``where`` is its path, which every error begins with."""

    __slots__ = ("_row", "where")

    def __init__(self, row: object, where: str) -> None:
        if not isinstance(row, Mapping):
            raise ConversionError(where, f"is {_shown(row)}, not an object")
        self._row: Mapping[str, object] = row
        self.where = where

    def wrong(self, name: str, problem: str) -> ConversionError:
        """The error to raise for a field that contradicts another one."""
        return ConversionError(f"{self.where}.{name}", problem)

    def has(self, name: str) -> bool:
        """Whether the field is there at all, for the few that older or other replies leave out."""
        return name in self._row

    def value(self, name: str) -> object:
        try:
            return self._row[name]
        except KeyError:
            raise self.wrong(name, "is missing") from None

    def decimal(self, name: str) -> Decimal:
        """A finite number of either sign."""
        return _decimal(self.value(name), f"{self.where}.{name}")

    def positive(self, name: str) -> Decimal:
        number = self.decimal(name)
        if number <= ZERO:
            raise self.wrong(name, f"is {number}, not above zero")
        return number

    def not_negative(self, name: str) -> Decimal:
        number = self.decimal(name)
        if number < ZERO:
            raise self.wrong(name, f"is {number}, below zero")
        return number

    def coin(self, name: str) -> Coin:
        return Coin(self.decimal(name))

    def usd(self, name: str) -> Usd:
        return Usd(self.decimal(name))

    def price(self, name: str) -> Price:
        return Price(self.positive(name))

    def size(self, name: str) -> Contracts:
        """A number of contracts without a sign."""
        return Contracts(self.not_negative(name))

    def blank(self, name: str) -> bool:
        """Whether the field is there and says nothing."""
        return self.value(name) == ""

    def decimal_or_blank(self, name: str) -> Decimal | None:
        """A number, or None where the exchange says ``""``."""
        return None if self.blank(name) else self.decimal(name)

    def positive_or_blank(self, name: str) -> Decimal | None:
        return None if self.blank(name) else self.positive(name)

    def price_or_blank(self, name: str) -> Price | None:
        """A price, or None where the exchange says ``""`` or zero for "there is none"."""
        if self.blank(name) or not (number := self.not_negative(name)):
            return None
        return Price(number)

    def integer(self, name: str) -> int:
        """A whole number that is not negative, as a number or in digits."""
        value = self.value(name)
        if type(value) is int and 0 <= value < LARGEST:
            return value
        if isinstance(value, str) and INTEGER.fullmatch(value):
            return int(value)
        raise self.wrong(name, f"is {_shown(value)}, not a whole number")

    def millis(self, name: str) -> Millis:
        return Millis(self.integer(name))

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            raise self.wrong(name, f"is {_shown(value)}, neither true nor false")
        return value

    def text(self, name: str) -> str:
        """A text, perhaps an empty one."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self.wrong(name, f"is {_shown(value)}, not a text")
        return value

    def name(self, name: str) -> str:
        """A text that is not empty."""
        return self.text(name) or self._fail(name, "is empty")

    def word(self, name: str, table: Mapping[str, Word]) -> Word:
        """What ``table`` says of the field's word; a word that it does not list is an error."""
        word = self.text(name)
        if word not in table:
            raise self.wrong(name, f"is {_shown(word)}, which we do not know")
        return table[word]

    def expect(self, name: str, expected: str) -> None:
        """Make sure that the field says exactly this."""
        if (found := self.text(name)) != expected:
            raise self.wrong(name, f"is {_shown(found)}, not {expected}")

    def fields(self, name: str) -> "Fields":
        return Fields(self.value(name), f"{self.where}.{name}")

    def items(self, name: str) -> list[object]:
        value = self.value(name)
        if not isinstance(value, list):
            raise self.wrong(name, f"is {_shown(value)}, not a list")
        return value

    def rows(self, name: str) -> list["Fields"]:
        return [Fields(row, f"{self.where}.{name}[{i}]") for i, row in enumerate(self.items(name))]

    def pairs(self, name: str, width: int = 2) -> Iterator[tuple[Decimal, Decimal]]:
        """Rows that begin with two positive numbers, as order books have them, ``width`` columns wide."""
        for i, row in enumerate(self.items(name)):
            where = f"{self.where}.{name}[{i}]"
            if not isinstance(row, list) or len(row) != width:
                raise ConversionError(where, f"is {_shown(row)}, not {width} columns")
            first, second = _decimal(row[0], where), _decimal(row[1], where)
            if first <= ZERO or second <= ZERO:
                raise ConversionError(where, "is not above zero")
            yield first, second

    def _fail(self, name: str, problem: str) -> NoReturn:
        raise self.wrong(name, problem)


def _decimal(value: object, where: str) -> Decimal:
    """A finite, plainly written number from a text or a whole number; a bool or a float is neither."""
    if not (type(value) is int or (isinstance(value, str) and NUMBER.fullmatch(value))):
        raise ConversionError(where, f"is {_shown(value)}, not a number")
    number = Decimal(value)
    if abs(number) >= LARGEST:
        raise ConversionError(where, f"is {_shown(value)}, beyond all sizes")
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
