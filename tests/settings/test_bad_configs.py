"""Every way to get the configuration wrong that we could think of, and what the operator reads."""

import socket
from pathlib import Path

import pytest

from hedgebot.errors import ConfigError, ExitCode
from hedgebot.settings.load import load
from tests.settings.cases import ACCOUNT, HEDGE, Case, cases
from tests.settings.slips import SLIPS

KEYS = r"""
mod = "live"
    mod: not a setting. Did you mean "mode"?

zebra = 1
    zebra: not a setting. Settings here are mode, cycle, store, api, alarms, accounts, hedges

ratio = 0.5
    ratio: not a setting here; it belongs in [hedges.NAME]

interval = "5s"
    interval: not a setting here; it belongs in [cycle]

_env_file = "x"
    _env_file: not a setting

_cli_parse_args = true
    _cli_parse_args: not a setting

[cycel]
    cycel: not a setting. Did you mean "cycle"?
interval = "5s"

[cycle]
intervall = "5s"
    cycle.intervall: not a setting. Did you mean "interval"?

[cycle]
"interval " = "5s"
    cycle.'interval ': not a setting. Did you mean "interval"?

cycle.deadlin = "5s"
    cycle.deadlin: not a setting. Did you mean "deadline"?

[store]
uri = "x"
    store.uri: not a setting. Did you mean "url"?

[api]
port = 8787
    api.port: not a setting. Settings here are listen, hosts

[api.tls]
    api.tls: not a setting. Settings here are listen, hosts
port = 8787

cycle = "5s"
    cycle: must be a table

[[api]]
    api: must be a table
listen = ""

"odd\nzebra" = 1
    'odd\nzebra': not a setting.
"""

MODE = """
mode = "Live"
    mode: must be "observe" or "live". Did you mean "live"?

mode = "paper"
    mode: "paper" is not supported yet; must be "observe" or "live"

mode = ""
    mode: must be "observe" or "live"

mode = true
    mode: must be "observe" or "live"

[mode]
    mode: must be "observe" or "live"
live = true
"""

DURATIONS = "\n".join(
    f"[cycle]\ninterval = {value}\n    cycle.interval: must be a whole number with its unit\n"
    for value in [
        "5",
        "5.0",
        '"5"',
        '"5 s"',
        '"-5s"',
        '"1.5s"',
        '"5sec"',
        '"5S"',
        '""',
        "true",
        "07:32:00",
        '["5s"]',
    ]
)

CYCLE_STORE_API = """
[cycle]
interval = "50ms"
    cycle.interval: must be from 100ms to 1h, not 50ms

[cycle]
interval = "2h"
    cycle.interval: must be from 100ms to 1h, not 2h

[cycle]
deadline = "0s"
    cycle.deadline: must be from 100ms to 5m, not 0ms

[cycle]
settle_after = "500ms"
    cycle.settle_after: must be from 1s to 1h, not 500ms

[store]
keep = "0d"
    store.keep: must be from 1s to 3650d, not 0ms

[store]
keep = "999999999d"
    store.keep: must be from 1s to 3650d, not 999999999d

[store]
url = "postgresql://user:CANARY@localhost/hedgebot"
    store.url: PostgreSQL is not supported yet; write sqlite:/// and a path

[store]
url = 5
    store.url: must be text in quotes

[api]
listen = "127.0.0.1:99999"
    api.listen: must have a port from 1 to 65535

[api]
listen = "127.0.0.1:0"
    api.listen: must have a port from 1 to 65535

[api]
listen = false
    api.listen: must be text in quotes

[api]
hosts = "hedge.example"
    api.hosts: must be a list in brackets

[api]
hosts = ["hedge.example", 5]
    api.hosts[1]: must be text in quotes
"""

STORE_URLS = "\n".join(
    f'[store]\nurl = "{url}"\n    store.url: must\n'
    for url in [
        "", "hedgebot.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql:///x", "sqlite:///a/",
        "sqlite:///~/x", "sqlite:///a?mode=ro", "sqlite:///a\\nb",
    ]
)  # fmt: skip

LISTEN = "\n".join(
    f'[api]\nlisten = "{listen}"\n    api.listen: must be IP address:port\n'
    for listen in [
        "localhost:8787", "8787", "127.0.0.1", "::1:8787", "http://127.0.0.1:8787", "[127.0.0.1]:1",
        "1.2.3.999:1", "127.0.0.1:8787/status", ":8787", "*:8787",
    ]
)  # fmt: skip

HOSTS = "\n".join(
    f'[api]\nhosts = ["hedge.example", "{host}"]\n    api.hosts[1]: must be a host\'s name\n'
    for host in [
        "http://a.example",
        "a.example:80",
        "*.example",
        "a_b",
        "",
        "a b",
        "-a.example",
        "a..example",
    ]
)

