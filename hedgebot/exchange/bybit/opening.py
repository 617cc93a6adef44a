"""Opening a Bybit account: the only place that names ccxt's class for it."""

from hedgebot.exchange.bybit.account import BybitAccount
from hedgebot.exchange.bybit.venue import VENUE
from hedgebot.exchange.opening import Opening
from hedgebot.exchange.vendor_class import vendor_class


def open_account(opening: Opening) -> BybitAccount:
    """An account that reads and trades; no request is made yet."""
    vendor = vendor_class("bybit")(
        {
            "apiKey": opening.credentials.api_key.get_secret_value(),
            "secret": opening.credentials.secret.get_secret_value(),
            "options": {"recvWindow": opening.window_ms},
        }
    )
    if opening.sandbox:
        vendor.set_sandbox_mode(True)
    return BybitAccount(opening.name, opening.client(VENUE, vendor), opening.clock)
