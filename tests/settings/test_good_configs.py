"""Configurations that load without complaint, and what they mean."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from hedgebot.settings.effective import effective
from hedgebot.settings.load import Loaded, load
from hedgebot.settings.model import Settings
from tests.settings.cases import ACCOUNT, HEDGE, Case, cases

TOP = r"""
# nothing more than has to be

mode = "observe"

"mode" = 'live'

cycle = { interval = "100ms", deadline = "5m", settle_after = "1s" }

cycle.interval = "1h"
cycle.settle_after = "1h"

[cycle]
interval = "500ms"
deadline = "200ms"

[store]
url = "sqlite:////var/lib/hedgebot/hedgebot.db"
keep = "3650d"

[api]
listen = ""

[api]
listen = "[::1]:65535"
hosts = ["hedge.example", "HEDGE", "10.0.0.7", "::1"]

[api]
listen = "0.0.0.0:1"
hosts = [
]

[alarms]
webhook = "https://hooks.example:8443/services/T0/B1?thread=7#x"

[alarms]
webhook = "http://127.0.0.1:9200/alarm"

[alarms]
webhook = ""

# déjà vu: comments may hold any sign 🙂, code none but in quotes
"mode" = "\u006cive"  # l

mode = '''
live'''

[ "cycle" ]   # spaces, tabs and quotes where TOML has them
	interval	=	'5s'

api = { listen = "", hosts = ["a-b.example", "xn--bcher-kva.example"] }

store.url = "sqlite:///data/hedge bot.db"
store.keep = "1s"

[store]
url = "sqlite:///../elsewhere/hedgebot.db"
"""

END = """
ratio = 0

ratio = 1.0

ratio = "0.5"

ratio = 5e-1

ratio = 0.7
min_ratio = "0.7"
max_ratio = 0.7

ratio = { fixed = 0.5 }

ratio = {}

[hedges.btc.ratio.steps]
signal = "average"
window = "365d"
hysteresis = 0
steps = [{ at = -0.02, ratio = 0.5 }, { at = "0.02", ratio = 0 }]

[hedges.btc.ratio]
fixed = 0.2
[hedges.btc.ratio.external]
file = "ratio.json"
valid_for = "30d"
then = "return"
[[hedges.btc.ratio.schedule.windows]]
start = 2026-12-01T00:00:00Z
end = 2026-12-02T01:30:00+01:30
ratio = 1
[[hedges.btc.ratio.schedule.windows]]
start = "2026-12-02T00:00:00Z"
ratio = 0.5

[hedges.btc.ratio.external]
url = "http://127.0.0.1:9300/btc.json?key=1"

band = 0.5

band = 0.000000000000000001

spot = []

spot = [{ account = "main" }, { name = "cold", quantity = "0.5" }, { quantity = 0, name = "warm_2" }]

[[hedges.btc.spot]]
account = "main"
[[hedges.btc.spot]]
name = "cold"
quantity = 123456789012.000000000000000001

[hedges.btc.limits]
slippage = 0.1
orders_per_hour = 10000
turnover_per_day = "1000"
corrections_per_hour = 0
jump = 1
max_order_usd = 1e6

[hedges.btc.liquidation]
warn = 5
act = 4.99

[hedges.btc.collateral]
enabled = false
max_leverage = 125

[hedges.btc.collateral]
max_leverage = "1.000000000000000001"

[hedges.btc.collateral]
min_leverage = "1.000000000000000001"
home_when_unwound = true

[hedges.btc.collateral]
max_leverage = 3
min_leverage = 2.33

[hedges.btc.funding]
budget = "0.000000000000000001"
windows = ["30d", "36h", "1d"]
action = "floor"
floor = 0

[hedges.btc.funding]
action = "unwind"
budget = 10

[hedges.btc.basis]
max = 1

[hedges.btc.roll]
before = "1h"
slices = 50

[accounts.unused]
exchange = "bybit"

[accounts.sub]
exchange = "bybit"
sandbox = true
base_url = "http://127.0.0.1:9101"

[accounts.sub]
exchange = "bybit"
base_url = "http://[::1]:9101/"

[accounts.sub]
exchange = "bybit"
base_url = "http://localhost"

[accounts.sub]
exchange = "bybit"
base_url = "https://proxy.example:8443"

[accounts.sub]
exchange = "okx"
allow_withdraw = true

