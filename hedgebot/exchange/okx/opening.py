"""Opening an OKX account: the only place that names ccxt's class for it."""

from hedgebot.errors import CredentialsError
from hedgebot.exchange.okx.account import OkxAccount
from hedgebot.exchange.okx.venue import VENUE
from hedgebot.exchange.opening import Opening
from hedgebot.exchange.vendor_class import vendor_class


def open_account(opening: Opening) -> OkxAccount:
    """An account that reads and trades; no request is made yet. Raises ``CredentialsError``."""
    held = opening.credentials
    if held.password is None:
        raise CredentialsError(f"{opening.name}: okx needs the key's passphrase", "Set its password too")
    vendor = vendor_class("okx")(
        {
            "apiKey": held.api_key.get_secret_value(),
            "secret": held.secret.get_secret_value(),
            "password": held.password.get_secret_value(),
        }
    )
    if opening.sandbox:
        vendor.set_sandbox_mode(True)
    client = opening.client(VENUE, vendor)
    return OkxAccount(opening.name, client, opening.clock, window_ms=opening.window_ms)
