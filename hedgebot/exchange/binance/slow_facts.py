"""What rarely changes about an account and its contracts: read every hour, and whenever doubt arises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedgebot.domain.account import AccountMode, LegFacts
from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.binance import holdings, market, venue
from hedgebot.exchange.binance.market import Listing
from hedgebot.exchange.client import Client
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.together import together
from hedgebot.ports import Clock

HOUR = 3600.0  # seconds
SOON = 60.0  # for a contract that is not tradable now
SETTLEMENTS = 2  # the last ones, whose distance is the funding interval


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """One contract's, and the hours between two fundings of it, if known."""

    leg: LegFacts
    funding_hours: Decimal | None


@dataclass(frozen=True, slots=True)
class Facts:
    """``contracts`` by unified symbol, good until a monotonic instant. ``hedge_mode``: both sides at once."""

    listing: Listing
    mode: AccountMode
    hedge_mode: bool
    contracts: Mapping[str, ContractFacts]
    good_until: float


class SlowFacts:
    """The last facts read, and when to read them again."""

    def __init__(self, spot: Client, coin_m: Client, clock: Clock, *, sandbox: bool) -> None:
        self._spot = spot
        self._coin_m = coin_m
        self._clock = clock
        self._sandbox = sandbox
        self._listing: Listing | None = None
        self._facts: Facts | None = None

    @property
    def unsupported(self) -> str:
        """Why this account cannot be hedged on, as far as is known."""
        return self._facts.mode.unsupported if self._facts else ""

    def doubt(self) -> None:
        """Have everything read again: an order was rejected, or a reply made no sense."""
        if self._facts is not None:
            self._facts = replace(self._facts, good_until=self._clock.monotonic())

    async def listing(self) -> Listing:
        """The contracts as last read; read now if never."""
        return self._listing or await self._read_listing()

    async def facts(self, symbols: frozenset[str]) -> Facts:
        """Fresh facts about these contracts and the account. Raises ``ReadError``."""
        known = self._facts
        if known and symbols <= known.contracts.keys() and self._clock.monotonic() < known.good_until:
            return known
        listing = await (self._read_listing() if known else self.listing())
        async with together() as group:
            info = None if self._sandbox else group.create_task(self._spot.read(venue.ACCOUNT_INFO, {}))
            position_mode = group.create_task(self._coin_m.read(venue.POSITION_MODE, {}))
            funding = group.create_task(self._coin_m.read(venue.FUNDING_INFO, {}))
            legs = {s: group.create_task(self._leg(listing.named(s))) for s in sorted(symbols)}
            rates = {s: group.create_task(self._settlements(listing.named(s))) for s in sorted(symbols)}
        found = {}
        for symbol, leg in legs.items():
            hours = market.funding_hours(
                funding.result(), rates[symbol].result(), listing.named(symbol).native
            )
            found[symbol] = ContractFacts(leg.result(), hours)
        life = HOUR if all(each.leg.instrument.tradable for each in found.values()) else SOON
        self._facts = Facts(
            listing=listing,
            mode=holdings.mode(info.result() if info else None),
            hedge_mode=position_mode.result().fields.flag("dualSidePosition"),
            contracts=found,
            good_until=self._clock.monotonic() + life,
        )
        return self._facts

    async def _read_listing(self) -> Listing:
        """All contracts. One that is listed no more stays known, not tradable: we may hold it."""
        read = market.instruments(await self._coin_m.read(venue.INSTRUMENTS, {}))
        before = self._listing.by_native if self._listing else {}
        gone = [replace(i, tradable=False) for native, i in before.items() if native not in read.by_native]
        self._listing = Listing.of([*read.by_native.values(), *gone])
        return self._listing

    async def _leg(self, instrument: Instrument) -> LegFacts:
        """One contract's facts; its last ones where it cannot be traded: nothing may be shown of it then."""
        known = self._facts.contracts.get(instrument.symbol) if self._facts else None
        if known and not instrument.tradable:
            return replace(known.leg, instrument=instrument)
        asked = {"symbol": instrument.native}
        async with together() as group:
            fee = group.create_task(self._coin_m.read(venue.FEE_RATE, asked))
            brackets = group.create_task(self._coin_m.read(venue.BRACKETS, asked))
        return LegFacts(
            instrument=instrument,
            taker_fee=market.taker_fee(fee.result(), instrument.native),
            tiers=market.tiers(brackets.result(), instrument.native),
        )

    async def _settlements(self, instrument: Instrument) -> Answer:
        asked = {"symbol": instrument.native, "limit": SETTLEMENTS}
        return await self._coin_m.read(venue.FUNDING_RATES, asked)
