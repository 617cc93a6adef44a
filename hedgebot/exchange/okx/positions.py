"""OKX's words for positions, converted, and what it means that one is not shown.

A contract may be held in isolated and in cross margin at once, each a position of its own. A contract that
was closed within 30 days is shown with a size of zero where it is asked for by name; one that was never
traded is not shown at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedgebot.domain.account import Position
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price
from hedgebot.errors import ConversionError
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import Contract, Listing, one_row, rows

CONTRACT_KINDS = {"SWAP": True, "FUTURES": True, "MARGIN": False, "OPTION": False, "EVENTS": False}
MODES = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
SIDES = {"net": 0, "long": 1, "short": -1}
COIN_ROUNDING, DOLLAR_ROUNDING = Decimal("2e-8"), Decimal("2e-4")
PRICE_ROUNDING = Decimal("2e-7")  # of a position, for an entry and a mark that are cut somewhere


@dataclass(frozen=True, slots=True)
class Held:
    """One position and the profit of it that was settled into the wallet while it is open."""

    position: Position
    settled: Coin


Book = Mapping[tuple[str, MarginMode], Held]
"""Positions by unified symbol and margin mode."""


def book(answer: Answer, listing: Listing, assets: frozenset[str], *, hedge_mode: bool) -> Book:
    """The positions in an answer that are margined in ``assets``, flat ones included."""
    groups: dict[tuple[str, MarginMode], list[Fields]] = {}
    for row in rows(answer):
        if (instrument := _instrument(row, listing, assets)) is not None:
            groups.setdefault((instrument.native, row.word("mgnMode", MODES)), []).append(row)
    contracts = listing.by_native
    return {
        (contracts[native].instrument.symbol, mode): _held(
            contracts[native].instrument, mode, sides, hedge_mode=hedge_mode
        )
        for (native, mode), sides in groups.items()
    }


def _instrument(row: Fields, listing: Listing, assets: frozenset[str]) -> Instrument | None:
    """The contract of a row that concerns one of our coins; other contracts' and other coins' rows do not."""
    if row.word("instType", CONTRACT_KINDS):
        return listing.of_row(row)
    if row.text("ccy") in assets and (row.blank("pos") or row.decimal("pos")):
        raise row.wrong(
            "instType", f"is {row.text('instType')}: its profit mixes with that of contracts; close it"
        )
    return None


def _held(instrument: Instrument, mode: MarginMode, sides: list[Fields], *, hedge_mode: bool) -> Held:
    """One row, or in hedge mode two, whose sizes are summed; the larger one lends its other figures."""
    names = [row.text("posSide") for row in sides]
    if len(set(names)) != len(names) or ("net" in names and len(names) > 1):
        raise sides[0].wrong("posSide", f"is {', '.join(names)} in the rows of one contract")
    found = [_one_side(instrument, mode, row) for row in sides]
    largest = max(found, key=lambda held: abs(held.position.contracts)).position
    positions = [held.position for held in found]
    summed = replace(
        largest,
        contracts=sum((p.contracts for p in positions), Contracts.zero()),
        unrealized=sum((p.unrealized for p in positions), Coin.zero()),
        initial_margin=sum((p.initial_margin for p in positions), Coin.zero()),
        hedge_mode=hedge_mode or largest.hedge_mode,
        updated_at=max(p.updated_at for p in positions),
    )
    return Held(summed, sum((held.settled for held in found), Coin.zero()))


def _one_side(instrument: Instrument, mode: MarginMode, row: Fields) -> Held:
    contracts = _contracts(row)
    isolated = _isolated_margin(row, is_open=bool(contracts)) if mode is MarginMode.ISOLATED else None
    settled, entry, mark, profit, bound = Coin.zero(), None, None, Coin.zero(), isolated or Coin.zero()
    if contracts:
        settled, entry, mark = _settled(row), _entry(row, mode), row.price("markPx")
        profit = row.coin("upl") + settled
        _check_profit(row, instrument, contracts, entry, profit)
        bound = isolated or instrument.worth(contracts, mark) / row.positive("lever")
    elif _number(row, "upl") or _number(row, "avgPx"):
        raise row.wrong("pos", "is zero, yet the row shows an entry or a profit")
    position = Position(
        symbol=instrument.symbol,
        contracts=contracts,
        entry=entry,
        mark=mark,
        unrealized=profit,
        initial_margin=bound,
        margin=isolated,
        liquidation=row.price_or_blank("liqPx") if contracts else None,
        leverage=row.positive_or_blank("lever"),
        hedge_mode=row.text("posSide") != "net",
        updated_at=Millis(0) if row.blank("uTime") else row.millis("uTime"),
        margin_mode=mode,
    )
    return Held(position, settled)


def _contracts(row: Fields) -> Contracts:
    """Size with its sign: in one-way mode the number bears it, in hedge mode its side says it."""
    sign = row.word("posSide", SIDES)
    return Contracts(row.not_negative("pos") * sign if sign else row.decimal("pos"))


def _entry(row: Fields, mode: MarginMode) -> Price:
    """The average of the trades: of a dated contract in cross margin ``avgPx`` is a settlement's price."""
    dated = row.text("instType") == "FUTURES" and mode is MarginMode.CROSS
    if dated and row.has("nonSettleAvgPx") and not row.blank("nonSettleAvgPx"):
        return row.price("nonSettleAvgPx")
    return row.price("avgPx")


