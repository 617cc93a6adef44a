"""Orders: what was asked, what became of it, and why an order was refused or ended early."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from hedgebot.sim.matching import Side
from hedgebot.sim.money import ZERO


class TimeInForce(Enum):
    """How long an order waits for its price."""

    GTC = "good till cancelled"
    IOC = "immediate or cancel"
    FOK = "fill or kill"
    POST_ONLY = "post only"


class Status(Enum):
    """Where an order is in its life; the first two are open."""

    NEW = "new"
    PARTIALLY_FILLED = "partially filled"
    FILLED = "filled"
    CANCELLED = "cancelled"


class Ending(Enum):
    """Why an order ended before it was filled."""

    NONE = "not ended early"
    BY_USER = "cancelled on request"
    NO_MATCH = "nothing to match at once"
    NOT_WHOLE = "could not be filled whole"
    WOULD_TAKE = "a post-only order would have taken"
    REDUCE_ONLY = "nothing left to reduce"
    LIQUIDATION = "cancelled before a liquidation"
    DELIVERY = "cancelled at the delivery"


class Reason(Enum):
    """Why a request was refused; a dialect has a code for each."""

    UNKNOWN_SYMBOL = "no such contract"
    NOT_TRADING = "the contract is not trading"
    BAD_QUANTITY = "the quantity is not a multiple of the step"
    TOO_SMALL = "below the minimum quantity"
    TOO_LARGE = "above the maximum quantity"
    TOO_CHEAP = "below the minimum value"
    BAD_PRICE = "the price is off the tick or missing"
    PRICE_BAND = "the price is too far from mark"
    DUPLICATE_CLIENT_ID = "the client id was used before"
    POSITION_MODE = "the position index does not fit the position mode"
    NOTHING_TO_REDUCE = "reduce-only, and there is nothing to reduce"
    NO_MARGIN = "not enough margin"
    POSITION_LIMIT = "the position would exceed its tier at this leverage"
    UNKNOWN_ORDER = "no such order, or it is closed"
    NOT_MODIFIED = "already so"
    BAD_LEVERAGE = "leverage outside its bounds"
    NOT_ISOLATED = "the position has no margin of its own"
    FLAT = "there is no position"
    HAS_POSITION = "not while a position or an order is open"
    UNSUPPORTED = "the exchange does not offer this"
    NO_FUNDS = "not enough coins"
    DUPLICATE_TRANSFER = "the transfer id was used before"


class RefusedError(Exception):
    """The exchange refused a request; nothing has changed. ``reason`` says why."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """A request for an order; without ``price`` it is a market order."""

    symbol: str
    side: Side
    contracts: Fraction
    price: Fraction | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    client_id: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One version of an order; a new version replaces it with each fill.

    ``limit`` is the worst price it accepts, for a market order the edge of the price band; ``coins``
    and ``fee`` are what its fills were worth and cost.
    """

    number: int
    id: str
    account: str
    client_id: str
    symbol: str
    side: Side
    contracts: Fraction
    limit: Fraction
    market: bool
    time_in_force: TimeInForce
    reduce_only: bool
    index: int
    last_price: Fraction
    created_ms: int
    updated_ms: int
    filled: Fraction = ZERO
    coins: Fraction = ZERO
    fee: Fraction = ZERO
    status: Status = Status.NEW
    ending: Ending = Ending.NONE

    @property
    def open(self) -> bool:
        return self.status in (Status.NEW, Status.PARTIALLY_FILLED)

    @property
    def left(self) -> Fraction:
        return self.contracts - self.filled

    @property
    def effective(self) -> bool:
        """Whether it moved a position or may still."""
        return self.open or self.filled > 0
