"""Numbers and lengths of time: read exactly, and written as they are read."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.settings import durations, values
from hedgebot.settings.suggest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("5s", timedelta(seconds=5)),
        ("10m", timedelta(minutes=10)),
        ("8h", timedelta(hours=8)),
        ("30d", timedelta(days=30)),
        ("0ms", timedelta(0)),
    ],
)
def test_a_length_of_time_reads_and_writes(text: str, meaning: timedelta) -> None:
    assert durations.parse(text) == meaning
    assert durations.text(meaning) == text


@given(st.integers(0, 10**9).map(lambda count: timedelta(milliseconds=count)))
def test_every_length_of_time_survives_being_written(length: timedelta) -> None:
    assert durations.parse(durations.text(length)) == length


@given(st.decimals(-(10**12), 10**12, places=18))
def test_every_number_is_read_as_it_is_written(number: Decimal) -> None:
    assert values.exact(number) == values.exact(str(number)) == values.exact(f"{number:f}") == number


@pytest.mark.parametrize("value", [0.1, True, None, [], b"1", float("nan")])
def test_what_is_no_exact_number_is_refused_even_from_code(value: object) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        values.exact(value)


@given(st.from_regex(values.NAME, fullmatch=True))
def test_a_name_has_no_double_underscore_and_starts_with_a_letter(name: str) -> None:
    assert values.name(name) == name
    assert "__" not in name
    assert name[0].isalpha()


@pytest.mark.parametrize(
    ("listen", "parts"),
    [("127.0.0.1:8787", ("127.0.0.1", 8787)), ("[::1]:1", ("::1", 1)), ("0.0.0.0:65535", ("0.0.0.0", 65535))],
)
def test_an_address_to_listen_on_comes_apart(listen: str, parts: tuple[str, int]) -> None:
    assert values.address(values.listen(listen)) == parts


def test_the_nearest_word_is_suggested_and_only_if_it_is_near() -> None:
    assert nearest("RATOI", ["ratio", "band"]) == "ratio"
    assert nearest("zebra", ["ratio", "band"]) is None
    assert did_you_mean("bnad", ["ratio", "band"]) == '. Did you mean "band"?'
    assert did_you_mean("zebra", ["ratio", "band"]) == ""


@pytest.mark.parametrize("check", [values.webhook, values.base_url])
def test_no_part_of_a_hosts_name_is_longer_than_names_may_be(check: Callable[[str], str]) -> None:
    assert check(f"https://{'a' * 63}.example")
    with pytest.raises(ValueError, match="must have a valid host"):
        check(f"https://{'a' * 64}.example")