def _isolated_margin(row: Fields, *, is_open: bool) -> Coin:
    """Coins set aside: some behind an open position; of a flat one the field may be blank."""
    if is_open:
        return Coin(row.positive("margin"))
    return Coin(ZERO if row.blank("margin") else row.not_negative("margin"))


def _settled(row: Fields) -> Coin:
    """Profit that settlements paid out while the position stayed open; older replies do not know it."""
    return Coin(_number(row, "settledPnl") if row.has("settledPnl") else ZERO)


def _check_profit(
    row: Fields, instrument: Instrument, contracts: Contracts, entry: Price, profit: Coin
) -> None:
    """Profit must be what our own arithmetic makes of the same row's size and prices."""
    at_entry, now = (instrument.worth(contracts, price) for price in (entry, row.price("markPx")))
    rounding = DOLLAR_ROUNDING if instrument.linear else COIN_ROUNDING
    made = now - at_entry if (contracts.value < ZERO) is not instrument.linear else at_entry - now
    if abs(profit - made).value > rounding + PRICE_ROUNDING * (at_entry + now).value:
        raise row.wrong("upl", f"makes {profit}, by its own size and prices it is {made}")


def _number(row: Fields, name: str) -> Decimal:
    """A number, or zero where the field is blank because it does not belong to this kind of position."""
    return row.decimal_or_blank(name) or ZERO


def leverage(answer: Answer, contract: Contract, mode: MarginMode) -> Decimal:
    """What a short in this contract and margin mode would be opened at, from ``account/leverage-info``."""
    found = {row.text("posSide"): row for row in rows(answer)}
    row = found.get("short") or found.get("net") or one_row(answer)
    row.expect("instId", contract.instrument.native)
    row.expect("mgnMode", mode.value)
    return row.positive("lever")


def flat(instrument: Instrument, mode: MarginMode, *, hedge_mode: bool) -> Position:
    """A contract that was never traded."""
    return Position(
        symbol=instrument.symbol,
        contracts=Contracts.zero(),
        entry=None,
        mark=None,
        unrealized=Coin.zero(),
        initial_margin=Coin.zero(),
        margin=Coin.zero() if mode is MarginMode.ISOLATED else None,
        liquidation=None,
        leverage=None,
        hedge_mode=hedge_mode,
        updated_at=Millis(0),
        margin_mode=mode,
    )


def chosen(named: Book, symbol: str, wanted: MarginMode) -> Position | None:
    """The leg's position: the open one, the wanted mode first; else the wanted mode's flat one."""
    both = (wanted, MarginMode.CROSS if wanted is MarginMode.ISOLATED else MarginMode.ISOLATED)
    shown = [named[symbol, mode].position for mode in both if (symbol, mode) in named]
    is_open = next((position for position in shown if position.contracts), None)
    return is_open or next((position for position in shown if position.margin_mode is wanted), None)


def check_agreement(named: Book, everywhere: Book, symbol: str, where: str) -> None:
    """A contract asked for by name and the list of all positions are read together: sizes must agree.

    Raises ``ConversionError``.
    """
    for mode in MODES.values():
        sizes = [
            book[symbol, mode].position.contracts if (symbol, mode) in book else Contracts.zero()
            for book in (named, everywhere)
        ]
        if sizes[0] != sizes[1]:
            raise ConversionError(
                where, f"shows {sizes[0]} of {symbol} in {mode}, among all positions {sizes[1]}"
            )


def settled_profit(book: Book, listing: Listing) -> dict[str, Coin]:
    """By coin, the profit of open positions that was settled into the wallet."""
    sums: dict[str, Coin] = {}
    for (symbol, _), held in book.items():
        coin = listing.by_symbol[symbol].instrument.settle
        sums[coin] = sums.get(coin, Coin.zero()) + held.settled
    return sums
