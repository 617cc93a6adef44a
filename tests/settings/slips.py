"""Slips of the pen and of the mind: what people write who know what they want, and what they read then.

Misspelt keys, keys in another table, percent for shares, missing units, other programs' words, names that are
none, coins claimed twice, credentials in the file.
"""

from collections.abc import Iterator

from tests.settings.cases import Case, cases


def slips(place: str, around: str, begins: str, table: str) -> Iterator[Case]:
    """Cases of one line each: what is written, an arrow, and what is said of it, which begins alike."""
    for row in table.strip().splitlines():
        line, says = row.split("  →  ")
        yield from cases(place, f"{around.format(line)}\n    {begins}{says}")


CYCLE = r"""
interva = "5s"  →  interva: not a setting. Did you mean "interval"?
dead_line = "5s"  →  dead_line: not a setting. Did you mean "deadline"?
settle-after = "5s"  →  settle-after: not a setting. Did you mean "settle_after"?
"settle_after" = "30"  →  settle_after: must be a whole number with its unit
interval = 5000  →  interval: must be a whole number with its unit
interval = "5000"  →  interval: must be a whole number with its unit
interval = "5 seconds"  →  interval: must be a whole number with its unit
interval = "5min"  →  interval: must be a whole number with its unit
interval = "0.5h"  →  interval: must be a whole number with its unit
interval = "1m30s"  →  interval: must be a whole number with its unit
interval = "5µs"  →  interval: must be a whole number with its unit
interval = "5w"  →  interval: must be a whole number with its unit
interval = "1e3ms"  →  interval: must be a whole number with its unit
interval = "99ms"  →  interval: must be from 100ms to 1h, not 99ms
interval = "61m"  →  interval: must be from 100ms to 1h, not 61m
deadline = "6m"  →  deadline: must be from 100ms to 5m, not 6m
deadline = "10"  →  deadline: must be a whole number with its unit
settle_after = "2h"  →  settle_after: must be from 1s to 1h, not 2h
settle_after = "0s"  →  settle_after: must be from 1s to 1h, not 0ms
interval = "1000000000s"  →  interval: must be a whole number with its unit
"""

STORE = r"""
URL = "sqlite:///x.db"  →  URL: not a setting. Did you mean "url"?
kep = "30d"  →  kep: not a setting. Did you mean "keep"?
path = "hedgebot.db"  →  path: not a setting. Settings here are url, keep
keep = 30  →  keep: must be a whole number with its unit
keep = "1y"  →  keep: must be a whole number with its unit
keep = "3651d"  →  keep: must be from 1s to 3650d, not 3651d
keep = "-1d"  →  keep: must be a whole number with its unit
url = "sqlite:/hedgebot.db"  →  url: must be sqlite:/// and a path
url = "sqlite:////"  →  url: must end in the path of a file, without ~ and without parameters
url = "SQLITE:///hedgebot.db"  →  url: must be sqlite:/// and a path
url = "file:///hedgebot.db"  →  url: must be sqlite:/// and a path
url = "sqlite:///~user/x.db"  →  url: must end in the path of a file, without ~ and without parameters
url = ["sqlite:///x.db"]  →  url: must be text in quotes
"""

API = r"""
listn = ""  →  listn: not a setting. Did you mean "listen"?
host = ["a"]  →  host: not a setting. Did you mean "hosts"?
address = "127.0.0.1"  →  address: not a setting. Settings here are listen, hosts
listen = "[::1]"  →  listen: must be IP address:port
listen = "[::1:8787"  →  listen: must be IP address:port
listen = "127.0.0.1:-1"  →  listen: must be IP address:port
listen = "127.0.0.1:080808"  →  listen: must be IP address:port
listen = "127.1:8787"  →  listen: must be IP address:port
listen = "0x7f.0.0.1:8787"  →  listen: must be IP address:port
listen = 8787  →  listen: must be text in quotes
hosts = ["hedge.example", "hedge.example:8787"]  →  hosts[1]: must be a host's name without scheme and port
hosts = [["a.example"]]  →  hosts[0]: must be text in quotes
hosts = { a = "b" }  →  hosts: must be a list in brackets
"""

