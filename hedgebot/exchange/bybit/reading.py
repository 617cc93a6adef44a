"""The replies of one reading, and what they amount to once they are converted and agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from hedgebot.domain.account import AccountReading, Position
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.units import Contracts
from hedgebot.errors import ConversionError
from hedgebot.exchange.bybit import holdings, market, orders
from hedgebot.exchange.bybit.slow_facts import Facts
from hedgebot.exchange.convert import OrderBook
from hedgebot.exchange.fates import Answer


@dataclass(frozen=True, slots=True)
class LegAnswers:
    """What was answered about one contract; its order book, the longest part, is converted."""

    instrument: Instrument
    position: Answer
    ticker: Answer
    book: OrderBook


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered in one reading; ``positions`` and ``orders`` are all there are of the legs' kinds."""

    wallet: Answer
    positions: Sequence[Answer]
    orders: Sequence[Answer]
    legs: Sequence[LegAnswers]


@dataclass(frozen=True, slots=True)
class Moment:
    """Who read, and when: monotonic seconds, and the exchange's clock less ours in ms."""

    account: str
    started: float
    ended: float
    offset_ms: int


def reading(answers: Answers, facts: Facts, assets: Sequence[str], moment: Moment) -> AccountReading:
    """Pure. Raises ``ConversionError`` for a field, or for replies that contradict each other."""
    margin_mode = facts.mode.margin_mode
    everywhere = holdings.positions(answers.positions, facts.listing, margin_mode)
    of_legs = tuple(holdings.position(leg.position, leg.instrument, margin_mode) for leg in answers.legs)
    for position, leg in zip(of_legs, answers.legs, strict=True):
        _check_agreement(position, everywhere, leg.position.where)
    symbols = {position.symbol for position in of_legs}
    return AccountReading(
        account=moment.account,
        started=moment.started,
        ended=moment.ended,
        exchange_offset_ms=moment.offset_ms,
        mode=facts.mode,
        wallets=holdings.wallets(answers.wallet, moment.account, assets, facts.mode),
        positions=of_legs + tuple(other for other in everywhere if other.symbol not in symbols),
        orders=orders.open_orders(answers.orders, facts.listing),
        quotes=tuple(market.quote(leg.ticker, leg.book, leg.instrument) for leg in answers.legs),
        facts=tuple(facts.legs[leg.instrument.symbol] for leg in answers.legs),
    )


def _check_agreement(position: Position, everywhere: Sequence[Position], where: str) -> None:
    """One contract's own reply and the list of all open ones are read together: their sizes must agree."""
    listed = (other.contracts for other in everywhere if other.symbol == position.symbol)
    size = next(listed, Contracts.zero())
    if size != position.contracts:
        raise ConversionError(
            where, f"shows {position.contracts} of {position.symbol}, among all positions {size}"
        )
