"""Binance's words for what an account holds, converted: its wallets, its positions, its mode.

``positionRisk`` says what is short, at which mark and with which margin; ``account`` says the same sizes,
what each position binds, and the COIN-M wallet. They are two replies, and have to agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.account import AccountMode, Position, Wallet, WalletId
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.inverse import Short
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis
from hedgebot.exchange.binance.market import Listing, rows
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

SPOT, MARGIN = "spot", "margin"
BOTH, LONG, SHORT = "BOTH", "LONG", "SHORT"
SIDES = {BOTH: 0, LONG: 1, SHORT: -1}
MARGIN_MODES = {"isolated": MarginMode.ISOLATED, "cross": MarginMode.CROSS}
PORTFOLIO = "portfolio margin: one pot backs everything, and its liquidation price cannot be known"

COIN_ROUNDING = Decimal("2e-8")  # two amounts of eight decimals
SIZE_ROUNDING = Decimal("1e-8")  # of a position, for an entry and a mark of eight decimals each

Key = tuple[str, str]
"""A contract's own name and the position side."""


def mode(info: Answer | None) -> AccountMode:
    """What holds for the whole account; margin modes are each contract's own. None: demo trading."""
    if info is not None and info.fields.flag("isPortfolioMarginRetailEnabled"):
        return AccountMode(None, PORTFOLIO)
    return AccountMode(None)


def spot_wallets(answer: Answer, account: str, assets: Iterable[str]) -> tuple[Wallet, ...]:
    """The spot wallet of each asset: what is free, and what orders lock. Loans are margin accounts' own."""
    balances = answer.fields.rows("balances")
    by_asset = {row.name("asset"): row for row in balances}
    if len(by_asset) != len(balances):
        raise answer.fields.wrong("balances", "shows a coin twice")
    missing = [asset for asset in assets if asset not in by_asset]
    if missing:
        raise answer.fields.wrong("balances", f"shows no {missing[0]}")
    return tuple(_spot(by_asset[asset], WalletId(account, SPOT, asset)) for asset in assets)


def _spot(row: Fields, wallet_id: WalletId) -> Wallet:
    free, locked = row.not_negative("free"), row.not_negative("locked")
    return Wallet(wallet_id, Coin(free + locked), Coin.zero(), Coin.zero(), Coin(free))


def margin_wallet(answer: Answer, account: str, asset: str, positions: Iterable[Position]) -> Wallet:
    """The COIN-M wallet of one asset: ``walletBalance``, isolated margins included, without open profit.

    That it includes them is verified: it has to be the cross wallet and the isolated ones.
    """
    row = _asset(answer.fields, asset)
    if not row.millis("updateTime"):
        raise row.wrong(
            "updateTime",
            f"is 0: the row is stale, or the wallet was never used. Transfer any {asset} into COIN-M futures",
        )
    balance, cross, profit = (
        row.decimal(name) for name in ("walletBalance", "crossWalletBalance", "unrealizedProfit")
    )
    if abs(row.decimal("marginBalance") - balance - profit) > COIN_ROUNDING:
        raise row.wrong("marginBalance", f"is not walletBalance + unrealizedProfit, {balance} + {profit}")
    own = [position.margin.value for position in positions if position.margin is not None]
    isolated = sum(own, ZERO)
    if abs(balance - cross - isolated) > COIN_ROUNDING * (len(own) + 1):
        ours = f"crossWalletBalance and isolated margins make {cross + isolated}"
        raise row.wrong("walletBalance", f"is {balance}, {ours}: not one moment's truth, or another meaning")
    return Wallet(
        id=WalletId(account, MARGIN, asset),
        coins=Coin(balance),
        unrealized=Coin(profit),
        position_margin=Coin(row.not_negative("positionInitialMargin")),
        withdrawable=_withdrawable(row, cross, positions),
    )


def _asset(account: Fields, asset: str) -> Fields:
    found = [row for row in account.rows("assets") if row.name("asset") == asset]
    if len(found) != 1:
        raise account.wrong("assets", f"shows {asset} {len(found)} times")
    return found[0]


def _withdrawable(row: Fields, cross: Decimal, positions: Iterable[Position]) -> Coin:
    """What surely may leave: unbound coins of the cross wallet less an open loss, and no more than Binance
    says. Unrealised profit never is among them."""
    bound = sum((p.initial_margin.value for p in positions if p.margin is None), ZERO)
    free = cross + min(row.decimal("crossUnPnl"), ZERO) - bound - row.not_negative("openOrderInitialMargin")
    return Coin(max(min(free, row.not_negative("maxWithdrawAmount")), ZERO))


def positions(
    risks: Sequence[Answer], account: Answer, listing: Listing, assets: Iterable[str]
) -> tuple[Position, ...]:
    """Every position that the wallets of these assets margin, each contract once, flat ones too."""
    wanted = frozenset(assets)
    shown = _by_key((row for answer in risks for row in rows(answer)), listing, wanted)
    bound = _by_key(account.fields.rows("positions"), listing, wanted)
    _check_agreement(shown, bound, account.fields)
    by_contract: dict[str, list[Position]] = {}
    for key, row in shown.items():
        contract = listing.of_row(row)
        by_contract.setdefault(contract.symbol, []).append(_one_side(row, contract, bound.get(key)))
    return tuple(_combined(sides) for sides in by_contract.values())


