"""Credentials of an account: from variables, or from files that only we can read; never from the TOML."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from hedgebot.errors import CredentialsError
from hedgebot.settings.toml_lines import KeyPath

KINDS = ("api_key", "secret", "password")
USUAL = ("api_key", "secret")
REQUIRED = {"okx": KINDS}
"""Kinds without which an exchange, by its ccxt id, takes none; of those not listed ``USUAL``."""

FILE = "_file"
RUN_SECRETS = Path("/run/secrets")
LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an exchange knows an account by; printing it shows stars."""

    api_key: SecretStr
    secret: SecretStr
    password: SecretStr | None = None


def variable(account: str, kind: str) -> str:
    """The variable that holds one credential, such as ``HEDGEBOT_ACCOUNTS__MAIN__API_KEY``."""
    return f"HEDGEBOT_ACCOUNTS__{account}__{kind}".upper()


def credentials_for(
    account: str,
    exchange: str,
    env: Mapping[str, str],
    *,
    required: tuple[str, ...] = (),
    run_secrets: Path = RUN_SECRETS,
) -> Credentials:
    """The credentials of ``account``: all kinds without which ``exchange`` takes none, or ``required`` ones.

    Each is looked for in its variable, in the file that the variable with ``_FILE`` names, in
    ``$CREDENTIALS_DIRECTORY`` and in ``run_secrets``. An empty one counts as missing. Raises
    ``CredentialsError``, which tells names of variables and files and nothing that they hold.
    """
    found = {kind: _find(account, kind, env, run_secrets) for kind in KINDS}
    missing = [kind for kind in required or REQUIRED.get(exchange, USUAL) if not found[kind]]
    if missing:
        names = ", ".join(variable(account, kind) for kind in missing)
        files = ", ".join(f"{account}_{kind}" for kind in missing)
        raise CredentialsError(
            f'account "{account}" has no {" and no ".join(missing)}, which {exchange} needs',
            f"Set {names} (or the same with _FILE), or put {files} into $CREDENTIALS_DIRECTORY"
            f" or {run_secrets}",
        )
    password = SecretStr(found["password"]) if found["password"] else None
    return Credentials(SecretStr(found["api_key"]), SecretStr(found["secret"]), password)


def misplaced(path: KeyPath) -> str:
    """What to say of a credential at ``path`` of the configuration."""
    account = str(path[1]) if path[0] == "accounts" and len(path) > 2 else "<account>"
    key = str(path[-1]).lower()
    kind = "password" if "pass" in key else "secret" if "secret" in key or "private" in key else "api_key"
    return (
        f"a credential must not be in the configuration. Set {variable(account, kind)} (or the same with"
        f" _FILE), or put the file {account}_{kind} into $CREDENTIALS_DIRECTORY or {RUN_SECRETS}"
    )


def _find(account: str, kind: str, env: Mapping[str, str], run_secrets: Path) -> str:
    """One credential from the first place that has it; empty when none has."""
    name = variable(account, kind)
    named_file = env.get(name + FILE.upper(), "")
    if env.get(name) and named_file:
        raise CredentialsError(f"{name} and {name}{FILE.upper()} are both set", "Remove one of them")
    mounted = [Path(env["CREDENTIALS_DIRECTORY"])] if env.get("CREDENTIALS_DIRECTORY") else []
    mounted.append(run_secrets)
    if env.get(name):
        return _usable(env[name], kind, name)
    if named_file:
        file = Path(named_file)
        return _usable(_read(file, private=not _inside(file, mounted)), kind, f"{name}{FILE.upper()}: {file}")
    for directory in mounted:
        file = directory / f"{account}_{kind}"
        if os.path.lexists(file):
            return _usable(_read(file, private=False), kind, str(file))
    return ""


def _usable(value: str, kind: str, source: str) -> str:
    """``value`` without its last newline. Keys and passwords go into headers, which take plain text."""
    value = value.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        return ""
    plain = value.isascii() and value.isprintable()
    if value != value.strip() or not (plain or kind == "secret"):
        raise CredentialsError(
            f"{source}: has spaces or line breaks around the credential, or characters that none has",
            "Copy it again",
        )
    return value


def _inside(file: Path, directories: list[Path]) -> bool:
    return any(file.resolve().is_relative_to(directory.resolve()) for directory in directories)


def _read(file: Path, *, private: bool) -> str:
    """The text of a plain file; ``private`` asks that no one but its owner, us or root, can read it.

    What a supervisor mounts for us is exempt: Docker's secrets are readable by all inside the container.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _refuse_unfit(file, os.fstat(descriptor), private=private)
            return os.read(descriptor, LARGEST).decode()
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CredentialsError(
            f"{file}: cannot be read: {error.strerror}", "Check the path and who may read it"
        ) from None
    except UnicodeDecodeError:
        raise CredentialsError(
            f"{file}: not UTF-8 text", "Name a file that holds the credential alone"
        ) from None


def _refuse_unfit(file: Path, status: os.stat_result, *, private: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CredentialsError(f"{file}: not a plain file", "Name a file that holds the credential alone")
    if private and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CredentialsError(f"{file}: others than its owner may read or change it", f"chmod 600 {file}")
    if private and status.st_uid not in {0, os.geteuid()}:
        raise CredentialsError(f"{file}: belongs to another user", f"chown it to user {os.geteuid()}")
