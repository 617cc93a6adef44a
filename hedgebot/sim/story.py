"""The demo's story: a market and a few human deeds, compressed into about a minute.

Exchange and daemon share the wall clock; what is compressed is the story. An "eight-hour" funding
interval lasts ``FUNDING_SECONDS``, so a bit more than four days pass.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from hedgebot.sim.contract import Contract, btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Lines
from hedgebot.sim.matching import Side

SECONDS = 62
FUNDING_SECONDS = 5
ACCOUNT, COIN, SYMBOL = "demo", "BTC", "BTCUSD"

PRICES = (
    (0, 60_000), (4, 60_060), (8, 59_910), (12, 60_000),    # quiet
    (24, 30_000), (26, 30_300), (27, 30_000),               # a crash by half
    (39, 54_000), (43, 53_700),                             # a rally of four fifths from the low
    (SECONDS, 54_300),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happens at a second of the story, with the sentence that tells it."""

    second: float
    words: str
    do: Callable[[SimulatedExchange], object]


def _nothing(_: SimulatedExchange) -> None:
    """The price path does it, or the server."""


def _deposit(exchange: SimulatedExchange) -> None:
    exchange.deposit(ACCOUNT, COIN, "0.25")


def _buy_back_a_quarter(exchange: SimulatedExchange) -> None:
    exchange.human_trade(ACCOUNT, SYMBOL, Side.BUY, exchange.position(ACCOUNT, SYMBOL).size // 4)


OUTAGE = (53, 58)

DEEDS = (
    Deed(0, "a quiet market; 1 BTC lies in the account, unprotected", _nothing),
    Deed(12, "a crash begins: the price will halve", _nothing),
    Deed(27, "a rally begins: +80 % from the low", _nothing),
    Deed(43, "a deposit of 0.25 BTC arrives", _deposit),
    Deed(48, "a human buys back a quarter of the short, beside the bot", _buy_back_a_quarter),
    Deed(OUTAGE[0], "the exchange stops answering", _nothing),
    Deed(OUTAGE[1], "the exchange answers again", _nothing),
)


def contract() -> Contract:
    """The Bitcoin perpetual with its funding interval compressed."""
    return replace(btcusd(), funding_interval_ms=FUNDING_SECONDS * 1000)


def feed(start_ms: int) -> Feed:
    """The market of a story that starts at an instant."""
    return Feed(path=Lines([(start_ms + second * 1000, Fraction(price)) for second, price in PRICES]))
