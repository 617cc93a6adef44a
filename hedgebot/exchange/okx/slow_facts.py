"""What rarely changes about an account and its contracts: read every hour, and whenever doubt arises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hedgebot.domain.account import LegFacts
from hedgebot.domain.instrument import settled_in
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.units import Price
from hedgebot.exchange.client import Client
from hedgebot.exchange.okx import holdings, market
from hedgebot.exchange.okx.holdings import Settings
from hedgebot.exchange.okx.market import Contract, ContractTier, Listing
from hedgebot.exchange.okx.venue import CONFIG, FEE, FUTURES, INSTRUMENTS, SWAP, TIERS, TIME
from hedgebot.exchange.together import together
from hedgebot.ports import Clock

HOUR = 3600.0  # seconds
SOON = 60.0  # for a contract that is not tradable now


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """A contract, our fee in it, and its tiers, which are counted in contracts."""

    contract: Contract
    taker_fee: Decimal
    tiers: tuple[ContractTier, ...]

    def at(self, mark: Price) -> LegFacts:
        """The same with the tiers in coins at a mark."""
        tiers = market.in_coins(self.tiers, self.contract, mark)
        return LegFacts(self.contract.instrument, self.taker_fee, tiers)


@dataclass(frozen=True, slots=True)
class Facts:
    """``legs`` by unified symbol, good until a monotonic instant."""

    listing: Listing
    settings: Settings
    legs: Mapping[str, ContractFacts]
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
        return self._facts.settings.mode().unsupported if self._facts else ""

    def doubt(self) -> None:
        """Have everything read again: an order was rejected, or a reply made no sense."""
        if self._facts is not None:
            self._facts = replace(self._facts, good_until=self._clock.monotonic())

    async def listing(self, symbols: Iterable[str] = ()) -> Listing:
        """The contracts of these symbols' kinds as last read; read now if never."""
        linear, known = any(map(_is_linear, symbols)), self._listing
        if known is None or (linear and not known.linear):
            return await self._read_listing(linear=linear)
        return known

    async def facts(self, wanted: Mapping[str, MarginMode]) -> Facts:
        """Fresh facts about these contracts, each in a margin mode, and the account. Raises ``ReadError``."""
        known = self._facts
        if known and wanted.keys() <= known.legs.keys() and self._clock.monotonic() < known.good_until:
            return known
        linear = any(map(_is_linear, wanted))
        listing = await (self._read_listing(linear=linear) if known else self.listing(wanted))
        async with together() as group:
            config = group.create_task(self._client.read(CONFIG, {}))
            legs = {
                symbol: group.create_task(self._leg(listing.named(symbol), mode))
                for symbol, mode in sorted(wanted.items())
            }
        found = {symbol: leg.result() for symbol, leg in legs.items()}
        tradable = all(leg.contract.instrument.tradable for leg in found.values())
        settings = holdings.settings(config.result())
        good_until = self._clock.monotonic() + (HOUR if tradable else SOON)
        self._facts = Facts(listing, settings, found, good_until)
        return self._facts

    async def _read_listing(self, *, linear: bool) -> Listing:
        """All contracts, and first of all the exchange's clock: what is private bears its time.

        Linear ones only where one is a leg or was. A contract that is listed no more stays known, not
        tradable: we may hold it.
        """
        async with together() as group:
            group.create_task(self._client.read(TIME, {}))
            kinds = [
                group.create_task(self._client.read(INSTRUMENTS, {"instType": kind}))
                for kind in (SWAP, FUTURES)
            ]
        linear = linear or (self._listing is not None and self._listing.linear)
        read = market.listing((kind.result() for kind in kinds), linear=linear)
        before = self._listing.by_native if self._listing else {}
        gone = [
            replace(contract, instrument=replace(contract.instrument, tradable=False))
            for native, contract in before.items()
            if native not in read.by_native
        ]
        self._listing = Listing.of([*read.by_native.values(), *gone], read.others, linear=linear)
        return self._listing

    async def _leg(self, contract: Contract, mode: MarginMode) -> ContractFacts:
        """One contract's facts; its last ones where it cannot be traded, since OKX may then show none."""
        known = self._facts.legs.get(contract.instrument.symbol) if self._facts else None
        if known and not contract.instrument.tradable:
            return replace(known, contract=contract)
        asked = {"instType": SWAP if contract.perpetual else FUTURES, "instFamily": contract.family}
        async with together() as group:
            fee = group.create_task(self._client.read(FEE, asked))
            tiers = group.create_task(self._client.read(TIERS, {**asked, "tdMode": mode.value}))
        return ContractFacts(
            contract, market.taker_fee(fee.result(), contract), market.tiers(tiers.result(), contract)
        )


def _is_linear(symbol: str) -> bool:
    return settled_in(symbol) == market.STABLE
