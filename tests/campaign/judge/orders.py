"""S2 to S7: each order of the daemon against the truth at the instant of its arrival."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from hedgebot.sim.events import Event, Filled, OrderAccepted, OrderRefused, SettingChanged
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import Order
from tests.campaign.judge.control import Control, Controls
from tests.campaign.judge.intents import LOST, Intents
from tests.campaign.judge.ladder import Ladder
from tests.campaign.judge.terms import Terms, instance_of
from tests.campaign.judge.truth import Truth

MOMENT = 0.001
HOUR, DAY = 3600.0 - MOMENT, 86_400.0 - MOMENT
"""Seconds: what is an hour old to the millisecond is no longer of the last hour."""

SLACK = Fraction(1, 100)
"""How much of an order may be off for want of the last digits: fees, the spread, the levels of the book."""

CLOCKS = Fraction(1, 20)
"""How far the value that bounds a day's turnover may lie from the judge's own."""

UNSEEN = 1.0
"""Seconds: a reading shows a fill after a moment."""

Breach = Callable[[str, str], None]


@dataclass
class Book:
    """A journal: the orders in it, and the operator's commands."""

    intents: Intents
    controls: Controls


@dataclass
class Life:
    """What one run of the daemon has done and seen so far; instants in seconds. ``first_read`` is when its
    first reading ended: what was done before may be in that, as if it had always been so. ``has_seen`` is up
    to when any reading has shown everything; ``superseded`` is when another one opened its journal;
    ``beside_rival``: it saw what another one made of the position."""

    book: Book
    instance: int
    first_read: float = float("inf")
    read_began: float | None = None
    read_shows: float = 0.0
    has_seen: float = 0.0
    own_event: float = float("-inf")
    superseded: float = float("inf")
    beside_rival: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """An order when it left: what its reading began with, and the oldest instant that reading may show."""

    at: float
    read_began: float | None
    read_shows: float
    own_event: float