# one account, two coins, two hedges
[hedges.eth]
asset = "ETH"
spot = [{ account = "main" }]
legs = [{ account = "main", symbol = "ETH/USD:ETH" }]

# one coin, two accounts, two hedges
[accounts.sub]
exchange = "bybit"
[hedges.a1_b2_]
asset = "BTC"
legs = [{ account = "sub", symbol = "BTC/USD:BTC" }]

# one hedge over two accounts, of which it names the pot as spot too
spot = [{ account = "sub" }, { account = "main" }]
[accounts.sub]
exchange = "bybit"

# whole numbers in every form that TOML has
[hedges.btc.limits]
orders_per_hour = 0x14
corrections_per_hour = 1_0

# numbers in quotes, with a sign or an exponent
ratio = "+0.5"
band = "2e-2"
[hedges.btc.limits]
slippage = "1E-3"

# the widest there is
ratio = 1
min_ratio = 0
max_ratio = 1
band = 0.5
[hedges.btc.limits]
slippage = 0.1
turnover_per_day = 1000
jump = 1

# the narrowest there is
min_ratio = 1
[hedges.btc.limits]
orders_per_hour = 1
corrections_per_hour = 0

# where it is real money, the key may nothing else
[accounts.b1]
exchange = "binance"
[accounts.o_1]
exchange = "okx"
sandbox = false
[hedges.eth]
asset = "ETH"
spot = [{ account = "b1" }]
legs = [
{ account = "b1", symbol = "ETH/USD:ETH", leverage = 3, margin_mode = "isolated" },
{ account = "o_1", symbol = "ETH/USD:ETH", margin_mode = "cross" },  # with a comma at the end
]

[accounts.sub]
exchange = "okx"
base_url = "https://[2001:db8::1]:443"

[accounts.sub]
exchange = "binance"
base_url = "http://127.8.8.8:1"

# the same name for other coins
spot = [{ name = "cold", quantity = 1 }]
[hedges.eth]
asset = "ETH"
spot = [{ name = "cold", quantity = 1 }]
legs = [{ account = "main", symbol = "ETH/USD:ETH" }]
"""

HEDGES = """
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC", leverage = 2, margin_mode = "isolated" }]

asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC", leverage = "1.5", margin_mode = "cross" }]

asset = "1000PEPE"
legs = [{ account = "main", symbol = "1000PEPE/USD:1000PEPE", leverage = 125 }]

