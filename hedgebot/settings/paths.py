"""Where the store, its lock and the control socket lie. Imports no models: ``status`` starts quickly."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hedgebot.errors import ConfigError
from hedgebot.settings import toml_file

if TYPE_CHECKING:
    from hedgebot.settings.model import Settings

DEFAULT_URL = "sqlite:///hedgebot.db"
URL_VARIABLE = "HEDGEBOT_STORE__URL"
LONGEST_SOCKET = 107
"""Bytes that Linux allows in the path of a Unix socket."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Absolute paths of what the daemon keeps on disk."""

    store: Path
    lock: Path
    socket: Path


def paths(settings: "Settings", env: Mapping[str, str]) -> Paths:
    """The paths that ``settings`` and ``env`` amount to; ``ConfigError`` when the socket's is too long."""
    return _beside(settings.store.url, env)


def locate(file: Path, env: Mapping[str, str]) -> Paths:
    """The same from a file of which only ``store.url`` is looked at: a fault elsewhere in it must not keep
    anyone from asking or stopping a running daemon. ``ConfigError`` when it cannot be read at all."""
    url: object = env.get(URL_VARIABLE)
    if url is None:
        store = toml_file.read(file).table.get("store", {})
        url = store.get("url", DEFAULT_URL) if isinstance(store, dict) else None
    try:
        return _beside(store_url(url if isinstance(url, str) else ""), env)
    except ValueError as problem:
        raise ConfigError([f"{file}: store.url: {problem}"]) from None


def store_url(value: str) -> str:
    """``sqlite:///path``; a check like those in ``values``."""
    scheme, separator, path = value.partition(":///")
    if value.startswith(("postgresql:", "postgres:")):
        raise ValueError("PostgreSQL is not supported yet; write sqlite:/// and a path")
    if scheme != "sqlite" or not separator:
        raise ValueError("must be sqlite:/// and a path, such as sqlite:///hedgebot.db")
    if not path or path.endswith("/") or path.startswith(("~", ":")) or not path.isprintable() or "?" in path:
        raise ValueError("must end in the path of a file, without ~ and without parameters")
    return value


def _beside(url: str, env: Mapping[str, str]) -> Paths:
    base = _first(env.get("STATE_DIRECTORY")) or Path()
    store = (Path.cwd() / base / url.removeprefix("sqlite:///")).resolve()
    socket = (Path.cwd() / (_first(env.get("RUNTIME_DIRECTORY")) or store.parent)) / "hedgebot.sock"
    if len(bytes(socket)) > LONGEST_SOCKET:
        hint = "set RUNTIME_DIRECTORY to a short one, such as /run/hedgebot"
        raise ConfigError([f"{socket}: too long for a socket's path; {hint}"])
    return Paths(store, store.with_name(store.name + ".lock"), socket)


def _first(directories: str | None) -> Path | None:
    """systemd separates several directories by colons; the first is ours."""
    first = (directories or "").split(":")[0]
    return Path(first) if first else None
