"""What several values must be together: accounts that exist, coins counted once, legs in the hedge's coin.

These look at the tables as written, so that they tell their faults together with those of single values;
whatever has a wrong type is left to the models.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hedgebot.settings import values
from hedgebot.settings.problems import Problem
from hedgebot.settings.suggest import did_you_mean
from hedgebot.settings.toml_lines import KeyPath


@dataclass(frozen=True, slots=True)
class Use:
    """One entry of a hedge's ``spot`` or ``legs``; what is missing or no text is None."""

    hedge: str
    asset: str | None
    path: KeyPath
    account: str | None
    name: str | None
    symbol: str | None


def broken(table: Mapping[str, Any]) -> Iterator[Problem]:
    """Every rule that the configuration in ``table`` breaks."""
    uses = list(_uses(table))
    if table.get("hedges", {}) == {}:
        yield Problem(("hedges",), "none is defined; add a table such as [hedges.btc]")
    yield from _undefined(uses, _table(table.get("accounts")))
    yield from _repeated(uses)
    yield from _claimed_twice(uses)
    yield from _other_coin(uses)


def _uses(table: Mapping[str, Any]) -> Iterator[Use]:
    for hedge, definition in _table(table.get("hedges")).items():
        asset = _text(_table(definition).get("asset"))
        for kind in ("spot", "legs"):
            entries = _table(definition).get(kind)
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                account, name, symbol = (
                    _text(_table(entry).get(key)) for key in ("account", "name", "symbol")
                )
                yield Use(hedge, asset, ("hedges", hedge, kind, index), account, name, symbol)


def _undefined(uses: list[Use], accounts: Mapping[str, Any]) -> Iterator[Problem]:
    for use in uses:
        if use.account is not None and use.account not in accounts:
            hint = did_you_mean(use.account, accounts) or "; add a table such as [accounts.main]"
            yield Problem((*use.path, "account"), f"no account of this name is defined{hint}")


def _repeated(uses: list[Use]) -> Iterator[Problem]:
    """The same coins or the same leg twice in one hedge."""
    seen = set()
    for use in uses:
        kind = use.path[2]
        key = (use.hedge, kind, use.account, use.symbol if kind == "legs" else use.name)
        if key in seen and (use.account or use.name):
            yield Problem(use.path, f"is listed twice in {kind} of this hedge")
        seen.add(key)


def _claimed_twice(uses: list[Use]) -> Iterator[Problem]:
    """Coins of one asset on one account, or under one name, that two hedges count.

    Spot and legs alike: a unified pot is both, and a split account's coins move between its wallets.
    """
    owners: dict[tuple[str, str | None, str | None], str] = {}
    told = set()
    for use in uses:
        if use.asset is None or (use.account is None and use.name is None):
            continue
        key = (use.asset, use.account, None if use.account else use.name)
        owner = owners.setdefault(key, use.hedge)
        if owner != use.hedge and (key, use.hedge) not in told:
            told.add((key, use.hedge))
            yield Problem(
                use.path,
                f"these coins are already counted by hedges.{owner}; one account's coins of one asset"
                " belong to one hedge, and so do those under one name",
            )


def _other_coin(uses: list[Use]) -> Iterator[Problem]:
    for use in uses:
        if use.asset is None or use.symbol in {None, values.NEXT_QUARTER}:
            continue
        try:
            coin = values.base(values.contract(use.symbol))
            differs = coin != values.asset(use.asset)
        except ValueError:
            continue
        if differs:
            yield Problem((*use.path, "symbol"), f"is a contract on {coin}, which is not the hedge's asset")


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
