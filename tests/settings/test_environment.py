"""Variables: HEDGEBOT_SECTION__KEY over the file, and what is said of those that are wrong."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hedgebot.errors import ConfigError
from hedgebot.settings import environment
from hedgebot.settings.load import load
from hedgebot.settings.model import Settings
from hedgebot.settings.ratio import Ratio
from tests.settings.cases import ACCOUNT, HEDGE

TRAILING = '[accounts.sub_]\nexchange = "bybit"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hedgebot.toml"
    path.write_text(ACCOUNT + HEDGE + "ratio = 0.9\n" + TRAILING)
    return path


def settings(file: Path, **env: str) -> Settings:
    return load(file, {"PATH": "/bin", "HEDGEBOTS": "not ours", **env}).settings


def refusal(file: Path, **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file, env)
    return caught.value.problems


class TestAVariableSetsAValue:
    def test_of_the_root(self, file: Path) -> None:
        assert settings(file, HEDGEBOT_MODE="live").mode == "live"

    def test_of_a_section(self, file: Path) -> None:
        assert settings(file, HEDGEBOT_CYCLE__INTERVAL="10s").cycle.interval == timedelta(seconds=10)
        assert settings(file, HEDGEBOT_STORE__URL="sqlite:///x.db").store.url == "sqlite:///x.db"
        assert settings(file, HEDGEBOT_API__LISTEN="").api.listen == ""

    def test_of_a_named_table_over_the_file(self, file: Path) -> None:
        assert settings(file, HEDGEBOT_HEDGES__BTC__RATIO="0.5").hedges["btc"].ratio == Decimal("0.5")

    def test_a_table_that_may_stand_for_a_value_is_json_like_a_list(self, file: Path) -> None:
        policies = '{"fixed": 0.25, "schedule": {"windows": [{"start": "2026-12-01T00:00:00Z", "ratio": 1}]}}'
        ratio = settings(file, HEDGEBOT_HEDGES__BTC__RATIO=policies).hedges["btc"].ratio
        assert isinstance(ratio, Ratio)
        assert (ratio.fixed, ratio.defined().windows[0].ratio) == (Decimal("0.25"), Decimal(1))
        assert settings(file, HEDGEBOT_ACCOUNTS__MAIN__SANDBOX="true").accounts["main"].sandbox is True

    def test_of_a_table_in_a_table(self, file: Path) -> None:
        limits = settings(file, HEDGEBOT_HEDGES__BTC__LIMITS__ORDERS_PER_HOUR="7").hedges["btc"].limits
        assert limits.orders_per_hour == 7

    def test_exactly(self, file: Path) -> None:
        found = settings(file, HEDGEBOT_HEDGES__BTC__SPOT='[{"name": "cold", "quantity": 0.1}]')
        assert found.hedges["btc"].spot[0].quantity == Decimal("0.1")

    def test_of_a_list_as_a_whole(self, file: Path) -> None:
        legs = '[{"account": "sub_", "symbol": "BTC/USD:BTC", "leverage": 1.5}]'
        (leg,) = settings(file, HEDGEBOT_HEDGES__BTC__LEGS=legs).hedges["btc"].legs
        assert (leg.account, leg.leverage) == ("sub_", Decimal("1.5"))
        assert settings(file, HEDGEBOT_API__HOSTS='["hedge.example"]').api.hosts == ("hedge.example",)

    def test_of_a_name_that_ends_in_an_underscore(self, file: Path) -> None:
        assert settings(file, HEDGEBOT_ACCOUNTS__SUB___SANDBOX="true").accounts["sub_"].sandbox is True

    def test_so_that_a_file_may_hold_nothing(self, tmp_path: Path) -> None:
        empty = tmp_path / "empty.toml"
        empty.touch()
        found = settings(
            empty,
            HEDGEBOT_ACCOUNTS__MAIN__EXCHANGE="bybit",
            HEDGEBOT_HEDGES__BTC__ASSET="BTC",
            HEDGEBOT_HEDGES__BTC__LEGS='[{"account": "main", "symbol": "BTC/USD:BTC"}]',
        )
        assert found.hedges["btc"].legs[0].symbol == "BTC/USD:BTC"


class TestAnUnknownVariableIsAnError:
    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("HEDGEBOT_BOGUS", "not a setting. Settings are named as HEDGEBOT_CYCLE__INTERVAL is"),
            ("HEDGEBOT_MOD", "not a setting. Did you mean HEDGEBOT_MODE?"),
            ("HEDGEBOT_CYCLE_INTERVAL", "not a setting. Did you mean HEDGEBOT_CYCLE__INTERVAL?"),
            ("HEDGEBOT_CYCLE__INTERVALL", "not a setting. Did you mean HEDGEBOT_CYCLE__INTERVAL?"),
            (
                "HEDGEBOT_HEDGES__BTC__RATIO__FIXED",
                "not a setting. Did you mean HEDGEBOT_HEDGES__BTC__RATIO?",
            ),
            ("HEDGEBOT_HEDGES__BTC__RATOI", "not a setting. Did you mean HEDGEBOT_HEDGES__BTC__RATIO?"),
            ("HEDGEBOT_HEDGES__BTC__SPOT__0__ACCOUNT", "not a setting. "),
            ("HEDGEBOT_MODE__X", "not a setting. Did you mean HEDGEBOT_MODE?"),
            ("HEDGEBOT_mode", "not a setting. Did you mean HEDGEBOT_MODE?"),
            ("hedgebot_MODE", "not a setting. Did you mean HEDGEBOT_MODE?"),
            ("HEDGEBOT_", "not a setting. "),
            ("HEDGEBOT_CYCLE", "a table; set its keys one by one, as HEDGEBOT_CYCLE__INTERVAL does"),
            ("HEDGEBOT_HEDGES__BTC", "a table; set its keys one by one"),
            (
                "HEDGEBOT_ACCOUNTS__MAIN__APIKEY",
                "not a setting. Did you mean HEDGEBOT_ACCOUNTS__MAIN__API_KEY?",
            ),
            (
                "HEDGEBOT_ACCOUNTS__MIAN__SECRET",
                "not a setting. Did you mean HEDGEBOT_ACCOUNTS__MAIN__SECRET?",
            ),
            ("HEDGEBOT_API_KEY", "not a setting. "),
        ],
    )
    def test_with_the_nearest_right_one(self, name: str, says: str, file: Path) -> None:
        (problem,) = refusal(file, **{name: "CANARY"})
        assert problem.startswith(f"{name}: {says}")
        assert "CANARY" not in problem

    def test_but_those_of_credentials_are_known(self, file: Path) -> None:
        kinds = ("API_KEY", "API_KEY_FILE", "SECRET", "SECRET_FILE", "PASSWORD", "PASSWORD_FILE")
        for account in ("MAIN", "SUB_"):
            settings(file, **{f"HEDGEBOT_ACCOUNTS__{account}__{kind}": "x" for kind in kinds})


class TestAWrongValueNamesItsVariable:
    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("HEDGEBOT_MODE", "", 'must be "observe" or "live"'),
            ("HEDGEBOT_CYCLE__INTERVAL", "5", "must be a whole number with its unit"),
            ("HEDGEBOT_HEDGES__BTC__RATIO", "2", "must be at most 1, not 2. For 2 % write 0.02"),
            ("HEDGEBOT_HEDGES__BTC__RATIO", "CANARY", "must be a number"),
            ("HEDGEBOT_HEDGES__BTC__RATIO", '{"fixed": 2}', "fixed: must be at most 1, not 2"),
            ("HEDGEBOT_HEDGES__BTC__RATIO", "NaN", "must be a finite number"),
            ("HEDGEBOT_HEDGES__BTC__LIMITS__ORDERS_PER_HOUR", "1.5", "must be a whole number"),
            ("HEDGEBOT_ACCOUNTS__MAIN__SANDBOX", "1", "must be true or false"),
            ("HEDGEBOT_API__HOSTS", "CANARY", "must be a list in brackets; in a variable, as JSON"),
            ("HEDGEBOT_API__HOSTS", '["CANARY', "must be a list in brackets; in a variable, as JSON"),
            ("HEDGEBOT_API__HOSTS", "[" * 100_000, "must be a list in brackets; in a variable, as JSON"),
            ("HEDGEBOT_HEDGES__BTC__SPOT", '[{"name": "a", "name": "b"}]', "must be a list in brackets"),
            (
                "HEDGEBOT_HEDGES__BTC__SPOT",
                '[{"name": "a", "quantity": NaN}]',
                "[0].quantity: must be a finite",
            ),
            (
                "HEDGEBOT_HEDGES__BTC__SPOT",
                '[{"name": "a", "quantity": 1e99999999999999999999}]',
                "must be a list",
            ),
            ("HEDGEBOT_HEDGES__BTC__SPOT", '[{"account": "mian"}]', "[0].account: no account of this name"),
            (
                "HEDGEBOT_HEDGES__BTC__LEGS",
                '[{"account": "main", "secret": "CANARY"}]',
                "[0].symbol: must be set",
            ),
            ("HEDGEBOT_HEDGES__BTC__ASSET", "btc", "must be the code of a coin in capitals"),
        ],
    )
    def test_and_never_the_value(self, name: str, value: str, says: str, file: Path) -> None:
        problems = refusal(file, **{name: value})
        assert problems[0].startswith(f"{name}: {says}")
        assert not any("CANARY" in problem for problem in problems)

    def test_and_a_table_of_variables_names_the_one_that_is_missing(self, file: Path) -> None:
        assert refusal(file, HEDGEBOT_HEDGES__ETH__ASSET="ETH", HEDGEBOT_ACCOUNTS__NEW__SANDBOX="true") == [
            "HEDGEBOT_ACCOUNTS__NEW__EXCHANGE: must be set",
            "HEDGEBOT_HEDGES__ETH__LEGS: must be set",
        ]

    def test_after_the_faults_of_the_file(self, file: Path) -> None:
        file.write_text(file.read_text() + "bogus = 1\n")
        problems = refusal(file, HEDGEBOT_X="1", HEDGEBOT_MODE="x", HEDGEBOT_HEDGES__BTC__BAND="9")
        assert [problem.partition(": ")[0] for problem in problems] == [
            f"{file}:9",
            "HEDGEBOT_HEDGES__BTC__BAND",
            "HEDGEBOT_MODE",
            "HEDGEBOT_X",
        ]

    def test_even_where_the_file_has_a_value_for_a_table(self, file: Path) -> None:
        file.write_text("cycle = 5\n" + file.read_text())
        assert refusal(file, HEDGEBOT_CYCLE__INTERVAL="5s") == [f"{file}:1: cycle: must be a table"]


def test_a_good_variable_mends_a_bad_value_in_the_file(file: Path) -> None:
    file.write_text(file.read_text().replace("ratio = 0.9", "ratio = 9"))
    assert settings(file, HEDGEBOT_HEDGES__BTC__RATIO="0.4").hedges["btc"].ratio == Decimal("0.4")


def test_a_variables_name_and_its_path_say_the_same() -> None:
    for path in (("mode",), ("cycle", "settle_after"), ("accounts", "a_b_", "base_url")):
        assert environment.path(environment.variable(path)) == path
