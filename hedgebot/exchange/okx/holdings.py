"""OKX's words for what an account holds, converted: its settings and its coins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.account import AccountMode, Wallet, WalletId
from hedgebot.domain.units import ZERO, Coin, Usd
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import one_row

POT = "unified"
SPOT_MODE, FUTURES_MODE, MULTI_CURRENCY, PORTFOLIO = "1", "2", "3", "4"
UNSUPPORTED = {
    SPOT_MODE: "its account mode is spot: no contract can be traded; choose futures mode",
    FUTURES_MODE: "",
    MULTI_CURRENCY: "",  # no isolated margin there: see Settings.mode
    PORTFOLIO: "portfolio margin: its liquidation price cannot be known; choose futures mode",
}
NO_ISOLATED = "multi-currency mode opens no isolated positions; choose futures mode, or cross margin"
HEDGE_MODES = {"net_mode": False, "long_short_mode": True}
ROUNDING = Decimal("5e-8")  # several amounts, each cut somewhere beyond the eighth decimal
OPEN_FIGURES = ("upl", "isoUpl", "isoEq")
MARGIN_FIGURES = ("imr", "mmr", "notionalLever")
"""What a coin's row shows of positions: all zero, or blank where the account mode has no such figure. Resting
orders may count in the latter."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The account's own: each position has its margin mode, and none is the account's."""

    level: str
    hedge_mode: bool

    def mode(self, *, opens_isolated: bool = False) -> AccountMode:
        """Whether coins can be counted here and, where that is wanted, isolated positions opened."""
        if opens_isolated and self.level == MULTI_CURRENCY:
            return AccountMode(None, NO_ISOLATED)
        return AccountMode(None, UNSUPPORTED[self.level])


def settings(answer: Answer) -> Settings:
    """The account mode and the position mode, from ``account/config``."""
    row = one_row(answer)
    row.word("acctLv", UNSUPPORTED)
    return Settings(row.text("acctLv"), row.word("posMode", HEDGE_MODES))


def coin_rows(answer: Answer, assets: Iterable[str]) -> dict[str, Fields]:
    """The row of each asset. One without a row is an error, never zero coins."""
    totals = one_row(answer)
    found = {row.name("ccy"): row for row in totals.rows("details")}
    if len(found) != len(totals.items("details")):
        raise totals.wrong("details", "show a coin twice")
    missing = [asset for asset in assets if asset not in found]
    if missing:
        raise totals.wrong("details", f"show no {missing[0]}: hold any amount of it, so that it is listed")
    return {asset: found[asset] for asset in assets}


def wallets(
    answer: Answer, account: str, assets: Iterable[str], settings: Settings, settled: Mapping[str, Coin]
) -> tuple[Wallet, ...]:
    """The pot of each asset. ``settled`` is profit of open positions that was paid into it already."""
    totals = one_row(answer)
    found = coin_rows(answer, assets)
    return tuple(
        _wallet(row, totals, WalletId(account, POT, asset), settings, settled.get(asset, Coin.zero()))
        for asset, row in found.items()
    )


def _wallet(row: Fields, totals: Fields, wallet_id: WalletId, settings: Settings, settled: Coin) -> Wallet:
    """Coins are ``eq - upl - stgyEq`` (money.md, "Reading"), less a trial fund and settled open profit.

    Interest owed is taken off ``eq`` already, and so are debts, which are nothing else than a negative
    balance here.
    """
    _check_identity(row)
    _check_debt(row)
    profit = row.decimal("upl")
    owned = row.decimal("eq") - profit - row.decimal("stgyEq") - _number(row, "rewardBal")
    coins = owned - settled.value
    bound = _bound(row)
    return Wallet(
        id=wallet_id,
        coins=Coin(coins),
        unrealized=Coin(profit) + settled,
        position_margin=Coin(bound),
        withdrawable=_withdrawable(row, coins - bound),
        other_margin=_other_margin(row, totals) if settings.level == MULTI_CURRENCY else Usd.zero(),
    )


def _check_identity(row: Fields) -> None:
    """``eq`` must be the sum of its parts: ``cashBal`` has no isolated margin and no profit in it.

    Options, or coins that follow other traders, break the sum: then nobody can say what is held.
    """
    isolated = row.decimal("isoEq")
    crossed = row.decimal("upl") - row.decimal("isoUpl")
    parts = row.decimal("cashBal") + isolated + crossed + row.decimal("stgyEq") - _number(row, "interest")
    if abs(row.decimal("eq") - parts) > ROUNDING:
        sums = "cashBal, isoEq, the other profit and stgyEq less interest"
        raise row.wrong(
            "eq", f"is {row.decimal('eq')}, yet {sums} make {parts}: options, or not one moment's truth"
        )


def _check_debt(row: Fields) -> None:
    """Coins owed beside coins held would not be in ``eq``; here a debt is what a balance is below zero."""
    owed, isolated = _number(row, "liab"), row.decimal("isoEq")
    if owed > max(isolated - row.decimal("eq"), ZERO) + ROUNDING:
        raise row.wrong("liab", f"is {owed} while the coin's balance is not below zero: repay the loan")


def _bound(row: Fields) -> Decimal:
    """Coins that positions bind: isolated margins without profit, and initial margin in cross.

    The latter is told as ``imr`` in futures mode, where it may have that of resting orders in it; elsewhere
    it is what else is frozen.
    """
    cross = None if row.blank("imr") else row.not_negative("imr")
    if cross is None or row.not_negative("ordFrozen"):
        frozen = _frozen(row)
        cross = frozen if cross is None else min(cross, frozen)
    isolated = row.decimal("isoEq") - row.decimal("isoUpl")
    if isolated < -ROUNDING:
        raise row.wrong("isoEq", f"less isoUpl is {isolated}, below zero")
    return max(isolated, ZERO) + cross


def _frozen(row: Fields) -> Decimal:
    """Coins frozen by neither isolated margin nor orders nor bots."""
    others = row.decimal("isoEq") + row.not_negative("ordFrozen") + row.decimal("stgyEq")
    left = row.not_negative("frozenBal") - others
    if left < -ROUNDING:
        raise row.wrong("frozenBal", "is less than the parts of it")
    return max(left, ZERO)


def _withdrawable(row: Fields, unbound: Decimal) -> Coin:
    """What surely may leave: unbound and unordered coins less an open loss, and no more than is available.

    The loss of an isolated position is its own margin's.
    """
    crossed = row.decimal("upl") - row.decimal("isoUpl")
    free = unbound - row.not_negative("ordFrozen") + min(crossed, ZERO)
    return Coin(max(min(free, row.decimal("availBal")), ZERO))


def _other_margin(row: Fields, totals: Fields) -> Usd:
    """Dollars of all other coins behind the same positions, after their haircuts, less debts."""
    return Usd(totals.decimal("adjEq") - row.decimal("disEq"))


def check_flat(row: Fields, symbol: str) -> None:
    """OKX shows no row for a contract that was never traded: it is flat only if its coin agrees.

    Raises ``ConversionError`` while the coin shows profit or margin of a position that is not listed.
    """
    figures = OPEN_FIGURES if row.not_negative("ordFrozen") else OPEN_FIGURES + MARGIN_FIGURES
    shown = [name for name in figures if _number(row, name)]
    if not shown and row.blank("imr") and _frozen(row) > ROUNDING:
        shown = ["frozenBal"]
    if shown:
        raise row.wrong(shown[0], f"is not zero, yet no position in {symbol} or another contract is shown")


def _number(row: Fields, name: str) -> Decimal:
    """A number, or zero where the account mode has no such figure."""
    return row.decimal_or_blank(name) or ZERO