ALARMS = r"""
web_hook = "https://a.example"  →  web_hook: not a setting. Did you mean "webhook"?
url = "https://a.example"  →  url: not a setting here; it belongs in [store]
webhook = "ftp://a.example"  →  webhook: must be a web address
webhook = "http://a.example/hook"  →  webhook: must be https: plain http is only for this machine
webhook = "https://user:CANARY@a.example"  →  webhook: must be a web address
webhook = "https://a.example/CANARY token"  →  webhook: must be a web address
webhook = "https://hooks..example/CANARY"  →  webhook: must have a valid host
webhook = "https://-a.example/CANARY"  →  webhook: must have a valid host
webhook = 5  →  webhook: must be text in quotes
webhook = "https://"  →  webhook: must be a web address
webhook = "https://a.example:99999/CANARY"  →  webhook: must have a valid host and a port from 1 to 65535
"""

TOP = r"""
alarms = "https://a.example"  →  alarms: must be a table
live = true  →  live: not a setting
base_url = "https://a.example"  →  base_url: not a setting here; it belongs in [accounts.NAME]
leverage = 2  →  leverage: not a setting
asset = "BTC"  →  asset: not a setting here; it belongs in [hedges.NAME]
webhook = "https://a.example"  →  webhook: not a setting here; it belongs in [alarms]
Mode = "live"  →  Mode: not a setting. Did you mean "mode"?
mode = ["live"]  →  mode: must be "observe" or "live"
mode = "observe "  →  mode: must be "observe" or "live". Did you mean "observe"?
mode = "dry-run"  →  mode: must be "observe" or "live"
mode = "simulate"  →  mode: must be "observe" or "live"
"" = 1  →  '': not a setting
cycle = 5  →  cycle: must be a table
"""

ACCOUNT = r"""
sand_box = true  →  sand_box: not a setting. Did you mean "sandbox"?
baseurl = "https://a.example"  →  baseurl: not a setting. Did you mean "base_url"?
testnet = true  →  testnet: not a setting. Settings here are exchange, sandbox, base_url, allow_withdraw
allow_withdraw = 1  →  allow_withdraw: must be true or false
leverage = 2  →  leverage: not a setting. Settings here are exchange, sandbox, base_url, allow_withdraw
sandbox = {}  →  sandbox: must be true or false
base_url = true  →  base_url: must be text in quotes
base_url = "//a.example"  →  base_url: must begin with https://, then host and port
base_url = "https:a.example"  →  base_url: must begin with https://, then host and port
base_url = "http://0.0.0.0:9101"  →  base_url: must be https: plain http is only for this machine
base_url = "http://[2001:db8::1]:9101"  →  base_url: must be https: plain http is only for this machine
base_url = "http://192.168.1.5"  →  base_url: must be https: plain http is only for this machine
base_url = "https://ex ample.com"  →  base_url: must be only scheme, host and port
base_url = "https://a.example:0"  →  base_url: must have a valid host and a port from 1 to 65535
base_url = "HTTP://a.example"  →  base_url: must be https: plain http is only for this machine
withdraw = true  →  withdraw: not a setting. Did you mean "allow_withdraw"?
name = "main"  →  name: not a setting. Settings here are exchange, sandbox, base_url, allow_withdraw
passwd = "CANARY"  →  passwd: a credential must not be in the configuration
privatekey = "CANARY"  →  privatekey: a credential must not be in the configuration
API_SECRET = "CANARY"  →  API_SECRET: a credential must not be in the configuration
auth_token = "CANARY"  →  auth_token: a credential must not be in the configuration
"""

EXCHANGE = r"""
exchange = "Bybit"  →  exchange: must be "bybit" or "binance" or "okx". Did you mean "bybit"?
exchange = "BYBIT"  →  exchange: must be "bybit" or "binance" or "okx". Did you mean "bybit"?
exchange = "binancecoinm"  →  exchange: must be "bybit" or "binance" or "okx". Did you mean "binance"?
exchange = "okex"  →  exchange: must be "bybit" or "binance" or "okx". Did you mean "okx"?
exchange = ["bybit"]  →  exchange: must be "bybit" or "binance" or "okx"
exchange = ""  →  exchange: must be "bybit" or "binance" or "okx"
exchange = "deribit"  →  exchange: must be "bybit" or "binance" or "okx"
"""

