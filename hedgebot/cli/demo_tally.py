"""What the demo's story does to one account, from its exchange's own books."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgebot.sim import story
from hedgebot.sim.events import Filled, FundingPaid
from hedgebot.sim.exchange import SimulatedExchange

ANSWER_SECONDS = 4
"""So long a deed may take to be answered: the daemon's three cycles of a second, and one to look."""

NAME, COLUMN = 38, 13


@dataclass
class Tally:
    """One account through the story: its true value, and what is noted of it second by second, exposures from
    when it is first hedged: how soon that is, is the machine's doing."""

    name: str
    exchange: SimulatedExchange
    symbol: str
    state: str = "starting"
    begun: bool = False
    worst: Fraction = Fraction(0)
    worst_settled: Fraction = Fraction(0)
    lowest: tuple[Fraction, Fraction] = (Fraction(10**12), Fraction(0))

    @property
    def mark(self) -> Fraction:
        return self.exchange.quote(self.symbol).mark

    @property
    def coins(self) -> Fraction:
        """Coins in all wallets, without unrealised profit."""
        wallets = self.exchange.account(story.ACCOUNT).state.wallets
        return sum((w.balance for (_, coin), w in wallets.items() if coin == story.COIN), Fraction(0))

    @property
    def protected(self) -> Fraction:
        """Dollars that the coins are worth with the hedge."""
        position = self.exchange.position(story.ACCOUNT, self.symbol)
        profit = position.profit(self.exchange.truth.contract(self.symbol), self.mark)
        return (self.coins + profit) * self.mark

    @property
    def unhedged(self) -> Fraction:
        """Dollars that the deposited coins alone would be worth."""
        earned = sum((event.change for event in (*self.trades, *self.funding)), Fraction(0))
        return (self.coins - earned) * self.mark

    @property
    def net(self) -> Fraction:
        """Coins that still move with the price: held less sold."""
        return self.coins - abs(self.exchange.position(story.ACCOUNT, self.symbol).entry_coins)

    @property
    def trades(self) -> list[Filled]:
        return [e for e in self.exchange.events(story.ACCOUNT) if isinstance(e, Filled)]

    @property
    def funding(self) -> list[FundingPaid]:
        return [e for e in self.exchange.events(story.ACCOUNT) if isinstance(e, FundingPaid)]

    def look(self, second: int, state: str) -> None:
        """Note the moment; ``worst_settled`` leaves out the seconds in which a deed is being answered."""
        self.state, self.begun = state, self.begun or state == "hedged"
        self.lowest = min(self.lowest, (self.unhedged, self.protected))
        if not self.begun:
            return
        self.worst = max(self.worst, abs(self.net))
        if not any(0 <= second - deed.second < ANSWER_SECONDS for deed in story.DEEDS):
            self.worst_settled = max(self.worst_settled, abs(self.net))


def heading(tallies: Sequence[Tally]) -> str:
    return "   s   price  no hedge  " + "".join(f"{tally.name:<19}" for tally in tallies)


def line(second: int, tallies: Sequence[Tally]) -> str:
    """One second: the price, what the coins alone are worth, and each account's state and value."""
    first = tallies[0]
    accounts = (f"{t.state:<10}{float(t.protected):7,.0f}  " for t in tallies)
    return f"{second:4}  {float(first.mark):6,.0f}   {float(first.unhedged):7,.0f}  " + "".join(accounts)


def summary(tallies: Sequence[Tally]) -> str:
    """What it came to, an account a column."""
    rows: tuple[tuple[str, Callable[[Tally], str]], ...] = (
        ("", lambda t: t.name),
        ("at the low, without a hedge, USD", lambda t: _usd(t.lowest[0])),
        ("at the low, with the hedge, USD", lambda t: _usd(t.lowest[1])),
        ("at the end, without a hedge, USD", lambda t: _usd(t.unhedged)),
        ("at the end, with the hedge, USD", lambda t: _usd(t.protected)),
        ("orders sent", lambda t: str(len({fill.order_id for fill in t.trades if fill.client_id}))),
        ("fees paid, BTC", lambda t: _btc(sum((fill.fee for fill in t.trades), Fraction(0)))),
        ("fees paid, USD", lambda t: _usd(sum((fill.fee * fill.price for fill in t.trades), Fraction(0)))),
        ("funding received, BTC", lambda t: _btc(sum((paid.change for paid in t.funding), Fraction(0)))),
        ("funding received, USD", lambda t: _usd(sum((p.change * p.mark for p in t.funding), Fraction(0)))),
        ("worst net exposure, prices alone, BTC", lambda t: _btc(t.worst_settled)),
        ("worst until it was corrected, BTC", lambda t: _btc(t.worst)),
    )
    cells = (f"  {name:<{NAME}}" + "".join(f"{cell(t):>{COLUMN}}" for t in tallies) for name, cell in rows)
    return "\n".join(["", "What it came to", *cells])


def _usd(dollars: Fraction) -> str:
    return f"{float(dollars):,.2f}"


def _btc(coins: Fraction) -> str:
    return f"{float(coins):.6f}"
