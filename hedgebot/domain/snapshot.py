"""One coherent, timestamped view of everything a decision needs, and the exposure that follows from it."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from hedgebot.domain.account import AccountMode, LegFacts, OpenOrder, Position, Wallet
from hedgebot.domain.hedge import LegPolicy
from hedgebot.domain.inverse import Short
from hedgebot.domain.linear import LinearShort
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Quote
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price, Usd


@dataclass(frozen=True)
class Leg:
    """One leg as read: the contract, its position, its market and the wallet that margins it."""

    policy: LegPolicy
    position: Position
    quote: Quote
    facts: LegFacts
    wallet: Wallet
    mode: AccountMode

    @property
    def name(self) -> str:
        return self.policy.name

    @property
    def margin_mode(self) -> MarginMode | None:
        """The position's own, or the account's for all; None where neither has one."""
        return self.position.margin_mode or self.mode.margin_mode

    @property
    def settable(self) -> bool:
        """Whether its margin mode may be changed: it is the contract's own, and nothing of it is open."""
        return self.position.margin_mode is not None and not self.position.contracts

    @cached_property
    def mark(self) -> Price:
        """The position's own mark, from the same reply; the market's while there is none."""
        return self.position.mark or self.quote.mark

    @cached_property
    def short(self) -> Short | LinearShort:
        """What it is short. A long counts as nothing sold here: it is a finding, never a hedge."""
        contracts, instrument = min(self.position.contracts, Contracts.zero()), self.facts.instrument
        entry = self.position.entry if contracts else None
        if isinstance(instrument.face, Coin):
            return LinearShort(-contracts, instrument.face, entry, self.mark)
        return Short(instrument.notional(contracts), entry, self.mark)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The hedge in coins (design.md section 1). ``net`` has no price in it."""

    spot: Coin
    collateral: Coin
    sold: Coin
    unrealized: Coin
    short: Coin

    @property
    def held(self) -> Coin:
        return self.spot + self.collateral

    @property
    def exposure(self) -> Coin:
        """``X = held + U``: what the holder's coins are worth, in coins."""
        return self.held + self.unrealized

    @property
    def net(self) -> Coin:
        """``held - sold``: what still moves with the price."""
        return self.held - self.sold

    @property
    def ratio(self) -> Decimal | None:
        """``sold / held``; None where nothing is held."""
        return self.sold / self.held if self.held.value > ZERO else None


@dataclass(frozen=True)
class Snapshot:
    """``started`` and ``ended`` are monotonic seconds around all its reads; ``at`` is for people.

    ``others`` are open positions of the asset that are no leg; ``orders`` rest in the legs' contracts
    or in those.
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

    @cached_property
    def exposure(self) -> Exposure:
        """Coins counted once each: wallets are already distinct, legs carry no coins of their own."""
        coins = Coin.zero()
        return Exposure(
            spot=sum((w.coins for w in self.spot_wallets), self.outside),
            collateral=sum((w.coins for w in self.margin_wallets), coins),
            sold=sum((leg.short.sold for leg in self.legs), coins),
            unrealized=sum((leg.short.unrealized for leg in self.legs), coins),
            short=sum((leg.short.short for leg in self.legs), coins),
        )

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