ACCOUNTS = """
exchange = "bybitt"
    accounts.main.exchange: must be "bybit" or "binance" or "okx". Did you mean "bybit"?

exchange = "kraken"
    accounts.main.exchange: must be "bybit" or "binance" or "okx"

exchange = 3
    accounts.main.exchange: must be "bybit" or "binance" or "okx"

exchange = "bybit"
sandbox = 1
    accounts.main.sandbox: must be true or false

exchange = "bybit"
sandbox = ["true"]
    accounts.main.sandbox: must be true or false

exchange = "bybit"
sandbox = "yes"
    accounts.main.sandbox: must be true or false

exchange = "bybit"
allow_withdraw = "no"
    accounts.main.allow_withdraw: must be true or false

exchange = "bybit"
allow_withdrawals = true
    accounts.main.allow_withdrawals: not a setting. Did you mean "allow_withdraw"?

exchange = "bybit"
sandbx = true
    accounts.main.sandbx: not a setting. Did you mean "sandbox"?

exchange = "bybit"
Base_URL = "https://a.example"
    accounts.main.Base_URL: not a setting. Did you mean "base_url"?
"""

BASE_URLS = "\n".join(
    f'exchange = "bybit"\nbase_url = {url}\n    accounts.main.base_url: {says}\n'
    for url, says in [
        ('"http://example.com"', "must be https: plain http is only for this machine itself"),
        ('"http://127.0.0.1.evil.example"', "must be https"),
        ('"http://localhost.evil.example"', "must be https"),
        ('"http://10.0.0.1:80"', "must be https"),
        ('"https://a.example/v5"', "must have no path"),
        ('"https://a.example?x=1"', "must be only scheme, host and port"),
        ('"https://a.example#x"', "must be only scheme, host and port"),
        ('"https://user:CANARY@a.example"', "must be only scheme, host and port"),
        (r"'http://127.0.0.1\@a.example'", "must be only scheme, host and port"),
        ('"https://a .example"', "must be only scheme, host and port"),
        ('"https://a.example\\n"', "must be only scheme, host and port"),
        ('""', "must be only scheme, host and port"),
        ('"https://a.example:x"', "must have a valid host and a port"),
        ('"https://a.example:99999"', "must have a valid host and a port"),
        ('"https://[::1"', "must have a valid host and a port"),
        ('"https://a.example:"', "must begin with https://"),
        ('"https://"', "must begin with https://"),
        ('"ftp://a.example"', "must begin with https://"),
        ('"a.example"', "must begin with https://"),
        ('"https://a%2f.example"', "must have a valid host"),
        ("80", "must be text in quotes"),
    ]
)

NAMES = "\n".join(
    f'[accounts.{name}]\n    accounts.{name}: must begin with a lower-case letter\nexchange = "bybit"\n'
    for name in ["Main", "1st", "a__b", "my-account", "_a", "mAin", "''", "'a b'", "'a.b'"]
)

TABLES = """
[accounts]
main = "bybit"
    accounts.main: must be a table
[hedges.btc]
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

accounts = 3
    accounts: must be a table
[hedges.btc]
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
    hedges.btc.legs[0].account: no account of this name is defined; add a table such as [accounts.main]

[accounts.main]
exchange = "bybit"
[hedges]
btc = 1
    hedges.btc: must be a table

hedges = []
    hedges: must be a table

    hedges: none is defined; add a table such as [hedges.btc]
[accounts.main]
exchange = "bybit"

    hedges: none is defined; add a table such as [hedges.btc]
"""