@dataclass
class Orders:
    """Judges orders. ``breach`` is told the rule and the fact. ``largest_lot`` is one that the exchange has
    told of: a daemon may go by it until it asks again."""

    exchange: SimulatedExchange
    terms: Terms
    truth: Truth
    ladder: Ladder
    breach: Breach
    seconds: Callable[[], float]
    lives: dict[str, Life] = field(default_factory=dict)
    books: dict[int, Book] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    effects: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[float, str]] = field(default_factory=list)
    strangers: list[tuple[float, int]] = field(default_factory=list)
    arrived: tuple[float, Fraction] = (float("-inf"), Fraction(0))
    largest_lot: Fraction = Fraction(0)
    _hour: dict[int, list[float]] = field(default_factory=dict)
    _day: dict[int, list[tuple[float, Fraction]]] = field(default_factory=dict)

    def leaves(self, life: Life, client_id: str) -> None:
        """An order was handed to the exchange's port."""
        now = self.seconds()
        if client_id in self.sent:
            self.breach("S2", f"order {client_id} was sent a second time")
        self.sent[client_id] = Sent(now, life.read_began, life.read_shows, life.own_event)
        if life.read_began is None or life.read_began < life.own_event:
            self.breach(
                "S5", f"order {client_id} rests on no complete reading begun after the last own event"
            )
        if life.beside_rival:
            self.breach("R9", f"order {client_id} was sent although another daemon trades the account")
        if life.book.controls.held_back(now if life.read_began is None else life.read_began):
            self.breach("S3", f"order {client_id} was sent although the operator held the hedge still")

    def shown(self, life: Life, shows: float) -> None:
        """A reading shows what happened since all those before: another daemon's fills, if they and whatever
        else others did, up to any moment that it may show, have changed the position."""
        since, until = life.has_seen - UNSEEN, shows - UNSEEN
        ours = max(since, life.first_read)
        rival = any(ours < at <= until and instance != life.instance for at, instance in self.strangers)
        ends = (until, self.seconds())
        if rival and all(self.truth.traded_by_others(since, end, life.instance) for end in ends):
            life.beside_rival = True

    def begin_counting_anew(self) -> None:
        """The clock by which the daemon counts hours and days was set, or its journal lost."""
        self._hour.clear()
        self._day.clear()

    def follow(self, event: Event, *, foreign: bool) -> None:
        """Take in an event of the exchange; ``foreign`` ones are not the daemon's doing."""
        match event:
            case OrderAccepted(order=order) if not foreign and instance_of(order.client_id) is not None:
                self._arrives(order)
            case OrderRefused() if not foreign and instance_of(event.client_id) is not None:
                self.refused.append((self.seconds(), event.reason.name))
            case Filled() if not foreign and (instance := instance_of(event.client_id)) is not None:
                self._fills(event, instance)
            case SettingChanged() if not foreign:
                self._set(event)

    def _arrives(self, order: Order) -> None:
        book, sent = self.books.get(instance_of(order.client_id) or 0), self.sent.get(order.client_id)
        if book is None or sent is None:
            self.breach("S2", f"order {order.client_id} was sent by nobody")
            return
        written = self._written(book.intents, order.client_id)
        if written is not None:
            self.breach("S2", f"order {order.client_id} {written}")
        self.refused.clear()
        self.effects[order.client_id] += 1
        if self.effects[order.client_id] > 1:
            self.breach("S2", f"order {order.client_id} takes effect {self.effects[order.client_id]} times")
        controls = book.controls.since(sent.read_shows)
        for problem in (*self._beyond_need(order, sent, controls), *self._beyond_limits(order, sent)):
            self.breach(*problem)

    def _written(self, intents: Intents, client_id: str) -> str | None:
        """What is wrong with what the journal says of an order that arrives now."""
        for leg in intents.sync():
            self.breach("S1", f"more than one order is unresolved on {leg}")
        known = intents.written.get(client_id)
        if known is None:
            return "arrived before it was written down"
        concluded = known.over and known.stages[-1] != LOST
        return f"takes effect after it was concluded to be {known.stages[-1]}" if concluded else None

    def _beyond_need(
        self, order: Order, sent: Sent, controls: tuple[Control, ...]
    ) -> Iterator[tuple[str, str]]:
        """S3: an order larger than the largest need that the exchange showed since the reading behind it."""
        if order.side is Side.SELL:
            need, size = self._missing(order, sent, controls), self._sold_by(order)
        else:
            need, size = self._surplus(order, sent, controls), self._closed_by(order, controls)
        if size > max(need, Fraction(0)) + self._tolerance(order, sent) and not self._rescues(order, sent):
            verb = "sells" if order.side is Side.SELL else "buys back"
            yield (
                "S3",
                f"order {order.client_id} {verb} {float(size):.6f} coins, {float(need):.6f} are needed",
            )
        if order.side is Side.SELL and all(control.reduces for control in controls):
            yield "S3", f"order {order.client_id} sells although only reductions are wanted"

    def _rescues(self, order: Order, sent: Sent) -> bool:
        """Whether it buys back what the collateral carried no longer, at any price since its reading."""
        now_ms = self.exchange.truth.at_ms
        _, highest = self.truth.price_range(now_ms - round((self.seconds() - sent.read_shows) * 1000))
        return order.side is Side.BUY and self.ladder.rescues(highest)

    def _missing(self, order: Order, sent: Sent, controls: tuple[Control, ...]) -> Fraction:
        span = self.truth.span(sent.read_shows, instance_of(order.client_id))
        return max(c.target for c in controls) * max(span.held[1], Fraction(0)) - span.sold[0]

    def _surplus(self, order: Order, sent: Sent, controls: tuple[Control, ...]) -> Fraction:
        span = self.truth.span(sent.read_shows, instance_of(order.client_id))
        return span.sold[1] - min(c.target for c in controls) * max(span.held[0], Fraction(0))

    def _sold_by(self, order: Order) -> Fraction:
        """Coins that it sells at the best bid."""
        contract = self.exchange.truth.contract(order.symbol)
        return contract.coins(order.contracts, self.exchange.truth.quote(order.symbol).bid)

    def _closed_by(self, order: Order, controls: tuple[Control, ...]) -> Fraction:
        """Coins of surplus that it closes at the best ask: its share of what was sold leaves, and the profit
        that this realises joins what is held."""
        contract, symbol = self.exchange.truth.contract(order.symbol), order.symbol
        position = self.exchange.truth.accounts["main"].state.position((symbol, order.index))
        if not position.size:
            return Fraction(0)
        share = order.contracts / position.size * position.entry_coins
        paid = contract.coins(order.contracts, self.exchange.truth.quote(symbol).ask) * (1 - contract.taker)
        return min(c.target * paid + (1 - c.target) * share for c in controls)

    def _tolerance(self, order: Order, sent: Sent) -> Fraction:
        """Two lots, and of the order itself what the price moved since its reading, slippage and rounding."""
        contract = self.exchange.truth.contract(order.symbol)
        price = self.exchange.truth.quote(order.symbol).bid
        now_ms = self.exchange.truth.at_ms
        low, high = self.truth.price_range(now_ms - round((self.seconds() - sent.read_shows) * 1000))
        moved = high / low - 1 + self.terms.slippage + SLACK
        lot = max(contract.qty_step, self.largest_lot)
        return contract.coins(2 * lot, price) + self._sold_by(order) * moved

    def _beyond_limits(self, order: Order, sent: Sent) -> Iterator[tuple[str, str]]:
        """S4: the order's size, and what was ordered, and of that traded, in the last hour and day."""
        contract, instance = self.exchange.truth.contract(order.symbol), instance_of(order.client_id) or 0
        dollars = order.contracts * contract.face
        most = self.terms.max_order_usd
        if most is not None and dollars > most:
            yield (
                "S4",
                f"order {order.client_id} is worth {float(dollars):.0f} USD, {float(most):.0f} at most",
            )
        before = self._hour.setdefault(instance, [])
        hour = sum(1 for at in before if at > sent.at - HOUR)
        day = sum((usd for at, usd in self._day.get(instance, ()) if at > sent.at - DAY), Fraction(0))
        if order.side is Side.SELL and hour >= self.terms.orders_per_hour:
            yield "S4", f"order {order.client_id} comes after {hour} others in an hour"
        bound = self._value(sent) * self.terms.turnover_per_day * (1 + CLOCKS)
        if order.side is Side.SELL and day >= bound:
            yield "S4", f"order {order.client_id} comes after {float(day):.0f} USD in a day"
        before.append(sent.at)
        self.arrived = (self.seconds(), dollars)

    def _value(self, sent: Sent) -> Fraction:
        """The most dollars that the coins were worth since the order's reading."""
        now_ms = self.exchange.truth.at_ms
        span = self.truth.span(sent.read_shows, None)
        low, high = self.truth.price_range(now_ms - round((self.seconds() - sent.read_shows) * 1000))
        contracts = abs(self.truth.contracts) * self.exchange.truth.contract(self.terms.symbol).face
        return (span.held[1] - span.sold[0]) * high + contracts * high / low

    def _fills(self, event: Filled, instance: int) -> None:
        for life in self.lives.values():
            if life.instance == instance:
                life.own_event = self.seconds()
        if instance not in self.books:
            return  # a left-over of somebody's
        self.strangers.append((self.seconds(), instance))
        dollars = event.contracts * self.exchange.truth.contract(event.symbol).face
        sent = self.sent.get(event.client_id)
        self._day.setdefault(instance, []).append((sent.at if sent else self.seconds(), dollars))
        if event.after > 0 and event.side is Side.BUY:
            self.breach("S6", f"order {event.client_id} turned the position into a long of {event.after}")

    def _set(self, event: SettingChanged) -> None:
        """S7: only what is configured is ever set, and only while nothing is open."""
        if event.setting == "margin":
            return  # coins moved behind an open position: no setting
        wanted = {
            "leverage": f"{self.terms.symbol} {self.terms.leverage}",
            "margin mode": self.terms.margin_mode,
        }
        if event.setting not in wanted or not event.value.endswith(wanted[event.setting]):
            self.breach("S7", f"{event.setting} was set to {event.value}")
        if self.truth.contracts:
            self.breach("S7", f"{event.setting} was set while a position was open")
