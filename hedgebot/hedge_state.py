"""What one hedge carries from cycle to cycle: its memory, its orders, its operator's commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hedgebot.domain import status
from hedgebot.domain.account import AccountReading
from hedgebot.domain.adoption import carer
from hedgebot.domain.decision import Plan
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.key import Key
from hedgebot.domain.orders import FINAL, Intent
from hedgebot.domain.records import Control, CycleRecord, Memory
from hedgebot.domain.signals import NOTHING, Signals
from hedgebot.domain.snapshot import Observation
from hedgebot.domain.transfers import FINAL as ENDED
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis
from hedgebot.errors import JournalError
from hedgebot.ports import Clock, Journal
from hedgebot.risk import View

DAY = 86_400_000


@dataclass
class HedgeState:
    """The only mutable thing of a hedge. ``started`` is the monotonic instant of this daemon's start (the
    wall clock may step), or the later one from which no order of a lost journal can arrive any more.
    ``closed`` and ``moved`` are the orders and transfers that ended in this cycle. ``fault`` is the journal's
    last failure, until it works again, and ``stale`` that it has not been read whole since: what failed may
    stand there all the same. ``plan`` is the last cycle's, None if it was blind. ``keys`` are all
    accounts' as ``KeyWatch`` knows them. ``confirmed`` are the accounts' readings in the last snapshot
    that was believed, since the start: what the journal keeps of them is too little to count on. ``acted_at``
    and ``seen_at`` are the monotonic instants when it last sent something and when its last reading ended.
    ``suspects``: a position changed, and who else traded has not been read since; ``unread`` are the instants
    when that failed. ``hedges`` are all that are configured, by name.
    """

    name: str
    instance: int
    started: float
    keys: Mapping[str, Key] = field(default_factory=dict)
    signals: Mapping[str, Signals] = field(default_factory=dict)
    hedges: Mapping[str, Hedge] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    control: Control = field(default_factory=Control)
    intents: tuple[Intent, ...] = ()
    closed: list[Intent] = field(default_factory=list)
    transfers: tuple[TransferIntent, ...] = ()
    moved: list[TransferIntent] = field(default_factory=list)
    confirmed: Mapping[str, AccountReading] = field(default_factory=dict)
    measured: status.Body = field(default_factory=lambda: status.NO_FIGURES)
    fault: str = ""
    stale: bool = False
    last: CycleRecord | None = None
    plan: Plan | None = None
    number: int = 0
    acted_at: float = float("-inf")
    seen_at: float = float("-inf")
    suspects: bool = False
    unread: list[float] = field(default_factory=list)

    async def load(self, journal: Journal, now: Millis) -> None:
        """Everything the journal knows of this hedge, or nothing of it where a read fails: its commands, and
        the orders and transfers that it looks after now, whoever wrote them (``adoption``). The memory of its
        own cycles since the start stays. Raises ``JournalError``."""
        intents = {i.request.client_id: i for i in await journal.intents_since(Millis(now - DAY))}
        intents |= {i.request.client_id: i for i in await journal.open_intents()}
        moves = {t.request.client_id: t for t in await journal.transfers_since(Millis(now - DAY))}
        moves |= {t.request.client_id: t for t in await journal.open_transfers()}
        memory = await journal.memory(self.name) or Memory() if self.last is None else self.memory
        control = Control()
        for command in await journal.commands():
            if command.hedge == self.name:
                control = control.after(command)
        self.intents = tuple(i for i in intents.values() if self._cares(i.hedge, i.request.leg))
        self.transfers = tuple(t for t in moves.values() if self._cares(t.hedge, t.request.pair))
        self.memory, self.control, self.stale = memory, control, False

    def fail(self, error: JournalError) -> None:
        """The journal failed."""
        self.fault, self.stale = str(error), True

    @property
    def dead(self) -> frozenset[str]:
        """The accounts that could not be read for the last snapshot that was believed."""
        return frozenset([name for name, reading in self.confirmed.items() if reading.dead is not None])

    def _cares(self, written: str, pair: str) -> bool:
        return carer(written, pair, self.hedges) == self.name

    @property
    def open(self) -> tuple[Intent, ...]:
        """Intents whose story is not over."""
        return tuple(intent for intent in self.intents if intent.stage not in FINAL)

    def put(self, intent: Intent) -> None:
        """Take in an intent's newest stage."""
        before = {i.request.client_id: i for i in self.intents}
        old = before.get(intent.request.client_id)
        before[intent.request.client_id] = intent
        self.intents = tuple(before.values())
        if intent.stage in FINAL and old is not None and old.stage not in FINAL:
            self.closed.append(intent)

    @property
    def moving(self) -> tuple[TransferIntent, ...]:
        """Transfers whose coins are not yet known to be where they belong."""
        return tuple(transfer for transfer in self.transfers if transfer.stage not in ENDED)

    def put_transfer(self, transfer: TransferIntent) -> None:
        """Take in a transfer's newest stage."""
        before = {t.request.client_id: t for t in self.transfers}
        old = before.get(transfer.request.client_id)
        before[transfer.request.client_id] = transfer
        self.transfers = tuple(before.values())
        if transfer.stage in ENDED and old is not None and old.stage not in ENDED:
            self.moved.append(transfer)

    def view(self, hedge: Hedge, seen: Observation, clock: Clock) -> View:
        """The facts of this cycle for the guards; intents older than a day are dropped on the way."""
        at = clock.now_ms()
        self.intents = tuple(i for i in self.intents if i.written_at > at - DAY or i.stage not in FINAL)
        self.transfers = tuple(t for t in self.transfers if t.written_at > at - DAY or t.stage not in ENDED)
        return View(
            hedge=hedge,
            observed=seen,
            memory=self.memory,
            open=self.open,
            closed=tuple(self.closed),
            recent=self.intents,
            transfers=self.transfers,
            now=clock.monotonic(),
            at=at,
            started_at=Millis(at - round((clock.monotonic() - self.started) * 1000)),
            instance=self.instance,
            keys={name: self.keys[name] for name in hedge.accounts if name in self.keys},
            signals=self.signals.get(self.name, NOTHING),
        )

    def differs(self, record: CycleRecord) -> bool:
        """Whether a record says something that the last one did not."""
        last = self.last
        if last is None or last.memory.forced != record.memory.forced:
            return True
        return (last.state, last.reason) != (record.state, record.reason)
