"""Domain values survive the journal exactly, and nothing is guessed on the way back."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.orders import Intent, OrderRequest, Stage
from hedgebot.domain.records import Command, Doubt, Memory, Verb
from hedgebot.domain.units import Coin, Contracts, Millis, Price
from hedgebot.errors import JournalError
from hedgebot.journal.codec import decode, dump, encode
from tests.journal.support import cycle, order

numbers = st.decimals(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_categories=()))
millis = st.integers(min_value=0, max_value=1 << 53).map(Millis)
coins = numbers.map(Coin)
contracts = numbers.map(Contracts)
prices = numbers.filter(lambda value: value > 0).map(Price)
requests = st.builds(
    lambda contracts, **told: OrderRequest(contracts=contracts, reduce_only=contracts.value > 0, **told),
    contracts=contracts.filter(bool),
    client_id=text,
    account=text,
    symbol=text,
    limit=prices,
)
intents = st.builds(
    Intent,
    number=st.integers(0, (1 << 28) - 1),
    hedge=text,
    request=requests,
    believed=contracts,
    target_ratio=numbers,
    reason=text,
    correction=st.booleans(),
    written_at=millis,
    stage=st.sampled_from(Stage),
    order_id=text,
    filled=contracts,
    average=st.none() | prices,
    fee=coins,
    outcome=text,
    updated_at=millis,
)
commands = st.builds(
    Command, hedge=text, verb=st.sampled_from(Verb), ratio=st.none() | numbers, who=text, at=millis
)
memories = st.builds(
    Memory,
    held=st.none() | coins,
    fall=st.none(),
    marks=st.lists(st.tuples(text, prices), max_size=3).map(tuple),
    moved=st.none(),
    contracts=st.lists(st.tuples(text, contracts), max_size=3).map(tuple),
    target=st.none() | numbers,
    reached=st.booleans(),
    disturbed=st.booleans(),
    funding_received=coins,
    funding_paid=coins,
    fees=coins,
    ledger_at=millis,
    since=millis,
)


@settings(max_examples=50)
@given(intents | commands | memories)
def test_a_value_comes_back_exactly_as_it_was(value: Intent | Command | Memory) -> None:
    found = decode(type(value), encode(value))
    assert found == value
    assert repr(found) == repr(value)  # 1.0 equals 1.00, but is not the same


@settings(max_examples=50)
@given(intents | commands | memories)
def test_the_text_is_ascii_on_one_line(value: Intent | Command | Memory) -> None:
    assert encode(value).isascii()
    assert encode(value).isprintable()


def changed(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda data: {**data, **fields}


def without(field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda data: {key: value for key, value in data.items() if key != field}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (changed(leverage="2"), "unknown field leverage"),
        (
            changed(request={**json.loads(encode(order(1)))["request"], "post_only": True}),
            "unknown field post_only",
        ),
        (without("hedge"), "no field hedge"),
        (changed(number="1"), "'1' is not of type int"),
        (changed(number=True), "True is not of type int"),
        (changed(number=1.0), "1.0 is not of type int"),
        (changed(correction=0), "0 is not of type bool"),
        (changed(hedge=None), "None is not of type str"),
        (changed(stage="lost"), "'lost' is not a valid Stage"),
        (changed(believed=-59900), "-59900 is not of type str"),
        (changed(believed="NaN"), "NaN is not finite"),
        (changed(fee="-Infinity"), "-Infinity is not finite"),
        (changed(fee="1_000"), "'1_000' is not how a number is written here"),
        (changed(fee="\u0663"), "is not how a number is written here"),
        (changed(fee=""), "ConversionSyntax"),
        (changed(average="0"), "a price must be finite and above zero"),
        (changed(request=[]), r"\[\] is not of type dict"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_refused_by_name(change: Callable[[dict[str, Any]], object], problem: str) -> None:
    stored = json.dumps(change(json.loads(encode(order(1)))))
    with pytest.raises(JournalError, match=f"Intent in the journal cannot be read: .*{problem}"):
        decode(Intent, stored)


@pytest.mark.parametrize("stored", ["", "{", "[]", "null", "1", '"reserved"', "[" * 100_000])
def test_text_that_is_no_such_value_is_refused(stored: str) -> None:
    with pytest.raises(JournalError, match="Memory in the journal cannot be read"):
        decode(Memory, stored)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(scalars, lambda data: st.lists(data) | st.dictionaries(st.text(), data), max_leaves=8)


@given(anything)
def test_any_other_json_is_refused(data: object) -> None:
    with pytest.raises(JournalError):
        decode(Command, json.dumps(data))


def test_a_field_that_older_journals_lack_takes_its_default() -> None:
    stored = json.loads(encode(order(1)))
    del stored["outcome"], stored["updated_at"]
    assert decode(Intent, json.dumps(stored)) == order(1)


def test_a_newer_journal_says_what_to_install() -> None:
    with pytest.raises(JournalError) as refused:
        decode(Command, '{"from":"the future"}')
    assert (
        refused.value.next_step == "It was written by a newer hedgebot: install that version or a later one"
    )


@dataclass
class Foreign:
    value: object


@pytest.mark.parametrize(
    "value",
    [
        replace(order(1), target_ratio=Decimal("NaN")),
        replace(cycle().memory, fall=Doubt(Decimal(1), 1, since=0.5)),
        Foreign(1.5),
        Foreign({}),
    ],
)
def test_what_has_no_exact_form_is_not_written(value: object) -> None:
    with pytest.raises(JournalError, match="cannot be written"):
        encode(value)


@pytest.mark.parametrize("data", [Decimal(1), float("nan"), {1: {2}}])
def test_plain_data_holds_only_what_json_does(data: object) -> None:
    with pytest.raises(JournalError, match="cannot be written"):
        dump(data)
