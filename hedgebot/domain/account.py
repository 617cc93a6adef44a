"""One reading of an exchange account: wallets, positions, orders, modes. Signs and roles are settled here.

Short positions are negative contracts. A wallet's ``coins`` never include unrealised PnL.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import OrderState
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price, Usd


@dataclass(frozen=True, slots=True)
class WalletId:
    """A wallet is counted once, however many legs and entries name it."""

    account: str
    wallet: str
    asset: str


@dataclass(frozen=True, slots=True)
class Wallet:
    """Coins of one asset, perhaps a stable one, in one wallet, less coins owed, without unrealised PnL.

    ``unrealized`` and ``position_margin`` are what the wallet itself says is open in positions: they
    must agree with the positions, or the reading is not one moment's truth. ``other_margin`` is
    collateral in other coins that backs the same positions, in USD.
    """

    id: WalletId
    coins: Coin
    unrealized: Coin
    position_margin: Coin
    withdrawable: Coin
    other_margin: Usd = Usd(ZERO)


@dataclass(frozen=True, slots=True)
class Position:
    """One contract's position as the exchange says it, also when it says "flat".

    Its profit and margins are in the coin that the contract settles in.
    ``margin`` is the isolated margin without unrealised PnL; None in cross. ``initial_margin`` is what
    the exchange binds for it, comparable with the wallet's ``position_margin``. ``margin_mode`` is the one
    in which it is held, or would be opened; None where the account has one for all.
    """

    symbol: str
    contracts: Contracts
    entry: Price | None
    mark: Price | None
    unrealized: Coin
    initial_margin: Coin
    margin: Coin | None
    liquidation: Price | None
    leverage: Decimal | None
    hedge_mode: bool
    updated_at: Millis
    margin_mode: MarginMode | None = None

    def __post_init__(self) -> None:
        if self.contracts and (self.entry is None or self.mark is None):
            raise ValueError("an open position has an entry and a mark")


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order resting on the exchange, ours or not; ``contracts`` is what is left, signed."""

    symbol: str
    order_id: str
    client_id: str
    contracts: Contracts
    reduce_only: bool
    created_at: Millis


@dataclass(frozen=True, slots=True)
class Tier:
    """Maintenance rate of positions worth up to ``limit``, in the coin that the contract settles in."""

    limit: Coin
    maintenance: Decimal


@dataclass(frozen=True, slots=True)
class LegFacts:
    """What changes rarely about a contract: its specification, our fee, its margin tiers, lowest first."""

    instrument: Instrument
    taker_fee: Decimal
    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        if not self.tiers:
            raise ValueError(f"{self.instrument.symbol} has no margin tiers")

    def maintenance(self, notional: Coin) -> Decimal:
        """The maintenance rate of a position worth ``notional``; beyond the table, its last tier's."""
        for tier in self.tiers:
            if notional <= tier.limit:
                return tier.maintenance
        return self.tiers[-1].maintenance


@dataclass(frozen=True, slots=True)
class AccountMode:
    """Settings of the whole account. ``unsupported`` says why its coins cannot be counted, if so.

    ``margin_mode`` is None where each position has its own.
    """

    margin_mode: MarginMode | None
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What the exchange says that a key may do; None where it does not say.

    ``ip_bound``: only from addresses on a list. ``expires_at`` None: no expiry is named.
    """

    trade: bool | None
    withdraw: bool | None
    ip_bound: bool | None
    expires_at: Millis | None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a hedge asks of an account: contracts (unified symbols), in which margin mode, and coins.

    A symbol without a mode is wanted as the account has it.
    """

    symbols: frozenset[str]
    assets: frozenset[str]
    margin_modes: frozenset[tuple[str, MarginMode]] = frozenset()

    def __or__(self, other: "Needs") -> "Needs":
        modes = self.margin_modes | other.margin_modes
        return Needs(self.symbols | other.symbols, self.assets | other.assets, modes)


@dataclass(frozen=True, slots=True)
class Outage:
    """An account that cannot be read: why, and when it last could, for people and in monotonic seconds."""

    since: Millis
    seen: float
    reason: str


@dataclass(frozen=True, slots=True)
class AccountReading:
    """A complete reading of one account, begun and ended at monotonic instants (seconds).

    ``positions`` holds every asked-for symbol explicitly, flat or not, and all others that are open.
    ``exchange_offset_ms`` is the exchange's clock less ours, at best half a round trip wrong.
    ``dead`` marks one that is old: the last that was confirmed before the account could not be read.
    """

    account: str
    started: float
    ended: float
    exchange_offset_ms: int
    mode: AccountMode
    wallets: tuple[Wallet, ...]
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]
    quotes: tuple[Quote, ...]
    facts: tuple[LegFacts, ...]
    dead: Outage | None = None

    def wallet(self, asset: str) -> Wallet | None:
        return next((w for w in self.wallets if w.id.asset == asset), None)

    def position(self, symbol: str) -> Position:
        return next(p for p in self.positions if p.symbol == symbol)

    def quote(self, symbol: str) -> Quote:
        return next(q for q in self.quotes if q.symbol == symbol)

    def leg_facts(self, symbol: str) -> LegFacts:
        return next(f for f in self.facts if f.instrument.symbol == symbol)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look-up by client id found. ``asked`` names the endpoints that answered "not there".

    An order is gone only when several of these agree after the arrival window (execution.settle).
    """

    state: OrderState | None
    asked: tuple[str, ...] = ()


class EntryKind(StrEnum):
    TRADE = "trade"
    FUNDING = "funding"
    LIQUIDATION = "liquidation"
    ADL = "adl"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of the exchange's own history. ``coins`` is what the wallet received (negative: paid):
    funding for ``FUNDING``, the fee for all others."""

    id: str
    kind: EntryKind
    symbol: str
    client_id: str
    contracts: Contracts
    price: Price | None
    coins: Coin
    at: Millis


@dataclass(frozen=True, slots=True)
class Ledger:
    """Entries since an instant, oldest first; ``complete`` is false while more pages are to be read."""

    entries: tuple[LedgerEntry, ...]
    complete: bool = True
