"""What the keys may do, asked of the exchanges for ``check --keys``, and told."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hedgebot.cli import output
from hedgebot.domain.key import Key, Unverified, words
from hedgebot.domain.status import iso
from hedgebot.errors import ExitCode

if TYPE_CHECKING:
    from hedgebot.settings.model import Settings


def ask(settings: "Settings") -> Mapping[str, Key]:
    """The key of each account in use. Raises ``CredentialsError`` for one that is missing."""
    import asyncio
    import logging

    from hedgebot import logs
    from hedgebot.app import World, open_accounts, watch_over_keys
    from hedgebot.cli.configuration import credentials

    world = World()
    logs.configure(scrubber=output.SCRUBBER, now_ms=world.clock.now_ms, level=logging.CRITICAL)

    async def asked() -> Mapping[str, Key]:
        async with open_accounts(settings, credentials(settings), world) as accounts:
            watch = watch_over_keys(settings, accounts, world.clock)
            await watch.ask()
            return watch.keys

    return asyncio.run(asked())


def in_words(key: Key) -> str:
    if isinstance(key.scope, Unverified):
        return f"could not be verified: {output.printable(key.scope.reason)}"
    return words(key.scope)


def as_data(key: Key) -> Mapping[str, Any]:
    """The same for programs; null is what the exchange does not say."""
    known = key.known
    return {
        "verified": not isinstance(key.scope, Unverified),
        "trade": known and known.trade,
        "withdraw": known and known.withdraw,
        "ip_bound": known and known.ip_bound,
        "expires_at": iso(known.expires_at) if known and known.expires_at else None,
        "accepted": key.refusal is None,
        "words": in_words(key),
    }


def complain(keys: Iterable[Key]) -> ExitCode:
    """Tell what is wrong with the keys; the exit code that this amounts to."""
    code = ExitCode.OK
    for key in keys:
        if isinstance(key.scope, Unverified):
            output.complain(f"{key.account}: what the key may do could not be verified")
            code = max(code, ExitCode.ERROR)
        elif refused := key.refusal:
            output.complain(refused.what, refused.next_step)
            code = max(code, ExitCode.CREDENTIALS)
    return code
