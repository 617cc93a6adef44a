"""The example file and the JSON Schema say what the models do."""

import json
import re
import tomllib
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hedgebot.settings import keys
from hedgebot.settings.effective import effective
from hedgebot.settings.load import load
from hedgebot.settings.ratio import Ratio
from hedgebot.settings.schema import dump, schema
from tests.settings.test_good_configs import GOOD

UNSET = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)
"""A key that is commented out; explanations have a space after the #."""

EXAMPLE_ONLY = {
    "accounts.main.base_url",
    "hedges.btc.limits.max_order_usd",
    "hedges.btc.collateral.max_leverage",
    "hedges.btc.collateral.min_leverage",
    "hedges.btc.funding.budget",
    "hedges.btc.basis.max",
}
"""Keys without a default, for which the file shows an example."""


POLICIES = ("Ratio", "StepsTable", "StepEntry", "ExternalTable", "ScheduleTable", "WindowEntry")


@pytest.fixture(scope="module")
def example(root: Path) -> Path:
    return root / "config" / "hedgebot.example.toml"


@pytest.fixture
def in_full(example: Path, tmp_path: Path) -> Path:
    """The example with every key in force."""
    file = tmp_path / "full.toml"
    file.write_text(UNSET.sub("", example.read_text()))
    return file


class TestTheExample:
    def test_loads_as_it_is(self, example: Path) -> None:
        assert load(example, {}).settings.mode == "observe"

    def test_names_its_schema_first(self, example: Path, root: Path) -> None:
        assert example.read_text().startswith("#:schema ./hedgebot.schema.json\n")
        assert (example.parent / "hedgebot.schema.json").is_file()

    def test_shows_the_defaults(self, example: Path, in_full: Path) -> None:
        given, shown = effective(load(example, {}).settings), effective(load(in_full, {}).settings)
        assert {key for key in given if given[key] != shown[key]} == EXAMPLE_ONLY

    def test_has_every_key_that_there_is(self, in_full: Path) -> None:
        tables = tomllib.loads(in_full.read_text())
        for path in keys.paths({"accounts": ["main"], "hedges": ["btc"]}):
            found: Any = tables
            for part in path:
                assert part in found, path
                found = found[part]
        for path in (("hedges", "btc", "spot", 0), ("hedges", "btc", "legs", 0)):
            for key in keys.names_in(path):
                assert f"{key} = " in in_full.read_text()

    def test_shows_policies_that_load_and_every_key_of_them(self, example: Path, tmp_path: Path) -> None:
        text = example.read_text()
        policies = re.sub(r"(?m)^#   ", "", text[text.index("#   [hedges.btc.ratio]") :])
        file = tmp_path / "policies.toml"
        file.write_text(f"{text}\n{policies}")
        assert isinstance(load(file, {}).settings.hedges["btc"].ratio, Ratio)
        ratio = ("hedges", "btc", "ratio")
        for path in ((), ("steps",), ("steps", "steps", 0), ("external",), ("schedule", "windows", 0)):
            for key in keys.names_in((*ratio, *path)):
                assert re.search(rf"\b{key} = |ratio\.{key}\]", policies), key

    def test_explains_every_key(self, example: Path) -> None:
        lines = example.read_text().split("\n")
        for before, line in pairwise(lines):
            if re.match(r"#?[a-z_]+ = ", line):
                assert before.startswith(("# ", "#min_ratio")), line


class TestTheSchema:
    def test_in_the_file_is_that_of_the_models(self, root: Path) -> None:
        written = (root / "config" / "hedgebot.schema.json").read_text()
        assert written == dump(), "write it again: hedgebot schema > config/hedgebot.schema.json"

    def test_describes_every_key(self) -> None:
        shape = schema()
        assert shape["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        for path in keys.paths({"accounts": ["main"], "hedges": ["btc"]}):
            for length in range(1, len(path) + 1):
                assert within(shape, list(path[:length])).get("description"), path[:length]
        for entry in ("SpotEntry", "Leg", *POLICIES):
            for about in shape["$defs"][entry]["properties"].values():
                assert resolved(shape, about).get("description"), about

    def test_knows_no_null_and_no_foreign_durations(self) -> None:
        assert "null" not in dump()
        assert '"PT' not in dump()

    @pytest.mark.parametrize("good", GOOD, ids=str)
    def test_takes_what_the_models_take(self, good: Any) -> None:
        shape = schema()
        check(shape, shape, tomllib.loads(good.text, parse_float=Decimal))

    def test_takes_the_example_in_full(self, in_full: Path) -> None:
        shape = schema()
        check(shape, shape, tomllib.loads(in_full.read_text(), parse_float=Decimal))


def resolved(root: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """``shape`` with what it refers to, its own words first."""
    reference = shape.get("$ref")
    return {**root["$defs"][reference.rpartition("/")[2]], **shape} if reference else shape


def within(root: dict[str, Any], path: list[Any]) -> dict[str, Any]:
    """The schema of the key at ``path``."""
    shape = root
    for part in path:
        below = shape.get("properties") or dict.fromkeys(
            [part], next(iter(shape["patternProperties"].values()))
        )
        shape = resolved(root, below[part])
    return shape


def check(root: dict[str, Any], shape: dict[str, Any], value: Any) -> None:
    """Assert that ``value`` keeps to ``shape``: as much of JSON Schema as ours uses."""
    shape = resolved(root, shape)
    if "oneOf" in shape:
        shape = resolved(root, shape["oneOf"][isinstance(value, dict)])
    if "anyOf" in shape:
        shape = next(
            one for one in shape["anyOf"] if one["type"] == ("string" if isinstance(value, str) else "number")
        )
    if isinstance(value, dict):
        assert set(shape.get("required", [])) <= set(value)
        for key, below in value.items():
            (pattern, named), *_ = shape.get("patternProperties", {"": None}).items()
            assert re.search(pattern, key)
            check(root, named or shape["properties"][key], below)
    elif isinstance(value, list):
        for below in value:
            check(root, shape["items"], below)
    elif isinstance(value, datetime):
        assert shape["format"] == "date-time"
    elif isinstance(value, str):
        assert re.search(shape.get("pattern", ""), value)
        assert value in shape.get("enum", [value])
    elif not isinstance(value, bool):
        assert shape.get("minimum", value) <= value <= shape.get("maximum", value)
        assert value > shape.get("exclusiveMinimum", value - 1)
    else:
        assert shape["type"] == "boolean"


def test_the_dump_is_json() -> None:
    assert json.loads(dump()) == schema()
