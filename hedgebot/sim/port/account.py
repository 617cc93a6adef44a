"""One account on the simulated exchange behind the port ``Account``."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, Needs, Sighting
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Identified, OrderRequest, Outcome
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import TransferRequest, TransferSighting
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import CredentialsError, ReadError
from hedgebot.ports import Clock
from hedgebot.sim.account import ApiKey
from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.port.binance import Binance
from hedgebot.sim.port.bybit import Bybit
from hedgebot.sim.port.house import House
from hedgebot.sim.port.look import Look
from hedgebot.sim.port.okx import Okx
from hedgebot.sim.port.past import entries, sighting
from hedgebot.sim.port.words import Facts

HOUSES: Mapping[str, type[House]] = {"bybit": Bybit, "binance": Binance, "okx": Okx}
"""By the names that the configuration has for exchanges."""

HOUR, SOON = 3600.0, 60.0
"""Seconds for which facts are good; less while a contract cannot be traded."""

CHECK_KEY = "Renew the key"
HERE = "127.0.0.1"  # where we call from
UNTOLD = KeyScope(trade=None, withdraw=None, ip_bound=None, expires_at=None)


def no_delay(_call: str) -> float:
    return 0.0


class PortAccount:
    """What the account named ``name`` on ``exchange`` says and does, in an exchange's manner (``HOUSES``).

    Each method takes ``delay(its name)`` seconds of ``clock`` before it takes effect, and as many again
    (drawn anew) until its answer is there; longer than an order may be on its way, it is no longer the
    network that is simulated. ``clock`` is the daemon's, the exchange keeps its own. If the account has a
    key, it is the one used here: once it is revoked, expired or may not trade, calls fail as they would.
    One object serves a daemon over all its restarts.
    """

    def __init__(
        self,
        exchange: SimulatedExchange,
        name: str,
        clock: Clock,
        house: Callable[[SimulatedExchange, str], House] = Bybit,
        *,
        delay: Callable[[str], float] = no_delay,
    ) -> None:
        self._exchange = exchange
        self._name = name
        self._clock = clock
        self._house = house(exchange, name)
        self._delay = delay
        self._key = next((key.key for key in exchange.truth.keys.values() if key.account == name), None)
        self._facts: Facts | None = None
        self._good_until = clock.monotonic()

    def __repr__(self) -> str:
        return f"<PortAccount {self._name}>"

    @property
    def name(self) -> str:
        return self._name

    async def close(self) -> None:
        """Nothing is open."""

    async def read(self, needs: Needs) -> AccountReading:
        """Everything a decision needs. Raises ``ReadError``, also where parts contradict each other."""
        started = self._clock.monotonic()
        await self._pass("read")
        self._working_key()
        look = Look(self._exchange, self._name)
        try:
            told = self._house.told(look, self._known(look, needs), needs)
        except ReadError as failure:
            self._doubt()
            if self._facts is not None and self._facts.mode.unsupported:
                raise ReadError(f"{self._name}: {self._facts.mode.unsupported}") from failure
            raise
        await self._pass("read")
        offset = self._exchange.truth.clock.now_ms() - self._clock.now_ms()
        return AccountReading(self._name, started, self._clock.monotonic(), offset, *told)

    def _known(self, look: Look, needs: Needs) -> Facts:
        """The last facts while they are good, else new ones."""
        facts = self._facts
        if (
            facts is not None
            and needs.symbols <= facts.legs.keys()
            and self._clock.monotonic() < self._good_until
        ):
            return facts
        self._facts = facts = self._house.facts(look, needs.symbols)
        tradable = all(leg.facts.instrument.tradable for leg in facts.legs.values())
        self._good_until = self._clock.monotonic() + (HOUR if tradable else SOON)
        return facts

    def _doubt(self) -> None:
        self._good_until = self._clock.monotonic()

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        """The contracts that settle in a coin; those that were delivered stay known."""
        return self._house.instruments(asset)

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        """Fills and funding since an instant, oldest first. Raises ``ReadError``."""
        await self._pass("ledger")
        self._working_key()
        found = entries(self._house, [self._house.contract(symbol).symbol for symbol in symbols], since)
        await self._pass("ledger")
        return Ledger(tuple(found))

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        """Bars that have ended, oldest first. Raises ``ReadError``."""
        await self._pass("candles")
        self._working_key()
        found = self._house.candles(symbol, bar_ms, since)
        await self._pass("candles")
        return found

    async def spot_price(self, asset: str) -> Price:
        """What a coin costs on the spot market. Raises ``ReadError``."""
        await self._pass("spot_price")
        found = self._house.spot_price(asset)
        await self._pass("spot_price")
        return found

    async def key_scope(self) -> KeyScope:
        """What our key may do; without a key the exchange does not say."""
        await self._pass("key_scope")
        key = self._working_key()
        await self._pass("key_scope")
        return UNTOLD if key is None else self._house.scope(key)

    async def place(self, order: OrderRequest) -> Outcome:
        """Take one immediate-or-cancel order."""
        return await self._write("place", order.symbol, lambda c: self._house.place(order, c))

    async def cancel(self, order: Identified) -> Outcome:
        """Cancel the open order with this client id."""
        return await self._write("cancel", order.symbol, lambda c: self._house.cancel(order, c))

    async def set_leverage(
        self, symbol: str, leverage: str, margin_mode: MarginMode | None = None, /
    ) -> Outcome:
        """Set a contract's leverage, where each margin mode has its own in this one."""
        wanted = Decimal(leverage)
        return await self._write(
            "set_leverage", symbol, lambda c: self._house.set_leverage(c, wanted, margin_mode)
        )

    async def transfer(self, request: TransferRequest) -> Outcome:
        """Move coins between two pockets."""
        return await self._asked("transfer", lambda: self._house.transfer(request))

    async def find_transfer(self, request: TransferRequest, since: Millis) -> TransferSighting:
        """Look for a move in the exchange's history. Raises ``ReadError``."""
        await self._pass("find_transfer")
        self._working_key()
        found = self._house.find_transfer(request, since)
        await self._pass("find_transfer")
        return found

    async def _write(self, call: str, symbol: str, act: Callable[[Contract], Outcome]) -> Outcome:
        return await self._asked(call, lambda: act(self._house.contract(symbol)))

    async def _asked(self, call: str, act: Callable[[], Outcome]) -> Outcome:
        await self._pass(call)
        try:
            self._working_key(trades=True)
            outcome = act()
        except (ReadError, CredentialsError) as cause:
            outcome = Outcome(Fate.REJECTED, f"not sent: {cause}")
        if outcome.fate is Fate.REJECTED and call != "cancel":
            self._doubt()
        await self._pass(call)
        return outcome

    async def find(self, order: OrderRequest, _written: Millis = Millis(0), /) -> Sighting:
        """Look an order up by its client id, on both endpoints that may know it. Raises ``ReadError``."""
        await self._pass("find")
        self._working_key()
        found = sighting(self._house, order, self._house.contract(order.symbol))
        await self._pass("find")
        return found

    def _working_key(self, *, trades: bool = False) -> ApiKey | None:
        """Our key, if there is one. Raises ``CredentialsError`` once it is no good."""
        if self._key is None:
            return None
        key, now = self._exchange.truth.keys.get(self._key), self._exchange.truth.clock.now_ms()
        if key is None or (key.expires_ms is not None and now >= key.expires_ms):
            raise CredentialsError(f"{self._name}: the key is not valid here", CHECK_KEY)
        if key.ips and HERE not in key.ips:
            raise CredentialsError(f"{self._name}: the key is bound to other addresses", CHECK_KEY)
        if trades and key.read_only:
            raise CredentialsError(f"{self._name}: the key lacks a permission", CHECK_KEY)
        return key

    async def _pass(self, call: str) -> None:
        if seconds := self._delay(call):
            await self._clock.sleep(seconds)
