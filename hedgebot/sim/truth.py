"""The state of the whole simulated exchange, and the few operations that all its parts share."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from hedgebot.ports import Clock
from hedgebot.sim.account import Account, ApiKey
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Event
from hedgebot.sim.ledger import AccountState, MarginMode, WalletKey
from hedgebot.sim.market import Market, Quote
from hedgebot.sim.matching import Book
from hedgebot.sim.money import ZERO, rounded
from hedgebot.sim.orders import Reason, RefusedError
from hedgebot.sim.valuation import Valuation

FIRST_ID = 10_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the exchange declares about itself.

    ``client_ids`` are unique among all orders ever, or among open ones; the exchange's own ``ids`` are
    random or counted. ``maintenance`` margin is taken at the mark (with the closing fee, where a contract
    holds it back) or at the entry price. In cross margin one pool backs all positions of an ``account``, or
    each ``coin`` its own. ``collateral_ratio`` is what a coin counts for in a pool (1 less its haircut).
    ``posting_unit`` is the smallest unit that the ledger books; None books exact fractions, whose digits
    grow with each trade or funding at a new price: set one, say 1e-18, for runs of thousands of fundings.
    """

    client_ids: Literal["ever", "open"] = "ever"
    ids: Literal["random", "counted"] = "random"
    pools: Literal["account", "coin"] = "account"
    maintenance: Literal["mark", "entry"] = "mark"
    default_leverage: Fraction = Fraction(10)
    collateral_ratio: Mapping[str, Fraction] = field(default_factory=lambda: MappingProxyType({}))
    hedge_mode_offered: bool = False
    adl_fee: Fraction = ZERO
    posting_unit: Fraction | None = None
    closed_orders_kept: int = 500


class Truth:
    """Accounts, contracts, prices and everything that happened up to ``at_ms``."""

    def __init__(
        self, clock: Clock, market: Market, contracts: Sequence[Contract], rules: Rules, rng: random.Random
    ) -> None:
        self.clock = clock
        self.market = market
        self.contracts = {contract.symbol: contract for contract in contracts}
        self.rules = rules
        self.rng = rng
        self.at_ms: int = clock.now_ms()
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, ApiKey] = {}
        self.events: list[Event] = []
        self.funding: dict[str, list[tuple[int, Fraction]]] = {}
        self.transfer_ids: set[str] = set()
        self.sequence = 0
        self._numbers = 0

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def new_id(self) -> str:
        """An identifier: random in the usual form, from the seeded source, or the next number."""
        if self.rules.ids == "counted":
            return str(FIRST_ID + self.next_number())
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def contract(self, symbol: str) -> Contract:
        """Raises ``RefusedError`` for a symbol that is not listed."""
        contract = self.contracts.get(symbol)
        if contract is None:
            raise RefusedError(Reason.UNKNOWN_SYMBOL, symbol)
        return contract

    def quote(self, symbol: str, at_ms: int | None = None) -> Quote:
        return self.market.quote(self.contracts[symbol], self.at_ms if at_ms is None else at_ms)

    def book(self, symbol: str, at_ms: int | None = None) -> Book:
        return self.market.book(self.contracts[symbol], self.at_ms if at_ms is None else at_ms)

    def record(self, event: Event) -> None:
        self.events.append(event)
        self.accounts[event.account].events.append(event)

    def booked(self, coins: Fraction) -> Fraction:
        unit = self.rules.posting_unit
        return coins if unit is None else rounded(coins, unit)

    def post(self, account: Account, key: WalletKey, change: Fraction, *, trading: bool = False) -> Fraction:
        """Change a wallet's balance and return the new one; ``trading`` counts it as realised profit."""
        wallet = account.state.wallet(key)
        realised = wallet.realised + change if trading else wallet.realised
        wallet = replace(wallet, balance=wallet.balance + change, realised=realised)
        account.become(account.state.with_wallet(key, wallet), self.at_ms)
        return wallet.balance

    def valuation(self, account: Account, at_ms: int | None = None) -> Valuation:
        """What an account is worth now, or was at an instant in the short past that is kept."""
        at = self.at_ms if at_ms is None else at_ms
        state = account.state if at_ms is None else account.state_at(at_ms)
        return Valuation(
            state=state,
            pot=account.pot,
            contracts=self.contracts,
            quote=lambda symbol: self.market.quote(self.contracts[symbol], at),
            resting=self._resting(account, state, at_ms),
            collateral_ratio=self.rules.collateral_ratio,
            default_leverage=self.rules.default_leverage,
            maintenance_at_entry=self.rules.maintenance == "entry",
            pooled_by_coin=self.rules.pools == "coin",
        )

    def leverage(self, state: AccountState, symbol: str) -> Fraction:
        return state.leverage.get(symbol, self.rules.default_leverage)

    def opening_margin(self, state: AccountState, contract: Contract, coins: Fraction) -> Fraction:
        """Coins set aside for a position worth ``coins``; nothing in a pool."""
        isolated = state.mode_of(contract.symbol) is MarginMode.ISOLATED
        return coins / self.leverage(state, contract.symbol) if isolated else ZERO

    def _resting(self, account: Account, state: AccountState, at_ms: int | None) -> dict[str, Fraction]:
        orders = account.open_orders.values() if at_ms is None else account.open_at(at_ms)
        held: dict[str, Fraction] = {}
        for order in orders:
            contract = self.contracts[order.symbol]
            leverage = self.leverage(state, order.symbol)
            coins = account.resting_margin(order, leverage, contract)
            held[contract.settle] = held.get(contract.settle, ZERO) + coins
        return held
