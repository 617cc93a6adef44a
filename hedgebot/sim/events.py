"""Everything that happened, in order: what judges read and what explains each wallet to the last digit."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from hedgebot.sim.ledger import WalletKey
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import Order, Reason


class FillKind(Enum):
    """Who caused a trade: an order, deleveraging, a liquidation, or the end of a dated contract."""

    TRADE = "trade"
    ADL = "auto-deleveraging"
    BUST = "liquidation"
    DELIVERY = "delivery"


class MoveKind(Enum):
    """Why coins came or went without a trade."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_IN = "transfer in"
    TRANSFER_OUT = "transfer out"
    LOAN = "loan"
    REPAYMENT = "repayment"
    BONUS = "bonus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an account; ``number`` counts all events of the exchange."""

    number: int
    at_ms: int
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Event):
    """An event that changed a wallet by ``change`` coins, to ``balance``."""

    wallet: WalletKey
    change: Fraction
    balance: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled(Posted):
    """A trade; ``change`` is ``realised − fee``, ``after`` the position's contracts (a short negative)."""

    kind: FillKind
    order_id: str
    client_id: str
    execution_id: str
    sequence: int
    symbol: str
    side: Side
    contracts: Fraction
    price: Fraction
    mark: Fraction
    coins: Fraction
    fee: Fraction
    fee_rate: Fraction
    realised: Fraction
    closed: Fraction
    after: Fraction
    maker: bool
    order: Order | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPaid(Posted):
    """Funding; ``change`` is positive when it was received."""

    execution_id: str
    sequence: int
    symbol: str
    rate: Fraction
    mark: Fraction
    contracts: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Posted):
    """Coins that came or went: deposits, withdrawals, transfers, loans, bonuses."""

    kind: MoveKind
    transfer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidated(Event):
    """The exchange took over a position at ``bust`` because ``mark`` had reached its maintenance margin."""

    symbol: str
    contracts: Fraction
    mark: Fraction
    bust: Fraction
    lost: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted(Event):
    """An order was taken in; its fills follow as events of their own."""

    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused(Event):
    """An order was refused and changed nothing."""

    client_id: str
    symbol: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnded(Event):
    """An order ended before it was filled whole."""

    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChanged(Event):
    """An account's margin mode, position mode, leverage or isolated margin was changed."""

    setting: str
    value: str
