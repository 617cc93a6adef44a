"""What an endpoint works with: the exchange, who asks, and how this dialect was set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from hedgebot.sim.account import ApiKey
from hedgebot.sim.contract import Contract
from hedgebot.sim.exchange import SimulatedExchange, View
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.okx.wire import ApiError, Params, parameter

FUTURES_MODE = "2"
Leverages = dict[tuple[str, str, MarginMode], Fraction]
"""What was set by account, contract and margin mode: each mode has a leverage of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the account is set up where only its owner can change it.

    ``account_level`` as in ``acctLv``: 1 spot, 2 futures, 3 multi-currency, 4 portfolio margin; figures of
    the last two are not simulated. ``demo``: whether this is demo trading, with keys of its own.
    """

    account_level: str = FUTURES_MODE
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One request's surroundings; ``key`` is None for public endpoints."""

    exchange: SimulatedExchange
    options: Options
    leverages: Leverages
    headers: Mapping[str, str] = field(default_factory=dict)
    key: ApiKey | None = None

    @property
    def owner(self) -> ApiKey:
        """The key that signed a private request."""
        if self.key is None:
            raise ApiError(50103, 'Request header "OK-ACCESS-KEY" cannot be empty.', 401)
        return self.key

    @property
    def account(self) -> str:
        return self.owner.account

    def now_ms(self) -> int:
        return self.exchange.truth.clock.now_ms()

    def view(self, read: str) -> View:
        return self.exchange.view(self.account, read)

    def contract(self, inst_id: str) -> Contract:
        """Raises ``ApiError`` for one that is not listed."""
        contract = self.exchange.truth.contracts.get(inst_id)
        if contract is None:
            raise ApiError(51001, "Instrument ID, Instrument ID code or Spread ID doesn't exist.")
        return contract

    def contracts(self, params: Params) -> list[Contract]:
        """The contracts that ``instId`` names, or a kind and a family; all without any of them."""
        if ids := params.text("instId"):
            return [self.contract(inst_id) for inst_id in ids.split(",")]
        kind, family = params.text("instType"), params.text("instFamily")
        every = self.exchange.truth.contracts.values()
        return [c for c in every if kind in ("", inst_type(c)) and family in ("", inst_family(c))]

    def leverage(self, contract: Contract, mode: MarginMode) -> Fraction:
        """A contract's leverage in a margin mode: that of the account where it is in this mode now."""
        state = self.exchange.account(self.account).state
        if state.mode_of(contract.symbol) is mode:
            return self.exchange.truth.leverage(state, contract.symbol)
        return self.leverage_set(contract, mode)

    def leverage_set(self, contract: Contract, mode: MarginMode) -> Fraction:
        """What was last set for a margin mode, or the usual leverage."""
        usual = self.exchange.truth.rules.default_leverage
        return self.leverages.get((self.account, contract.symbol, mode), usual)


def inst_type(contract: Contract) -> str:
    return "SWAP" if contract.perpetual else "FUTURES"


def inst_family(contract: Contract) -> str:
    return f"{contract.base}-{contract.settle}" if contract.linear else f"{contract.base}-USD"


def margin_mode(params: Params, name: str) -> MarginMode:
    """The margin mode that a parameter names; portfolio margin is no mode of an order."""
    value = params.required(name)
    if value not in ("cross", "isolated"):
        raise parameter(name)
    return MarginMode(value)
