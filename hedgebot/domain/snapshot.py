"""One coherent, timestamped view of everything a decision needs; exposure and margin pools follow from it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.account import (
    AccountMode,
    AccountReading,
    LegFacts,
    OpenOrder,
    Outage,
    Position,
    Wallet,
)
from hedgebot.domain.derived import Derived
from hedgebot.domain.hedge import LegPolicy
from hedgebot.domain.inverse import Short
from hedgebot.domain.linear import LinearPool, LinearShort
from hedgebot.domain.liquidation import Figure, MarginPool, PooledShort
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Quote
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price, Usd


@dataclass(frozen=True)
class Leg:
    """One leg as read: the contract, its position, its market and the wallet that margins it.

    ``dead``: its account cannot be read. Position and wallet are as last confirmed, at the mark of a leg that
    can; it counts, and is not traded.
    """

    policy: LegPolicy
    position: Position
    quote: Quote
    facts: LegFacts
    wallet: Wallet
    mode: AccountMode
    dead: Outage | None = None

    @Derived
    def name(self) -> str:
        return self.policy.name

    @property
    def idle(self) -> bool:
        """Whether it neither has a share of the hedge nor holds any of it: nothing of it can mislead."""
        return not self.policy.weight and not self.position.contracts

    @property
    def margin_mode(self) -> MarginMode | None:
        """The position's own, or the account's for all; None where neither has one."""
        return self.position.margin_mode or self.mode.margin_mode

    @property
    def settable(self) -> bool:
        """Whether its margin mode may be changed: it is the contract's own, and nothing of it is open."""
        return self.position.margin_mode is not None and not self.position.contracts

    @Derived
    def mark(self) -> Price:
        """The position's own mark, from the same reply; the market's while there is none."""
        return self.quote.mark if self.position.mark is None else self.position.mark

    @Derived
    def short(self) -> Short | LinearShort:
        """What it is short. A long counts as nothing sold here: it is a finding, never a hedge."""
        instrument = self.facts.instrument
        is_short = self.position.contracts.value < ZERO
        contracts = self.position.contracts if is_short else Contracts.zero()
        entry = self.position.entry if is_short else None
        if isinstance(instrument.face, Coin):
            return LinearShort(-contracts, instrument.face, entry, self.mark)
        return Short(instrument.notional(contracts), entry, self.mark)

    @Derived
    def maintenance(self) -> Decimal:
        """The rate that its short is maintained at."""
        return self.facts.maintenance(self.short.worth)


class Exposure(NamedTuple):
    """The hedge in coins (design.md section 1). ``net`` has no price in it.

    ``held = spot + collateral``; ``exposure``, ``X = held + U``, is what the holder's coins are worth.
    """

    spot: Coin
    collateral: Coin
    held: Coin
    sold: Coin
    unrealized: Coin
    exposure: Coin
    short: Coin

    @property
    def net(self) -> Coin:
        """``held - sold``: what still moves with the price."""
        return self.held - self.sold

    @property
    def ratio(self) -> Decimal | None:
        """``sold / held``; None where nothing is held."""
        return self.sold / self.held if self.held.value > ZERO else None


class Doubtful(NamedTuple):
    """Coins that our unresolved ``orders`` on dead legs may have sold, or bought back, beyond what these
    show."""

    sold: Decimal = ZERO
    bought: Decimal = ZERO
    orders: tuple[str, ...] = ()


NO_DOUBT = Doubtful()