HEDGES = r"""
ratoi = 1
    hedges.btc.ratoi: not a setting. Did you mean "ratio"?

slippage = 0.01
    hedges.btc.slippage: not a setting here; it belongs in [hedges.btc.limits]

warn = 0.01
    hedges.btc.warn: not a setting here; it belongs in [hedges.btc.liquidation]

enabled = false
    hedges.btc.enabled: not a setting here; it belongs in [hedges.btc.collateral]

armed = true
    hedges.btc.armed: not a setting. Settings here are asset, min_ratio,

[hedges.btc.limits]
slipage = 0.01
    hedges.btc.limits.slipage: not a setting. Did you mean "slippage"?

[hedges.btc.colateral]
    hedges.btc.colateral: not a setting.

limits = 5
    hedges.btc.limits: must be a table

[hedges.ETH]
    hedges.ETH: must begin with a lower-case letter
asset = "ETH"
legs = [{ account = "main", symbol = "ETH/USD:ETH" }]

ratio = 1.0000001
    hedges.btc.ratio: must be at most 1, not 1.0000001

ratio = 100
    hedges.btc.ratio: must be at most 1, not 100. For 100 % write 1

ratio = 50
    hedges.btc.ratio: must be at most 1, not 50. For 50 % write 0.5

ratio = -0.1
    hedges.btc.ratio: must be at least 0, not -0.1

ratio = 0.1234567890123456789
    hedges.btc.ratio: must have at most 18 decimal places

ratio = 0.2
    hedges.btc.ratio: must be from min_ratio to max_ratio (0.5 to 1), not 0.2
min_ratio = 0.5

ratio = "0.8"
    hedges.btc.ratio: must be from min_ratio to max_ratio (0 to 0.5), not 0.8
max_ratio = 0.5

min_ratio = 0.9
max_ratio = 0.1
    hedges.btc.max_ratio: must be at least min_ratio (0.9), not 0.1

min_ratio = 2
    hedges.btc.min_ratio: must be at most 1, not 2

max_ratio = "1.5"
    hedges.btc.max_ratio: must be at most 1, not 1.5

[hedges.btc.ratio]
policy = "schedule"
    hedges.btc.ratio.policy: not a setting. Settings here are fixed, steps, external, schedule

ratio = { fixd = 1 }
    hedges.btc.ratio.fixd: not a setting. Did you mean "fixed"?

ratio = [{ fixed = 1 }]
    hedges.btc.ratio: must be a number

ratio = { fixed = 1.5 }
    hedges.btc.ratio.fixed: must be at most 1, not 1.5

max_ratio = 0.5
ratio = { steps = { signal = "funding", steps = [{ at = 0, ratio = 1 }] } }
    hedges.btc.ratio: must be from min_ratio to max_ratio (0 to 0.5), not 1

[hedges.btc.ratio.steps]
    hedges.btc.ratio.steps.signal: must be set
    hedges.btc.ratio.steps.steps: must be set

[hedges.btc.ratio.steps]
signal = "volatilty"
    hedges.btc.ratio.steps.signal: must be "volatility" or "drawdown" or "average" or "funding"
window = "36h"
    hedges.btc.ratio.steps.window: must be whole days, such as "30d"
hysteresis = -0.1
    hedges.btc.ratio.steps.hysteresis: must be at least 0, not -0.1
steps = []
    hedges.btc.ratio.steps.steps: must have at least one step

[hedges.btc.ratio.steps]
signal = "drawdown"
window = "366d"
    hedges.btc.ratio.steps.window: must be from 1d to 365d, not 366d
steps = [{ at = 0.1, ratio = 1 }, { at = 0.1, ratio = 0 }]
    hedges.btc.ratio.steps.steps: must be at ascending values of the signal

[hedges.btc.ratio.steps]
signal = "drawdown"
steps = [{ above = 0.1, ratio = 2 }]
    hedges.btc.ratio.steps.steps[0].at: must be set
    hedges.btc.ratio.steps.steps[0].ratio: must be at most 1, not 2
    hedges.btc.ratio.steps.steps[0].above: not a setting. Settings here are at, ratio

[hedges.btc.ratio.external]
    hedges.btc.ratio.external: must have a file or a url, and not both

ratio = { external = { file = "ratio.json", url = "https://signals.example/btc" } }
    hedges.btc.ratio.external: must have a file or a url, and not both

[hedges.btc.ratio.external]
url = "http://signals.example/btc.json"
    hedges.btc.ratio.external.url: must be https: plain http is only for this machine itself
valid_for = "5s"
    hedges.btc.ratio.external.valid_for: must be from 10s to 30d, not 5s
then = "unwind"
    hedges.btc.ratio.external.then: must be "keep" or "return"

[hedges.btc.ratio.external]
url = "https://user:CANARY@signals.example/"
    hedges.btc.ratio.external.url: must be a web address, such as

[hedges.btc.ratio.external]
file = "~/ratio.json"
    hedges.btc.ratio.external.file: must be the path of a file, without ~

[hedges.btc.ratio.schedule]
windows = []
    hedges.btc.ratio.schedule.windows: must have at least one window

[hedges.btc.ratio.schedule]
windows = [{ start = 2026-12-01, ratio = 1 }]
    hedges.btc.ratio.schedule.windows[0].start: must be a date and time with its zone, such as

[hedges.btc.ratio.schedule]
windows = [{ start = 2026-12-01T00:00:00, end = "tomorrow", ratio = 1 }]
    hedges.btc.ratio.schedule.windows[0].start: must be a date and time with its zone, such as
    hedges.btc.ratio.schedule.windows[0].end: must be a date and time with its zone, such as

[hedges.btc.ratio.schedule]
windows = [{ start = 2026-12-01T00:00:00Z, end = 2026-12-01T00:00:00Z, ratio = 1 }]
    hedges.btc.ratio.schedule.windows[0]: must end after it starts

[hedges.btc.ratio.schedule]
windows = [{ start = 2026-12-01T00:00:00.5Z, ratio = 1 }]
    hedges.btc.ratio.schedule.windows[0].start: must be whole seconds

[hedges.btc.ratio.schedule]
windows = [{ start = 2026-12-02T00:00:00Z, ratio = 1 }, { start = 2026-12-03T00:00:00Z, ratio = 0 }]
    hedges.btc.ratio.schedule.windows: must be in order and must not overlap

[hedges.btc.ratio.schedule]
    hedges.btc.ratio.schedule: must have an end in the last window, to unwind then
windows = [{ start = 2026-12-02T00:00:00Z, ratio = 1 }]
then = "unwind"

if_leg_down = "elsewhere"
    hedges.btc.if_leg_down: must be "wait" or "others"

band = 0
    hedges.btc.band: must be above 0, not 0

band = 0.6
    hedges.btc.band: must be at most 0.5, not 0.6

band = 2
    hedges.btc.band: must be at most 0.5, not 2. For 2 % write 0.02

[hedges.btc.funding]
budget = 20
    hedges.btc.funding.budget: must be at most 10, not 20
windows = ["7d", "31d"]
    hedges.btc.funding.windows[1]: must be from 1d to 30d, not 31d
action = "sell"
    hedges.btc.funding.action: must be "alarm" or "floor" or "dated" or "unwind"
floor = 1.1
    hedges.btc.funding.floor: must be at most 1, not 1.1

[hedges.btc.funding]
budget = 0.2
action = "Dated"
    hedges.btc.funding.action: must be "alarm" or "floor" or "dated" or "unwind"

[hedges.btc.funding]
    hedges.btc.funding: must have a budget for its action
action = "floor"

[hedges.btc.funding]
budget = 0
    hedges.btc.funding.budget: must be above 0, not 0
windows = []
    hedges.btc.funding.windows: must have at least one window

[hedges.btc.basis]
max = 0
    hedges.btc.basis.max: must be above 0, not 0

[hedges.btc.basis]
bound = 0.01
    hedges.btc.basis.bound: not a setting. Settings here are max

[hedges.btc.roll]
before = "30m"
    hedges.btc.roll.before: must be from 1h to 60d, not 30m
slices = 0
    hedges.btc.roll.slices: must be from 1 to 50, not 0

[hedges.btc.collateral]
enabled = "yes"
    hedges.btc.collateral.enabled: must be true or false
max_leverage = 1
    hedges.btc.collateral.max_leverage: must be above 1, not 1

[hedges.btc.collateral]
max_leverage = 126
    hedges.btc.collateral.max_leverage: must be at most 125, not 126

[hedges.btc.collateral]
least_leverage = 1
    hedges.btc.collateral.least_leverage: not a setting. Did you mean "max_leverage"?

[hedges.btc.collateral]
min_leverage = 1
    hedges.btc.collateral.min_leverage: must be above 1, not 1
home_when_unwound = "yes"
    hedges.btc.collateral.home_when_unwound: must be true or false

[hedges.btc.collateral]
max_leverage = 2
min_leverage = 2
    hedges.btc.collateral.min_leverage: must be below max_leverage (2), not 2

[hedges.btc.collateral]
    hedges.btc.collateral: min_leverage must be below 3.22, where coins that move to a leg leave it, not 3.3
min_leverage = 3.3

[hedges.btc.collateral]
    hedges.btc.collateral: min_leverage must be below 1.66, where coins that move to a leg leave it, not 1.7
max_leverage = 2
min_leverage = 1.7

[hedges.btc.liquidation]
warn = 30
    hedges.btc.liquidation.warn: must be at most 5, not 30. For 30 % write 0.3

[hedges.btc.liquidation]
warn = 0.1
act = 0.2
    hedges.btc.liquidation.act: must be below warn (0.1), not 0.2

[hedges.btc.liquidation]
    hedges.btc.liquidation.act: must be below warn (0.1), not 0.15
warn = 0.1

[hedges.btc.liquidation]
act = 0.3
    hedges.btc.liquidation.act: must be below warn (0.30), not 0.3

[hedges.btc.liquidation]
act = 0
    hedges.btc.liquidation.act: must be above 0, not 0
"""

