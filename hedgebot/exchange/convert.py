"""Strict reading of an exchange's replies: a field is what it must be, or an error names it.

Nothing here has a default. A field that may be blank is read by a method that says so.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from hedgebot.domain.market import Level
from hedgebot.domain.units import ONE, ZERO, Coin, Contracts, Millis, Price, Usd
from hedgebot.errors import ConversionError

NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?1?[0-9])?")
INTEGER = re.compile(r"[0-9]{1,18}")
LARGEST = Decimal(10) ** 18
LATEST_MS = 10**13  # the year 2286
MOST_FEE = Decimal("0.01")  # of any order; a larger one would change how much is sold
SHOWN = 40  # characters of a wrong value that an error repeats

Word = TypeVar("Word")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key appears twice")
    return document


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Both sides of a contract's order book as they stood at one time, best level first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: Millis


STRICT = json.JSONDecoder(parse_float=str, parse_constant=_refuse_constant, object_pairs_hook=_unique)


def strict_json(body: bytes, where: str) -> object:
    """The document in ``body``; fractions stay text. No NaN, no infinity, no key twice in one object."""
    try:
        return STRICT.decode(body.decode())
    except (ValueError, RecursionError) as cause:
        raise ConversionError(where, f"is not strict JSON ({type(cause).__name__})") from None


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
        try:
            return _decimal(self.value(name))
        except ValueError as problem:
            raise self.wrong(name, str(problem)) from None

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

    def rate(self, name: str, below: Decimal = ONE) -> Decimal:
        """A share of either sign, smaller than ``below``."""
        rate = self.decimal(name)
        if not abs(rate) < below:
            raise self.wrong(name, f"is {rate}, no rate")
        return rate

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
        """An instant; zero where the exchange has none."""
        if (at := self.integer(name)) > LATEST_MS:
            raise self.wrong(name, f"is {at}, beyond all times")
        return Millis(at)

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
        """A text that is not empty, and plain: our errors repeat some."""
        text = self.text(name)
        return text if text and text.isprintable() else self._fail(name, f"is {_shown(text)}, no name")

    def digits(self, name: str) -> str:
        """A code that is written in digits."""
        text = self.text(name)
        return text if INTEGER.fullmatch(text) else self._fail(name, f"is {_shown(text)}, not digits")

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

    def middle(self, bid: str, ask: str) -> Price:
        """The price between a best bid and a best offer, which is above it."""
        low, high = self.positive(bid), self.positive(ask)
        if low >= high:
            raise self.wrong(bid, f"is {low}, not below {ask}, {high}")
        return Price((low + high) / 2)

    def order_book(self, bids: str, asks: str, at: str, width: int = 2) -> OrderBook:
        """An order book from lists whose rows are ``width`` columns wide: price, size, perhaps more."""
        below, above = list(self.pairs(bids, width)), list(self.pairs(asks, width))
        ladder = [price for price, _ in (*below[::-1], *above)]
        if any(low >= high for low, high in pairwise(ladder)):
            raise self.wrong(bids, f"and {asks} do not ascend from the lowest bid to the highest offer")
        return OrderBook(_levels(below), _levels(above), self.millis(at))

    def pairs(self, name: str, width: int = 2) -> Iterator[tuple[Decimal, Decimal]]:
        """Rows that begin with two positive numbers, as order books have them, ``width`` columns wide."""
        for i, row in enumerate(self.items(name)):
            try:
                first, second = _positive_pair(row, width)
            except ValueError as problem:
                raise ConversionError(f"{self.where}.{name}[{i}]", str(problem)) from None
            yield first, second

    def _fail(self, name: str, problem: str) -> NoReturn:
        raise self.wrong(name, problem)


def _levels(pairs: list[tuple[Decimal, Decimal]]) -> tuple[Level, ...]:
    return tuple((Price(price), Contracts(size)) for price, size in pairs)


def _positive_pair(row: object, width: int) -> tuple[Decimal, Decimal]:
    """The first two of a row's ``width`` columns. Raises ``ValueError`` with what is wrong."""
    if not isinstance(row, list) or len(row) != width:
        raise ValueError(f"is {_shown(row)}, not {width} columns")
    first, second = _decimal(row[0]), _decimal(row[1])
    if first <= ZERO or second <= ZERO:
        raise ValueError("is not above zero")
    return first, second


def _decimal(value: object) -> Decimal:
    """A finite, plainly written number from a text or a whole number; a bool or a float is neither.

    Raises ``ValueError`` with what is wrong.
    """
    if not (type(value) is int or (isinstance(value, str) and NUMBER.fullmatch(value))):
        raise ValueError(f"is {_shown(value)}, not a number")
    number = Decimal(value)
    if not -LARGEST < number < LARGEST:
        raise ValueError(f"is {_shown(value)}, beyond all sizes")
    if number != +number:
        raise ValueError(f"is {_shown(value)}, of more digits than sums keep")
    return number


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return "nested too deeply"
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
