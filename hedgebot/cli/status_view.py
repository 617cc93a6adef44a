"""The status object for people, in 24 lines of 80 columns: five questions, answered. Pure.

Is it hedged? How far is liquidation? What has it cost? What did it do last, and why? What should I do now?
One hedge is told in full; several share the screen, each in its most telling lines.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import typer

from hedgebot.cli.output import field, printable

HEIGHT = 24
COLOURS = {"hedged": "green", "adjusting": "green", "unwinding": "green", "unwound": "green"}
COLOURS |= {"paused": "yellow", "drifting": "yellow", "blind": "red", "halted": "red"}
STRICTEST = ("none", "reduce_only", "any")
SHOWN_LEGS = 2
MOVE = Decimal("0.1")
STEPS = {
    "starting": "wait a few seconds",
    "unwound": "nothing; hedgebot resume builds the hedge again",
    "paused": "hedgebot resume ends the pause",
    "halted": "mend what the last cycle tells; until then it only watches",
    "drifting": "see why in the last cycle; it trades as soon as it may",
}
"""What to do in a state, where no finding says it."""

Body = dict[str, Any]


def lines(status: Body) -> Iterator[str]:
    """The whole status, in at most 24 lines."""
    hedges = status["hedges"]
    if len(hedges) == 1:
        for name, hedge in hedges.items():
            yield from _full(name, hedge, status)
        return
    each = max(1, HEIGHT // max(1, len(hedges)))
    for name, hedge in hedges.items():
        told = _brief(name, hedge, status)[:each]
        yield from told
        if len(told) < each and name != list(hedges)[-1]:
            yield ""


def _full(name: str, hedge: Body, status: Body) -> Iterator[str]:
    """Alarms get the room that everything else leaves."""
    head = [*_head(name, hedge, status), *_hedged(hedge), *_liquidation(hedge)]
    tail = [*field("cost?", _cost(hedge), most=1), *field("", _costs(hedge), most=1), *_deeds(hedge)]
    yield from head
    yield from tail
    yield from _now(hedge, status["mode"], HEIGHT - len(head) - len(tail))


def _brief(name: str, hedge: Body, status: Body) -> list[str]:
    """The same in a few lines, the most telling first."""
    told = list(_head(name, hedge, status))
    told += [line for finding in _alarms(hedge) for line in field("!", _alarm(finding), most=1)][:2]
    if hedge["last_cycle"] is not None:
        told += field("hedged?", f"{_protected(hedge)}; target {_percent(hedge['target_ratio'])}", most=1)
        told += field("liquidation?", _nearest(hedge), most=1)
        told += field("why", hedge["last_cycle"]["reason"], most=1)
        told += field("cost?", _cost(hedge), most=1)
    return told


def _head(name: str, hedge: Body, status: Body) -> Iterator[str]:
    last = hedge["last_cycle"]
    colour, when = COLOURS.get(hedge["state"]), ""
    if last is not None:
        late = last["age_s"] > status["stale_after_s"]
        when = f", {_age(last['age_s'])} ago"
        colour = "red" if late else colour
        when += ": NO CYCLE ENDED SINCE" if late else ""
    also = ", paused" if hedge["paused"] and hedge["state"] != "paused" else ""
    state = typer.style(hedge["state"].upper(), fg=colour, bold=True)
    yield f"{name}: {state}{also}, mode {status['mode']}{when}"
    if last is None:
        yield from field("why", "the first cycle has not ended yet")
    elif hedge["as_of"] != last["at"]:
        seen = hedge["as_of"] or "never"
        yield from field("seen", f"{seen}: what follows is not known to hold now", most=1)


def _hedged(hedge: Body) -> Iterator[str]:
    asset = printable(hedge["asset"])
    target, band = _percent(hedge["target_ratio"]), _percent(hedge["band"])
    yield from field("hedged?", f"{_protected(hedge)}; target {target}, band ±{band}", most=1)
    if (gauge := _gauge(hedge)) is not None:
        yield f"{'':15}{gauge}"
    coins = f"{_short(hedge['spot'])} spot + {_short(hedge['collateral'])} collateral"
    if hedge["in_flight"] not in {"0", "unknown"}:
        coins += f" + {_short(hedge['in_flight'])} moving"
    profit = _short(hedge["unrealized_pnl"], signed=True)
    yield from field("held", f"{_short(hedge['held'])} {asset} = {coins}", most=1)
    yield from field("sold", f"{_short(hedge['sold'])} {asset}, unrealised {profit} {asset}", most=1)
    if moves := hedge["transfers"]:
        yield from field("moving", _moving(moves), most=2)
    yield from field("net", f"{_short(hedge['net'])} {asset} moves with the price{_swing(hedge)}", most=1)
    yield from field("value", f"{_dollars(hedge['value_usd'])} USD, with the hedge", most=1)


def _moving(moves: list[Body]) -> str:
    """The oldest transfer that is not finished; the others are counted."""
    first, others = moves[0], len(moves) - 1
    way = f"{_short(first['coins'])} {first['asset']}, {first['from']} to {first['to']} on {first['account']}"
    also = f", and {others} more" if others else ""
    return f"{way}: {first['stage']} since {first['since'][11:19]}{also}"


def _protected(hedge: Body) -> str:
    if hedge["ratio"] is None:
        return "nothing is held"
    return f"{_percent(hedge['ratio'])} of {_short(hedge['held'])} {printable(hedge['asset'])} is protected"


def _gauge(hedge: Body) -> str | None:
    """The ratio (●) on a scale with the band's edges and the target, 50 columns wide."""
    if hedge["ratio"] is None or hedge["ratio"] == "unknown":
        return None
    ratio, target, band = (Decimal(hedge[key]) for key in ("ratio", "target_ratio", "band"))
    reach = max(band * Decimal("2.5"), abs(ratio - target) * Decimal("1.1"), Decimal("0.01"))
    scale = ["─"] * 51
    for sign, value in (("├", target - band), ("┤", target + band), ("┼", target), ("●", ratio)):
        scale[round((value - target + reach) / (2 * reach) * 50)] = sign
    inside = abs(ratio - target) <= band
    mark = typer.style("●", fg="green" if inside else "yellow", bold=True)
    return "".join(scale).replace("●", mark) + f"  {ratio:.4f}"