NO_NUMBERS = "\n".join(
    f"ratio = {value}\n    hedges.btc.ratio: must be a number\n"
    for value in [
        "true",
        '"half"',
        '""',
        "[1]",
        '"１"',
        '"0x1"',
        '"1_0"',
        '" 1"',
        '"1."',
        '".5"',
        '"nan"',
        "2020-01-01",
    ]
)

NOT_FINITE = "\n".join(
    f"ratio = {value}\n    hedges.btc.ratio: must be a finite number\n"
    for value in ["nan", "inf", "-inf", "1e9999999999999999999"]
)

LIMITS = "\n".join(
    f"[hedges.btc.limits]\n{line}\n    hedges.btc.limits.{says}\n"
    for line, says in [
        ("slippage = 0", "slippage: must be above 0"),
        ("slippage = 0.5", "slippage: must be at most 0.1, not 0.5"),
        ("slippage = 1", "slippage: must be at most 0.1, not 1. For 1 % write 0.01"),
        ('slippage = "0.5%"', "slippage: must be a number"),
        ("orders_per_hour = 0", "orders_per_hour: must be from 1 to 10000, not 0"),
        ("orders_per_hour = 2.5", "orders_per_hour: must be a whole number"),
        ("orders_per_hour = 20.0", "orders_per_hour: must be a whole number"),
        ("orders_per_hour = true", "orders_per_hour: must be a whole number"),
        ('orders_per_hour = "many"', "orders_per_hour: must be a whole number"),
        ("orders_per_hour = 1000000", "orders_per_hour: must be from 1 to 10000"),
        ("turnover_per_day = 0", "turnover_per_day: must be above 0"),
        ("turnover_per_day = -3", "turnover_per_day: must be above 0"),
        ("turnover_per_day = 1001", "turnover_per_day: must be at most 1000, not 1001"),
        ("corrections_per_hour = -1", "corrections_per_hour: must be from 0 to 10000, not -1"),
        ("jump = 0", "jump: must be above 0"),
        ("jump = 1.5", "jump: must be at most 1, not 1.5"),
        ("jump = 20", "jump: must be at most 1, not 20. For 20 % write 0.2"),
        ("max_order_usd = 0", "max_order_usd: must be above 0"),
        ('max_order_usd = "1e13"', "max_order_usd: must be at most 1e12"),
        ('max_order_usd = "lots"', "max_order_usd: must be a number"),
        ("max_order = 5", 'max_order: not a setting. Did you mean "max_order_usd"?'),
    ]
)

