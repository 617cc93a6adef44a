"""Client order ids: one number, one spelling, and nobody else's id taken for ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.client_ids import ClientId, parse

LAST = ClientId((1 << 20) - 1, (1 << 15) - 1, (1 << 28) - 1)
IDS = st.builds(
    ClientId, st.integers(0, LAST.instance), st.integers(0, LAST.epoch), st.integers(0, LAST.intent)
)
SPELLING = re.compile(r"hb[0-9a-z]{13}")


@given(IDS)
def test_an_id_is_read_back_as_written(client_id: ClientId) -> None:
    assert parse(str(client_id)) == client_id


@given(IDS)
def test_an_id_is_hb_and_13_lower_case_digits(client_id: ClientId) -> None:
    assert SPELLING.fullmatch(str(client_id))
    assert 0 <= client_id.number < 1 << 63


@given(st.sets(IDS, min_size=2))
def test_different_ids_are_spelled_differently(ids: set[ClientId]) -> None:
    assert len({str(client_id) for client_id in ids}) == len(ids)
    assert len({client_id.number for client_id in ids}) == len(ids)


def test_intents_of_many_starts_never_share_an_id() -> None:
    ids = {str(ClientId(345_678, epoch, intent)) for epoch in range(5) for intent in range(4_000)}
    assert len(ids) == 20_000


@pytest.mark.parametrize(
    ("client_id", "text"),
    [
        (ClientId(0, 0, 0), "hb0000000000000"),
        (ClientId(0, 0, 35), "hb000000000000z"),
        (LAST, "hb1y2p0ij32e8e7"),
    ],
)
def test_spelling(client_id: ClientId, text: str) -> None:
    assert str(client_id) == text


def test_later_intents_sort_later() -> None:
    ids = [ClientId(7, 1, 2), ClientId(7, 1, 1), ClientId(7, 2, 0), ClientId(6, 9, 9)]
    assert sorted(map(str, ids)) == [str(ids[n]) for n in (3, 1, 0, 2)]


@pytest.mark.parametrize(
    ("instance", "epoch", "intent"), [(1 << 20, 0, 0), (0, 1 << 15, 0), (0, 0, 1 << 28), (-1, 0, 0)]
)
def test_a_part_that_does_not_fit_is_an_error_and_not_another_id(
    instance: int, epoch: int, intent: int
) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        ClientId(instance, epoch, intent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hb",
        "hedgebot",
        "x-xcKtGhcu0001",
        "hb000000000000",  # a digit short
        "hb00000000000000",  # one too many
        "HB0000000000000",
        "hb000000000000Z",
        "hb00000000000 0",
        "hb+000000000001",
        "hb0_00000000001",
        "hb00000000000٣1",
        "hb000000000001\n",
        " hb000000000001",
        "hbzzzzzzzzzzzzz",  # beyond 63 bits
        "hb1y2p0ij32e8e8",  # the first number beyond them
        "t-b000000000001",
        "000000000000001",  # as long as one, without its prefix
    ],
)
def test_foreign_ids_are_nobody(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_no_text_raises_and_none_is_taken_for_an_id_it_does_not_spell(text: str) -> None:
    client_id = parse(text)
    assert client_id is None or str(client_id) == text


@given(st.from_regex(SPELLING, fullmatch=True))
def test_what_looks_like_an_id_is_one_or_beyond_63_bits(text: str) -> None:
    client_id = parse(text)
    assert str(client_id) == text if client_id else int(text[2:], 36) >= 1 << 63
