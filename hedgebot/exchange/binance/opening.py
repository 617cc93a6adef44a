"""Opening a Binance account: the only place that names ccxt's classes for it."""

from typing import Any

from hedgebot.exchange.binance.account import BinanceAccount
from hedgebot.exchange.binance.venue import COIN_M, SPOT
from hedgebot.exchange.opening import Opening
from hedgebot.exchange.vendor_class import vendor_class


def open_account(opening: Opening) -> BinanceAccount:
    """An account that reads and trades; no request is made yet."""
    spot, coin_m = (_vendor(vendor_class(name), opening) for name in ("binance", "binancecoinm"))
    return BinanceAccount(
        opening.name,
        opening.client(SPOT, spot),
        opening.client(COIN_M, coin_m),
        opening.clock,
        sandbox=opening.sandbox,
    )


def _vendor(kind: type[Any], opening: Opening) -> Any:
    """A ccxt instance for one of the two APIs.

    The sandbox is Binance's demo trading, in which one key opens both wallets: on its two testnets each
    has keys of its own, and ccxt signs no more for the one of futures.
    """
    vendor = kind(
        {
            "apiKey": opening.credentials.api_key.get_secret_value(),
            "secret": opening.credentials.secret.get_secret_value(),
            "options": {"recvWindow": opening.window_ms},
        }
    )
    if opening.sandbox:
        vendor.enable_demo_trading(True)
    return vendor
