"""What rarely changes about an account and its contracts: read every hour, and whenever doubt arises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hedgebot.domain.account import AccountMode, LegFacts, Tier
from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.bybit import holdings, market
from hedgebot.exchange.bybit.market import Listing
from hedgebot.exchange.bybit.paging import pages
from hedgebot.exchange.bybit.venue import (
    ACCOUNT,
    FEE_RATE,
    INSTRUMENTS,
    INVERSE,
    RISK_LIMITS,
    category,
    scope,
)
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
        self._listed: frozenset[str] = frozenset()
        self._facts: Facts | None = None

    @property
    def unsupported(self) -> str:
        """Why this account cannot be hedged on, as far as is known."""
        return self._facts.mode.unsupported if self._facts else ""

    def doubt(self) -> None:
        """Have everything read again: an order was rejected, or a reply made no sense."""
        if self._facts is not None:
            self._facts = replace(self._facts, good_until=self._clock.monotonic())

    async def listing(self, symbols: Iterable[str] = ()) -> Listing:
        """The contracts of these symbols' categories as last read; read now if never."""
        known = self._listing if _categories(symbols) <= self._listed else None
        return known or await self._read_listing(symbols)

    async def known(self, symbols: frozenset[str]) -> Facts:
        """The last facts about these contracts, however old; read now if never."""
        known = self._facts
        return known if known and symbols <= known.legs.keys() else await self.facts(symbols)

    async def facts(self, symbols: frozenset[str]) -> Facts:
        """Fresh facts about these contracts and the account. Raises ``ReadError``."""
        known = self._facts
        if known and symbols <= known.legs.keys() and self._clock.monotonic() < known.good_until:
            return known
        listing = await (self._read_listing(symbols) if known else self.listing(symbols))
        async with together() as group:
            account = group.create_task(self._client.read(ACCOUNT, {}))
            fees = {
                c: group.create_task(self._client.read(FEE_RATE, {"category": c}))
                for c in sorted(_categories(symbols))
            }
            tiers = {s: group.create_task(self._tiers(listing.named(s))) for s in sorted(symbols)}
        found = {
            s: self._leg(listing.named(s), fees[category(s)].result(), read.result())
            for s, read in tiers.items()
        }
        life = HOUR if all(leg.instrument.tradable for leg in found.values()) else SOON
        mode = holdings.mode(account.result())
        self._facts = Facts(listing, mode, found, self._clock.monotonic() + life)
        return self._facts

    async def _read_listing(self, symbols: Iterable[str]) -> Listing:
        """All inverse contracts, and all linear ones where one is a leg or was.

        One that is listed no more stays known, not tradable: we may hold it.
        """
        wanted = self._listed | _categories(symbols)
        async with together() as group:
            asked = [pages(self._client, INSTRUMENTS, {"category": c}, LARGEST_PAGE) for c in sorted(wanted)]
            answers = [group.create_task(each) for each in asked]
        read = market.instruments(page for answer in answers for page in answer.result())
        before = self._listing.by_native if self._listing else {}
        gone = [replace(i, tradable=False) for native, i in before.items() if native not in read.by_native]
        self._listing, self._listed = Listing.of([*read.by_native.values(), *gone]), wanted
        return self._listing

    async def _tiers(self, contract: Instrument) -> tuple[Tier, ...]:
        if last := self._last(contract):
            return last.tiers
        return market.tiers(await self._client.read(RISK_LIMITS, scope(contract)), contract.native)

    def _leg(self, contract: Instrument, fees: Answer, tiers: tuple[Tier, ...]) -> LegFacts:
        last = self._last(contract)
        fee = last.taker_fee if last else market.taker_fee(fees, contract.native)
        return LegFacts(contract, fee, tiers)

    def _last(self, contract: Instrument) -> LegFacts | None:
        """What was last known of a contract that cannot be traded now: Bybit shows nothing of it any more."""
        known = self._facts.legs.get(contract.symbol) if self._facts else None
        return None if contract.tradable else known


def _categories(symbols: Iterable[str]) -> frozenset[str]:
    """The categories of these symbols, and always that of inverse contracts, which come first."""
    return frozenset({INVERSE, *map(category, symbols)})