LEGS = """
asset = "BTC"
legs = []
    hedges.btc.legs: must name at least one contract

asset = "BTC"
legs = { account = "main" }
    hedges.btc.legs: must be a list

asset = "BTC"
legs = ["BTC/USD:BTC"]
    hedges.btc.legs[0]: must be a table

asset = "btc"
    hedges.btc.asset: must be the code of a coin in capitals, such as "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

asset = 1
    hedges.btc.asset: must be text in quotes
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

asset = "BTC"
legs = [
{ account = "main", symbol = "BTC/USD:BTC" },
{ account = "main", symbol = "BTC/USD:BTC" },
    hedges.btc.legs[1]: is listed twice in legs of this hedge
]

asset = "BTC"
[[hedges.btc.legs]]
account = "main"
symbol = "BTC/USD:BTC"
[[hedges.btc.legs]]
account = "main"
symbol = "BTC/USDC:USDC"
    hedges.btc.legs[1].symbol: must be inverse, "BTC/USD:BTC", or where none is listed linear, "BTC/USDT:USDT"
"""

MISSING = """
[accounts.main]
    accounts.main.exchange: must be set
[hedges.btc]
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

[accounts.main]
exchange = "bybit"
[hedges.btc]
    hedges.btc.legs: must be set
asset = "BTC"

[accounts.main]
exchange = "bybit"
[hedges.btc]
    hedges.btc.asset: must be set
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

[accounts.main]
exchange = "bybit"
[hedges.btc]
    hedges.btc.ratio: must be from min_ratio to max_ratio (0 to 0.5), not 1
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
max_ratio = 0.5
"""

LEG_FIELDS = "\n".join(
    f'asset = "BTC"\nlegs = [{{ {fields} }}]\n    hedges.btc.legs[0]{says}\n'
    for fields, says in [
        ('symbol = "BTC/USD:BTC"', ".account: must be set"),
        ('account = "main"', ".symbol: must be set"),
        ('account = 5, symbol = "BTC/USD:BTC"', ".account: must be text in quotes"),
        (
            'account = "man", symbol = "BTC/USD:BTC"',
            ".account: no account of this name is defined. Did you mean",
        ),
        (
            'account = "x", symbol = "BTC/USD:BTC"',
            ".account: no account of this name is defined; add a table",
        ),
        (
            'account = "main", symbol = "BTCUSD"',
            '.symbol: must be the symbol of a contract, such as "BTC/USD:BTC"',
        ),
        ('account = "main", symbol = "btc/usd:btc"', ".symbol: must be the symbol of a contract"),
        (
            'account = "main", symbol = "BTC/USD"',
            '.symbol: is the symbol of a spot market; did you mean "BTC/USD:BTC"?',
        ),
        ('account = "main", symbol = "BTC/USDT:USDT-261225"', '.symbol: must be inverse, "BTC/USD:BTC"'),
        ('account = "main", symbol = "BTC/USD:USDT"', '.symbol: must be inverse, "BTC/USD:BTC", or where'),
        (
            'account = "main", symbol = "BTC/USD:BTC-261325"',
            '.symbol: must end in a date, as "BTC/USD:BTC-261225", or in "-next-quarter"',
        ),
        ('account = "main", symbol = "BTC/USD:BTC-quarter"', ".symbol: must end in a date"),
        ('account = "main", symbol = "BTC/USD:BTC-26122"', ".symbol: must end in a date"),
        ('account = "main", symbol = "BTC/EUR:BTC"', '.symbol: must be quoted in USD, as "BTC/USD:BTC"'),
        (
            'account = "main", symbol = "ETH/USD:ETH"',
            ".symbol: is a contract on ETH, which is not the hedge's asset",
        ),
        ('account = "main", symbol = 1', ".symbol: must be text in quotes"),
        (
            'account = "main", symbol = "BTC/USD:BTC", leverage = 0.5',
            ".leverage: must be at least 1, not 0.5",
        ),
        (
            'account = "main", symbol = "BTC/USD:BTC", leverage = 126',
            ".leverage: must be at most 125, not 126",
        ),
        ('account = "main", symbol = "BTC/USD:BTC", leverage = "2x"', ".leverage: must be a number"),
        ('account = "main", symbol = "BTC/USD:BTC", leverage = true', ".leverage: must be a number"),
        (
            'account = "main", symbol = "BTC/USD:BTC", margin_mode = "isolate"',
            '.margin_mode: must be "isolated" or "cross"',
        ),
        (
            'account = "main", symbol = "BTC/USD:BTC", share = 1',
            ".share: not a setting. Settings here are account",
        ),
        ('account = "main", symbol = "BTC/USD:BTC", weight = 0', ".weight: must be above 0, not 0"),
        ('account = "main", symbol = "BTC/USD:BTC", weight = -1', ".weight: must be above 0, not -1"),
        ('account = "main", symbol = "BTC/USD:BTC", weight = "half"', ".weight: must be a number"),
        (
            'account = "main", symbol = "BTC/USD:BTC", leverge = 1',
            '.leverge: not a setting. Did you mean "leverage"?',
        ),
    ]
)