HEDGE = r"""
aset = "BTC"  →  aset: not a setting. Did you mean "asset"?
min-ratio = 0.1  →  min-ratio: not a setting. Did you mean "min_ratio"?
maxratio = 1  →  maxratio: not a setting. Did you mean "max_ratio"?
rato = 1  →  rato: not a setting. Did you mean "ratio"?
bnad = 0.1  →  bnad: not a setting. Did you mean "band"?
spots = []  →  spots: not a setting. Did you mean "spot"?
leg = []  →  leg: not a setting. Did you mean "legs"?
leverage = 2  →  leverage: not a setting
jump = 0.1  →  jump: not a setting here; it belongs in [hedges.btc.limits]
margin_mode = "cross"  →  margin_mode: not a setting
account = "main"  →  account: not a setting
quantity = 1  →  quantity: not a setting
target = 1  →  target: not a setting
hedge_ratio = 1  →  hedge_ratio: not a setting. Did you mean "ratio"?
ratio = "100%"  →  ratio: must be a number
ratio = "50 %"  →  ratio: must be a number
ratio = 1.1  →  ratio: must be at most 1, not 1.1. For 1.1 % write 0.011
ratio = 10  →  ratio: must be at most 1, not 10. For 10 % write 0.1
ratio = 99.9  →  ratio: must be at most 1, not 99.9. For 99.9 % write 0.999
ratio = 200  →  ratio: must be at most 1, not 200
ratio = "1/2"  →  ratio: must be a number
ratio = "0,5"  →  ratio: must be a number
ratio = -1  →  ratio: must be at least 0, not -1
ratio = 1e-19  →  ratio: must have at most 18 decimal places
ratio = 1e400  →  ratio: must be at most 1, not 1.000E+400
min_ratio = -0.1  →  min_ratio: must be at least 0, not -0.1
min_ratio = "NaN"  →  min_ratio: must be a number
max_ratio = 100  →  max_ratio: must be at most 1, not 100. For 100 % write 1
band = 5  →  band: must be at most 0.5, not 5. For 5 % write 0.05
band = "2%"  →  band: must be a number
band = -0.02  →  band: must be above 0, not -0.02
band = 0.51  →  band: must be at most 0.5, not 0.51. For 0.51 % write 0.0051
band = 50  →  band: must be at most 0.5, not 50. For 50 % write 0.5
band = true  →  band: must be a number
band = []  →  band: must be a number
spot = { account = "main" }  →  spot: must be a list in brackets
spot = [[]]  →  spot[0]: must be a table
"""

LIMITS = r"""
order_per_hour = 5  →  order_per_hour: not a setting. Did you mean "orders_per_hour"?
turnover = 5  →  turnover: not a setting. Did you mean "turnover_per_day"?
corrections = 5  →  corrections: not a setting. Did you mean "corrections_per_hour"?
jmp = 0.2  →  jmp: not a setting. Did you mean "jump"?
max_order_us = 5  →  max_order_us: not a setting. Did you mean "max_order_usd"?
slippage = 0.11  →  slippage: must be at most 0.1, not 0.11. For 0.11 % write 0.0011
slippage = 5  →  slippage: must be at most 0.1, not 5. For 5 % write 0.05
slippage = -0.001  →  slippage: must be above 0, not -0.001
slippage = 50  →  slippage: must be at most 0.1, not 50
slippage = "50bps"  →  slippage: must be a number
orders_per_hour = -1  →  orders_per_hour: must be from 1 to 10000, not -1
orders_per_hour = 10001  →  orders_per_hour: must be from 1 to 10000, not 10001
corrections_per_hour = 0.5  →  corrections_per_hour: must be a whole number
corrections_per_hour = 99999  →  corrections_per_hour: must be from 0 to 10000, not 99999
turnover_per_day = "3x"  →  turnover_per_day: must be a number
jump = 100  →  jump: must be at most 1, not 100. For 100 % write 1
jump = -0.2  →  jump: must be above 0, not -0.2
max_order_usd = -5  →  max_order_usd: must be above 0, not -5
max_order_usd = "$1000"  →  max_order_usd: must be a number
max_order_usd = "1,000"  →  max_order_usd: must be a number
max_order_usd = inf  →  max_order_usd: must be a finite number
"""

LIQUIDATION = r"""
warning = 0.3  →  warning: not a setting. Did you mean "warn"?
atc = 0.1  →  atc: not a setting. Did you mean "act"?
warn = 0  →  warn: must be above 0, not 0
act = 15  →  act: must be at most 5, not 15. For 15 % write 0.15
act = -0.1  →  act: must be above 0, not -0.1
warn = "30%"  →  warn: must be a number
"""

