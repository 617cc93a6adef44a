"""What opening an account takes, whatever the exchange."""

from dataclasses import dataclass, field
from typing import Any, Protocol, Required, TypedDict

import aiohttp
from pydantic import SecretStr

from hedgebot.exchange.client import Client, OnRequest, Venue
from hedgebot.exchange.wire import Wire
from hedgebot.ports import Clock
from hedgebot.scrubber import Scrubber

LONGEST_WINDOW_MS = 20_000
LONGEST_WRITE = 5.0  # seconds; a write without an answer by then is looked for instead


class Credentials(Protocol):
    """What an exchange knows an account by."""

    @property
    def api_key(self) -> SecretStr: ...

    @property
    def secret(self) -> SecretStr: ...

    @property
    def password(self) -> SecretStr | None: ...


class Options(TypedDict, total=False):
    """How to reach the exchange; see the fields of ``Opening``."""

    clock: Required[Clock]
    sandbox: bool
    base_url: str | None
    settle_after_s: float
    connector: aiohttp.BaseConnector | None
    on_request: OnRequest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An account to open.

    - ``sandbox``: the exchange's testnet.
    - ``base_url``: where all requests connect to instead; path, query and Host header stay.
    - ``settle_after_s``: for how many seconds after it was sent an order may still arrive.
    - ``connector``: what carries the requests, closed with the account. None: TCP with TLS.
    - ``on_request``: told of every request.
    """

    name: str
    credentials: Credentials = field(repr=False)
    clock: Clock
    sandbox: bool = False
    base_url: str | None = None
    settle_after_s: float = 30.0
    connector: aiohttp.BaseConnector | None = None
    on_request: OnRequest | None = None

    @property
    def window_ms(self) -> int:
        """For how long after its time stamp the exchange may take a request.

        Half of ``settle_after``: the other half is for reads that lag behind it.
        """
        return min(int(self.settle_after_s * 1000 / 2), LONGEST_WINDOW_MS)

    def secrets(self) -> tuple[SecretStr, ...]:
        held = (self.credentials.api_key, self.credentials.secret, self.credentials.password)
        return tuple(secret for secret in held if secret is not None)

    def client(self, venue: Venue, vendor: Any) -> Client:
        """A client over a ccxt instance. Has to be called within a running loop."""
        wire = Wire(
            venue.sandbox_hosts if self.sandbox else venue.hosts,
            clock=self.clock,
            base_url=self.base_url,
            connector=self.connector,
            ca_file=vendor.cafile,
        )
        return Client(
            self.name,
            venue,
            vendor,
            wire,
            self.clock,
            write_timeout=min(self.window_ms / 1000, LONGEST_WRITE),
            scrub=Scrubber(*self.secrets()).scrub,
            on_request=self.on_request,
        )
