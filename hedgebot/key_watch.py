"""What the accounts' keys may do: asked at the start and each day, and soon again while something is wrong.

Beside the cycles, which never wait for it: they judge by what was known last (``risk.key``).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from hedgebot.domain.account import KeyScope
from hedgebot.domain.key import Key, Unverified
from hedgebot.errors import HedgebotError
from hedgebot.ports import Account, Clock

log = structlog.get_logger("hedgebot.key_watch")

DAY = 86_400.0
SOON = 300.0
"""Seconds until a key is asked for again that was refused or not verified: once it is mended, nobody waits
long."""


@dataclass(frozen=True, slots=True)
class Use:
    """What an account's key is for: see ``domain.key.Key``."""

    trades: bool
    may_withdraw: bool


class KeyWatch:
    """``keys`` holds what is known, by account; it is changed in place and never lacks one."""

    def __init__(
        self, accounts: Mapping[str, Account], uses: Mapping[str, Use], clock: Clock, deadline: float
    ) -> None:
        now = clock.monotonic()
        untold = Unverified("it was not asked yet", now)
        self.keys = {name: Key(name, untold, uses[name].trades, uses[name].may_withdraw) for name in accounts}
        self._accounts = accounts
        self._clock = clock
        self._deadline = deadline
        self._due = dict.fromkeys(accounts, now)

    async def keep(self, stop: asyncio.Event) -> None:
        """Ask whenever it is due, until ``stop``."""
        asking = asyncio.create_task(self._ask_for_ever(), name="keys")
        try:
            await stop.wait()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def ask(self) -> None:
        """Ask for every key that is due, all at once; what fails is in ``keys`` and raises nothing."""
        now = self._clock.monotonic()
        await asyncio.gather(*(self._ask(name) for name, due in self._due.items() if due <= now))

    async def _ask_for_ever(self) -> None:
        while self._due:
            await self.ask()
            await self._clock.sleep(max(0.0, min(self._due.values()) - self._clock.monotonic()))

    async def _ask(self, name: str) -> None:
        before = self.keys[name]
        key = self.keys[name] = replace(before, scope=await self._scope(name))
        content = isinstance(key.scope, KeyScope) and key.refusal is None
        self._due[name] = self._clock.monotonic() + (DAY if content else SOON)
        if key.refusal and key.refusal != before.refusal:
            log.error(
                "a key is refused", account=name, reason=key.refusal.what, next_step=key.refusal.next_step
            )

    async def _scope(self, name: str) -> KeyScope | Unverified:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._accounts[name].key_scope()
        except HedgebotError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"no answer within {self._deadline:g} s"
        except Exception:
            # A fault of our own must not end the watch over the hedges, nor pass for a verified key.
            log.exception("a key was not asked for", account=name)
            reason = "a fault of hedgebot's own, see the log"
        before = self.keys[name]
        since = before.scope.since if isinstance(before.scope, Unverified) else self._clock.monotonic()
        return Unverified(reason, since, before.known)
