"""What an account is worth and may still do, at one instant's prices."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from hedgebot.sim import margin
from hedgebot.sim.contract import Contract
from hedgebot.sim.ledger import AccountState, MarginMode, Position, PositionKey, WalletKey, isolated_coins
from hedgebot.sim.market import Quote
from hedgebot.sim.money import ONE, ZERO

STABLE = frozenset({"USD", "USDT", "USDC"})


@dataclass(frozen=True, slots=True)
class Roles:
    """Where the coins of a pot are; ``equity`` is their sum plus the unrealised profit.

    ``free`` may be negative only while losses outrun the margins set aside.
    """

    free: Fraction
    in_positions: Fraction
    in_orders: Fraction
    locked: Fraction
    bonus: Fraction
    owed: Fraction
    unrealised: Fraction

    @property
    def equity(self) -> Fraction:
        held = self.free + self.in_positions + self.in_orders + self.locked + self.bonus
        return held - self.owed + self.unrealised


@dataclass(frozen=True, slots=True)
class Valuation:
    """One state of an account at one set of prices. ``resting`` are coins held back by orders, by coin."""

    state: AccountState
    pot: str
    contracts: Mapping[str, Contract]
    quote: Callable[[str], Quote]
    resting: Mapping[str, Fraction]
    collateral_ratio: Mapping[str, Fraction]
    default_leverage: Fraction
    maintenance_at_entry: bool
    _profits: dict[str, Fraction] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, quote: Callable[[str], Quote]) -> "Valuation":
        """The same state at other prices."""
        return replace(self, quote=quote)

    @property
    def isolated(self) -> bool:
        return self.state.margin_mode is MarginMode.ISOLATED

    def index(self, coin: str) -> Fraction:
        """Dollars for a coin; zero for one that no contract prices."""
        if coin in STABLE:
            return ONE
        symbol = next((c.symbol for c in self.contracts.values() if c.base == coin), None)
        return self.quote(symbol).index if symbol else ZERO

    def leverage(self, symbol: str) -> Fraction:
        return self.state.leverage.get(symbol, self.default_leverage)

    def settled_in(self, coin: str) -> Iterable[tuple[PositionKey, Position]]:
        """Open positions with margin and profit in a coin."""
        return [(key, p) for key, p in self.state.open_positions() if self.contracts[key[0]].settle == coin]

    def profit(self, coin: str) -> Fraction:
        """Unrealised profit in a coin, at mark."""
        if coin in self._profits:
            return self._profits[coin]
        total = ZERO
        for (symbol, _), position in self.settled_in(coin):
            total += position.profit(self.contracts[symbol], self.quote(symbol).mark)
        self._profits[coin] = total
        return total

    def equity(self, coin: str) -> Fraction:
        wallet = self.state.wallet((self.pot, coin))
        return wallet.balance - wallet.owed + self.profit(coin)

    def initial_margin(self, key: PositionKey) -> Fraction:
        """Coins that a position needs at its leverage, at mark, with the fee of closing."""
        contract = self.contracts[key[0]]
        value = contract.coins(self.state.position(key).contracts, self.quote(key[0]).mark)
        return value * (ONE / self.leverage(key[0]) + contract.taker)

    def maintenance_margin(self, key: PositionKey) -> Fraction:
        """Coins below which a position is in danger, without the fee of closing."""
        contract, position = self.contracts[key[0]], self.state.position(key)
        mark = position.average(contract) if self.maintenance_at_entry else self.quote(key[0]).mark
        return contract.maintenance(contract.coins(position.contracts, mark))

    def liquidation_price(self, key: PositionKey) -> Fraction | None:
        """The mark at which a position is lost, in a pool if all prices move alike; None if there is none."""
        contract, position = self.contracts[key[0]], self.state.position(key)
        if self.isolated:
            return margin.liquidation_price(position, contract, at_entry=self.maintenance_at_entry)
        factor = self.pool().liquidation_factor()
        return self.quote(key[0]).mark * factor if factor is not None else None

    def bust_price(self, key: PositionKey) -> Fraction | None:
        """The price at which closing leaves nothing of what stands behind a position."""
        if self.isolated:
            return margin.bust_price(self.state.position(key), self.contracts[key[0]])
        factor = self.pool().bust_factor()
        return self.quote(key[0]).mark * factor if factor is not None else None

    def pool(self) -> margin.Pool:
        """The account as one pool of collateral, in dollars."""
        pool = margin.Pool()
        for coin in self._coins():
            self._add_coin(pool, coin)
        return pool

    def initial(self) -> Fraction:
        """Margin that all positions and orders of the pool take up, in dollars."""
        total = ZERO
        for coin in self._coins():
            coins = self.resting.get(coin, ZERO)
            for key, _ in self.settled_in(coin):
                coins += self.initial_margin(key)
            total += coins * self.index(coin)
        return total

    def covered(self) -> bool:
        """Whether no price can liquidate the pool: shorts only, each sold coin there to be delivered."""
        for coin in self._coins():
            wallet = self.state.wallet((self.pot, coin))
            spare = wallet.balance - wallet.owed
            for _, position in self.settled_in(coin):
                spare = spare - position.entry_coins if position.contracts < 0 else -ONE
            if spare < 0:
                return False
        return not (self.maintenance_at_entry or self.collateral_ratio)

    def _coins(self) -> list[str]:
        return [coin for wallet, coin in self.state.wallets if wallet == self.pot]

    def _add_coin(self, pool: margin.Pool, coin: str) -> None:
        wallet = self.state.wallet((self.pot, coin))
        fixed, floating = ZERO, wallet.balance - wallet.owed
        rates, deductions, fees = ZERO, ZERO, ZERO
        for (symbol, _), position in self.settled_in(coin):
            contract = self.contracts[symbol]
            value = contract.coins(position.contracts, self.quote(symbol).mark)
            tier = contract.tier(value)
            fixed += value if position.contracts < 0 else -value
            floating += -position.entry_coins if position.contracts < 0 else position.entry_coins
            rates += value * tier.maintenance
            deductions += tier.deduction
            fees += value * contract.taker
        price = self.index(coin)
        weight = price * self.collateral_ratio.get(coin, ONE) if fixed + floating > 0 else price
        if coin in STABLE:
            fixed, floating = fixed + floating, ZERO
        pool.fixed += fixed * weight
        pool.floating += floating * weight
        pool.maintenance_rates += rates * price
        pool.deductions += deductions * price
        pool.closing_fees += fees * price

    def available(self, coin: str) -> Fraction:
        """Coins that may stand behind a new order."""
        wallet = self.state.wallet((self.pot, coin))
        if self.isolated:
            aside = isolated_coins(self.state, coin, self.contracts) + self.resting.get(coin, ZERO)
            return wallet.balance - aside - wallet.locked - wallet.bonus
        price = self.index(coin)
        return (self.pool().balance - self.initial()) / price if price else ZERO

    def withdrawable(self, key: WalletKey) -> Fraction:
        """Coins that may leave a wallet; unrealised profit never may."""
        wallet = self.state.wallet(key)
        own = wallet.balance - wallet.owed - wallet.locked - wallet.bonus
        if key[0] == self.pot:
            own = min(own, self.available(key[1]) - (wallet.owed if self.isolated else ZERO))
        return max(own, ZERO)

    def roles(self, coin: str) -> Roles:
        """Where the coins of one kind in the pot are."""
        wallet = self.state.wallet((self.pot, coin))
        in_positions = isolated_coins(self.state, coin, self.contracts)
        in_orders = self.resting.get(coin, ZERO)
        free = wallet.balance - in_positions - in_orders - wallet.locked - wallet.bonus
        profit = self.profit(coin)
        return Roles(free, in_positions, in_orders, wallet.locked, wallet.bonus, wallet.owed, profit)
