"""A first configuration: written once, complete, and accepted by what reads it."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgebot.cli.program import program
from hedgebot.errors import HedgebotError
from hedgebot.settings.load import load
from hedgebot.settings.model import SUPPORTED_EXCHANGES

RUNNER = CliRunner()


def init(file: Path, *options: str, answers: str = "") -> str:
    result = RUNNER.invoke(program(), ["init", "--config", str(file), *options], input=answers)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("exchange", SUPPORTED_EXCHANGES)
@pytest.mark.parametrize(("asset", "ratio"), [("BTC", "1"), ("ETH", "0.5")])
def test_three_answers_make_a_configuration(tmp_path: Path, exchange: str, asset: str, ratio: str) -> None:
    file = tmp_path / "hedgebot.toml"
    init(file, answers=f"{exchange}\n{asset}\n{ratio}\n")
    settings = load(file, {}).settings
    hedge = settings.hedges[asset.lower()]
    assert settings.mode == "observe"
    assert settings.accounts["main"].exchange == exchange
    assert (hedge.asset, str(hedge.ratio)) == (asset, ratio)
    assert hedge.legs[0].symbol == f"{asset}/USD:{asset}"


def test_defaults_ask_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hedgebot.toml"
    assert "?" not in init(file, "--defaults")
    assert load(file, {}).settings.hedges["btc"].asset == "BTC"


def test_the_schema_lies_beside_it(tmp_path: Path) -> None:
    init(tmp_path / "hedgebot.toml", "--defaults")
    assert (tmp_path / "hedgebot.toml").read_text().startswith("#:schema ./hedgebot.schema.json")
    assert json.loads((tmp_path / "hedgebot.schema.json").read_text())["properties"]


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "hedgebot.toml"
    file.write_text("mode = 'live'")
    with pytest.raises(HedgebotError, match="exists already"):
        init(file, "--defaults")
    assert tomllib.loads(file.read_text()) == {"mode": "live"}


@pytest.mark.parametrize("answers", ["bybit\nBTC\n7\n", "kraken\nBTC\n1\n", 'bybit\nB"T\n1\n'])
def test_an_answer_that_cannot_be_leaves_no_file(tmp_path: Path, answers: str) -> None:
    with pytest.raises(HedgebotError):
        init(tmp_path / "hedgebot.toml", answers=answers)
    assert not (tmp_path / "hedgebot.toml").exists()
