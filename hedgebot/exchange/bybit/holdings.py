"""Bybit's words for what an account holds, converted: its mode, its wallets, its positions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.account import AccountMode, Position, Wallet, WalletId
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Usd, plain
from hedgebot.exchange.bybit.market import Listing
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

UNIFIED, POT = "UNIFIED", "unified"
FIRST_UNIFIED_2 = 5  # unifiedMarginStatus: 1 classic, 3 and 4 unified 1.0, 5 and 6 unified 2.0
MARGIN_MODES = {
    "ISOLATED_MARGIN": MarginMode.ISOLATED,
    "REGULAR_MARGIN": MarginMode.CROSS,
    "PORTFOLIO_MARGIN": MarginMode.PORTFOLIO,
}
SIGNS = {"Buy": 1, "Sell": -1}
FLAT = {"": 0, "None": 0}
POSITION_STATUSES = {"Normal": None, "Liq": None, "Adl": None}

COIN_ROUNDING = Decimal("2e-8")  # two amounts of eight decimals, subtracted
DOLLAR_ROUNDING = Decimal("2e-4")  # and of four
SUM_ROUNDING = Decimal("5e-8")  # four of them
PRICE_ROUNDING = Decimal("2e-7")  # of a position, for an entry and a mark of two decimals each


def mode(answer: Answer) -> AccountMode:
    """The account's margin mode, and whether its coins can be counted at all."""
    fields = answer.fields
    margin_mode = fields.word("marginMode", MARGIN_MODES)
    if (status := fields.integer("unifiedMarginStatus")) < FIRST_UNIFIED_2:
        return AccountMode(
            margin_mode, f"it is no unified trading account 2.0 (unifiedMarginStatus {status}): upgrade it"
        )
    if margin_mode is MarginMode.PORTFOLIO:
        return AccountMode(margin_mode, "portfolio margin: its liquidation price cannot be known")
    return AccountMode(margin_mode)


def wallets(answer: Answer, account: str, assets: Iterable[str], mode: AccountMode) -> tuple[Wallet, ...]:
    """The account's pot of each asset. An asset without a row is an error, never zero coins."""
    totals = _only_account(answer)
    if mode.margin_mode is MarginMode.ISOLATED and totals.decimal_or_blank("totalInitialMargin"):
        raise totals.wrong("totalInitialMargin", "is told, as it is not in isolated margin: the mode changed")
    rows = {row.name("coin"): row for row in totals.rows("coin")}
    if len(rows) != len(totals.items("coin")):
        raise totals.wrong("coin", "shows a coin twice")
    missing = [asset for asset in assets if asset not in rows]
    if missing:
        raise totals.wrong("coin", f"shows no {missing[0]}: hold any amount of it, so that it is listed")
    return tuple(_wallet(rows[asset], totals, WalletId(account, POT, asset), mode) for asset in assets)


def _only_account(answer: Answer) -> Fields:
    result = answer.fields
    rows = result.rows("list")
    if len(rows) != 1:
        raise result.wrong("list", f"has {len(rows)} accounts instead of one")
    rows[0].expect("accountType", UNIFIED)
    return rows[0]


def _wallet(row: Fields, totals: Fields, wallet_id: WalletId, mode: AccountMode) -> Wallet:
    """Coins are ``equity - unrealisedPnl``, less bonus and interest owed (money.md, "Reading").

    They must equal ``walletBalance - spotBorrow``; option value, or a changed meaning, breaks that.
    """
    without_pnl = row.decimal("equity") - row.decimal("unrealisedPnl")
    balance = row.decimal("walletBalance") - row.not_negative("spotBorrow")
    if abs(without_pnl - balance) > SUM_ROUNDING:
        ours = f"less unrealisedPnl is {without_pnl}, walletBalance less spotBorrow {balance}"
        raise row.wrong("equity", f"{ours}: option value, or not one moment's truth")
    owned = without_pnl - row.not_negative("bonus") - row.not_negative("accruedInterest")
    bound = _margin(row, "totalPositionIM", mode)
    unbound = owned - bound - _margin(row, "totalOrderIM", mode)
    if mode.margin_mode is not MarginMode.ISOLATED:  # an isolated position's loss is its own margin's
        unbound += min(row.decimal("unrealisedPnl"), ZERO)
    return Wallet(
        id=wallet_id,
        coins=Coin(owned),
        unrealized=row.coin("unrealisedPnl"),
        position_margin=Coin(bound),
        withdrawable=_withdrawable(row, unbound),
        other_margin=_other_margin(row, totals) if mode.margin_mode is MarginMode.CROSS else Usd.zero(),
    )


def _margin(row: Fields, name: str, mode: AccountMode) -> Decimal:
    """Coins bound; portfolio margin, whose coins nobody counts on, leaves the field blank."""
    if mode.margin_mode is MarginMode.PORTFOLIO and row.blank(name):
        return ZERO
    return row.not_negative(name)


def _withdrawable(row: Fields, unbound: Decimal) -> Coin:
    """What surely may leave: unbound and unlocked coins, and no more than Bybit says.

    ``availableToWithdraw`` is deprecated and mostly blank.
    """
    free = unbound - row.not_negative("locked")
    told = row.decimal_or_blank("availableToWithdraw")
    return Coin(max(free if told is None else min(free, told), ZERO))