@dataclass(frozen=True)
class Snapshot:
    """``started`` and ``ended`` are monotonic seconds around all its reads; ``at`` is for people.

    ``others`` are open positions of the asset that are no leg; ``orders`` rest in the legs' contracts
    or in those. ``beside`` are positions of other assets that a linear leg's wallet margins too.
    ``in_flight`` are coins between two wallets, which neither shows (negative: both do).
    ``readings`` are what it was made of, those of dead accounts too, which ``started`` and ``ended`` ignore.
    """

    hedge: str
    asset: str
    at: Millis
    started: float
    ended: float
    offset_ms: int
    spot_wallets: tuple[Wallet, ...]
    margin_wallets: tuple[Wallet, ...]
    outside: Coin
    legs: tuple[Leg, ...]
    others: tuple[tuple[str, Position], ...] = ()
    orders: tuple[tuple[str, OpenOrder], ...] = ()
    in_flight: Coin = Coin.zero()
    beside: tuple[tuple[str, Position], ...] = ()
    readings: tuple[AccountReading, ...] = ()
    doubtful: Doubtful = NO_DOUBT

    @Derived
    def living(self) -> tuple[Leg, ...]:
        """The legs that can be read, and so traded."""
        return tuple([leg for leg in self.legs if leg.dead is None])

    @Derived
    def dead(self) -> frozenset[str]:
        """The accounts with legs that cannot be read."""
        return frozenset([leg.policy.account for leg in self.legs if leg.dead is not None])

    @Derived
    def exposure(self) -> Exposure:
        """Coins counted once each: wallets are already distinct, legs carry no coins of their own."""
        spot, collateral, sold, unrealized, short = self.outside.value, ZERO, ZERO, ZERO, ZERO
        spot += self.in_flight.value
        for wallet in self.spot_wallets:
            spot += wallet.coins.value
        for wallet in self.margin_wallets:
            collateral += wallet.coins.value
        for leg in self.legs:
            sold += leg.short.sold.value
            unrealized += leg.short.unrealized.value
            short += leg.short.short.value
        held = spot + collateral
        return Exposure(
            Coin(spot),
            Coin(collateral),
            Coin(held),
            Coin(sold),
            Coin(unrealized),
            Coin(held + unrealized),
            Coin(short),
        )

    @Derived
    def pools(self) -> dict[str, MarginPool | LinearPool]:
        """What is liquidated together with each leg, by the leg's name."""
        return {leg.name: _pool(leg, self.legs) for leg in self.legs}

    @Derived
    def stable_wallets(self) -> tuple[Wallet, ...]:
        """The wallets of stable coins that margin linear legs, each once. Nothing in them is held."""
        linear = [leg for leg in self.legs if isinstance(leg.short, LinearShort)]
        return tuple({leg.wallet.id: leg.wallet for leg in linear}.values())

    @Derived
    def figures(self) -> dict[str, Figure]:
        """Liquidation figures by leg, kept by ``margin.liquidation`` once they are worked out."""
        return {}

    @property
    def mark(self) -> Price:
        """The price that values coins in dollars: the first leg's mark."""
        return self.legs[0].mark

    @property
    def value(self) -> Usd:
        return self.exposure.exposure.at(self.mark)

    def leg(self, name: str) -> Leg:
        return next(leg for leg in self.legs if leg.name == name)


@dataclass(frozen=True, slots=True)
class Blind:
    """No snapshot: which reads failed, each in one sentence."""

    hedge: str
    at: Millis
    reasons: tuple[str, ...]
    refused: bool = False
    """True where an exchange refused our key: waiting does not mend that."""


Observation = Snapshot | Blind


def _pool(leg: Leg, legs: tuple[Leg, ...]) -> MarginPool | LinearPool:
    """The leg itself when isolated, else all of its wallet, less the margin of its isolated legs."""
    if isinstance(leg.short, LinearShort):
        return LinearPool(leg.short, leg.maintenance, leg.facts.taker_fee, _dollars(leg))
    if leg.position.margin is not None:
        return MarginPool(_pooled([leg]), leg.position.margin)
    together, coins = [leg], leg.wallet.coins.value
    for other in legs:
        if other is leg or other.wallet.id != leg.wallet.id:
            continue
        if other.position.margin is None:
            together.append(other)
        elif leg.margin_mode is MarginMode.CROSS:
            coins -= other.position.margin.value
    return MarginPool(_pooled(together), Coin(coins), leg.wallet.other_margin)


def _dollars(leg: Leg) -> Decimal:
    """What stands behind a linear leg: its own margin, or its wallet and other collateral, less what other
    positions of that wallet bind and have lost."""
    wallet, position = leg.wallet, leg.position
    if position.margin is not None:
        return position.margin.value
    bound = wallet.position_margin - position.initial_margin
    lost = min(wallet.unrealized - position.unrealized, Coin.zero())
    return (wallet.coins - max(bound, Coin.zero()) + lost).value + wallet.other_margin.value


def _pooled(legs: list[Leg]) -> tuple[PooledShort, ...]:
    return tuple(
        [
            PooledShort(leg.short, leg.maintenance, leg.facts.taker_fee)
            for leg in legs
            if isinstance(leg.short, Short)
        ]
    )