SPOT = "\n".join(
    f"spot = {entries}\n    hedges.btc.spot{says}\n"
    for entries, says in [
        ('"main"', ": must be a list"),
        ('["main"]', "[0]: must be a table"),
        ("[{}]", "[0]: must have an account, or a name and a quantity"),
        ('[{ name = "cold" }]', "[0]: must have an account, or a name and a quantity"),
        ("[{ quantity = 1 }]", "[0]: must have an account, or a name and a quantity"),
        (
            '[{ account = "main", quantity = 1 }]',
            "[0]: must have either an account, or a name and a quantity",
        ),
        (
            '[{ account = "main", name = "cold", quantity = 1 }]',
            "[0]: must have either an account, or a name",
        ),
        ('[{ account = "nowhere" }]', "[0].account: no account of this name is defined"),
        ('[{ name = "Cold", quantity = 1 }]', "[0].name: must begin with a lower-case letter"),
        ('[{ name = "cold", quantity = -1 }]', "[0].quantity: must be at least 0, not -1"),
        ('[{ name = "cold", quantity = "all" }]', "[0].quantity: must be a number"),
        ('[{ name = "cold", quantity = true }]', "[0].quantity: must be a number"),
        ('[{ name = "cold", quantity = 1e13 }]', "[0].quantity: must be at most 1e12"),
        (
            '[{ name = "cold", quantity = 1, quantiy = 1 }]',
            '[0].quantiy: not a setting. Did you mean "quantity"?',
        ),
        ('[{ account = "main" }, { account = "main" }]', "[1]: is listed twice in spot of this hedge"),
        (
            '[{ name = "c", quantity = 1 }, { name = "c", quantity = 2 }]',
            "[1]: is listed twice in spot of this hedge",
        ),
    ]
)

CLAIMED_TWICE = """
[hedges.two]
asset = "BTC"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
    hedges.two.legs[0]: these coins are already counted by hedges.btc

[accounts.sub]
exchange = "bybit"
[hedges.two]
asset = "BTC"
spot = [{ account = "main" }]
    hedges.two.spot[0]: these coins are already counted by hedges.btc
legs = [{ account = "sub", symbol = "BTC/USD:BTC" }]

spot = [{ account = "sub" }]
[accounts.sub]
exchange = "bybit"
[hedges.two]
asset = "BTC"
legs = [{ account = "sub", symbol = "BTC/USD:BTC" }]
    hedges.two.legs[0]: these coins are already counted by hedges.btc

spot = [{ name = "cold", quantity = 1 }]
[accounts.sub]
exchange = "bybit"
[hedges.two]
asset = "BTC"
spot = [{ name = "cold", quantity = 1 }]
    hedges.two.spot[0]: these coins are already counted by hedges.btc
legs = [{ account = "sub", symbol = "BTC/USD:BTC" }]
"""

CREDENTIALS = "\n".join(
    f'exchange = "bybit"\n{key} = "CANARY"\n'
    f"    accounts.main.{key}: a credential must not be in the configuration. {says}\n"
    for key, says in [
        (
            "api_key",
            "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY (or the same with _FILE), or put the file main_api_key",
        ),
        ("apiKey", "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY"),
        ("API-KEY", "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY"),
        ("key", "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY"),
        ("api_key_file", "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY"),
        ("token", "Set HEDGEBOT_ACCOUNTS__MAIN__API_KEY"),
        ("secret", "Set HEDGEBOT_ACCOUNTS__MAIN__SECRET"),
        ("api_secret", "Set HEDGEBOT_ACCOUNTS__MAIN__SECRET"),
        ("privateKey", "Set HEDGEBOT_ACCOUNTS__MAIN__SECRET"),
        ("password", "Set HEDGEBOT_ACCOUNTS__MAIN__PASSWORD"),
        ("passphrase", "Set HEDGEBOT_ACCOUNTS__MAIN__PASSWORD"),
    ]
)

