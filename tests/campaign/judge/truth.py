"""What was truly held and sold at every instant, and by whose doing."""

from dataclasses import dataclass
from fractions import Fraction

from hedgebot.sim.account import Account
from hedgebot.sim.events import Event, Filled
from hedgebot.sim.exchange import SimulatedExchange
from tests.campaign.judge.terms import Terms, instance_of

COIN = "BTC"
OLDEST = 86_400.0 * 2


@dataclass(frozen=True, slots=True)
class Change:
    """Coins held and sold, and contracts, changed by so much; ``by`` is the instance whose order did it."""

    at: float
    held: Fraction
    sold: Fraction
    contracts: Fraction
    by: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the most that was held and sold within a stretch of time."""

    held: tuple[Fraction, Fraction]
    sold: tuple[Fraction, Fraction]


class Truth:
    """Follows the exchange's events; all figures are those of the account ``main``."""

    def __init__(self, exchange: SimulatedExchange, terms: Terms) -> None:
        self._exchange = exchange
        self._terms = terms
        self._changes: list[Change] = []
        self.held, self.sold = self._look()
        self._size = self.contracts

    @property
    def _account(self) -> Account:
        return self._exchange.truth.accounts["main"]

    def _look(self) -> tuple[Fraction, Fraction]:
        state = self._account.state
        wallets = (wallet for (_, coin), wallet in state.wallets.items() if coin == COIN)
        held = sum((wallet.balance - wallet.owed for wallet in wallets), self._terms.outside)
        position = state.position((self._terms.symbol, 0))
        return held, position.entry_coins if position.contracts < 0 else Fraction(0)

    @property
    def contracts(self) -> Fraction:
        """Contracts held; a short is negative."""
        return self._account.state.position((self._terms.symbol, 0)).contracts

    def follow(self, event: Event, at: float) -> None:
        """Take in what an event changed."""
        held, sold = self._look()
        if (held, sold) == (self.held, self.sold):
            return
        by = instance_of(event.client_id) if isinstance(event, Filled) else None
        size = self.contracts - self._size
        self._changes.append(Change(at, held - self.held, sold - self.sold, size, by))
        self.held, self.sold, self._size = held, sold, self.contracts

    def span(self, since: float, instance: int | None) -> Span:
        """What was held and sold since then, as if the instance's own orders had always been known."""
        held, sold = [self.held], [self.sold]
        for change in reversed(self._changes):
            if change.at < since:
                break
            if change.by is None or change.by != instance:
                held.append(held[-1] - change.held)
                sold.append(sold[-1] - change.sold)
        return Span((min(held), max(held)), (min(sold), max(sold)))

    def traded_by_others(self, since: float, until: float, instance: int) -> Fraction:
        """Contracts by which others than the instance moved the position after ``since`` up to ``until``."""
        between = (change for change in self._changes if since < change.at <= until)
        return sum((change.contracts for change in between if change.by != instance), Fraction(0))

    def price_range(self, since_ms: int) -> tuple[Fraction, Fraction]:
        """The lowest and the highest price of the book since then."""
        market, symbol, now = self._exchange.truth.market, self._terms.symbol, self._exchange.truth.at_ms
        path = market.feed(symbol).path
        prices = [path.at(at) for at in (since_ms, *path.turns(since_ms, now), now)]
        return min(prices), max(prices)