SPOT = r"""
account = "main", name = "cold"  →  : must have either an account, or a name and a quantity, not both
account = ["main"]  →  .account: must be text in quotes
name = "", quantity = 1  →  .name: must begin with a lower-case letter
name = "cold__one", quantity = 1  →  .name: must begin with a lower-case letter
name = "cold", quantity = "1 BTC"  →  .quantity: must be a number
name = "cold", quantity = nan  →  .quantity: must be a finite number
name = "cold", quantity = "1e999"  →  .quantity: must be at most 1e12, not 1.000E+999
name = "cold", quantty = 1  →  .quantty: not a setting. Did you mean "quantity"?
acount = "main"  →  .acount: not a setting. Did you mean "account"?
nme = "cold", quantity = 1  →  .nme: not a setting. Did you mean "name"?
"""

HEDGES = r"""
eth = []  →  hedges.eth: must be a table
"""

SYMBOL = r"""
account = "main", symbol = "BTC-USD-SWAP"  →  symbol: must be the symbol of a contract
account = "main", symbol = "BTCUSD_PERP"  →  symbol: must be the symbol of a contract
account = "main", symbol = "BTC/USD:USD"  →  symbol: must be inverse, "BTC/USD:BTC"
account = "main", symbol = "BTC/USD:ETH"  →  symbol: must be inverse, "BTC/USD:BTC"
account = "main", symbol = "BTC/USDC:USDC"  →  symbol: must be inverse, "BTC/USD:BTC"
account = "main", symbol = ""  →  symbol: must be the symbol of a contract
account = "main", symbol = " BTC/USD:BTC"  →  symbol: must be the symbol of a contract
"""

LEG = r"""
levarage = 2  →  levarage: not a setting. Did you mean "leverage"?
marginmode = "cross"  →  marginmode: not a setting. Did you mean "margin_mode"?
ratio = 0.5  →  ratio: not a setting here; it belongs in [hedges.btc]
margin_mode = "Isolated"  →  margin_mode: must be "isolated" or "cross". Did you mean "isolated"?
leverage = 0  →  leverage: must be at least 1, not 0
leverage = -2  →  leverage: must be at least 1, not -2
leverage = "max"  →  leverage: must be a number
leverage = 1000  →  leverage: must be at most 125, not 1000
margin_mode = "portfolio"  →  margin_mode: must be "isolated" or "cross"
margin_mode = true  →  margin_mode: must be "isolated" or "cross"
"""

OTHER_COIN = r"""
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]  →  legs[0].symbol: is a contract on BTC, which is not
"""

LEGS = r"""
legs = "BTC/USD:BTC"  →  legs: must be a list in brackets
legs = [[]]  →  legs[0]: must be a table
legs = 1  →  legs: must be a list in brackets
"""

TOP_BLOCKS = """
[[cycle]]
    cycle: must be a table
interval = "5s"

[api.hosts]
    api.hosts: must be a list in brackets
a = "b"

[hedges.btc.limit]
    hedges.btc.limit: not a setting. Did you mean "limits"?
jump = 0.1
"""

ACCOUNT_BLOCKS = """
exchange = "bybit"
[accounts.main.keys]
    accounts.main.keys: a credential must not be in the configuration
api_key = "CANARY"
"""

