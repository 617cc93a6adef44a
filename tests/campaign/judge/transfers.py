"""S11: coins that the daemon moves are moved once, and leave a margin only where that is wanted and safe."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from hedgebot.sim.events import Event, Moved, MoveKind, SettingChanged
from hedgebot.sim.exchange import SimulatedExchange
from tests.campaign.judge.ladder import NEARLY, WARN, Ladder
from tests.campaign.judge.terms import Terms, instance_of
from tests.campaign.judge.truth import COIN, Truth

DISTINCT = 10_000
"""Amounts finer than one part of so many have digits of their own: the same one again is the same move."""


@dataclass
class Transfers:
    """Judges moves between pockets. ``breach`` is told the rule and the fact."""

    exchange: SimulatedExchange
    terms: Terms
    truth: Truth
    ladder: Ladder
    breach: Callable[[str, str], None]
    _asked: defaultdict[Fraction, set[int | None]] = field(default_factory=lambda: defaultdict(set))
    _made: Counter[tuple[str, Fraction]] = field(default_factory=Counter)
    _left: list[tuple[int, str, Fraction, frozenset[int | None]]] = field(default_factory=list)

    def lose(self) -> None:
        """The journal was lost, or its last rows: its numbers, and their digits, begin anew."""
        self._made.clear()

    def asked(self, client_id: str, coins: Fraction) -> None:
        """A daemon asks for a move: two that act at once have numbers of their own, which may have the same
        digits."""
        self._asked[coins].add(instance_of(client_id))

    def follow(self, event: Event, *, foreign: bool) -> None:
        """Take in an event of the exchange; ``foreign`` ones are not the daemon's doing."""
        found = None if foreign else self._move(event)
        if found is None:
            return
        where, coins = found
        may = max(len(self._asked[abs(coins)]), 1)
        if self._made[found] >= may and (coins * DISTINCT).denominator > 1:
            self.breach("S11", f"{float(coins):.8f} coins moved out of {where} a second time")
        self._made[found] += 1
        if where != "spot" and coins > 0:
            self._leaves(where, coins)

    def _move(self, event: Event) -> tuple[str, Fraction] | None:
        """The pocket that coins left, and how many; those that an isolated margin gained are negative."""
        match event:
            case SettingChanged(setting="margin", value=value):
                return "isolated", -Fraction(value.split()[1])
            case Moved(kind=MoveKind.TRANSFER_OUT, wallet=(wallet, coin)) if coin == COIN:
                return ("spot" if wallet == "spot" else "margin"), -event.change
        return None

    def _leaves(self, where: str, coins: Fraction) -> None:
        """Coins have left a margin. Judged at the lowest price that the decision may rest on."""
        terms = self.terms
        over = terms.home and not self.truth.contracts
        if terms.min_leverage is None and not over:
            self.breach("S11", f"{float(coins):.8f} coins left the {where} margin unasked")
        if terms.min_leverage is None or over or (where, terms.margin_mode) == ("margin", "isolated"):
            return  # the latter lay idle beside the position's own
        window = terms.settle_after + 2 * (terms.deadline + terms.interval)
        since = self.exchange.truth.at_ms - round(window * 1000)
        low, _ = self.truth.price_range(since)
        margin = self.ladder.margin + self._took_beside(where, coins, since)
        was = self.ladder.leverage(low, margin + coins)
        if was > terms.min_leverage * NEARLY:
            self.breach("S11", f"coins left the {where} margin at a leverage of {float(was):.2f}")
        away = self.ladder.away(low, margin)
        if away is not None and away < WARN:
            self.breach("S11", f"liquidation lies {float(away):.2f} away since coins left the {where} margin")

    def _took_beside(self, where: str, coins: Fraction, since_ms: int) -> Fraction:
        """Coins that another daemon moved out of the same margin meanwhile, which this one could not know."""
        who = frozenset(self._asked[coins])
        beside = [
            took
            for at_ms, place, took, others in self._left
            if at_ms >= since_ms and place == where and (others != who or len(who) > 1)
        ]
        self._left.append((self.exchange.truth.at_ms, where, coins, who))
        return sum(beside, Fraction(0))