asset = "BTC"
[[hedges.btc.legs]]
account = "main"
symbol = "BTC/USD:BTC"
"""

GOOD = [*cases("top", TOP), *cases("end", END), *cases("hedge", HEDGES)]


def loaded(folder: Path, text: str, env: dict[str, str] | None = None) -> Loaded:
    file = folder / "hedgebot.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, env or {})


@pytest.mark.parametrize("good", GOOD, ids=str)
def test_it_loads_without_complaint(good: Case, tmp_path: Path) -> None:
    loaded(tmp_path, good.text)


def test_there_are_enough_cases() -> None:
    assert len({good.text for good in GOOD}) == len(GOOD) >= 50


def test_the_example_of_the_design_means_what_it_says(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
        mode = "live"
        [cycle]
        interval = "5s"
        [accounts.main]
        exchange = "bybit"
        base_url = "http://127.0.0.1:9101"
        [hedges.btc]
        asset = "BTC"
        ratio = 0.1
        spot = [{ account = "main" }, { name = "cold", quantity = 0.3 }]
        legs = [{ account = "main", symbol = "BTC/USD:BTC", leverage = 2, margin_mode = "isolated" }]
        """,
    ).settings
    hedge = settings.hedges["btc"]
    assert settings.mode == "live"
    assert settings.cycle.interval == timedelta(seconds=5)
    assert settings.accounts["main"].base_url == "http://127.0.0.1:9101"
    assert hedge.ratio == Decimal("0.1")  # a binary float would not be
    assert [(entry.account, entry.name, entry.quantity) for entry in hedge.spot] == [
        ("main", None, None),
        (None, "cold", Decimal("0.3")),
    ]
    (leg,) = hedge.legs
    assert (leg.account, leg.symbol, leg.margin_mode) == ("main", "BTC/USD:BTC", "isolated")
    assert leg.leverage == 2


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    assert effective(loaded(tmp_path, ACCOUNT + HEDGE).settings) == {
        "mode": '"observe"',
        "cycle.interval": '"5s"',
        "cycle.deadline": '"10s"',
        "cycle.settle_after": '"30s"',
        "store.url": '"sqlite:///hedgebot.db"',
        "store.keep": '"30d"',
        "api.listen": '"127.0.0.1:8787"',
        "api.hosts": "[]",
        "alarms.webhook": '""',
        "accounts.main.exchange": '"bybit"',
        "accounts.main.sandbox": "false",
        "accounts.main.base_url": "not set",
        "accounts.main.allow_withdraw": "false",
        "hedges.btc.asset": '"BTC"',
        "hedges.btc.min_ratio": "0",
        "hedges.btc.max_ratio": "1",
        "hedges.btc.ratio": "1",
        "hedges.btc.band": "0.02",
        "hedges.btc.spot": "[]",
        "hedges.btc.legs[0].account": '"main"',
        "hedges.btc.legs[0].symbol": '"BTC/USD:BTC"',
        "hedges.btc.legs[0].leverage": "not set",
        "hedges.btc.legs[0].margin_mode": "not set",
        "hedges.btc.legs[0].weight": "1",
        "hedges.btc.if_leg_down": '"wait"',
        "hedges.btc.limits.slippage": "0.005",
        "hedges.btc.limits.orders_per_hour": "20",
        "hedges.btc.limits.turnover_per_day": "3",
        "hedges.btc.limits.corrections_per_hour": "10",
        "hedges.btc.limits.jump": "0.2",
        "hedges.btc.limits.max_order_usd": "not set",
        "hedges.btc.liquidation.warn": "0.30",
        "hedges.btc.liquidation.act": "0.15",
        "hedges.btc.collateral.enabled": "true",
        "hedges.btc.collateral.max_leverage": "not set",
        "hedges.btc.collateral.min_leverage": "not set",
        "hedges.btc.collateral.home_when_unwound": "false",
        "hedges.btc.funding.budget": "not set",
        "hedges.btc.funding.windows[0]": '"7d"',
        "hedges.btc.funding.action": '"alarm"',
        "hedges.btc.funding.floor": "0.5",
        "hedges.btc.basis.max": "not set",
        "hedges.btc.roll.before": '"3d"',
        "hedges.btc.roll.slices": "5",
    }


def test_each_value_tells_where_it_came_from(tmp_path: Path) -> None:
    file = tmp_path / "hedgebot.toml"
    text = ACCOUNT + HEDGE + "ratio = 0.5\n[hedges.btc.limits]\njump = 0.1\n"
    found = loaded(tmp_path, text, {"HEDGEBOT_MODE": "live", "HEDGEBOT_HEDGES__BTC__LIMITS__JUMP": "0.3"})
    assert found.origins.keys() == effective(found.settings).keys()
    assert found.origins["mode"] == "env HEDGEBOT_MODE"
    assert found.origins["cycle.interval"] == "default"
    assert found.origins["hedges.btc.ratio"] == f"{file}:6"
    assert found.origins["hedges.btc.legs[0].symbol"] == f"{file}:5"
    assert found.origins["hedges.btc.legs[0].leverage"] == "default"
    assert found.origins["hedges.btc.limits.jump"] == "env HEDGEBOT_HEDGES__BTC__LIMITS__JUMP"
    assert effective(found.settings)["hedges.btc.limits.jump"] == "0.3"


def test_a_base_url_loses_its_last_slash_and_hosts_their_capitals(tmp_path: Path) -> None:
    text = f'api.hosts = ["Hedge.Example"]\n{ACCOUNT}base_url = "https://a.example/"\n{HEDGE}'
    settings = loaded(tmp_path, text).settings
    assert settings.accounts["main"].base_url == "https://a.example"
    assert settings.api.hosts == ("hedge.example",)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "hedgebot.toml"
    file.write_bytes(b"\xef\xbb\xbf" + f"# ours\n{ACCOUNT}{HEDGE}".replace("\n", "\r\n").encode())
    assert load(file, {}).origins["hedges.btc.asset"] == f"{file}:5"


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = loaded(tmp_path, ACCOUNT + HEDGE).settings
    for part in (settings, settings.cycle, settings.hedges["btc"], settings.hedges["btc"].legs[0]):
        name = next(iter(type(part).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, name, getattr(part, name))


def test_the_models_read_no_variables_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEBOT_MODE", "live")
    monkeypatch.setenv("MODE", "live")
    assert Settings().mode == "observe"
