"""``check``: what the configuration amounts to, without any network unless the keys are asked for."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hedgebot.cli import output
from hedgebot.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from hedgebot.errors import CredentialsError, ExitCode, HedgebotError

if TYPE_CHECKING:
    from hedgebot.settings.model import Settings

Faults = Mapping[str, CredentialsError | None]
"""What is wrong with each account's credentials."""


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    ask: Annotated[bool, typer.Option("--keys", help="Ask the exchanges what the keys may do.")] = False,
) -> None:
    """Say what the configuration amounts to.

    Shows each value and where it came from, and what is missing. Connects to nothing, unless --keys asks
    the exchanges. Exit code 3: the configuration is wrong; 5: a credential is missing or cannot be used, or
    a key may do too much or too little; 1: what a key may do cannot be verified.
    """
    from hedgebot.cli import key_view
    from hedgebot.cli.configuration import read
    from hedgebot.settings.effective import effective
    from hedgebot.settings.paths import paths

    loaded = read(config)
    places = paths(loaded.settings, os.environ)
    faults = _credential_faults(loaded.settings)
    settings = {
        key: {"value": value, "origin": loaded.origins[key]}
        for key, value in effective(loaded.settings).items()
    }
    files = {"store": str(places.store), "lock": str(places.lock), "socket": str(places.socket)}
    holds_secret = loaded.origins.get("alarms.webhook", "").startswith(f"{config}:")
    warnings = list(_warnings(config, places.store, holds_secret=holds_secret))
    warnings += _lost_legs(loaded.settings, places.store)
    keys = key_view.ask(loaded.settings) if ask and not any(faults.values()) else {}
    if as_json:
        known = {account: "unusable" if fault else "found" for account, fault in faults.items()}
        facts = {"settings": settings, "paths": files, "credentials": known, "warnings": warnings}
        asked = {"keys": {name: key_view.as_data(key) for name, key in keys.items()}} if ask else {}
        output.data({"schema": 1, "config": str(config), **facts, **asked})
    else:
        _show(settings, files, faults)
        output.text(*(f"key of {name}: {key_view.in_words(key)}" for name, key in keys.items()))
    _tell(warnings, faults)
    if code := key_view.complain(keys.values()):
        raise typer.Exit(code)


def _credential_faults(settings: "Settings") -> Faults:
    from hedgebot.cli.configuration import accounts_in_use, credentials_of

    faults: dict[str, CredentialsError | None] = {}
    for account in accounts_in_use(settings):
        try:
            credentials_of(account, settings)
            faults[account] = None
        except CredentialsError as fault:
            faults[account] = fault
    return faults


def _warnings(config: Path, store: Path, *, holds_secret: bool) -> Iterator[str]:
    """Files that others could change or should not read, and folders that will not do."""
    mode = config.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield f"{config} can be changed by other users, and with it what is traded: chmod go-w {config}"
    if holds_secret and mode & (stat.S_IRGRP | stat.S_IROTH):
        yield f"{config} holds the webhook's address, and other users can read it: chmod go-r {config}"
    folder = store.parent
    if not folder.is_dir():
        yield f"the folder of the store is missing: mkdir -p {folder}"
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield f"this user may not write in the folder of the store, {folder}"
    elif folder.stat().st_mode & stat.S_IWOTH and not folder.stat().st_mode & stat.S_ISVTX:
        yield f"anybody may replace the store: chmod o-w {folder}"


def _lost_legs(settings: "Settings", store: Path) -> Iterator[str]:
    """Shorts that the journal knows and that are in no leg of this configuration."""
    from hedgebot.cli import read_only_journal
    from hedgebot.domain.dated import beside, whole
    from hedgebot.domain.funding import Action
    from hedgebot.domain.orphans import lost
    from hedgebot.domain.units import Millis

    hedges = settings.hedges.values()
    legs = {f"{leg.account}:{whole(leg.symbol, hedge.asset)}" for hedge in hedges for leg in hedge.legs}
    may_move = [hedge for hedge in hedges if hedge.funding.action == Action.DATED.value]
    legs |= {f"{leg.account}:{beside(leg.symbol)}" for hedge in may_move for leg in hedge.legs}
    try:
        memories = read_only_journal.load(store, Millis(0)).memories
    except HedgebotError as fault:
        yield f"what the journal remembers cannot be read: {fault}"
        return
    for hedge, leg, contracts in lost(legs, memories):
        yield (
            f"{abs(contracts)} contracts of {leg} were short in hedges.{hedge} and are in no leg any more:"
            " put it back, and unwind before you take it out"
        )


def _show(settings: Mapping[str, Mapping[str, str]], files: Mapping[str, str], faults: Faults) -> None:
    texts = {key: f"{key} = {setting['value']}" for key, setting in settings.items()}
    width = min(max(map(len, texts.values())), 60)
    output.text(*(f"{text:<{width}}  # {settings[key]['origin']}" for key, text in texts.items()), "")
    output.text(*(f"{name}: {path}" for name, path in files.items()))
    output.text(*(f"credentials of {name}: {'unusable' if f else 'found'}" for name, f in faults.items()))


def _tell(warnings: list[str], faults: Faults) -> None:
    for warning in warnings:
        output.note(f"warning: {warning}")
    found = [fault for fault in faults.values() if fault is not None]
    for fault in found:
        output.complain(fault.what, fault.next_step)
    if found:
        raise typer.Exit(ExitCode.CREDENTIALS)
