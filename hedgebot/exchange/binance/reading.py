"""The replies of one reading, and what they amount to once they are converted and agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hedgebot.domain.account import AccountMode, AccountReading, Position, Wallet
from hedgebot.domain.instrument import Instrument
from hedgebot.errors import ConversionError
from hedgebot.exchange.binance import holdings, market, orders
from hedgebot.exchange.binance.slow_facts import Facts
from hedgebot.exchange.convert import OrderBook
from hedgebot.exchange.fates import Answer


@dataclass(frozen=True, slots=True)
class LegAnswers:
    """What was answered about one contract; its order book, the longest part, is converted."""

    instrument: Instrument
    premium: Answer
    book: OrderBook
    orders: Answer


@dataclass(frozen=True, slots=True)
class CoinMAnswers:
    """What the COIN-M API answered; ``positions`` by the asset that margins them."""

    account: Answer
    positions: Mapping[str, Answer]
    legs: Sequence[LegAnswers]


@dataclass(frozen=True, slots=True)
class Moment:
    """Who read, and when: monotonic seconds, and the exchange's clock less ours in ms."""

    account: str
    started: float
    ended: float
    offset_ms: int


def reading(
    spot: Answer, coin_m: CoinMAnswers, facts: Facts, assets: Sequence[str], moment: Moment
) -> AccountReading:
    """Pure. Raises ``ConversionError`` for a field, or for replies that contradict each other."""
    positions = holdings.positions(
        list(coin_m.positions.values()), coin_m.account, facts.listing, coin_m.positions.keys()
    )
    for leg in coin_m.legs:
        _check_shown(leg.instrument, positions, facts, coin_m.positions[leg.instrument.asset].where)
    legs = {leg.instrument.symbol for leg in coin_m.legs}
    return AccountReading(
        account=moment.account,
        started=moment.started,
        ended=moment.ended,
        exchange_offset_ms=moment.offset_ms,
        mode=_mode(facts.mode, positions),
        wallets=(
            *holdings.spot_wallets(spot, moment.account, assets),
            *_margin_wallets(coin_m, facts, positions, moment.account),
        ),
        positions=tuple(p for p in positions if p.symbol in legs or p.contracts or p.hedge_mode),
        orders=orders.open_orders((leg.orders for leg in coin_m.legs), facts.listing),
        quotes=tuple(
            market.quote(
                leg.premium, leg.book, leg.instrument, facts.contracts[leg.instrument.symbol].funding_hours
            )
            for leg in coin_m.legs
        ),
        facts=tuple(facts.contracts[leg.instrument.symbol].leg for leg in coin_m.legs),
    )


def spot_reading(spot: Answer, assets: Sequence[str], moment: Moment) -> AccountReading:
    """The reading of an account that only holds coins: nothing of COIN-M is asked for."""
    return AccountReading(
        account=moment.account,
        started=moment.started,
        ended=moment.ended,
        exchange_offset_ms=moment.offset_ms,
        mode=AccountMode(None),
        wallets=holdings.spot_wallets(spot, moment.account, assets),
        positions=(),
        orders=(),
        quotes=(),
        facts=(),
    )


def _check_shown(instrument: Instrument, positions: Sequence[Position], facts: Facts, where: str) -> None:
    """Flat is said by a row, and both sides by the rows where the account holds both."""
    shown = next((p for p in positions if p.symbol == instrument.symbol), None)
    if shown is None:
        raise ConversionError(where, f"has no row for {instrument.native}: flat is said by a row")
    if shown.hedge_mode is not facts.hedge_mode:
        sides = "both sides" if shown.hedge_mode else "one side"
        raise ConversionError(where, f"shows {sides} of {instrument.native}, against dualSidePosition")


def _mode(mode: AccountMode, positions: Sequence[Position]) -> AccountMode:
    """A leverage of zero, which is read as none, gives portfolio margin away."""
    hidden = any(position.leverage is None for position in positions)
    return replace(mode, unsupported=holdings.PORTFOLIO) if hidden and not mode.unsupported else mode


def _margin_wallets(
    coin_m: CoinMAnswers, facts: Facts, positions: Sequence[Position], account: str
) -> list[Wallet]:
    """The COIN-M wallet of each asset in which a leg is margined."""
    found = []
    for asset in coin_m.positions:
        held = [p for p in positions if facts.listing.by_symbol[p.symbol].asset == asset]
        found.append(holdings.margin_wallet(coin_m.account, account, asset, held))
    return found
