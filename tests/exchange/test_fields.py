"""What each way of reading a field takes, and in which words it refuses the rest."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.errors import ConversionError
from hedgebot.exchange.convert import Fields, OrderBook, strict_json

Read = Callable[[Fields, str], Any]
LARGEST = 10**18

POSITIVE, NOT_NEGATIVE, PRICE, SIZE = Fields.positive, Fields.not_negative, Fields.price, Fields.size
DIRECTIONS = {"Buy": 1, "Sell": -1}


def rate(fields: Fields, name: str) -> Decimal:
    return fields.rate(name, Decimal("0.5"))


def direction(fields: Fields, name: str) -> int:
    return fields.word(name, DIRECTIONS)


def is_main(fields: Fields, name: str) -> None:
    fields.expect(name, "main")


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (Fields.decimal, "-1.50", Decimal("-1.5")),
        (Fields.decimal, 7, Decimal(7)),
        (Fields.decimal, "1e-8", Decimal("0.00000001")),
        (Fields.decimal, str(LARGEST - 1), Decimal(LARGEST - 1)),
        (POSITIVE, "0.1", Decimal("0.1")),
        (NOT_NEGATIVE, "0", Decimal(0)),
        (Fields.rate, "-0.9999", Decimal("-0.9999")),
        (Fields.rate, "0", Decimal(0)),
        (rate, "0.4999", Decimal("0.4999")),
        (Fields.coin, "-0.5", Coin.of("-0.5")),
        (Fields.usd, "12.5", Usd.of("12.5")),
        (PRICE, "60000.5", Price.of("60000.5")),
        (SIZE, 0, Contracts.of(0)),
        (SIZE, "59970", Contracts.of(59970)),
        (Fields.decimal_or_blank, "", None),
        (Fields.decimal_or_blank, "-2", Decimal(-2)),
        (Fields.positive_or_blank, "", None),
        (Fields.positive_or_blank, "2", Decimal(2)),
        (Fields.price_or_blank, "", None),
        (Fields.price_or_blank, "0", None),
        (Fields.price_or_blank, "2", Price.of(2)),
        (Fields.blank, "", True),
        (Fields.blank, "0", False),
        (Fields.integer, 0, 0),
        (Fields.integer, LARGEST - 1, LARGEST - 1),
        (Fields.integer, "007", 7),
        (Fields.millis, 10**13, Millis(10**13)),
        (Fields.millis, "0", Millis(0)),
        (Fields.flag, True, True),
        (Fields.flag, False, False),
        (Fields.text, "", ""),
        (Fields.name, "BTCUSD", "BTCUSD"),
        (Fields.digits, "110072", "110072"),
        (direction, "Sell", -1),
        (is_main, "main", None),
        (Fields.items, [1, "2"], [1, "2"]),
    ],
)
def test_what_is_taken(read: Read, value: object, result: object) -> None:
    assert read(Fields({"it": value, "other": None}, "reply"), "it") == result


@pytest.mark.parametrize(
    ("read", "value", "refusal"),
    [
        (Fields.decimal, "", "is '', not a number"),
        (Fields.decimal, None, "is None, not a number"),
        (Fields.decimal, True, "is True, not a number"),
        (Fields.decimal, 0.5, "is 0.5, not a number"),
        (Fields.decimal, "NaN", "is 'NaN', not a number"),
        (Fields.decimal, LARGEST, f"is {LARGEST}, beyond all sizes"),
        (Fields.decimal, -LARGEST, f"is -{LARGEST}, beyond all sizes"),
        (Fields.decimal, "0." + "1" * 29, f"is '0.{'1' * 29}', of more digits than sums keep"),
        (POSITIVE, "0", "is 0, not above zero"),
        (POSITIVE, "-1", "is -1, not above zero"),
        (PRICE, 0, "is 0, not above zero"),
        (NOT_NEGATIVE, "-0.1", "is -0.1, below zero"),
        (SIZE, -1, "is -1, below zero"),
        (Fields.price_or_blank, "-1", "is -1, below zero"),
        (Fields.positive_or_blank, "0", "is 0, not above zero"),
        (Fields.decimal_or_blank, "x", "is 'x', not a number"),
        (Fields.rate, "1", "is 1, no rate"),
        (Fields.rate, "-1", "is -1, no rate"),
        (rate, "0.5", "is 0.5, no rate"),
        (Fields.integer, -1, "is -1, not a whole number"),
        (Fields.integer, LARGEST, f"is {LARGEST}, not a whole number"),
        (Fields.integer, True, "is True, not a whole number"),
        (Fields.integer, "1.0", "is '1.0', not a whole number"),
        (Fields.integer, "x" * 38, "is '" + "x" * 38 + "', not a whole number"),
        (Fields.integer, "x" * 99, "is '" + "x" * 39 + "…, not a whole number"),
        (Fields.millis, 10**13 + 1, f"is {10**13 + 1}, beyond all times"),
        (Fields.flag, "true", "is 'true', neither true nor false"),
        (Fields.flag, 1, "is 1, neither true nor false"),
        (Fields.text, 5, "is 5, not a text"),
        (Fields.name, "", "is '', no name"),
        (Fields.name, "a\nb", r"is 'a\nb', no name"),
        (Fields.digits, "11a", "is '11a', not digits"),
        (Fields.digits, "", "is '', not digits"),
        (direction, "Hold", "is 'Hold', which we do not know"),
        (direction, None, "is None, not a text"),
        (is_main, "other", "is 'other', not main"),
        (Fields.items, "[]", "is '[]', not a list"),
    ],
)
def test_what_is_refused(read: Read, value: object, refusal: str) -> None:
    with pytest.raises(ConversionError) as refused:
        read(Fields({"it": value, "other": "1"}, "reply"), "it")
    assert str(refused.value) == f"reply.it: {refusal}"


def test_a_field_that_is_not_there() -> None:
    fields = Fields({"it": 1}, "reply")
    assert fields.has("it")
    assert not fields.has("other")
    with pytest.raises(ConversionError, match=r"^reply\.other: is missing"):
        fields.value("other")


class TestNested:
    def test_everything_within_is_named_by_its_path(self) -> None:
        fields = Fields({"one": {"x": "y"}, "many": [{"x": 1}, {"x": "y"}]}, "reply")
        with pytest.raises(ConversionError, match=r"^reply\.one\.x: is 'y', not a number"):
            fields.fields("one").decimal("x")
        first, second = fields.rows("many")
        assert first.decimal("x") == 1
        with pytest.raises(ConversionError, match=r"^reply\.many\[1\]\.x: is 'y', not a number"):
            second.decimal("x")

    def test_what_is_no_object(self) -> None:
        with pytest.raises(ConversionError, match=r"^reply\.one: is \[\], not an object"):
            Fields({"one": []}, "reply").fields("one")
        with pytest.raises(ConversionError, match=r"^reply\.many\[0\]: is 5, not an object"):
            Fields({"many": [5]}, "reply").rows("many")


def book(bids: object, asks: object, width: int = 2) -> OrderBook:
    return Fields({"b": bids, "a": asks, "t": 5}, "reply").order_book("b", "a", "t", width)


class TestOrderBook:
    def test_both_sides_and_their_time(self) -> None:
        found = book([["59999.5", "10"], ["59999", 20]], [["60000", "1"], ["60001", "2"]])
        assert found == OrderBook(
            bids=((Price.of("59999.5"), Contracts.of(10)), (Price.of(59_999), Contracts.of(20))),
            asks=((Price.of(60_000), Contracts.of(1)), (Price.of(60_001), Contracts.of(2))),
            at=Millis(5),
        )

    def test_further_columns_are_left_alone_and_an_empty_side_is_one(self) -> None:
        assert book([], [["1", "10", "0", "x"], ["2", "5", "0", "x"]], width=4).bids == ()
        assert book([["1", "10", "0", "x"]], [], width=4).asks == ()

    @pytest.mark.parametrize(
        ("bids", "asks"),
        [
            ([["1", "1"], ["2", "1"]], []),  # the best comes first
            ([], [["2", "1"], ["1", "1"]]),
            ([["1", "1"], ["1", "1"]], []),  # each once
            ([["2", "1"]], [["1", "1"]]),  # crossed
            ([["1", "1"]], [["1", "1"]]),  # locked
        ],
    )
    def test_prices_out_of_order(self, bids: object, asks: object) -> None:
        with pytest.raises(ConversionError) as refused:
            book(bids, asks)
        told = "reply.b: and a do not ascend from the lowest bid to the highest offer"
        assert str(refused.value) == told

    @pytest.mark.parametrize(
        ("row", "refusal"),
        [
            (["1"], "is ['1'], not 2 columns"),
            (["1", "1", "1"], "is ['1', '1', '1'], not 2 columns"),
            ("11", "is '11', not 2 columns"),
            (["0", "1"], "is not above zero"),
            (["1", "0"], "is not above zero"),
            (["x", "1"], "is 'x', not a number"),
            (["1", None], "is None, not a number"),
        ],
    )
    def test_a_row_that_is_none(self, row: object, refusal: str) -> None:
        with pytest.raises(ConversionError) as refused:
            book([], [["1", "1"], row])
        assert str(refused.value) == f"reply.a[1]: {refusal}"


def test_a_value_without_a_bottom_is_refused_without_being_repeated() -> None:
    bottomless: list[object] = []
    for _ in range(100_000):
        bottomless = [bottomless]
    with pytest.raises(ConversionError) as refused:
        Fields({"x": bottomless}, "reply").text("x")
    assert str(refused.value) == "reply.x: is nested too deeply, not a text"


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": NaN}', b'{"a": 1, "a": 1}', b"[" * 100_000])
def test_a_body_that_is_no_strict_json(body: bytes) -> None:
    with pytest.raises(ConversionError, match=r"^reply: is not strict JSON \(\w+Error\)$"):
        strict_json(body, "reply")


def test_fractions_in_a_body_stay_as_they_were_written() -> None:
    assert strict_json(b'{"a": [0.10, 1, "1.0"]}', "reply") == {"a": ["0.10", 1, "1.0"]}