def _by_key(listed: Iterable[Fields], listing: Listing, assets: frozenset[str]) -> dict[Key, Fields]:
    """The rows about contracts in these assets. One that is listed no more may be shown, if it is flat."""
    found: dict[Key, Fields] = {}
    for row in listed:
        if row.name("symbol") not in listing.by_native and not row.decimal("positionAmt"):
            continue
        if listing.of_row(row).asset not in assets:
            continue
        row.word("positionSide", SIDES)
        key = row.name("symbol"), row.text("positionSide")
        if key in found:
            raise row.wrong("positionSide", f"is {key[1]} in two rows of {key[0]}")
        found[key] = row
    return found


def _check_agreement(shown: Mapping[Key, Fields], bound: Mapping[Key, Fields], account: Fields) -> None:
    """Both replies have to show the same sizes. One alone may lag, and would be believed."""
    for key, row in shown.items():
        size = row.decimal("positionAmt")
        if size and key not in bound:
            raise account.wrong("positions", f"has no row for {key[0]} {key[1]}, which positionRisk shows")
        other = bound[key].decimal("positionAmt") if key in bound else ZERO
        if size != other:
            raise row.wrong("positionAmt", f"is {size}, and {other} in the account's own list")
    for key, row in bound.items():
        if key not in shown and row.decimal("positionAmt"):
            raise row.wrong("positionAmt", f"is {row.decimal('positionAmt')}, and positionRisk shows no row")


def _one_side(row: Fields, instrument: Instrument, bound: Fields | None) -> Position:
    """One row, with what the account's own list says it binds. Only an explicit zero is flat."""
    contracts = _contracts(row)
    margin_mode = row.word("marginType", MARGIN_MODES)
    entry, mark = row.price_or_blank("entryPrice"), row.price_or_blank("markPrice")
    unrealized = row.coin("unRealizedProfit")
    if contracts:
        _check_open(row, instrument, contracts, unrealized)
    elif unrealized or entry:
        raise row.wrong("positionAmt", "is zero, yet the row shows an entry or a profit")
    isolated = margin_mode is MarginMode.ISOLATED
    return Position(
        symbol=instrument.symbol,
        contracts=contracts,
        entry=entry,
        mark=mark,
        unrealized=unrealized,
        initial_margin=Coin(bound.not_negative("positionInitialMargin")) if bound else Coin.zero(),
        margin=_isolated_margin(row, unrealized) if isolated else None,
        liquidation=row.price_or_blank("liquidationPrice"),
        leverage=Decimal(row.integer("leverage")) or None,
        hedge_mode=row.text("positionSide") != BOTH,
        updated_at=row.millis("updateTime") if row.has("updateTime") else Millis(0),
        margin_mode=margin_mode,
    )


def _contracts(row: Fields) -> Contracts:
    """Signed already: a short is negative, in hedge mode too."""
    size, sign = row.decimal("positionAmt"), row.word("positionSide", SIDES)
    if size * sign < ZERO:
        raise row.wrong("positionAmt", f"is {size} on the side {row.text('positionSide')}")
    return Contracts(size)


def _check_open(row: Fields, instrument: Instrument, contracts: Contracts, unrealized: Coin) -> None:
    """Value and profit must be what our own arithmetic makes of the same row's size and prices."""
    ours = Short(instrument.notional(contracts), row.price("entryPrice"), row.price("markPrice"))
    allowed = COIN_ROUNDING + SIZE_ROUNDING * (ours.sold.value + ours.short.value)
    if row.has("notionalValue") and abs(abs(row.decimal("notionalValue")) - ours.short.value) > allowed:
        raise row.wrong("notionalValue", f"is not size / markPrice, {ours.short}")
    profit = ours.unrealized if contracts.value < ZERO else -ours.unrealized
    if abs(unrealized.value - profit.value) > allowed:
        raise row.wrong("unRealizedProfit", f"is {unrealized}, by its own size and prices {profit}")


def _isolated_margin(row: Fields, unrealized: Coin) -> Coin:
    """Coins behind one position without its profit, which ``isolatedMargin`` contains."""
    without_profit = row.coin("isolatedMargin") - unrealized
    if not row.has("isolatedWallet"):
        return without_profit
    wallet = row.coin("isolatedWallet")
    if abs((wallet - without_profit).value) > COIN_ROUNDING:
        raise row.wrong("isolatedWallet", f"is {wallet}, isolatedMargin less the profit {without_profit}")
    return wallet


def _combined(sides: Sequence[Position]) -> Position:
    """One row, or in hedge mode several, whose sizes are summed; the largest lends its other figures."""
    largest = max(sides, key=lambda side: abs(side.contracts))
    coins = Coin.zero()
    margins = [side.margin for side in sides if side.margin is not None]
    return replace(
        largest,
        contracts=sum((side.contracts for side in sides), Contracts.zero()),
        unrealized=sum((side.unrealized for side in sides), coins),
        initial_margin=sum((side.initial_margin for side in sides), coins),
        margin=sum(margins, coins) if margins else None,
        hedge_mode=any(side.hedge_mode for side in sides),
        updated_at=max(side.updated_at for side in sides),
    )
