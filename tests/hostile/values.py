"""Damage to single values: gone, of another type, of another size, in another word."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from tests.hostile.draw import GONE, NESTED, Damage, Draw, at, like, number_in

OPPOSITES = {
    "Buy": "Sell", "Sell": "Buy", "BUY": "SELL", "SELL": "BUY", "buy": "sell", "sell": "buy",
    "BOTH": "SHORT", "net": "short", "isolated": "cross", "cross": "isolated",
    "ISOLATED_MARGIN": "REGULAR_MARGIN", "REGULAR_MARGIN": "ISOLATED_MARGIN", "true": "false",
    "false": "true",
    "BTCUSD": "ETHUSD", "ETHUSD": "BTCUSD", "BTCUSD_PERP": "ETHUSD_PERP", "ETHUSD_PERP": "BTCUSD_PERP",
    "BTC-USD-SWAP": "ETH-USD-SWAP", "ETH-USD-SWAP": "BTC-USD-SWAP", "BTC-USD": "ETH-USD", "BTC": "ETH",
    "ETH": "BTC", "inverse": "linear", "New": "Filled", "Filled": "New", "NEW": "FILLED", "FILLED": "NEW",
    "live": "filled", "filled": "live", "net_mode": "long_short_mode", "Trading": "Closed",
    "TRADING": "SETTLING", "Trade": "Funding", "Funding": "Trade", "174": "173", "2": "3", "USD": "USDT",
}  # fmt: skip
"""Another word that could stand in the same place, and means something else."""

FAR, NEAR = ("2", "0.5", "100", "0.01", "1000", "1e-8"), ("1.001", "0.999", "1.03", "0.97", "1.000001")
STRANGE = [
    "\ud800", "\x00", "\n", "x" * 70_000, "\u202e", "None", "null", "undefined", "-", ".", "e", "é", "{}",
    "1;DROP", "%s%n", "../..", "0x1F", "Infinity", "-Infinity", "nan", "True", "１２３", "٣٤", "Ⅷ", "½", "①",
]  # fmt: skip


def becomes(make: Callable[[Random], Any]) -> Damage:
    """Any value becomes what ``make`` draws."""

    def damage(draw: Draw) -> None:
        if path := draw.place():
            draw.put(path, make(draw.rng))

    return damage


def turns(make: Callable[[Any, Random], Any], fits: Callable[[Any], bool]) -> Damage:
    """A value that fits becomes what ``make`` makes of it."""

    def damage(draw: Draw) -> None:
        if path := draw.place(fits):
            draw.put(path, make(at(draw.document, path), draw.rng))

    return damage


def at_list(make: Callable[[list[Any]], Any]) -> Damage:
    """A list becomes what ``make`` makes of it."""

    def damage(draw: Draw) -> None:
        path = draw.a_list()
        if path is not None:
            draw.put(path, make(at(draw.document, path)))

    return damage


def _list_for_object(draw: Draw) -> None:
    path = draw.an_object()
    if path is not None:
        draw.put(path, list(at(draw.document, path).values()))


def scales(make: Callable[[Decimal, Random], Decimal]) -> Damage:
    """A number becomes another one."""

    def turn(old: Any, rng: Random) -> Any:
        number = number_in(old)
        assert number is not None
        return like(old, make(number, rng))

    return turns(turn, lambda value: number_in(value) is not None)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number_text(value: Any) -> bool:
    return _is_text(value) and number_in(value) is not None


def is_word(value: Any) -> bool:
    return value in OPPOSITES if _is_text(value) else isinstance(value, bool)


def opposite(old: Any, _: Random) -> Any:
    return not old if isinstance(old, bool) else OPPOSITES[old]


def _misspelt(old: str, rng: Random) -> str:
    return rng.choice(
        [old + "X", old.lower(), old.upper(), old.title(), f" {old}", f"{old} ", old[:-1], old * 2]
    )


def _other_type(old: Any, rng: Random) -> Any:
    if _is_number_text(old):
        return rng.choice([float(old), True, [old], {"value": old}, {}, []])
    if isinstance(old, str):
        return rng.choice([0, 1, -1, True, False, [old], {}, []])
    return rng.choice([str(old), [old], {"0": old}, 0, "", True, None])


def _dressed(old: str, rng: Random) -> str:
    return (
        rng.choice(["", " ", "+", "0x", "--", "$"])
        + old
        + rng.choice(["", " ", "_0", ".", ",0", "\n", "%", "f"])
    )


def _in_other_digits(old: str, rng: Random) -> str:
    zero = ord(rng.choice("٠０०۰𝟎"))
    return "".join(chr(zero + int(sign)) if sign in "0123456789" else sign for sign in old)


def _many_digits(old: str, rng: Random) -> str:
    more = "".join(rng.choice("0123456789") for _ in range(rng.randint(10, 60)))
    return old + more if "." in old else f"{old}.{more}"


def _huge(rng: Random) -> Any:
    return rng.choice(
        ["9" * 40, 10**18, 10**18 - 1, 10**40, "999999999999999999", "1e17", "9" * 30 + "." + "9" * 30,
         2**63, 2**64, "1e999", "1E+99", "1e-99", 10**4000, "9" * 5000]
    )  # fmt: skip


def _tiny(rng: Random) -> Any:
    return rng.choice(["1e-18", "1e-30", "1e-99", "0." + "0" * 29 + "1", "0.000000000001", 1e-300, 5e-324])


def _no_number(rng: Random) -> Any:
    return rng.choice(["NaN", "nan", "inf", "-inf", "1e999", "sNaN", math.nan, math.inf, -math.inf])


def _nothing(rng: Random) -> Any:
    return rng.choice([None, "", " ", "0", 0, "-0", "-0.0", "0E-8", -0.0, "0.00000000", [], {}, False])


def _deep(rng: Random) -> str:
    return f"{NESTED}{rng.choice([10, 100, 900, 3000, 20_000, rng.randint(800, 1000)])}"


def _neighbours(draw: Draw) -> None:
    """A field takes the value of another one beside it, or both change places."""
    path = draw.place(lambda value: not isinstance(value, dict | list))
    holder = at(draw.document, path[:-1]) if path else None
    if path is None or not isinstance(holder, dict | list) or len(holder) < 2:
        return
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    other = draw.rng.choice(keys)
    mine, theirs = at(draw.document, path), at(draw.document, (*path[:-1], other))
    draw.put(path, theirs)
    if draw.rng.random() < 0.5:
        draw.put((*path[:-1], other), mine)


def _elsewhere(draw: Draw) -> None:
    """A field takes the value that the same field has in another true reply."""
    path = draw.place(lambda value: not isinstance(value, dict | list))
    if path is None or not draw.sample.others:
        return
    value = at(draw.rng.choice(draw.sample.others), path)
    if value is not GONE:
        draw.put(path, value)


ON_VALUES: Mapping[str, Damage] = {
    "field gone": becomes(lambda _: GONE),
    "null": becomes(lambda _: None),
    "blank": becomes(lambda _: ""),
    "nothing": becomes(_nothing),
    "no number": becomes(_no_number),
    "huge": becomes(_huge),
    "tiny": becomes(_tiny),
    "strange": becomes(lambda rng: rng.choice(STRANGE)),
    "deep": becomes(_deep),
    "empty list": at_list(lambda _: []),
    "sign": scales(lambda number, _: -number),
    "x10": scales(lambda number, _: number * 10),
    "x0.1": scales(lambda number, _: number / 10),
    "scaled": scales(lambda number, rng: number * Decimal(rng.choice(FAR))),
    "nudged": scales(lambda number, rng: number * Decimal(rng.choice(NEAR))),
    "plus one": scales(lambda number, rng: number + rng.choice([1, -1])),
    "many digits": turns(_many_digits, _is_number_text),
    "other digits": turns(_in_other_digits, _is_number_text),
    "dressed": turns(_dressed, _is_number_text),
    "other type": turns(_other_type, lambda _: True),
    "other word": turns(opposite, is_word),
    "misspelt": turns(_misspelt, _is_text),
    "object for list": at_list(lambda old: dict(enumerate(old))),
    "list for object": _list_for_object,
    "wrapped": turns(lambda old, _: [old], lambda _: True),
    "unwrapped": at_list(lambda old: old[0]),
    "neighbours": _neighbours,
    "elsewhere": _elsewhere,
}  # fmt: skip
