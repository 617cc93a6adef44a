"""Strict reading: a field is what it must be, or an error names it; nothing turns into a zero."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.units import Contracts, Price
from hedgebot.errors import ConversionError
from hedgebot.exchange.convert import Fields, strict_json

WHERE = "position/list.list[0]"

NO_NUMBERS: list[Any] = [
    None, "", " ", "NaN", "nan", "sNaN", "inf", "-inf", "Infinity", "1e999", "1e-999", "1_000",
    "1,000", "٣", "１", "0x10", "1.", ".5", "--1", "+-1", "1 ", " 1", "1\n", "1e", "e1", "abc", "1.2.3",
    "9" * 31, "1e30", 10**18, True, False, 1.5, 1.0, float("nan"), [], {}, b"1", ["1"],
]  # fmt: skip


def row(value: object) -> Fields:
    return Fields({"size": value}, WHERE)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_is_no_number_and_the_error_names_the_field(value: object) -> None:
    with pytest.raises(ConversionError, match="size") as caught:
        row(value).decimal("size")
    assert caught.value.field == f"{WHERE}.size"


@pytest.mark.parametrize(
    "read", [Fields.decimal, Fields.text, Fields.flag, Fields.blank, Fields.items, Fields.fields]
)
def test_a_missing_field_is_never_a_default(read: Callable[[Fields, str], object]) -> None:
    with pytest.raises(ConversionError, match=r"margin: is missing"):
        read(row("1"), "margin")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0", "0"),
        ("-0.5", "-0.5"),
        ("+3", "3"),
        ("0.00000001", "1e-8"),
        ("1E-8", "1e-8"),
        (7, "7"),
        ("0012", "12"),
    ],
)
def test_is_a_number(written: object, number: str) -> None:
    assert row(written).decimal("size") == Decimal(number)


@pytest.mark.parametrize("value", ["0", "-1", "-0", "-0.0"])
def test_a_price_is_above_zero(value: str) -> None:
    with pytest.raises(ConversionError, match="not above zero"):
        row(value).price("size")


def test_a_size_has_no_sign() -> None:
    assert row("3").size("size") == Contracts.of(3)
    with pytest.raises(ConversionError, match="below zero"):
        row("-3").size("size")


@pytest.mark.parametrize("value", ["", "0", "0.00"])
def test_only_a_field_read_as_perhaps_blank_may_be_blank(value: str) -> None:
    assert row(value).price_or_blank("size") is None
    assert row("5").price_or_blank("size") == Price.of(5)


@pytest.mark.parametrize("value", [None, "-1", "NaN", 0.0])
def test_a_perhaps_blank_field_is_strict_otherwise(value: object) -> None:
    with pytest.raises(ConversionError):
        row(value).price_or_blank("size")


@pytest.mark.parametrize("value", [-1, 1.0, True, "-1", "1.0", "", None, "٣", "1" * 19, 10**20])
def test_is_no_whole_number(value: object) -> None:
    with pytest.raises(ConversionError):
        row(value).integer("size")


@pytest.mark.parametrize("value", ["true", 0, 1, None, ""])
def test_is_neither_true_nor_false(value: object) -> None:
    with pytest.raises(ConversionError):
        row(value).flag("size")


def test_a_word_is_one_that_we_know() -> None:
    assert row("Sell").word("size", {"Sell": -1}) == -1
    with pytest.raises(ConversionError, match="'sell', which we do not know"):
        row("sell").word("size", {"Sell": -1})


def test_an_error_shows_no_more_than_the_beginning_of_a_value() -> None:
    with pytest.raises(ConversionError) as caught:
        row("x" * 10_000).decimal("size")
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("level", [["1"], ["1", "2", "3"], ["0", "1"], ["1", "0"], "12", None, ["1", None]])
def test_is_no_level_of_a_book(level: object) -> None:
    with pytest.raises(ConversionError, match=r"b\[0\]"):
        list(Fields({"b": [level]}, "book").pairs("b"))


@pytest.mark.parametrize("not_an_object", [None, [], "{}", 1])
def test_a_row_is_an_object(not_an_object: object) -> None:
    with pytest.raises(ConversionError, match="not an object"):
        Fields(not_an_object, WHERE)


class TestJson:
    @pytest.mark.parametrize(
        "body",
        [
            b"", b"null garbage", b"<html>", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}',
            b'{"a":1,"a":2}', b'{"a":', b'{"a":"\xff"}', b"\xef\xbb\xbf{}", b"{'a':1}", b'{"a":1}x',
            b"[" * 100_000, b'{"a":' + b"9" * 5_000 + b"}",
        ],
    )  # fmt: skip
    def test_is_not_strict(self, body: bytes) -> None:
        with pytest.raises(ConversionError, match="strict JSON"):
            strict_json(body, "here")

    def test_fractions_keep_every_digit(self) -> None:
        document = strict_json(b'{"rate":0.10000000000000000000001,"n":3}', "here")
        assert document == {"rate": "0.10000000000000000000001", "n": 3}

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_document_or_a_typed_error(self, body: bytes) -> None:
        with suppress(ConversionError):
            strict_json(body, "here")


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
READS: list[Callable[[Fields, str], object]] = [
    Fields.decimal, Fields.positive, Fields.not_negative, Fields.coin, Fields.usd, Fields.price,
    Fields.size, Fields.blank, Fields.decimal_or_blank, Fields.positive_or_blank,
    Fields.price_or_blank, Fields.integer, Fields.millis, Fields.flag, Fields.text, Fields.name,
    Fields.fields, Fields.items, Fields.rows, lambda fields, name: list(fields.pairs(name)),
]  # fmt: skip


@given(anything, st.sampled_from(READS))
def test_no_value_raises_anything_but_a_conversion_error(
    value: object, read: Callable[[Fields, str], object]
) -> None:
    with suppress(ConversionError):
        read(row(value), "size")
