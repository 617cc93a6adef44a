"""Order after order on an exchange with a truth, followed through the journal in any order of events.

Replies are lost, orders arrive late, endpoints lag, the daemon starts again: what the journal says of an
order in the end is what became of it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.account import Sighting
from hedgebot.domain.orders import FINAL, UNSETTLED, Fate, Intent, OrderState, Outcome, Stage
from hedgebot.domain.units import Coin, Contracts, Millis, Price
from hedgebot.errors import JournalError
from hedgebot.execution.fate import Search, absent, after_absence, after_reply, after_sighting, visible
from hedgebot.journal.sqlite import SqliteJournal
from tests.builders import position
from tests.journal.support import NOW, InlineLoop, open_sqlite, order

SETTLE_AFTER = 30.0
LATEST_ARRIVAL, LONGEST_LAG = 15.0, 12.0
"""Seconds. After the first the exchange itself refuses an order; both are less than ``SETTLE_AFTER``."""

ENDPOINTS = ("order", "history")
NEVER = float("inf")


@dataclass
class Truth:
    """What becomes of an order, and when each endpoint shows it."""

    arrives: float
    filled: int
    lags: tuple[float, float]
    rejected: bool

    def shown(self, endpoint: int, now: float) -> bool:
        return now >= self.arrives + self.lags[endpoint] and not self.rejected


truths = st.builds(
    Truth,
    arrives=st.one_of(st.floats(0, LATEST_ARRIVAL), st.just(NEVER)),
    filled=st.sampled_from([0, 0, -1, -40, -100]),
    lags=st.tuples(st.floats(0, LONGEST_LAG), st.floats(0, LONGEST_LAG)),
    rejected=st.booleans(),
)


Event = tuple[str, float]
events: st.SearchStrategy[Event] = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.1, 3.0, 11.0, 31.0])),
    st.tuples(
        st.sampled_from(["look", "look", "look and fail", "see", "see too early", "start again"]),
        st.just(0.5),
    ),
)
"""What happens to an order, and the seconds that it takes."""


class Life:
    """The daemon's judgements on one side, the truth on the other, one journal and time between them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hedgebot.db"
        self._runner = asyncio.Runner(loop_factory=InlineLoop)
        self.now, self.position = 0.0, 0
        self.truth: dict[str, Truth] = {}
        self.ended: dict[str, Intent] = {}
        self._open()

    def _open(self) -> None:
        """Nothing but the journal is left of what was known."""
        self.journal: SqliteJournal = self._runner.run(open_sqlite(self._path))
        self._searches: dict[str, Search] = {}

    def close(self) -> None:
        self._runner.run(self.journal.verify())
        self._runner.run(self.journal.close())
        self._runner.close()

    @property
    def intent(self) -> Intent | None:
        """The one that is open; there is never a second."""
        found = self._runner.run(self.journal.open_intents())
        assert len(found) <= 1
        return found[0] if found else None

    def send(self, truth: Truth, *, heard: bool) -> None:
        intent = replace(self._new(), believed=Contracts.of(self.position))
        self._runner.run(self.journal.reserve(intent))
        with pytest.raises(JournalError, match="still waits"):
            self._runner.run(self.journal.reserve(self._new()))
        arrives = self.now + truth.arrives
        self.truth[intent.request.client_id] = replace(truth, arrives=arrives)
        if heard and not truth.arrives:
            fate = Fate.REJECTED if truth.rejected else Fate.ACCEPTED
            self._resolve(after_reply(intent, Outcome(fate, "said so"), self.at))
        elif heard:
            self._resolve(after_reply(intent, Outcome(Fate.UNKNOWN, "no reply"), self.at))

    def meet(self, event: Event) -> None:
        what, seconds = event
        intent = self.intent
        if what == "start again":
            self._runner.run(self.journal.close())
            self._open()
            assert self.intent == intent
        elif intent is not None and what.startswith("look") and intent.stage in UNSETTLED:
            self._look(intent, fails="fail" in what)
        elif intent is not None and what.startswith("see") and intent.stage is Stage.FILLED:
            self._see(intent, early="early" in what)
        self.now += seconds
        self.check()

    def _look(self, intent: Intent, *, fails: bool) -> None:
        """As the settler does: by its id, on every endpoint; where one fails nothing at all is learned."""
        name = intent.request.client_id
        truth, search = self.truth[name], self._searches.setdefault(name, Search(self.now))
        if fails:
            return
        if any(truth.shown(number, self.now) for number in (0, 1)):
            self._resolve(after_sighting(intent, self._state(intent, truth)))
            return
        self._searches[name] = after_absence(search, Sighting(None, ENDPOINTS), self.now, SETTLE_AFTER)
        gone = absent(intent, self._searches[name], self.at)
        if gone is not None:
            self._resolve(gone)

    def _see(self, intent: Intent, *, early: bool) -> None:
        """A snapshot, which may be behind: the fill is closed once a position shows it."""
        seen = intent.believed if early else intent.expected
        if visible(intent, position(seen.value, updated_at=Millis(0))):
            self._resolve(intent.moved(Stage.CLOSED))

    def _resolve(self, intent: Intent) -> None:
        if intent == self.intent:
            return
        self._runner.run(self.journal.resolve(intent))
        if intent.stage in FINAL:
            self.ended[intent.request.client_id] = intent
            self.position += int(intent.filled.value)

    def _new(self) -> Intent:
        return order(self._runner.run(self.journal.next_intent()), at=self.at)

    def _state(self, intent: Intent, truth: Truth) -> OrderState:
        average = Price.of(60_000) if truth.filled else None
        filled, name = Contracts.of(truth.filled), intent.request.client_id
        return OrderState("1", name, True, False, filled, average, Coin.zero(), self.at)

    @property
    def at(self) -> Millis:
        return Millis(NOW + round(self.now * 1000))

    def check(self) -> None:
        """What ended is what became of it, and the position is the sum of what took effect: none of it twice,
        none of it forgotten, but for the order that is still open."""
        for name, intent in self.ended.items():
            took_effect = self._took_effect(name)
            if intent.stage in {Stage.ABSENT, Stage.REJECTED}:
                assert not took_effect
            else:
                assert (took_effect, intent.filled) == (True, Contracts.of(self.truth[name].filled))
        effective = [name for name in self.truth if name in self.ended and self._took_effect(name)]
        assert self.position == sum(self.truth[name].filled for name in effective)

    def _took_effect(self, name: str) -> bool:
        return self.truth[name].arrives <= self.now and not self.truth[name].rejected


@contextmanager
def life() -> Iterator[Life]:
    with TemporaryDirectory() as folder:
        lived = Life(Path(folder))
        yield lived
        lived.close()


@settings(max_examples=30)
@given(
    orders=st.lists(st.tuples(truths, st.booleans(), st.lists(events, max_size=8)), min_size=1, max_size=4)
)
def test_an_order_ends_as_what_became_of_it(orders: list[tuple[Truth, bool, list[Event]]]) -> None:
    with life() as lived:
        for truth, heard, first in orders:
            lived.send(truth, heard=heard)
            patience: list[Event] = [("look", 6.0), ("see", 0.0)] * 15
            for event in [*first, *patience]:
                lived.meet(event)
                if lived.intent is None:
                    break
            assert lived.intent is None, "it is settled within a minute and a half"
            lived.meet(("wait", LATEST_ARRIVAL))
