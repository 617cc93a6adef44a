"""What a decision rests on, as one value."""

from collections.abc import Sequence
from typing import NamedTuple

from hedgebot.domain.decision import Assessment, Permission, Target
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.inverse import Gap
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO


class Case(NamedTuple):
    """One coherent snapshot, what is wanted of it and what is allowed.

    ``transfers`` are those of the last day and all unfinished ones.
    """

    hedge: Hedge
    snapshot: Snapshot
    assessment: Assessment
    target: Target
    control: Control
    transfers: Sequence[TransferIntent] = ()

    @property
    def gap(self) -> Gap:
        """What separates the snapshot from its target.

        Coins that both wallets of a transfer show are counted once; but they may be others that came in
        meanwhile, so that nothing is bought back for want of them.
        """
        exposure, target, twice = self.snapshot.exposure, self.target.ratio, -self.snapshot.in_flight.value
        held, sold = exposure.held.value, exposure.sold.value
        if twice > ZERO and ZERO < target * held < sold:
            held = min(held + twice, sold / target)
        return Gap(held, sold, target)

    def forbidden(self, *, selling: bool) -> str:
        """Why an order of this side may not be sent; empty when it may."""
        if self.control.paused:
            return "paused by the operator"
        allowed = Permission.ANY if selling else Permission.REDUCE_ONLY
        return self.assessment.why() if self.assessment.permission > allowed else ""
