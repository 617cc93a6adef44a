"""Who owns what: wallets, positions and settings of one account, as frozen values.

A position is kept as the ``settle`` coins of its entry, ``Σ`` of what its trades were worth, so averages
(harmonic ones of inverse contracts) and profit are exact without rounding. Every change gives a new
``AccountState``; old ones stay true for reads that lag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction

from hedgebot.sim.contract import Contract
from hedgebot.sim.matching import Side
from hedgebot.sim.money import ZERO

WalletKey = tuple[str, str]
"""(wallet, coin): one account may hold several wallets."""

PositionKey = tuple[str, int]
"""(symbol, index): 0 in one-way mode; 1 the long and 2 the short side in hedge mode."""


class MarginMode(Enum):
    """Whose coins stand behind a position: its own margin, or the account's."""

    ISOLATED = "isolated"
    CROSS = "cross"
    PORTFOLIO = "portfolio"


@dataclass(frozen=True, slots=True)
class Wallet:
    """Coins of one kind; ``balance`` includes borrowed (``owed``) and bonus coins."""

    balance: Fraction = ZERO
    owed: Fraction = ZERO
    bonus: Fraction = ZERO
    locked: Fraction = ZERO
    realised: Fraction = ZERO


@dataclass(frozen=True, slots=True)
class Position:
    """Contracts held (a short is negative), the coins of their entry, and margin set aside for them."""

    contracts: Fraction = ZERO
    entry_coins: Fraction = ZERO
    margin: Fraction = ZERO
    realised: Fraction = ZERO
    realised_ever: Fraction = ZERO
    created_ms: int = 0
    opened_ms: int = 0
    updated_ms: int = 0
    sequence: int = -1

    @property
    def size(self) -> Fraction:
        return abs(self.contracts)

    @property
    def side(self) -> Side | None:
        if not self.contracts:
            return None
        return Side.BUY if self.contracts > 0 else Side.SELL

    def average(self, contract: Contract) -> Fraction:
        """Average price of the entry, harmonic where the contract is inverse; zero when flat."""
        return contract.price(self.contracts, self.entry_coins) if self.contracts else ZERO

    def profit(self, contract: Contract, price: Fraction) -> Fraction:
        """Coins won if the whole position were closed at ``price``."""
        if not self.contracts:
            return ZERO
        now = contract.coins(self.contracts, price)
        return now - self.entry_coins if contract.gains(self.contracts) else self.entry_coins - now


@dataclass(frozen=True, slots=True)
class AccountState:
    """All that an account owns and has set, at one instant.

    ``margin_modes`` holds the modes of contracts that have one of their own, by symbol.
    """

    wallets: Mapping[WalletKey, Wallet] = field(default_factory=dict)
    positions: Mapping[PositionKey, Position] = field(default_factory=dict)
    leverage: Mapping[str, Fraction] = field(default_factory=dict)
    margin_mode: MarginMode = MarginMode.CROSS
    margin_modes: Mapping[str, MarginMode] = field(default_factory=dict)
    hedge_mode: bool = False
    settings_ms: int = 0

    def mode_of(self, symbol: str) -> MarginMode:
        """The margin mode of a contract's positions."""
        return self.margin_modes.get(symbol, self.margin_mode)

    def wallet(self, key: WalletKey) -> Wallet:
        return self.wallets.get(key, EMPTY_WALLET)

    def position(self, key: PositionKey) -> Position:
        return self.positions.get(key, FLAT)

    def with_wallet(self, key: WalletKey, wallet: Wallet) -> "AccountState":
        return replace(self, wallets={**self.wallets, key: wallet})

    def with_position(self, key: PositionKey, position: Position) -> "AccountState":
        return replace(self, positions={**self.positions, key: position})

    def open_positions(self) -> list[tuple[PositionKey, Position]]:
        return [(key, position) for key, position in self.positions.items() if position.contracts]


EMPTY_WALLET = Wallet()
FLAT = Position()


def closing_part(position: Position, signed: Fraction) -> Fraction:
    """How many of ``signed`` contracts close ``position``; always positive."""
    opposed = position.contracts * signed < 0
    return min(abs(signed), position.size) if opposed else ZERO


def closed(
    position: Position, contracts: Fraction, contract: Contract, price: Fraction
) -> tuple[Position, Fraction]:
    """The position without ``contracts`` of it, and the profit in coins that this realises.

    The average price stays; margin is set free in proportion.
    """
    share = contracts / position.size
    profit = position.profit(contract, price) * share
    left = replace(
        position,
        contracts=position.contracts * (1 - share),
        entry_coins=position.entry_coins * (1 - share),
        margin=position.margin * (1 - share),
    )
    return left, profit


def opened(
    position: Position, signed: Fraction, contract: Contract, price: Fraction, margin: Fraction
) -> Position:
    """The position with ``signed`` more contracts in its own direction and ``margin`` more behind it."""
    return replace(
        position,
        contracts=position.contracts + signed,
        entry_coins=position.entry_coins + contract.coins(signed, price),
        margin=position.margin + margin,
    )


def isolated_coins(state: AccountState, coin: str, contracts: Mapping[str, Contract]) -> Fraction:
    """Coins of one kind that stand aside as the margin of isolated positions."""
    return sum(
        (p.margin for (symbol, _), p in state.positions.items() if contracts[symbol].settle == coin), ZERO
    )
