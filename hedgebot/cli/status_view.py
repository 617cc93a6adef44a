"""The status object for people, in 24 lines of 80 columns. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import typer

from hedgebot.cli.output import field, printable

COLOURS = {"hedged": "green", "adjusting": "green", "unwinding": "green", "unwound": "green"}
COLOURS |= {"paused": "yellow", "drifting": "yellow", "blind": "red", "halted": "red"}
SHOWN_FINDINGS = 3

Body = dict[str, Any]


def lines(status: Body) -> Iterator[str]:
    """The whole status; hedges one below the other."""
    for number, (name, hedge) in enumerate(status["hedges"].items()):
        if number:
            yield ""
        yield from _hedge(name, hedge, status["mode"])


def _hedge(name: str, hedge: Body, mode: str) -> Iterator[str]:
    asset, state, last = printable(hedge["asset"]), hedge["state"], hedge["last_cycle"]
    colour = COLOURS.get(state)
    yield f"{name}: {typer.style(state.upper(), fg=colour, bold=True)}, mode {mode}"
    if last is None:
        yield from field("why", "the first cycle has not ended yet")
        return
    yield from field("why", last["reason"], most=2)
    if hedge["paused"] and state != "paused":
        yield from field("", "paused by the operator as well")
    yield from field(
        "ratio", f"{_short(hedge['ratio'], 4)}, target {hedge['target_ratio']}, band {hedge['band']}"
    )
    if hedge["as_of"] != last["at"]:
        yield from field("seen", f"{hedge['as_of'] or 'never'}: what follows is not known to hold now")
    yield from _coins(hedge, asset)
    for leg in hedge["legs"]:
        yield from _leg(leg)
    yield from field("cost", _cost(hedge, asset))
    yield from _findings(hedge["findings"])
    did = "acted" if last["acted"] else "did nothing"
    yield from field("last cycle", f"{last['id']}, {last['age_s']:g} s ago, {did}")


def _coins(hedge: Body, asset: str) -> Iterator[str]:
    spot, collateral = _short(hedge["spot"]), _short(hedge["collateral"])
    worth = _short(hedge["value_usd"], 2)
    yield from field("held", f"{_short(hedge['held'])} {asset} = {spot} spot + {collateral} collateral")
    profit = _short(hedge["unrealized_pnl"], signed=True)
    yield from field("sold", f"{_short(hedge['sold'])} {asset}, unrealised {profit} {asset}")
    yield from field("net", f"{_short(hedge['net'])} {asset} moves with the price; in all {worth} USD")


def _leg(leg: Body) -> Iterator[str]:
    entry, mark = _short(leg["entry_price"], 2), _short(leg["mark_price"], 2)
    short = f"{_short(leg['contracts'])} contracts from {entry}, mark {mark}"
    yield from field("leg", f"{leg['symbol']} on {leg['account']}: {short}")
    yield from field("liquidation", f"{_liquidation(leg)}, leverage {_short(leg['leverage'], 2)}")


def _liquidation(leg: Body) -> str:
    price, distance = leg["liquidation_price"], leg["liquidation_distance"]
    if price is None:
        return "no price liquidates it"
    if price == "unknown" or distance == "unknown":
        return "price not known"
    return f"at {_short(price, 2)}, {Decimal(distance):+.1%} from mark"


def _cost(hedge: Body, asset: str) -> str:
    received = _short(hedge["funding_coins"], signed=True)
    since = f" since {hedge['since']}" if hedge["since"] else ""
    return f"fees {_short(hedge['fees_coins'])} {asset}, funding {received} {asset}{since}"


def _findings(findings: list[Body]) -> Iterator[str]:
    """What restrains or alarms, the strictest first."""
    strictest = ("none", "reduce_only", "any")
    told = [finding for finding in findings if finding["alarm"] or finding["permission"] != "any"]
    told.sort(key=lambda finding: strictest.index(finding["permission"]))
    for finding in told[:SHOWN_FINDINGS]:
        allows = "" if finding["permission"] == "any" else f" (permits {finding['permission']})"
        yield from field(finding["guard"], finding["reason"] + allows, most=2)
        if finding["next_step"]:
            yield from field("", f"→ {finding['next_step']}", most=1)
    if len(told) > SHOWN_FINDINGS:
        yield from field("", f"and {len(told) - SHOWN_FINDINGS} more: hedgebot status --json")


def _short(told: str | None, places: int = 8, *, signed: bool = False) -> str:
    """A figure as people read it; a dash where there is no such thing."""
    if told is None:
        return "–"
    if told == "unknown":
        return told
    text = f"{Decimal(told):{'+' if signed else ''}.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