def _swing(hedge: Body) -> str:
    """What a tenth of the price still does."""
    net, worth, value = hedge["net"], hedge["exposure"], hedge["value_usd"]
    if "unknown" in {net, worth, value} or Decimal(worth) <= 0:
        return ""
    dollars = abs(Decimal(net) / Decimal(worth) * Decimal(value) * MOVE)
    return f": {dollars:,.2f} USD for each 10%"


def _liquidation(hedge: Body) -> Iterator[str]:
    legs = sorted(hedge["legs"], key=_distance)
    label = "liquidation?"
    for leg in legs[:SHOWN_LEGS]:
        yield from field(label, f"{_far(leg)}, leverage {_short(leg['leverage'], 2)}", most=1)
        entry, mark = _price(leg["entry_price"]), _price(leg["mark_price"])
        short = f"{_short(leg['contracts'])} contracts from {entry}, mark {mark}"
        dead = f", as last read at {leg['dead_since'][11:19]}" if leg.get("dead_since") else ""
        yield from field("", f"{leg['symbol']} on {leg['account']}: {short}{dead}", most=2)
        label = ""
    if len(legs) > SHOWN_LEGS:
        yield from field("", f"and {len(legs) - SHOWN_LEGS} legs that are further from it")


def _nearest(hedge: Body) -> str:
    legs = sorted(hedge["legs"], key=_distance)
    return f"{_far(legs[0])}, {legs[0]['symbol']} on {legs[0]['account']}" if legs else "not known"


def _far(leg: Body) -> str:
    price, distance = leg["liquidation_price"], leg["liquidation_distance"]
    if price is None:
        return "no price liquidates it"
    if price == "unknown" or distance == "unknown":
        return "price not known"
    return f"at {_price(price)}, {Decimal(distance):+.1%} from mark"