CREDENTIALS_ELSEWHERE = """
secret = "CANARY"
    hedges.btc.secret: a credential must not be in the configuration. Set HEDGEBOT_ACCOUNTS__<ACCOUNT>__SECRET

spot = [{ account = "main", api_key = "CANARY" }]
    hedges.btc.spot[0].api_key: a credential must not be in the configuration

[accounts.main.credentials]
    accounts.main.credentials: a credential must not be in the configuration
x = "CANARY"

[credentials.main]
    credentials: a credential must not be in the configuration
x = "CANARY"

[accounts.sub]
exchange = "CANARY"
    accounts.sub.exchange: must be "bybit" or "binance" or "okx"
sandbox = "CANARY"
    accounts.sub.sandbox: must be true or false
base_url = "CANARY"
    accounts.sub.base_url: must begin with https://
uid = "CANARY"
    accounts.sub.uid: not a setting.
"""

SYNTAX = """
mode = live
    not valid TOML, invalid value: mode = live

mode: "live"
    not valid TOML, expected '=' after a key in a key/value pair: mode: "live"

mode = "live
    not valid TOML, illegal character '\\n': mode = "live

mode =
    not valid TOML, invalid value: mode =

[cycle
    not valid TOML, expected ']' at the end of a table declaration: [cycle

= 5
    not valid TOML, invalid statement: = 5

interval = 5s
    not valid TOML, expected newline or end of document after a statement: interval = 5s

mode = "li\\qve"
    not valid TOML, unescaped '\\' in a string: mode = "li\\qve"

mode = "live"
mode = "observe"
    mode: set twice, first in line 1: mode = "observe"

cycle = { interval = "5s", interval = "6s" }
    cycle.interval: set twice, first in line 1: cycle = { interval

[cycle]
interval = "5s"
[store]
[cycle]
    cycle: set twice, first in line 1: [cycle]
"""

SYNTAX_IN_HEDGES = """
ratio = 1.0.0
    not valid TOML, expected newline or end of document after a statement: ratio = 1.0.0

ratio = 0,5
    not valid TOML, expected newline or end of document after a statement: ratio = 0,5

ratio = .5
    not valid TOML, invalid value: ratio = .5

spot = [{ account = "main" }
    not valid TOML, unclosed array: spot = [{ account = "main" }

ratio = 1
band = 0.1
ratio = 0.5
    hedges.btc.ratio: set twice, first in line 6: ratio = 0.5

[hedges.btc]
    hedges.btc: set twice, first in line 3: [hedges.btc]
"""

BAD = [
    *cases(
        "top",
        KEYS + MODE + "\n" + DURATIONS + CYCLE_STORE_API + "\n" + STORE_URLS + "\n" + LISTEN + "\n" + HOSTS,
    ),
    *cases("account", ACCOUNTS + "\n" + BASE_URLS + "\n" + CREDENTIALS),
    *cases("file", TABLES + MISSING),
    *cases("end", NAMES + HEDGES + "\n" + NO_NUMBERS + "\n" + NOT_FINITE + "\n" + LIMITS + "\n" + SPOT),
    *cases("end", CLAIMED_TWICE + CREDENTIALS_ELSEWHERE),
    *cases("hedge", LEGS + "\n" + LEG_FIELDS),
    *cases("top", SYNTAX),
    *cases("end", SYNTAX_IN_HEDGES),
    *SLIPS,
]


def refusal(file: Path, text: str | bytes) -> list[str]:
    """What is said of ``text``, one line each."""
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert caught.value.exit_code == ExitCode.CONFIG
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration is judged before anything is asked of anybody."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_each_fault_is_told_once_in_a_line_with_its_place_and_key_and_no_secret(
    bad: Case, tmp_path: Path
) -> None:
    file = tmp_path / "hedgebot.toml"
    problems = refusal(file, bad.text)
    expected = [f"{file}:{line}: {says}" if line else f"{file}: {says}" for line, says in bad.says]
    assert [said[: len(begin)] for said, begin in zip(problems, expected, strict=True)] == expected
    for problem in problems:
        assert problem.isprintable()
        assert "CANARY" not in problem


def test_there_are_enough_cases_and_no_two_are_the_same() -> None:
    assert len({bad.text for bad in BAD}) == len(BAD) >= 300


