"""Where connections may go: to the hosts of one exchange, or to what the configuration names instead."""

import socket
from collections.abc import Collection
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hedgebot.errors import ConfigError


class EgressError(aiohttp.ClientError):
    """A request to where nothing of ours may go."""


class KnownHosts(AbstractResolver):
    """Finds the addresses of ``hosts`` and of no other name; with ``local`` only those of this machine."""

    def __init__(self, hosts: Collection[str], *, local: bool) -> None:
        self._hosts = frozenset(hosts)
        self._local = local
        self._resolver = aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """As aiohttp asks for it. Raises ``EgressError``, and ``OSError`` where there is no address."""
        if host not in self._hosts:
            raise EgressError(f"{host} is not a host of this exchange")
        found = await self._resolver.resolve(host, port, family)
        if self._local and not all(is_local(each["host"]) for each in found):
            raise EgressError(f"{host} is not this machine: plain http goes nowhere else")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_local(host: str) -> bool:
    """Whether this is an address of this machine itself, or its name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_plain(base: URL) -> None:
    """Raise ``ConfigError`` for a base that would take keys and signatures over a network in plain text."""
    if base.scheme != "https" and not (base.scheme == "http" and is_local(base.host or "")):
        raise ConfigError([f"base_url {base.origin()}: plain http is only for this machine itself"])