END_BLOCKS = """
[hedges.btc.limit]
    hedges.btc.limit: not a setting. Did you mean "limits"?
jump = 0.1

[hedges.btc.liquidations]
    hedges.btc.liquidations: not a setting. Did you mean "liquidation"?
warn = 0.3

max_ratio = 0.5
    hedges.btc.max_ratio: must be at least min_ratio (0.6), not 0.5
min_ratio = 0.6

[hedges.btc.liquidation]
warn = 15
    hedges.btc.liquidation.warn: must be at most 5, not 15. For 15 % write 0.15
act = 10
    hedges.btc.liquidation.act: must be at most 5, not 10. For 10 % write 0.1

[hedges.btc.liquidation]
warn = 0.2
act = 0.2
    hedges.btc.liquidation.act: must be below warn (0.2), not 0.2

[[hedges.btc.limits]]
    hedges.btc.limits: must be a table
jump = 0.1

[hedges.btc]
    hedges.btc: set twice, first in line 3: [hedges.btc]
ratio = 1

spot = [{ account = "" }]
    hedges.btc.spot[0].account: must begin with a lower-case letter
    hedges.btc.spot[0].account: no account of this name is defined

[hedges.btc.spot]
    hedges.btc.spot: must be a list in brackets
account = "main"

[hedges.Btc2]
    hedges.Btc2: must begin with a lower-case letter
    hedges.Btc2.legs: must be set
asset = "BTC"

[hedges."btc 2"]
    hedges.'btc 2': must begin with a lower-case letter
asset = "ETH"
legs = [{ account = "main", symbol = "ETH/USD:ETH" }]

[hedges.eth]
asset = "ETH"
legs = [{ account = "Main", symbol = "ETH/USD:ETH" }]
    hedges.eth.legs[0].account: must begin with a lower-case letter
    hedges.eth.legs[0].account: no account of this name is defined. Did you mean "main"?

[hedges.eth]
asset = "ETH"
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]
    hedges.eth.legs[0].symbol: is a contract on BTC, which is not the hedge's asset

[hedges.eth]
asset = "ETH"
spot = [{ name = "cold", quantity = 1 }, { name = "cold", quantity = 1 }]
    hedges.eth.spot[1]: is listed twice in spot of this hedge
legs = [{ account = "main", symbol = "ETH/USD:ETH" }]

[hedges.again]
asset = "BTC"
spot = [{ account = "main" }]
    hedges.again.spot[0]: these coins are already counted by hedges.btc
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

[hedges.eth]
    hedges.eth.legs: must be set
asset = "ETH"

[hedges.eth]
    hedges.eth.asset: must be set
    hedges.eth.legs: must be set
"""

HEDGE_BLOCKS = """
asset = "BTC"
legs = [{ acount = "main", symbol = "BTC/USD:BTC" }]
    hedges.btc.legs[0].account: must be set
    hedges.btc.legs[0].acount: not a setting. Did you mean "account"?

asset = "BTC"
legs = [{ account = "main", symbl = "BTC/USD:BTC" }]
    hedges.btc.legs[0].symbol: must be set
    hedges.btc.legs[0].symbl: not a setting. Did you mean "symbol"?

asset = ""
    hedges.btc.asset: must be the code of a coin in capitals
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

asset = "BTC/USD"
    hedges.btc.asset: must be the code of a coin in capitals
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

asset = ["BTC"]
    hedges.btc.asset: must be text in quotes
legs = [{ account = "main", symbol = "BTC/USD:BTC" }]

asset = "BTC"
legs = [{}]
    hedges.btc.legs[0].account: must be set
    hedges.btc.legs[0].symbol: must be set
"""

IN_LEG = 'asset = "BTC"\nlegs = [{{ account = "main", symbol = "BTC/USD:BTC", {} }}]'
SLIPS = [
    *slips("top", "[cycle]\n{}", "cycle.", CYCLE),
    *slips("top", "[store]\n{}", "store.", STORE),
    *slips("top", "[api]\n{}", "api.", API),
    *slips("top", "[alarms]\n{}", "alarms.", ALARMS),
    *slips("top", "{}", "", TOP),
    *slips("account", 'exchange = "bybit"\n{}', "accounts.main.", ACCOUNT),
    *slips("account", "{}", "accounts.main.", EXCHANGE),
    *slips("end", "{}", "hedges.btc.", HEDGE),
    *slips("end", "[hedges.btc.limits]\n{}", "hedges.btc.limits.", LIMITS),
    *slips("end", "[hedges.btc.liquidation]\n{}", "hedges.btc.liquidation.", LIQUIDATION),
    *slips("end", "spot = [{{ {} }}]", "hedges.btc.spot[0]", SPOT),
    *slips("end", "[hedges]\n{}", "", HEDGES),
    *slips("hedge", 'asset = "BTC"\nlegs = [{{ {} }}]', "hedges.btc.legs[0].", SYMBOL),
    *slips("hedge", IN_LEG, "hedges.btc.legs[0].", LEG),
    *slips("hedge", 'asset = "XBT"\n{}', "hedges.btc.", OTHER_COIN),
    *slips("hedge", 'asset = "BTC"\n{}', "hedges.btc.", LEGS),
    *cases("top", TOP_BLOCKS),
    *cases("account", ACCOUNT_BLOCKS),
    *cases("end", END_BLOCKS),
    *cases("hedge", HEDGE_BLOCKS),
]
