"""What an endpoint works with: the exchange, who asks, and how this dialect was set up."""

from dataclasses import dataclass

from hedgebot.sim.account import ApiKey
from hedgebot.sim.bybit.codes import CODES
from hedgebot.sim.bybit.wire import ApiError, Json, Params
from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import SimulatedExchange, View
from hedgebot.sim.orders import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the exchange differs with time and place, and a client must cope with either.

    ``position_balance``: whether the deprecated field of that name still carries the isolated margin.
    ``tiers_in_percent``: margin rates of the tiers as the documentation shows them for inverse contracts
    (``0.5``), or as fractions (``0.005``), which linear contracts are known to have.
    """

    position_balance: bool = True
    tiers_in_percent: bool = True


CATEGORIES = ("inverse", "linear")


def category_of(contract: Contract) -> str:
    return "linear" if contract.linear else "inverse"


@dataclass(frozen=True, slots=True)
class Session:
    """One request's surroundings; ``key`` is None for public endpoints.

    ``memo`` holds rows of events, which never change, by the events' numbers.
    """

    exchange: SimulatedExchange
    options: Options
    memo: dict[int, Json]
    key: ApiKey | None = None

    @property
    def owner(self) -> ApiKey:
        """The key that signed a private request."""
        if self.key is None:
            raise ApiError(10007, "User authentication failed.")
        return self.key

    @property
    def account(self) -> str:
        return self.owner.account

    def now_ms(self) -> int:
        return self.exchange.truth.clock.now_ms()

    def view(self, read: str) -> View:
        return self.exchange.view(self.account, read)

    def contract(self, symbol: str, category: str = "") -> Contract:
        contract = self.exchange.truth.contracts.get(symbol)
        if contract is None or category not in ("", category_of(contract)):
            raise ApiError(*CODES[Reason.UNKNOWN_SYMBOL])
        return contract

    def contracts(self, params: Params) -> list[Contract]:
        """The contracts of a category that ``symbol``, ``baseCoin`` or ``settleCoin`` name; all of it without
        any of them, and all there are without a category."""
        symbol, category = params.text("symbol"), params.text("category")
        if symbol:
            return [self.contract(symbol, category)]
        base, settle = params.text("baseCoin"), params.text("settleCoin")
        every = [c for c in self.exchange.truth.contracts.values() if category in ("", category_of(c))]
        return [c for c in every if base in ("", c.base) and settle in ("", c.settle)]