def test_all_faults_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    everything = """
mode = "Live"
    mode: must be "observe" or "live"
bogus = 1
    bogus: not a setting.
[hedges.eth]
asset = "ETH"
ratoi = 1
    hedges.eth.ratoi: not a setting. Did you mean "ratio"?
band = 3
    hedges.eth.band: must be at most 0.5, not 3
spot = [{ account = "mian" }]
    hedges.eth.spot[0].account: no account of this name is defined. Did you mean "main"?
legs = [{ account = "main", symbol = "BTC/USD:BTC", leverage = 1000 }]
    hedges.eth.legs[0].leverage: must be at most 125, not 1000
    hedges.eth.legs[0].symbol: is a contract on BTC, which is not the hedge's asset
[accounts.main]
exchange = "bibyt"
    accounts.main.exchange: must be "bybit" or "binance" or "okx". Did you mean "bybit"?
sandbox = 2
    accounts.main.sandbox: must be true or false
[hedges.usd]
    hedges.usd.asset: must be set
    hedges.usd.legs: must be set
"""
    (case,) = cases("file", everything)
    test_each_fault_is_told_once_in_a_line_with_its_place_and_key_and_no_secret(case, tmp_path)


class TestAFileThatCannotBeRead:
    def test_a_missing_one_tells_how_to_get_one(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.toml"
        with pytest.raises(ConfigError) as caught:
            load(file, {})
        assert caught.value.problems == [
            f"{file}: no such file. Start from the example: cp config/hedgebot.example.toml {file}"
        ]

    def test_a_folder_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            load(tmp_path, {})

    def test_other_encodings_are_refused_with_the_line(self, tmp_path: Path) -> None:
        file = tmp_path / "hedgebot.toml"
        assert refusal(file, b'mode = "live"\n# caf\xe9\n') == [f"{file}:2: not valid TOML: not UTF-8 text"]

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (f"{ACCOUNT}{HEDGE}".encode("utf-16"), ":1: not valid TOML: not UTF-8 text"),
            (f"{ACCOUNT}{HEDGE}".encode("utf-16-le"), ":1: not valid TOML, "),
            (b"# a\n# b\nmode = \"live\xa0\"\n", ":3: not valid TOML: not UTF-8 text"),
            (b"mode = \"live\"\rband = 1\r", ":1: not valid TOML, "),
            (b"mode = \"li\x00ve\"\n", ":1: not valid TOML, illegal character"),
            ("mode\u200b = 1\n".encode(), ":1: not valid TOML, expected '=' after a key"),
            ("mode = \u201clive\u201d\n".encode(), ":1: not valid TOML, invalid value"),
            ("mode\u00a0=\u00a0\"live\"\n".encode(), ":1: not valid TOML, expected '=' after a key"),
            (f"{ACCOUNT}\ufeff{HEDGE}".encode(), ":3: not valid TOML, invalid statement"),
            (b"\x1f\x8b\x08\x00packed", ":1: not valid TOML: not UTF-8 text"),
            (b"%PDF-1.7\n", ":1: not valid TOML, invalid statement"),
            (b"#" * (1024 * 1024 + 1), ": is larger than any configuration; name the right file"),
        ],
        ids=[
            "UTF-16", "UTF-16 without a mark", "Latin-1", "old Mac line ends", "a zero byte",
            "a hidden space", "curly quotes", "hard spaces", "a mark in the middle", "packed",
            "another kind of file", "too large",
        ],
    )  # fmt: skip
    def test_a_file_of_another_kind_is_refused_with_the_line(
        self, data: bytes, says: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "hedgebot.toml"
        (problem,) = refusal(file, data)
        assert problem.startswith(f"{file}{says}")
        assert problem.isprintable()

    def test_a_file_without_end_is_refused_at_once(self) -> None:
        with pytest.raises(ConfigError, match="is larger than any configuration"):
            load(Path("/dev/zero"), {})

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("x = " + "9" * 5000, "a number has too many digits"),
            ("x = " + "[" * 5000, "brackets are nested too deeply"),
        ],
        ids=["digits", "brackets"],
    )
    def test_absurd_text_is_refused_like_any_other(self, text: str, says: str, tmp_path: Path) -> None:
        file = tmp_path / "hedgebot.toml"
        assert refusal(file, text) == [f"{file}: not valid TOML: {says}"]

    def test_a_fault_at_the_end_shows_the_last_line(self, tmp_path: Path) -> None:
        file = tmp_path / "hedgebot.toml"
        assert refusal(file, "[api]\nhosts = [1\n") == [
            f"{file}:2: not valid TOML, unclosed array: hosts = [1"
        ]


@pytest.mark.parametrize(
    "text",
    [
        'api_key = "CANARY',
        'api_key = "x"\napi_key = "CANARY"',
        'apiKey: "CANARY"',
        '{"secret": "CANARY"}',
        "HEDGEBOT_ACCOUNTS__MAIN__SECRET=CANARY",
        'secret = """\nx\nCANARY" = 5\n',
        'password = """\nx\nCANARY""" oops',
        'main = { exchange = "bybit", passphrase = "CANARY"',
        'url = "postgresql://user:CANARY@host',
    ],
)
def test_a_line_that_could_hold_a_credential_is_not_shown(text: str, tmp_path: Path) -> None:
    (problem,) = refusal(tmp_path / "hedgebot.toml", f"{ACCOUNT}{HEDGE}\n{text}\n")
    assert "CANARY" not in problem
    assert "hedgebot.toml:" in problem
