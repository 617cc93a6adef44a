"""The exchanges on which an account may be opened; another one is a line here and a folder beside."""

from importlib import import_module
from typing import Unpack

from hedgebot.errors import ConfigError
from hedgebot.exchange.opening import Credentials, Opening, Options
from hedgebot.ports import Account

OPENINGS = {
    "binance": "hedgebot.exchange.binance.opening",
    "bybit": "hedgebot.exchange.bybit.opening",
    "okx": "hedgebot.exchange.okx.opening",
}
"""By ccxt id, the module that opens such accounts: imported when one is opened, since ccxt is large."""

EXCHANGES = tuple(OPENINGS)


def open_account(name: str, exchange: str, credentials: Credentials, **options: Unpack[Options]) -> Account:
    """An account on ``exchange``, a ccxt id. Has to be called within a running loop; makes no request.

    The options are the fields of ``Opening``; ``clock`` is required. Raises ``ConfigError``.
    """
    if exchange not in OPENINGS:
        raise ConfigError([f"no exchange {exchange!r}; there are {', '.join(EXCHANGES)}"])
    opening = Opening(name=name, credentials=credentials, **options)
    opened: Account = import_module(OPENINGS[exchange]).open_account(opening)
    return opened
