"""What a policy looks at, and what it says."""

from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.hedge import Hedge
from hedgebot.domain.policy import Policies
from hedgebot.domain.records import Followed
from hedgebot.domain.signals import Signals
from hedgebot.domain.snapshot import Snapshot


class Seen(NamedTuple):
    """One cycle's facts. ``free``: no word of an operator holds, so that the hedge may be unwound."""

    hedge: Hedge
    policies: Policies
    snapshot: Snapshot
    signals: Signals
    free: bool


class Word(NamedTuple):
    """The ratio wanted so far, None where that cannot be said now, and by which policy.

    ``followed`` is what to remember; ``unwind`` says why the hedge is to be unwound, if it is.
    """

    ratio: Decimal | None
    by: str
    followed: Followed
    unwind: str = ""
