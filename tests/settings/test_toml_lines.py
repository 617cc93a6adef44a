"""Lines of keys: they agree with what the standard library reads, whatever the text looks like."""

import tomllib
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from hedgebot.settings.toml_lines import KeyPath, keys, lines
from tests.settings.test_bad_configs import BAD
from tests.settings.test_good_configs import GOOD

ODD = r'''
a = 1 # not = this
"quoted key" = """one
b = "not a key"
[not.a.table]
"""
'single' = 'it''s'
c.d.e = [ 1, [2, { x = 3, y.z = [4] }], # , ]
  { q = "}" },

]
[ t . "u.v" ]
w = 1979-05-27 07:32:00
after = -1.5e+3
[[list]]
n = 1
[list.sub]
m = 1
[[list.deep]]
k = 1
[[list]]
n = 2
[[list.deep]]
k = 2
[[list.deep]]
k = 3
m = """a "quoted" word\""" and \\"""
last = """""five quotes are two and an end"""""
'''.replace("'it''s'", '"it\'s"')


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from paths(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from paths(below, (*path, index))


def agrees(text: str) -> bool:
    return set(lines(text)) == set(paths(tomllib.loads(text)))


def ends_or_agrees(text: str) -> bool:
    """There is nothing to agree with in what is no TOML."""
    list(keys(text))  # comes to an end, whatever the text is
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return True
    return agrees(text)


def test_every_key_of_an_odd_text_has_a_line_and_nothing_else_has() -> None:
    assert agrees(ODD)


def test_each_line_is_the_one_that_it_is_written_in() -> None:
    text = ODD.split("\n")
    found = lines(ODD)
    assert text[found[("c", "d", "e")] - 1].startswith("c.d.e")
    assert found[("c",)] == found[("c", "d")] == found[("c", "d", "e")]
    assert text[found[("c", "d", "e", 2, "q")] - 1] == '  { q = "}" },'
    assert text[found[("t", "u.v")] - 1] == '[ t . "u.v" ]'
    assert text[found[("list", 1, "deep", 1, "k")] - 1] == "k = 3"
    assert [text[found[("list", number)] - 1] for number in (0, 1)] == ["[[list]]", "[[list]]"]
    assert found[("list", 0)] < found[("list", 0, "sub")] < found[("list", 1)]


def test_a_table_lies_where_it_is_written_rather_than_where_it_is_first_mentioned() -> None:
    assert lines("[a.b]\nx = 1\n[a]\ny = 1\n") == {
        ("a", "b"): 1,
        ("a", "b", "x"): 2,
        ("a",): 3,
        ("a", "y"): 4,
    }


def test_it_ends_on_each_configuration_of_these_tests_and_agrees_on_every_valid_one() -> None:
    assert [case for case in BAD + GOOD if not ends_or_agrees(case.text)] == []


@given(st.text(alphabet="ab.=[]{}\",\n\\'# 1", max_size=60))
def test_it_ends_on_any_text_and_agrees_where_it_is_valid(text: str) -> None:
    assert ends_or_agrees(text)