def _distance(leg: Body) -> Decimal:
    """For sorting: what is not known is nearest, what does not exist furthest."""
    told = leg["liquidation_distance"]
    return Decimal("Infinity") if told is None else Decimal(-1 if told == "unknown" else told)


def _cost(hedge: Body) -> str:
    total = Decimal(hedge["fees_coins"]) - Decimal(hedge["funding_coins"])
    price = hedge["legs"][0]["mark_price"] if hedge["legs"] else None
    dollars = f" = {abs(total) * Decimal(price):,.2f} USD" if price else ""
    since = f" since {hedge['since'][:10]}" if hedge["since"] else ""
    word = "nothing; gained " if total < 0 else ""
    return f"{word}{_short(str(abs(total)))} {printable(hedge['asset'])}{dollars}{since}"


def _costs(hedge: Body) -> str:
    """What the cost is made of, and the first leg's next funding."""
    told = f"fees {_short(hedge['fees_coins'])}, funding {_short(hedge['funding_coins'], signed=True)}"
    leg = hedge["legs"][0] if hedge["legs"] else None
    if leg is None or leg["funding_rate"] is None or leg["next_funding_at"] is None:
        return told
    return f"{told}; next {Decimal(leg['funding_rate']):+.4%} at {leg['next_funding_at'][11:16]} UTC"


def _deeds(hedge: Body) -> Iterator[str]:
    act, last = hedge["last_act"], hedge["last_cycle"]
    told = f"{act['at'][:10]} {act['at'][11:19]}: {act['reason']}" if act else "none on record"
    yield from field("last act", told, most=2)
    if last is not None:
        did = "acted" if last["acted"] else "did nothing"
        yield from field("last cycle", f"{last['id']}: {did}: {last['reason']}", most=2)


def _now(hedge: Body, mode: str, room: int) -> Iterator[str]:
    """What to do, and the alarms behind it, in so many lines; the strictest first."""
    told = _alarms(hedge)
    label, left = "what now?", room
    for number, finding in enumerate(told):
        text = [*field(label, _alarm(finding), most=2)]
        if finding["next_step"]:
            text += field("", f"→ {finding['next_step']}", most=1)
        rest = len(told) - number - 1
        if len(text) > left - (rest > 0):
            yield from field(label, f"and {rest + 1} more: hedgebot status --json")
            return
        yield from text
        label, left = "", left - len(text)
    if not told:
        yield from field(label, _step(hedge, mode))


def _step(hedge: Body, mode: str) -> str:
    """What to do where no finding says it."""
    if hedge["state"] == "drifting" and mode != "live":
        return f"mode {mode} sends nothing; hedgebot plan tells what it would do"
    return STEPS.get("paused" if hedge["paused"] else hedge["state"], "nothing to do")


def _alarm(finding: Body) -> str:
    """A finding in a sentence; what it permits where that is not everything."""
    allows = "" if finding["permission"] == "any" else f" (permits {finding['permission']})"
    return f"{finding['guard']}: {finding['reason']}{allows}"


def _alarms(hedge: Body) -> list[Body]:
    """What restrains or alarms, the strictest first."""
    told = [finding for finding in hedge["findings"] if finding["alarm"] or finding["permission"] != "any"]
    return sorted(told, key=lambda finding: STRICTEST.index(finding["permission"]))


def _age(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _percent(told: str | None) -> str:
    return _short(told) if told is None or told == "unknown" else f"{_short(str(Decimal(told) * 100), 2)}%"


def _price(told: str | None) -> str:
    """Cents only where they matter."""
    large = told is not None and told != "unknown" and Decimal(told) >= 1000
    return f"{Decimal(told or 0):,.0f}" if large else _short(told)


def _dollars(told: str | None) -> str:
    return _short(told) if told is None or told == "unknown" else f"{Decimal(told):,.2f}"


def _short(told: str | None, places: int = 8, *, signed: bool = False) -> str:
    """A figure as people read it; a dash where there is no such thing."""
    if told is None:
        return "–"
    if told == "unknown":
        return told
    text = f"{Decimal(told):{'+' if signed else ''}.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
