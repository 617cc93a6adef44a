"""Whatever is written either loads or is refused in words: never another error, never a secret repeated."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.errors import ConfigError
from hedgebot.settings.load import load

VALUES = [
    '""', "5", "true", "[]", "{}", "[{}]", "nan", "1e400",
    "1e-400", '"1e999"', '"CANARY"', "-1", "1979-05-27",
    '"a.b"', "[[1]]", "{ a = 1 }", '"5s"', "9" * 400, "''", '"main"',
    '[1, "x", { account = "main" }]',
    "{ account = 1, symbol = [] }", '[{ account = "main", symbol = "BTC/USD:BTC", leverage = nan }]',
    r'"sqlite:///\u0000"', '"http://[::1%25eth0]"', r'"https://\u0130.example"', '"[::1%1]:80"', '[["true"]]',
]  # fmt: skip
VARIABLES = [
    "HEDGEBOT_MODE", "HEDGEBOT_HEDGES__BTC__RATIO", "HEDGEBOT_HEDGES__BTC__LEGS", "HEDGEBOT_API__HOSTS",
    "HEDGEBOT_CYCLE__INTERVAL", "HEDGEBOT_ACCOUNTS__MAIN__BASE_URL", "HEDGEBOT_HEDGES__BTC__SPOT",
    "HEDGEBOT_STORE__URL", "HEDGEBOT___", "HEDGEBOT_ACCOUNTS____X", "HEDGEBOT_HEDGES__é__RATIO",
]  # fmt: skip
SIGNS = "[]{}=\"'\\,.#\n\0é1a_"


def another_value(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = lines[at].partition("=")[0] + "= " + chance.choice(VALUES)


def gone(lines: list[str], at: int, chance: random.Random) -> None:
    del lines[at]


def repeated(lines: list[str], at: int, chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines)), lines[at])


def one_sign_more(lines: list[str], at: int, chance: random.Random) -> None:
    column = chance.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:column] + chance.choice(SIGNS) + lines[at][column:]


def key_misspelt(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = re.sub(r"^\w+", lambda key: "".join(chance.sample(key[0], len(key[0]))), lines[at])


def account_renamed(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = lines[at].replace("main", chance.choice(["mian", "", "a.b", "x-y"]))


HARMS: list[Callable[[list[str], int, random.Random], None]] = [
    another_value,
    gone,
    repeated,
    one_sign_more,
    key_misspelt,
    account_renamed,
]


@pytest.fixture(scope="module")
def whole(root: Path) -> list[str]:
    """The lines of the example with every key in force."""
    text = re.sub(r"(?m)^#(?=[a-z_]+ = )", "", (root / "config" / "hedgebot.example.toml").read_text())
    return [line for line in text.split("\n") if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "hedgebot.toml"


@settings(max_examples=200)
@given(chance=st.randoms(use_true_random=False))
def test_it_loads_or_is_refused_in_words(chance: random.Random, whole: list[str], file: Path) -> None:
    lines = list(whole)
    for _ in range(chance.randint(1, 4)):
        chance.choice(HARMS)(lines, chance.randrange(len(lines)), chance)
    file.write_text("\n".join(lines), encoding="utf-8")
    env = {chance.choice(VARIABLES): chance.choice(VALUES) for _ in range(chance.randint(0, 2))}
    try:
        load(file, env)
    except ConfigError as error:
        for problem in error.problems:
            assert problem.isprintable()
            assert problem.startswith((str(file), "HEDGEBOT_"))
            shows_a_line = ": not valid TOML, " in problem or ": set twice, " in problem
            assert shows_a_line or "CANARY" not in problem