def _other_margin(row: Fields, totals: Fields) -> Usd:
    """Dollars of all other coins behind the same positions; debts count against them in full.

    Where they are positive the whole account's haircut is taken off, the hedged coin's own included.
    """
    others = totals.decimal("totalEquity") - row.decimal("usdValue")
    unhaircut = totals.decimal("totalMarginBalance") - totals.decimal("totalInitialMargin")
    haircut = max(unhaircut - totals.decimal("totalAvailableBalance"), ZERO)
    return Usd(max(others - haircut, ZERO) if others > ZERO else others)


def positions(
    pages: Iterable[Answer], listing: Listing, margin_mode: MarginMode | None
) -> tuple[Position, ...]:
    """All open positions, each contract once."""
    rows = [row for page in pages for row in page.fields.rows("list")]
    by_contract: dict[str, list[Fields]] = {}
    for row in rows:
        by_contract.setdefault(listing.of_row(row).symbol, []).append(row)
    found = (_position(listing.by_symbol[symbol], rows, margin_mode) for symbol, rows in by_contract.items())
    return tuple(position for position in found if position.contracts or position.hedge_mode)


def position(answer: Answer, instrument: Instrument, margin_mode: MarginMode | None) -> Position:
    """One contract's position, which Bybit shows also when it is flat."""
    rows = answer.fields.rows("list")
    if not rows:
        raise answer.fields.wrong("list", "is empty: flat is said by a row")
    for row in rows:
        row.expect("symbol", instrument.native)
    return _position(instrument, rows, margin_mode)


def _position(instrument: Instrument, rows: list[Fields], margin_mode: MarginMode | None) -> Position:
    """One row, or in hedge mode two, whose sizes are summed; the larger one lends its other figures."""
    indices = [row.integer("positionIdx") for row in rows]
    if len(set(indices)) != len(indices) or (0 in indices and len(indices) > 1):
        raise rows[0].wrong("positionIdx", f"is {indices} in the rows of one contract")
    sides = [_one_side(instrument, row, margin_mode) for row in rows]
    largest = max(sides, key=lambda side: abs(side.contracts))
    return replace(
        largest,
        contracts=sum((side.contracts for side in sides), Contracts.zero()),
        unrealized=sum((side.unrealized for side in sides), Coin.zero()),
        initial_margin=sum((side.initial_margin for side in sides), Coin.zero()),
        updated_at=max(side.updated_at for side in sides),
    )


def _one_side(instrument: Instrument, row: Fields, margin_mode: MarginMode | None) -> Position:
    contracts = _contracts(row)
    row.word("positionStatus", POSITION_STATUSES)
    is_open = bool(contracts)
    has_margin = is_open and margin_mode is not MarginMode.PORTFOLIO
    entry, mark = row.price_or_blank("avgPrice"), row.price_or_blank("markPrice")
    unrealized = Coin(_number(row, "unrealisedPnl", is_open))
    isolated = _isolated_margin(row) if margin_mode is MarginMode.ISOLATED else None
    if is_open:
        _check_open(row, instrument, contracts, unrealized)
    elif unrealized or entry or _number(row, "positionValue", False):
        raise row.wrong("size", "is zero, yet the row shows an entry, a value or a profit")
    return Position(
        symbol=instrument.symbol,
        contracts=contracts,
        entry=entry,
        mark=mark,
        unrealized=unrealized,
        initial_margin=isolated or _margin_of(row, "positionIM", has_margin),
        margin=isolated,
        liquidation=row.price_or_blank("liqPrice"),
        leverage=row.positive_or_blank("leverage"),
        hedge_mode=row.integer("positionIdx") != 0,
        updated_at=Millis(0) if row.blank("updatedTime") else row.millis("updatedTime"),
    )


def _contracts(row: Fields) -> Contracts:
    """Size with the sign of its side; only an explicit zero is flat."""
    size = row.not_negative("size")
    table: Mapping[str, int] = SIGNS if size else FLAT
    if not size and row.integer("positionIdx"):
        table = FLAT | SIGNS  # in hedge mode a side keeps its name while it is flat
    return Contracts(size * row.word("side", table))


def _check_open(row: Fields, instrument: Instrument, contracts: Contracts, unrealized: Coin) -> None:
    """Value and profit must be what our own arithmetic makes of the same row's size and prices."""
    entry, mark = row.price("avgPrice"), row.price("markPrice")
    at_entry, now = (instrument.worth(contracts, price).value for price in (entry, mark))
    allowed = (DOLLAR_ROUNDING if instrument.linear else COIN_ROUNDING) + PRICE_ROUNDING * (at_entry + now)
    if abs(row.positive("positionValue") - at_entry) > allowed:
        formula = "size * avgPrice" if instrument.linear else "size / avgPrice"
        raise row.wrong("positionValue", f"is not {formula}, {plain(at_entry)}")
    profit = now - at_entry if (contracts.value < ZERO) is not instrument.linear else at_entry - now
    if abs(unrealized.value - profit) > allowed:
        raise row.wrong("unrealisedPnl", f"is {unrealized}, by its own size and prices {plain(profit)}")


def _number(row: Fields, name: str, required: bool) -> Decimal:
    """A number; of a flat position, for which the field may be blank, zero."""
    return row.decimal(name) if required else row.decimal_or_blank(name) or ZERO


def _isolated_margin(row: Fields) -> Coin:
    """Coins behind one position without its profit, which the wallet's margin sums; ``positionIM`` where
    the older field, deprecated, says nothing."""
    told = _margin_of(row, "positionBalance", False) if row.has("positionBalance") else None
    return told or _margin_of(row, "positionIM", False)


def _margin_of(row: Fields, name: str, required: bool) -> Coin:
    """Coins set aside, never fewer than none; of a flat position the field may be blank."""
    return Coin(row.not_negative(name) if required or not row.blank(name) else ZERO)
