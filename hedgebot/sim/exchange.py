"""The simulated exchange: a truth of its own, which the daemon sees only through a dialect.

Tests, judges and the demo use it directly: they open accounts, move prices, trade as a human would, and
read what really happened. Everything is exact; amounts may be given as text, int or ``Fraction``.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from hedgebot.ports import Clock
from hedgebot.sim.account import Account, ApiKey
from hedgebot.sim.clearing import Clearing
from hedgebot.sim.contract import Contract
from hedgebot.sim.desk import OrderDesk
from hedgebot.sim.events import Event, MoveKind
from hedgebot.sim.ledger import MarginMode, Position, PositionKey, Wallet
from hedgebot.sim.market import Market, Number, Quote
from hedgebot.sim.matching import Side
from hedgebot.sim.money import exact, floor_to
from hedgebot.sim.orders import NewOrder, Order, Reason, RefusedError, TimeInForce
from hedgebot.sim.treasury import Treasury
from hedgebot.sim.truth import Rules, Truth
from hedgebot.sim.valuation import Roles, Valuation

Lag = float | Callable[[], float]
"""Seconds by which a read lags behind the truth, or a function that draws them."""

USUAL_RULES = Rules()


@dataclass(frozen=True, slots=True)
class View:
    """One account as a read sees it: the truth as of ``at_ms``."""

    account: Account
    at_ms: int
    value: Valuation


class SimulatedExchange:
    """Contracts, accounts and orders with a truth; every method first brings it up to the clock.

    Methods that ask the exchange for something raise ``RefusedError`` when its rules forbid it.
    ``lags`` maps the name of a read (``wallet``, ``position``, ``order``, ``order_history``,
    ``execution``, ``transaction``, ``transfer``, ``account``, ``ticker``, ``book``) to how far it is
    behind, ten minutes at most; writes never lag. ``transfers_take`` are the seconds for which coins are in
    neither of two wallets.
    """

    def __init__(
        self,
        clock: Clock,
        market: Market,
        contracts: Sequence[Contract],
        rng: random.Random,
        rules: Rules = USUAL_RULES,
    ) -> None:
        self.truth = Truth(clock, market, contracts, rules, rng)
        self.lags: dict[str, Lag] = {}
        self.transfers_take = 0.0
        self._desk = OrderDesk(self.truth)
        self._clearing = Clearing(self.truth, self._desk)
        self._treasury = Treasury(self.truth)

    def advance(self) -> int:
        """Let everything happen that is due by now; returns the exchange's time."""
        now_ms = self.truth.clock.now_ms()
        while (arrival := self._treasury.next_arrival(now_ms)) is not None:
            self._clearing.run_to(arrival)
            self._treasury.arrive()
        self._clearing.run_to(now_ms)
        return self.truth.at_ms

    # Accounts and keys

    def open_account(
        self, name: str, *, key: str = "", secret: str = "", passphrase: str = "", pot: str = "unified"
    ) -> Account:
        """A new, empty account in cross margin and one-way mode, with a key if one is named."""
        self.advance()
        account = Account(name, 100_001 + len(self.truth.accounts), pot)
        self.truth.accounts[name] = account
        if key:
            self.set_key(
                ApiKey(
                    key=key,
                    secret=secret,
                    passphrase=passphrase,
                    account=name,
                    created_ms=self.truth.at_ms,
                )
            )
        return account

    def account(self, name: str) -> Account:
        self.advance()
        return self.truth.accounts[name]

    def set_key(self, key: ApiKey) -> None:
        """Create a key or change one."""
        self.truth.keys[key.key] = key

    def revoke_key(self, key: str) -> None:
        self.truth.keys.pop(key, None)

    # Coins

    def deposit(self, account: str, coin: str, coins: Number, wallet: str = "") -> None:
        owner = self.account(account)
        self._treasury.move(owner, (wallet or owner.pot, coin), exact(coins), MoveKind.DEPOSIT)

    def withdraw(self, account: str, coin: str, coins: Number, wallet: str = "") -> None:
        owner = self.account(account)
        self._treasury.withdraw(owner, (wallet or owner.pot, coin), exact(coins))

    def seize(self, account: str, coin: str, coins: Number, wallet: str = "") -> None:
        """Take coins without asking whether margin needs them, as an exchange's own mistake would."""
        owner = self.account(account)
        self._treasury.move(owner, (wallet or owner.pot, coin), -exact(coins), MoveKind.WITHDRAWAL)

    def transfer(
        self, account: str, coin: str, coins: Number, source: str, target: str, transfer_id: str
    ) -> None:
        """Move coins between two wallets of one account."""
        owner = self.account(account)
        takes = round(self.transfers_take * 1000)
        self._treasury.transfer(owner, (source, coin), (target, coin), exact(coins), transfer_id, takes)

    def lend(self, account: str, coin: str, coins: Number) -> None:
        """Credit borrowed coins, which are owed from now on; a negative number repays."""
        owner, amount = self.account(account), exact(coins)
        key = owner.pot_of(coin)
        self._treasury.adjust(owner, key, owed=owner.state.wallet(key).owed + amount)
        self._treasury.move(owner, key, amount, MoveKind.LOAN if amount > 0 else MoveKind.REPAYMENT)

    def grant_bonus(self, account: str, coin: str, coins: Number) -> None:
        """Credit coins that trade but may never leave."""
        owner, amount = self.account(account), exact(coins)
        key = owner.pot_of(coin)
        self._treasury.adjust(owner, key, bonus=owner.state.wallet(key).bonus + amount)
        self._treasury.move(owner, key, amount, MoveKind.BONUS)

    def lock(self, account: str, coin: str, coins: Number, wallet: str = "") -> None:
        """Set how many coins an order on the spot market holds back."""
        owner = self.account(account)
        self._treasury.adjust(owner, (wallet or owner.pot, coin), locked=exact(coins))

    # Orders

    def place(self, account: str, request: NewOrder) -> Order:
        return self._desk.place(self.account(account), request)

    def cancel(self, account: str, order_id: str) -> Order:
        return self._desk.cancel(self.account(account), order_id)

    def human_trade(self, account: str, symbol: str, side: Side, contracts: Number) -> Order:
        """A market order by hand: no client id, the exchange's rules apply."""
        return self.place(account, NewOrder(symbol=symbol, side=side, contracts=exact(contracts)))

    def human_order(self, account: str, symbol: str, side: Side, contracts: Number, price: Number) -> Order:
        """A limit order by hand, that rests until it is met or cancelled."""
        return self.place(
            account,
            NewOrder(
                symbol=symbol,
                side=side,
                contracts=exact(contracts),
                price=exact(price),
                time_in_force=TimeInForce.GTC,
            ),
        )

    def adl(
        self, account: str, symbol: str, fraction: Number, price: Number | None = None, index: int = 0
    ) -> None:
        """Close a fraction of a position against somebody else's loss, at mark unless told otherwise."""
        owner = self.account(account)
        position = owner.state.position((symbol, index))
        size = floor_to(position.size * exact(fraction), self.truth.contract(symbol).qty_step)
        if not size:
            raise RefusedError(Reason.FLAT, symbol)
        self._clearing.deleverage(owner, (symbol, index), size, None if price is None else exact(price))

    # Settings

    def set_leverage(self, account: str, symbol: str, leverage: Number) -> None:
        self._treasury.set_leverage(self.account(account), symbol, exact(leverage))

    def set_margin_mode(self, account: str, mode: MarginMode, symbol: str = "") -> None:
        """Set the whole account's mode, or that of one contract."""
        self._treasury.set_margin_mode(self.account(account), mode, symbol)

    def set_hedge_mode(self, account: str, symbol: str, *, hedge: bool) -> None:
        self._treasury.set_hedge_mode(self.account(account), symbol, hedge=hedge)

    def add_margin(self, account: str, symbol: str, coins: Number, index: int = 0) -> Position:
        """Set coins aside for an isolated position, or free some with a negative number."""
        return self._treasury.add_margin(self.account(account), (symbol, index), exact(coins))

    def change_contract(self, symbol: str, **changes: Any) -> None:
        """Change fields of a contract while it runs, as an exchange would: ``min_qty``, ``status``, …"""
        self.advance()
        self.truth.contracts[symbol] = replace(self.truth.contract(symbol), **changes)

    def change_feed(self, symbol: str, **changes: Any) -> None:
        """Change fields of a contract's feed from now on: ``path``, ``basis``, ``funding``, ``shape``, …"""
        self.advance()
        self.truth.market.change(symbol, replace(self.truth.market.feed(symbol), **changes))

    # What is true

    def quote(self, symbol: str) -> Quote:
        self.advance()
        return self.truth.quote(symbol)

    def position(self, account: str, symbol: str, index: int = 0) -> Position:
        key: PositionKey = (symbol, index)
        return self.account(account).state.position(key)

    def wallet(self, account: str, coin: str, wallet: str = "") -> Wallet:
        owner = self.account(account)
        return owner.state.wallet((wallet or owner.pot, coin))

    def value(self, account: str) -> Valuation:
        return self.truth.valuation(self.account(account))

    def equity(self, account: str, coin: str) -> Fraction:
        """Coins in the pot, less debts, with unrealised profit at mark."""
        return self.value(account).equity(coin)

    def roles(self, account: str, coin: str) -> Roles:
        return self.value(account).roles(coin)

    def orders(self, account: str) -> list[Order]:
        """Every order ever accepted, in its last version, oldest first."""
        return self.account(account).orders()

    def effective_orders(self, account: str) -> list[Order]:
        """Orders that moved the position or still may: what a judge counts for each client id."""
        return [order for order in self.orders(account) if order.effective]

    def events(self, account: str) -> list[Event]:
        return list(self.account(account).events)

    # What a read sees

    def as_of(self, read: str) -> int:
        """The instant that a read shows; drawn anew at each call where its lag is drawn."""
        now = self.advance()
        lag = self.lags.get(read, 0)
        seconds = lag() if callable(lag) else lag
        return now - round(seconds * 1000)

    def view(self, account: str, read: str) -> View:
        """One account as a read sees it."""
        return self.view_at(account, self.as_of(read))

    def view_at(self, account: str, at_ms: int) -> View:
        """One account as it was at an instant of the short past that is kept."""
        owner = self.truth.accounts[account]
        return View(owner, at_ms, self.truth.valuation(owner, at_ms))
