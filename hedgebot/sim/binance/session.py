"""What an endpoint works with: the exchange, who asks, and how this dialect was set up."""

from dataclasses import dataclass

from hedgebot.sim.account import ApiKey
from hedgebot.sim.binance.codes import CODES
from hedgebot.sim.binance.gate import REFUSED_KEY
from hedgebot.sim.binance.wire import ApiError, Params
from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import SimulatedExchange, View
from hedgebot.sim.orders import Reason

BOTH, LONG, SHORT = "BOTH", "LONG", "SHORT"
INDICES = {BOTH: 0, LONG: 1, SHORT: 2}
SIDE_NAMES = {index: name for name, index in INDICES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the exchange differs with time and place, and a client must cope with either.

    ``isolated_wallet`` and ``notional``: whether positions show fields that older and newer documentation
    lacks. ``signed_notional``: whether that of a short is negative. ``portfolio_margin``: whether accounts
    are in it. ``listed_intervals``: whether ``fundingInfo`` lists contracts whose interval was adjusted.
    """

    isolated_wallet: bool = True
    notional: bool = True
    signed_notional: bool = True
    portfolio_margin: bool = False
    listed_intervals: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One request's surroundings; ``key`` is None for public endpoints."""

    exchange: SimulatedExchange
    options: Options
    key: ApiKey | None = None

    @property
    def owner(self) -> ApiKey:
        """The key that signed a private request."""
        if self.key is None:
            raise ApiError(*REFUSED_KEY, 401)
        return self.key

    @property
    def account(self) -> str:
        return self.owner.account

    def now_ms(self) -> int:
        return self.exchange.truth.clock.now_ms()

    def view(self, read: str) -> View:
        return self.exchange.view(self.account, read)

    def contract(self, symbol: str) -> Contract:
        contract = self.exchange.truth.contracts.get(symbol)
        if contract is None:
            raise ApiError(*CODES[Reason.UNKNOWN_SYMBOL])
        return contract

    def contracts(self, params: Params) -> list[Contract]:
        """The contracts that ``symbol``, ``pair`` or ``marginAsset`` name; all without any of them."""
        if symbol := params.text("symbol"):
            return [self.contract(symbol)]
        wanted, asset = params.text("pair"), params.text("marginAsset")
        every = self.exchange.truth.contracts.values()
        return [c for c in every if wanted in ("", pair(c)) and asset in ("", c.settle)]


def pair(contract: Contract) -> str:
    """The underlying, such as ``BTCUSD``."""
    return f"{contract.base}USD"
