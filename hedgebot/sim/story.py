"""The demo's story: a market and a few human deeds, compressed into about a minute.

Exchange and daemon share the wall clock; what is compressed is the story. An "eight-hour" funding
interval lasts ``FUNDING_SECONDS``, so a bit more than four days pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Lines
from hedgebot.sim.matching import Side

SECONDS = 62
FUNDING_SECONDS = 5
ACCOUNT, COIN = "demo", "BTC"

PRICES = (
    (0, 60_000), (4, 60_060), (8, 59_910), (12, 60_000),    # quiet
    (24, 30_000), (26, 30_300), (27, 30_000),               # a crash by half
    (39, 54_000), (43, 53_700),                             # a rally of four fifths from the low
    (SECONDS, 54_300),
)  # fmt: skip
OUTAGE = (53, 58)

Do = Callable[[SimulatedExchange, str], None]
"""What happens on an exchange, to its account and the contract of that symbol."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happens at a second of the story, with the sentence that tells it."""

    second: float
    words: str
    do: Do


def _nothing(_: SimulatedExchange, __: str) -> None:
    """The price path does it, or the server."""


def _deposit(exchange: SimulatedExchange, _: str) -> None:
    exchange.deposit(ACCOUNT, COIN, "0.25")


def _buy_back_a_quarter(exchange: SimulatedExchange, symbol: str) -> None:
    exchange.human_trade(ACCOUNT, symbol, Side.BUY, exchange.position(ACCOUNT, symbol).size // 4)


DEEDS = (
    Deed(0, "a quiet market; 1 BTC lies in each account, unprotected", _nothing),
    Deed(12, "a crash begins: the price will halve", _nothing),
    Deed(27, "a rally begins: +80 % from the low", _nothing),
    Deed(43, "a deposit of 0.25 BTC arrives in each account", _deposit),
    Deed(48, "a human buys back a quarter of each short, beside the bot", _buy_back_a_quarter),
    Deed(OUTAGE[0], "the exchanges stop answering", _nothing),
    Deed(OUTAGE[1], "the exchanges answer again", _nothing),
)


def feed(start_ms: int) -> Feed:
    """The market of a story that starts at an instant."""
    return Feed(path=Lines([(start_ms + second * 1000, Fraction(price)) for second, price in PRICES]))
