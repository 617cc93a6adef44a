"""What a guard looks at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hedgebot.domain.derived import Derived
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.key import Key
from hedgebot.domain.orders import Intent
from hedgebot.domain.records import Memory
from hedgebot.domain.signals import NOTHING, Signals
from hedgebot.domain.snapshot import Observation, Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis


@dataclass(frozen=True)
class View:
    """One cycle's facts for one hedge.

    ``now`` is monotonic seconds; ``open`` are unfinished intents, ``closed`` those that ended in this
    cycle, ``recent`` all of the last day. ``started_at`` is when this daemon started, or, where
    its journal was lost, the later instant from which no order of that can arrive any more; ``instance`` is
    its own. ``keys`` are those of the hedge's accounts, by account; ``transfers`` are the unfinished ones and
    all of the last day.
    """

    hedge: Hedge
    observed: Observation
    memory: Memory
    open: tuple[Intent, ...]
    closed: tuple[Intent, ...]
    recent: tuple[Intent, ...]
    now: float
    at: Millis
    started_at: Millis
    instance: int
    keys: Mapping[str, Key] = field(default_factory=dict)
    transfers: tuple[TransferIntent, ...] = ()
    signals: Signals = NOTHING

    @Derived
    def snapshot(self) -> Snapshot:
        """The snapshot; only guards that run after ``coherence`` may ask for it."""
        if not isinstance(self.observed, Snapshot):
            raise TypeError("there is no snapshot in a blind cycle")
        return self.observed

    def written_since(self, milliseconds: int) -> list[Intent]:
        """Intents written in the last so many milliseconds."""
        return [i for i in self.recent if i.written_at > self.at - milliseconds]

    def remembering(self, memory: Memory) -> "View":
        """The same facts with another memory. By hand: each decision does it, and ``replace`` is slow."""
        other = object.__new__(View)
        vars(other).update(vars(self), memory=memory)
        return other
