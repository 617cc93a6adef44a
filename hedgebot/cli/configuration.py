"""What ``check``, ``plan`` and ``run`` start from: the settings, and the credentials that they need."""

import os
from pathlib import Path

from hedgebot.cli.output import SCRUBBER
from hedgebot.settings import load
from hedgebot.settings.load import Loaded
from hedgebot.settings.model import Settings
from hedgebot.settings.secrets import Credentials, credentials_for


def read(config: Path) -> Loaded:
    """The configuration; from now on no output shows what it hides. Raises ``ConfigError``."""
    loaded = load.load(config, os.environ)
    SCRUBBER.add(loaded.settings.alarms.webhook)
    return loaded


def accounts_in_use(settings: Settings) -> list[str]:
    """Accounts that a hedge names; the others are not even connected to."""
    names = []
    for hedge in settings.hedges.values():
        names += [leg.account for leg in hedge.legs]
        names += [entry.account for entry in hedge.spot if entry.account is not None]
    return list(dict.fromkeys(names))


def credentials(settings: Settings) -> dict[str, Credentials]:
    """The credentials of every account in use; from now on no output shows them.

    Raises ``CredentialsError``.
    """
    return {name: credentials_of(name, settings) for name in accounts_in_use(settings)}


def credentials_of(account: str, settings: Settings) -> Credentials:
    """One account's credentials, as ``credentials``."""
    found = credentials_for(account, settings.accounts[account].exchange, os.environ)
    for secret in (found.api_key, found.secret, found.password):
        if secret is not None:
            SCRUBBER.add(secret)
    return found
