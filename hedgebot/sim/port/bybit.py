"""Bybit: one unified pot, and one margin mode for the whole account."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from hedgebot.domain.account import AccountMode, KeyScope, Needs, Position, Wallet, WalletId
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import TransferRequest
from hedgebot.domain.units import ZERO, Coin, Millis, Price, Usd
from hedgebot.errors import ReadError
from hedgebot.sim.account import ApiKey
from hedgebot.sim.contract import HOUR_MS, Contract
from hedgebot.sim.events import Filled, FundingPaid
from hedgebot.sim.exchange import View
from hedgebot.sim.ledger import isolated_coins
from hedgebot.sim.money import floor_to
from hedgebot.sim.port.house import House
from hedgebot.sim.port.look import Look
from hedgebot.sim.port.prices import Instants
from hedgebot.sim.port.words import Facts, Recall, Told
from hedgebot.sim.valuation import Valuation

DAY_MS = 24 * HOUR_MS
MARGIN_STEP = Fraction(1, 10_000)
UNSUPPORTED = "portfolio margin: its liquidation price cannot be known"


class Bybit(House):
    """The model of a unified pot."""

    recall: ClassVar[Recall] = Recall(("order/realtime", "order/history"), (float("inf"), DAY_MS))
    ledger_ms: ClassVar[int] = 2 * 365 * DAY_MS
    funding_read: ClassVar[str] = "execution"

    def mode(self, margin_mode: MarginMode) -> AccountMode:
        return AccountMode(margin_mode, UNSUPPORTED if margin_mode is MarginMode.PORTFOLIO else "")

    def entry_id(self, event: Filled | FundingPaid) -> str:
        return event.execution_id

    def scope(self, key: ApiKey) -> KeyScope:
        """An expiry is told to the second."""
        told = super().scope(key)
        at = told.expires_at
        return told if at is None else replace(told, expires_at=Millis(at - at % 1000))

    def told(self, look: Look, facts: Facts, needs: Needs) -> Told:
        mode, legs = (
            facts.mode.margin_mode,
            [self.contract(symbol).symbol for symbol in sorted(needs.symbols)],
        )
        wallet, everywhere = look.view("wallet"), look.view("position")
        self._check_mode(mode, MarginMode(wallet.value.state.margin_mode.value), wallet.value)
        orders = self.resting(look.at("order"))
        positions, quotes = [], []
        for native in legs:
            view = look.view("position")
            self.check_agreement(view, everywhere, native)
            positions.append(self._position(view, native, mode))
            quotes.append(self._quote(look, native))
        others = self.others(everywhere, legs)
        return Told(
            mode=facts.mode,
            wallets=tuple(self._wallet(wallet.value, asset, mode) for asset in sorted(needs.assets)),
            positions=(*positions, *(self._position(everywhere, other, mode) for other in others)),
            orders=orders,
            quotes=tuple(quotes),
            facts=tuple(facts.legs[self.symbols[native]].facts for native in legs),
        )

    def sent(self, request: TransferRequest) -> Fraction:
        """Four decimals."""
        return floor_to(super().sent(request), MARGIN_STEP)

    def _check_mode(self, known: MarginMode | None, true: MarginMode, value: Valuation) -> None:
        """In some modes figures are blank; where another one is believed, that is an error."""
        blank = known is MarginMode.CROSS or true is MarginMode.PORTFOLIO
        told = known is MarginMode.ISOLATED and true is MarginMode.CROSS and value.initial() > 0
        if known is not true and (blank or told):
            raise ReadError(f"{self.account}: the margin mode was {known}, and is {true} now")

    def _wallet(self, value: Valuation, asset: str, mode: MarginMode | None) -> Wallet:
        """Bonus coins and debts are not owned; what orders hold back or lock cannot leave."""
        own, profit = value.state.wallet((value.pot, asset)), self.number(value.profit(asset))
        owned = self.number(value.equity(asset)) - profit - self.number(own.bonus)
        bound, resting = self._bound(value, asset), self.number(value.resting.get(asset, Fraction(0)))
        if mode is MarginMode.PORTFOLIO:
            bound, resting = ZERO, ZERO
        loss = ZERO if mode is MarginMode.ISOLATED else min(profit, ZERO)
        free = owned - bound - resting - self.number(own.locked) + loss
        return Wallet(
            id=WalletId(self.account, value.pot, asset),
            coins=Coin(owned),
            unrealized=Coin(profit),
            position_margin=Coin(bound),
            withdrawable=Coin(max(free, ZERO)),
            other_margin=self._other_margin(value, asset) if mode is MarginMode.CROSS else Usd.zero(),
        )

    def _bound(self, value: Valuation, asset: str) -> Decimal:
        if value.isolated:
            return self.number(isolated_coins(value.state, asset, value.contracts))
        margins = (value.initial_margin(key) for key, _ in value.settled_in(asset))
        return self.number(sum(margins, Fraction(0)))

    def _other_margin(self, value: Valuation, asset: str) -> Usd:
        """Dollars of all other coins in the pot."""
        held = [coin for pot, coin in value.state.wallets if pot == value.pot]
        if held == [asset]:
            return Usd.zero()
        worth = {coin: value.equity(coin) * value.index(coin) for coin in held}
        total = sum(worth.values(), Fraction(0))
        return Usd(self.number(total) - self.number(worth.get(asset, Fraction(0))))

    def _position(self, view: View, native: str, mode: MarginMode | None) -> Position:
        """Its mark is told also while it is flat, its margin mode never: that is the account's."""
        told = replace(
            self.position(view, native),
            mark=Price(self.number(view.value.quote(native).mark)),
            margin_mode=None,
        )
        if mode is MarginMode.PORTFOLIO:
            return replace(told, initial_margin=Coin.zero(), margin=None, liquidation=None, leverage=None)
        isolated = (told.margin or told.initial_margin) if mode is MarginMode.ISOLATED else None
        return replace(told, initial_margin=isolated or told.initial_margin, margin=isolated)

    def _quote(self, look: Look, native: str) -> Quote:
        contract, ticker, book = self.exchange.truth.contracts[native], look.at("ticker"), look.at("book")
        hours = Decimal(max(contract.funding_interval_ms // HOUR_MS, 1))
        at = Instants(ticker, ticker, ticker, book)
        return self.prices.quote(self.symbols[native], contract, at, book, hours)

    def set_leverage(self, contract: Contract, leverage: Decimal, mode: MarginMode | None) -> Outcome:
        if self.exchange.account(self.account).state.margin_mode.value == MarginMode.PORTFOLIO:
            return Outcome(Fate.REJECTED, "no leverage in portfolio margin")
        return super().set_leverage(contract, leverage, mode)
