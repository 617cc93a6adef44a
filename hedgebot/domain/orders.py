"""An order's life: what we ask for, what we wrote down, what became of it.

    RESERVED --+--> ACCEPTED --+--> FILLED ----> CLOSED
               +--> UNKNOWN  --+--> CLOSED           (no fill, or its fill is visible)
               |               +--> REJECTED         (also by an exchange that acknowledges first)
               +--> REJECTED   +--> ABSENT           (looked for long enough, not there)

``RESERVED`` is in the journal before the request leaves; found at a start it means "may have left".
``FILLED`` is over on the exchange but its fill is not yet in a snapshot: no decision until it is.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price


class Stage(StrEnum):
    RESERVED = "reserved"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CLOSED = "closed"
    REJECTED = "rejected"
    ABSENT = "absent"


MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.RESERVED: frozenset(Stage) - {Stage.RESERVED},
    Stage.ACCEPTED: frozenset({Stage.UNKNOWN, Stage.FILLED, Stage.CLOSED, Stage.REJECTED, Stage.ABSENT}),
    Stage.UNKNOWN: frozenset({Stage.ACCEPTED, Stage.FILLED, Stage.CLOSED, Stage.REJECTED, Stage.ABSENT}),
    Stage.FILLED: frozenset({Stage.CLOSED}),
    Stage.CLOSED: frozenset(),
    Stage.REJECTED: frozenset(),
    Stage.ABSENT: frozenset(),
}

FINAL = frozenset(stage for stage, onward in MOVES.items() if not onward)
UNSETTLED = frozenset({Stage.RESERVED, Stage.ACCEPTED, Stage.UNKNOWN})
"""Stages in which the exchange may still do something with the order."""


class Identified(Protocol):
    """What names one order on an exchange: an order to be placed, or one that rests."""

    @property
    def symbol(self) -> str: ...

    @property
    def client_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One immediate-or-cancel limit order. ``contracts`` is signed: negative sells.

    ``margin_mode`` matters only where each order says whose coins stand behind it.
    """

    client_id: str
    account: str
    symbol: str
    contracts: Contracts
    limit: Price
    reduce_only: bool
    margin_mode: MarginMode | None = None

    def __post_init__(self) -> None:
        if not self.contracts or self.reduce_only != (self.contracts.value > ZERO):
            raise ValueError("a sale opens, a purchase only reduces; neither is empty")

    @property
    def leg(self) -> str:
        """The leg's name, as in ``LegPolicy.name``."""
        return f"{self.account}:{self.symbol}"

    @property
    def side(self) -> str:
        return "sell" if self.contracts.value < ZERO else "buy"


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as the exchange shows it. ``filled`` is signed like the request; ``fee`` is what was paid;
    ``why`` is the exchange's word for why it was rejected, where it has one."""

    order_id: str
    client_id: str
    over: bool
    rejected: bool
    filled: Contracts
    average: Price | None
    fee: Coin
    updated_at: Millis
    why: str = ""


class Fate(StrEnum):
    """What a reply to a write proves."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of one request, with the exchange's own words. Only listed codes mean rejected."""

    fate: Fate
    reason: str
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """An order in the journal, with the position that was believed when it was decided."""

    number: int
    hedge: str
    request: OrderRequest
    believed: Contracts
    target_ratio: Decimal
    reason: str
    correction: bool
    written_at: Millis
    stage: Stage = Stage.RESERVED
    order_id: str = ""
    filled: Contracts = Contracts(ZERO)
    average: Price | None = None
    fee: Coin = Coin(ZERO)
    outcome: str = ""
    updated_at: Millis = Millis(0)

    def moved(self, stage: Stage) -> "Intent":
        """This intent one move on. An illegal move raises and changes nothing."""
        if stage not in MOVES[self.stage]:
            raise ValueError(f"order {self.request.client_id}: {self.stage} cannot become {stage}")
        return replace(self, stage=stage)

    @property
    def expected(self) -> Contracts:
        """The position once the fill is visible, if nobody else traded."""
        return self.believed + self.filled
