"""Whether a request comes from a browser that was led here by somebody else's page. Pure.

A page can make a browser connect to any address: by a link, by a script, or by a name that resolves to
this machine (DNS rebinding). The browser then tells in ``Host`` which name it used, and in ``Origin``
whose page asks.
"""

import re
from collections.abc import Collection
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

AUTHORITY = re.compile(r"(\[[0-9a-f.]*:[0-9a-f:.]*\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


def names(host: str, target: str) -> tuple[str, ...]:
    """What a request calls us: by ``Host`` and, where its target is a whole URL as a proxy gets, by that."""
    if target.startswith("/"):
        return (host,)
    try:
        return host, urlsplit(target).netloc
    except ValueError:
        return host, ""


def refusal(host: str, origins: Collection[str], allowed: Collection[str]) -> tuple[int, str] | None:
    """The HTTP status and the reason to refuse a request with these headers, or None to answer it.

    ``allowed`` are names and addresses besides this machine's own, in lower case, without port.
    """
    found = AUTHORITY.fullmatch(host.lower())
    name = found[1].strip("[]") if found else ""
    if not (_is_this_machine(name) or name in allowed):
        return 421, "this name is not one of mine: ask for 127.0.0.1, or add the name to api.hosts"
    if any(not _same(origin.lower(), host.lower()) for origin in origins):
        return 403, "pages of other origins may not read this"
    return None


def _is_this_machine(name: str) -> bool:
    """By parsed address: ``127.0.0.1.example`` is a name of anybody's."""
    if name == "localhost":
        return True
    try:
        return IPv4Address(name).is_loopback
    except AddressValueError:
        pass
    try:
        return IPv6Address(name) == IPv6Address("::1")
    except AddressValueError:
        return False


def _same(origin: str, host: str) -> bool:
    return origin in {f"http://{host}", f"https://{host}"}
