"""What rarely changes about an account and its contracts: read every hour, and whenever doubt arises."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hedgebot.domain.account import AccountMode, LegFacts, Tier
from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.bybit import holdings, market
from hedgebot.exchange.bybit.market import Listing
from hedgebot.exchange.bybit.paging import pages
from hedgebot.exchange.bybit.venue import ACCOUNT, CATEGORY, FEE_RATE, INSTRUMENTS, RISK_LIMITS
from hedgebot.exchange.client import Client
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.together import together
from hedgebot.ports import Clock

HOUR = 3600.0  # seconds
SOON = 60.0  # for a contract that is not tradable now
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """``legs`` by unified symbol, good until a monotonic instant."""

    listing: Listing
    mode: AccountMode
    legs: Mapping[str, LegFacts]
    good_until: float


class SlowFacts:
    """The last facts read, and when to read them again."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
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

    async def known(self, symbols: frozenset[str]) -> Facts:
        """The last facts, however old; read now if never."""
        return self._facts or await self.facts(symbols)

    async def facts(self, symbols: frozenset[str]) -> Facts:
        """Fresh facts about these contracts and the account. Raises ``ReadError``."""
        known = self._facts
        if known and symbols <= known.legs.keys() and self._clock.monotonic() < known.good_until:
            return known
        listing = await (self._read_listing() if known else self.listing())
        async with together() as group:
            account = group.create_task(self._client.read(ACCOUNT, {}))
            fees = group.create_task(self._client.read(FEE_RATE, {"category": CATEGORY}))
            tiers = {s: group.create_task(self._tiers(listing.named(s))) for s in sorted(symbols)}
        found = {s: self._leg(listing.named(s), fees.result(), read.result()) for s, read in tiers.items()}
        life = HOUR if all(leg.instrument.tradable for leg in found.values()) else SOON
        mode = holdings.mode(account.result())
        self._facts = Facts(listing, mode, found, self._clock.monotonic() + life)
        return self._facts

    async def _read_listing(self) -> Listing:
        """All inverse contracts. One that is listed no more stays known, not tradable: we may hold it."""
        read = market.instruments(
            await pages(self._client, INSTRUMENTS, {"category": CATEGORY}, LARGEST_PAGE)
        )
        before = self._listing.by_native if self._listing else {}
        gone = [replace(i, tradable=False) for native, i in before.items() if native not in read.by_native]
        self._listing = Listing.of([*read.by_native.values(), *gone])
        return self._listing

    async def _tiers(self, contract: Instrument) -> tuple[Tier, ...]:
        if last := self._last(contract):
            return last.tiers
        asked = {"category": CATEGORY, "symbol": contract.native}
        return market.tiers(await self._client.read(RISK_LIMITS, asked), contract.native)

    def _leg(self, contract: Instrument, fees: Answer, tiers: tuple[Tier, ...]) -> LegFacts:
        last = self._last(contract)
        fee = last.taker_fee if last else market.taker_fee(fees, contract.native)
        return LegFacts(contract, fee, tiers)

    def _last(self, contract: Instrument) -> LegFacts | None:
        """What was last known of a contract that cannot be traded now: Bybit shows nothing of it any more."""
        known = self._facts.legs.get(contract.symbol) if self._facts else None
        return None if contract.tradable else known
