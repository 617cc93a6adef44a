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
    pooled_by_coin: bool = False
    _profits: dict[str, Fraction] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, quote: Callable[[str], Quote]) -> "Valuation":
        """The same state at other prices."""
        return replace(self, quote=quote)

    @property
    def isolated(self) -> bool:
        """Whether this is the whole account's mode."""
        return self.state.margin_mode is MarginMode.ISOLATED

    def has_own_margin(self, key: PositionKey) -> bool:
        return self.state.mode_of(key[0]) is MarginMode.ISOLATED

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

    def pooled(self, coin: str) -> list[tuple[PositionKey, Position]]:
        """Open positions in a coin that have no margin of their own."""
        return [(key, p) for key, p in self.settled_in(coin) if not self.has_own_margin(key)]

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
        return value * (ONE / self.leverage(key[0]) + contract.closing_fee)

    def maintenance_margin(self, key: PositionKey) -> Fraction:
        """Coins below which a position is in danger, without the fee of closing."""
        contract, position = self.contracts[key[0]], self.state.position(key)
        mark = position.average(contract) if self.maintenance_at_entry else self.quote(key[0]).mark
        return contract.maintenance(contract.coins(position.contracts, mark))

    def liquidation_price(self, key: PositionKey) -> Fraction | None:
        """The mark at which a position is lost, in a pool if all prices move alike; None if there is none."""
        contract, position = self.contracts[key[0]], self.state.position(key)
        if self.has_own_margin(key):
            return margin.liquidation_price(position, contract, at_entry=self.maintenance_at_entry)
        factor = self.pool(contract.settle).liquidation_factor()
        return self.quote(key[0]).mark * factor if factor is not None else None

    def bust_price(self, key: PositionKey) -> Fraction | None:
        """The price at which closing leaves nothing of what stands behind a position."""
        contract = self.contracts[key[0]]
        if self.has_own_margin(key):
            return margin.bust_price(self.state.position(key), contract)
        factor = self.pool(contract.settle).bust_factor()
        return self.quote(key[0]).mark * factor if factor is not None else None

    def pool(self, coin: str = "") -> margin.Pool:
        """The pool of collateral that a coin is in, in dollars: the account, or the coin alone."""
        pool = margin.Pool()
        for each in self._coins(coin):
            self._add_coin(pool, each)
        return pool

    def initial(self, coin: str = "") -> Fraction:
        """Margin that all positions and orders of a pool take up, in dollars."""
        total = ZERO
        for each in self._coins(coin):
            coins = self.resting.get(each, ZERO)
            for key, _ in self.pooled(each):
                coins += self.initial_margin(key)
            total += coins * self.index(each)
        return total

    def covered(self, coin: str = "") -> bool:
        """Whether no price can liquidate a pool: inverse shorts only, each sold coin there to deliver."""
        for each in self._coins(coin):
            spare = self._backing(each)
            for (symbol, _), position in self.pooled(each):
                gains = self.contracts[symbol].gains(position.contracts)
                spare = spare - position.entry_coins if gains else -ONE
            if spare < 0:
                return False
        return not (self.maintenance_at_entry or self.collateral_ratio)

    def _coins(self, coin: str) -> list[str]:
        if self.pooled_by_coin:
            return [coin]
        return [coin for wallet, coin in self.state.wallets if wallet == self.pot]

    def _backing(self, coin: str) -> Fraction:
        """Coins behind a pool: what is owned, without the margins of isolated positions."""
        wallet = self.state.wallet((self.pot, coin))
        return wallet.balance - wallet.owed - isolated_coins(self.state, coin, self.contracts)

    def _add_coin(self, pool: margin.Pool, coin: str) -> None:
        def line(value: Fraction, coins: Fraction) -> margin.Line:
            """The dollars of what positions are worth now, which in coins of a price falls as that rises and
            in dollars rises, and of ``coins``."""
            return margin.Line(coins, value) if coin in STABLE else margin.Line(value, coins)

        owned = line(ZERO, self._backing(coin))
        required = held = closing = margin.NOTHING
        for (symbol, _), position in self.pooled(coin):
            contract = self.contracts[symbol]
            value = contract.coins(position.contracts, self.quote(symbol).mark)
            tier = contract.tier(value)
            gain = line(value, -position.entry_coins)
            owned = owned + gain if contract.gains(position.contracts) else owned - gain
            required += line(value * tier.maintenance, -tier.deduction)
            held += line(value * contract.closing_fee, ZERO)
            closing += line(value * contract.taker, ZERO)
        price = self.index(coin)
        weight = price * self.collateral_ratio.get(coin, ONE) if owned.now > 0 else price
        pool.owned += owned * weight
        pool.required += required * price
        pool.held += held * price
        pool.closing += closing * price

    def available(self, coin: str) -> Fraction:
        """Coins that may stand behind a new order."""
        wallet = self.state.wallet((self.pot, coin))
        if self.isolated:
            aside = isolated_coins(self.state, coin, self.contracts) + self.resting.get(coin, ZERO)
            return wallet.balance - aside - wallet.locked - wallet.bonus
        price = self.index(coin)
        if not price:
            return ZERO
        if self._coins(coin) == [coin] and coin not in self.collateral_ratio:
            return self._alone(coin)
        return (self.pool(coin).balance - self.initial(coin)) / price

    def _alone(self, coin: str) -> Fraction:
        """The same where no other coin is in the pool, so that its price does not matter."""
        free = self._backing(coin) - self.resting.get(coin, ZERO)
        for key, position in self.pooled(coin):
            free += position.profit(self.contracts[key[0]], self.quote(key[0]).mark)
            free -= self.initial_margin(key)
        return free

    def withdrawable(self, key: WalletKey) -> Fraction:
        """Coins that may leave a wallet; unrealised profit never may."""
        wallet = self.state.wallet(key)
        own = wallet.balance - wallet.owed - wallet.locked - wallet.bonus
        if key[0] == self.pot:
            own -= isolated_coins(self.state, key[1], self.contracts)
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
