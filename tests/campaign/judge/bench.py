"""One judge over all rules: it is told what happens, and keeps what was broken."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from hedgebot.sim.events import Event
from hedgebot.sim.exchange import SimulatedExchange
from tests.campaign.judge.control import Controls
from tests.campaign.judge.health import Health
from tests.campaign.judge.intents import Intents
from tests.campaign.judge.ladder import Ladder
from tests.campaign.judge.orders import Book, Life, Orders
from tests.campaign.judge.terms import Terms, Violation, instance_of
from tests.campaign.judge.transfers import Transfers
from tests.campaign.judge.truth import Truth

MOST_KEPT = 20
MARGIN = frozenset({"NO_MARGIN", "POSITION_LIMIT"})
CONTENT = frozenset({"paused", "unwound"})
"""States in which the operator wants nothing traded."""


class Tape(list[Event]):
    """The exchange's events, told as they happen."""

    def __init__(self, events: list[Event], told: Callable[[Event], None]) -> None:
        super().__init__(events)
        self._told = told

    def append(self, event: Event) -> None:
        super().append(event)
        self._told(event)


class Judge:
    """Watches one exchange and the daemons on it.

    ``foreign`` is true while others than they act there; ``also`` is told of each event before it is judged.
    """

    def __init__(self, exchange: SimulatedExchange, terms: Terms, seconds: Callable[[], float]) -> None:
        self.violations: list[Violation] = []
        self.foreign = False
        self.also: Callable[[Event, bool], None] = lambda *_: None
        self.terms = terms
        self.truth = Truth(exchange, terms)
        self.books: dict[Path, Book] = {}
        self.health = Health(terms, self.breach, seconds)
        self.ladder = Ladder(exchange, terms, self.truth)
        self.orders = Orders(exchange, terms, self.truth, self.ladder, self.breach, seconds)
        self.transfers = Transfers(exchange, terms, self.truth, self.ladder, self.breach)
        self._exchange = exchange
        self.seconds = seconds
        exchange.truth.events = Tape(exchange.truth.events, self._follow)

    def breach(self, rule: str, what: str) -> None:
        if len(self.violations) < MOST_KEPT:
            self.violations.append(Violation(rule, self.seconds(), what))

    def _follow(self, event: Event) -> None:
        if event.account == "main":
            self.also(event, self.foreign)
            self.orders.follow(event, foreign=self.foreign)
            self.truth.follow(event, self.seconds())
            self.transfers.follow(event, foreign=self.foreign)

    # A daemon's life

    def begins(self, name: str, instance: int, journal: Path) -> None:
        """A daemon is up, on a journal."""
        book = self.books.setdefault(journal, Book(Intents(journal), Controls(self.terms)))
        self._read(book)
        for older in self.orders.lives.values():
            if older.book is book:
                older.superseded = self.seconds()
        self.orders.books[instance] = book
        self.orders.lives[name] = Life(book, instance)
        self.health.begins(name)

    def ends(self, name: str) -> bool:
        """It was stopped or killed; whether its journal holds an order that is not over."""
        self.health.ends(name)
        life = self.orders.lives.pop(name, None)
        if life is None:
            return False
        self._read(life.book)
        return any(not written.over for written in life.book.intents.written.values())

    def _read(self, book: Book) -> None:
        for leg in book.intents.sync():
            self.breach("S1", f"more than one order is unresolved on {leg}")
        for client_id in self.orders.sent.keys() & book.intents.vanished:
            self.breach("S2", f"order {client_id} was sent, and a loss of power took it from the journal")
        for text in book.intents.texts:
            self.health.said(text, "the journal")

    def loses_journal(self, journal: Path) -> None:
        """With what was written and ordered, or some of it."""
        if book := self.books.get(journal):
            book.intents.lose()
            book.controls.lose()
            self.orders.begin_counting_anew()
            self.transfers.lose()

    def read(self, name: str, began: float, shows: float) -> None:
        """A complete reading, that began then and shows nothing older than ``shows``."""
        life = self.orders.lives.get(name)
        if life is not None:
            if life.read_began is None:
                life.first_read = self.seconds()
            self.orders.shown(life, shows)
            life.read_began, life.read_shows = began, shows
            life.has_seen = max(life.has_seen, shows)

    def sends(self, name: str, client_id: str) -> None:
        """An order was handed to the port."""
        self.orders.leaves(self.orders.lives[name], client_id)

    def moves(self, client_id: str, coins: Fraction) -> None:
        """A transfer was handed to the port."""
        self.transfers.asked(client_id, coins)

    def heard(self, name: str) -> None:
        """The port answered, or the daemon no longer waits."""
        if life := self.orders.lives.get(name):
            life.own_event = self.seconds()

    def writes(self, name: str) -> None:
        """It has written something to its journal."""
        life = self.orders.lives.get(name)
        if life is not None and life.superseded < self.seconds():
            self.breach("S1", f"{name} wrote to a journal that a younger daemon has opened since")

    def command(self, name: str, verb: str, ratio: Fraction | None, *, certain: bool) -> None:
        """A command was journalled, or, if that is not ``certain``, perhaps."""
        if life := self.orders.lives.get(name):
            life.book.controls.command(self.seconds(), verb, ratio, certain=certain)

    def cycle(self, name: str, state: str, findings: Sequence[Mapping[str, object]]) -> None:
        self.health.cycle(name, state, findings)

    # At the end

    def replayed(self, lived: str, *loaded: str) -> None:
        """S10: the same journal, loaded again and again, gives the state that the daemon had."""
        for each in loaded:
            if each != lived:
                self.breach("S10", f"the journal replays to {each}, the daemon had {lived}")

    def verdict(self, name: str, state: str, reason: str, excuse: str) -> None:
        """L1: all is well again. ``excuse`` is why the daemon may rightly not trade, or empty."""
        self.health.check(name)
        book = self.orders.lives[name].book
        self._read(book)
        self._compare_fills(book)
        missed = self._missed(book.controls)
        excuse = excuse or self._refusals() or self._portions() or self.ladder.cannot_carry()
        if missed and not excuse and state not in CONTENT:
            self.breach("L1", f"{missed}, and it is {state}: {reason}")

    def _refusals(self) -> str:
        """Why the exchange takes no order, if it refuses them all for want of margin."""
        reasons = {reason for _, reason in self.orders.refused[-3:]}
        return "the margin does not suffice" if reasons and reasons <= MARGIN else ""

    def _portions(self) -> str:
        """Why it is still under way, if each order may only be a part of what is missing."""
        (at, dollars), most = self.orders.arrived, self.terms.max_order_usd
        going_on = self.seconds() - at < 2 * self.terms.interval + self.terms.deadline
        return "it trades in portions" if going_on and most is not None and dollars > most / 2 else ""

    def _missed(self, controls: Controls) -> str:
        """How far the truth is from every target that may be in force; empty if it is inside the band."""
        contract, truth = self._exchange.truth.contract(self.terms.symbol), self.truth
        price = self._exchange.quote(self.terms.symbol).mark
        lot = contract.coins(max(2 * contract.qty_step, contract.min_qty), price)
        worst = ""
        for control in controls.now:
            gap = control.target * max(truth.held, Fraction(0)) - truth.sold
            exact = control.reduces or control.target == 0
            near = lot if exact else max(lot, self.terms.band * truth.held)
            if control.still or (control.reduces and gap >= 0) or abs(gap) <= near * Fraction(11, 10):
                return ""
            worst = (
                f"{float(gap):.6f} coins are missing of {float(truth.held):.6f} at {float(control.target)}"
            )
        return worst

    def _compare_fills(self, book: Book) -> None:
        """S2: what the journal says was filled was filled, and what never arrived never did."""
        filled: dict[str, Fraction] = {}
        for order in self._exchange.orders("main"):
            if instance_of(order.client_id) is not None:
                size = order.filled * order.side.sign
                filled[order.client_id] = filled.get(order.client_id, Fraction(0)) + size
        for client_id, written in book.intents.written.items():
            true = filled.get(client_id, Fraction(0))
            if written.stages[-1] in {"closed", "rejected", "absent"} and written.filled != true:
                self.breach("S2", f"order {client_id} filled {true}, its journal says {written.filled}")
