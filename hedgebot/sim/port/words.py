"""The words in which houses tell what is true, and what their refusals prove."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hedgebot.domain.account import AccountMode, LegFacts, OpenOrder, Position, Wallet
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import Fate, OrderRequest, Outcome
from hedgebot.domain.units import Contracts
from hedgebot.sim.contract import Contract
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import Reason, RefusedError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Leg:
    """A contract as it was when its facts were read; ``limits`` are those of its tiers in contracts."""

    contract: Contract
    facts: LegFacts
    limits: tuple[Contracts, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read every hour, and whenever doubt arises; ``legs`` by unified symbol."""

    mode: AccountMode
    hedge_mode: bool
    legs: Mapping[str, Leg]


class Told(NamedTuple):
    """A reading without its name and its times."""

    mode: AccountMode
    wallets: tuple[Wallet, ...]
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]
    quotes: tuple[Quote, ...]
    facts: tuple[LegFacts, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """How an exchange remembers orders: its two endpoints, and for how long each shows one without a fill.

    The second shows an order only once it is over, unless ``shows_open``.
    """

    endpoints: tuple[str, str]
    empty_ms: tuple[float, float]
    shows_open: bool = False


def unified(contract: Contract) -> str:
    """A contract's unified symbol, which ends in ``-YYMMDD`` where it is dated."""
    delivery = EPOCH + timedelta(milliseconds=contract.delivery_ms)
    return f"{contract.base}/USD:{contract.settle}" + ("" if contract.perpetual else f"-{delivery:%y%m%d}")


def side_of(order: OrderRequest) -> Side:
    return Side.BUY if order.contracts.value > 0 else Side.SELL


def accepted(order_id: str = "") -> Outcome:
    return Outcome(Fate.ACCEPTED, "accepted", order_id)


def refusal(refused: RefusedError) -> Outcome:
    """What a refusal proves. A client id that was used before proves nothing: that order may be this one."""
    match refused.reason:
        case Reason.DUPLICATE_CLIENT_ID:
            return Outcome(Fate.UNKNOWN, str(refused))
        case Reason.NOT_MODIFIED:
            return Outcome(Fate.ACCEPTED, str(refused))
        case _:
            return Outcome(Fate.REJECTED, str(refused))
