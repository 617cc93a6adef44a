"""The replies of one reading, and what they amount to once they are converted and agree."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hedgebot.domain.account import AccountReading, Position
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx import holdings, market, orders, positions
from hedgebot.exchange.okx.market import Contract, Prices
from hedgebot.exchange.okx.positions import Book
from hedgebot.exchange.okx.slow_facts import Facts


@dataclass(frozen=True, slots=True)
class LegAnswers:
    """What was answered about one contract, which is wanted in a margin mode."""

    contract: Contract
    mode: MarginMode
    positions: Answer
    leverage: Answer
    prices: Prices


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered in one reading; ``positions`` and ``orders`` are all of the account's."""

    balance: Answer
    positions: Answer
    orders: Sequence[Answer]
    legs: Sequence[LegAnswers]


@dataclass(frozen=True, slots=True)
class Moment:
    """Who read, and when: monotonic seconds, and the exchange's clock less ours in ms."""

    account: str
    started: float
    ended: float
    offset_ms: int


def reading(answers: Answers, facts: Facts, assets: frozenset[str], moment: Moment) -> AccountReading:
    """Pure. Raises ``ConversionError`` for a field, or for replies that contradict each other."""
    hedge_mode = facts.settings.hedge_mode
    everywhere = positions.book(answers.positions, facts.listing, assets, hedge_mode=hedge_mode)
    legs = tuple(_position(leg, answers.balance, everywhere, facts) for leg in answers.legs)
    taken = {(position.symbol, position.margin_mode) for position in legs}
    others = tuple(
        held.position for key, held in everywhere.items() if key not in taken and held.position.contracts
    )
    quotes = tuple(market.quote(leg.prices, leg.contract) for leg in answers.legs)
    settled = positions.settled_profit(everywhere, facts.listing)
    return AccountReading(
        account=moment.account,
        started=moment.started,
        ended=moment.ended,
        exchange_offset_ms=moment.offset_ms,
        mode=facts.settings.mode(
            opens_isolated=any(p.margin_mode is MarginMode.ISOLATED and not p.contracts for p in legs)
        ),
        wallets=holdings.wallets(answers.balance, moment.account, sorted(assets), facts.settings, settled),
        positions=legs + others,
        orders=orders.open_orders(answers.orders, facts.listing),
        quotes=quotes,
        facts=tuple(
            facts.legs[position.symbol].at(position.mark or quote.mark)
            for position, quote in zip(legs, quotes, strict=True)
        ),
    )


def _position(leg: LegAnswers, balance: Answer, everywhere: Book, facts: Facts) -> Position:
    """The leg's position. Flat is what a row says, or no row where the coin's own figures agree."""
    instrument, hedge_mode = leg.contract.instrument, facts.settings.hedge_mode
    symbol, coin = instrument.symbol, instrument.settle
    named = positions.book(leg.positions, facts.listing, frozenset({coin}), hedge_mode=hedge_mode)
    positions.check_agreement(named, everywhere, symbol, leg.positions.where)
    found = positions.chosen(named, symbol, leg.mode)
    if found is not None and found.contracts:
        return found
    position = found or positions.flat(instrument, leg.mode, hedge_mode=hedge_mode)
    if not position.initial_margin and not _anything_open(everywhere, facts, coin):
        holdings.check_flat(holdings.coin_rows(balance, [coin])[coin], symbol)
    return replace(position, leverage=positions.leverage(leg.leverage, leg.contract, leg.mode))


def _anything_open(everywhere: Book, facts: Facts, coin: str) -> bool:
    """Whether a contract of this coin is held, whose profit and margin the coin then shows."""
    coins = {symbol: contract.instrument.settle for symbol, contract in facts.listing.by_symbol.items()}
    return any(held.position.contracts and coins[symbol] == coin for (symbol, _), held in everywhere.items())
