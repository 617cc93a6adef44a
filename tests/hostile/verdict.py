"""What is said of one payload, and what the verdict is found with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hedgebot.domain import status
from hedgebot.domain.account import AccountReading
from hedgebot.domain.decision import Plan
from hedgebot.domain.hedge import CollateralPolicy, Hedge, LegPolicy
from hedgebot.domain.records import Control, Memory
from hedgebot.domain.snapshot import Snapshot
from hedgebot.exchange.wire import Reply
from hedgebot.journal.codec import dump
from hedgebot.observation import assemble
from hedgebot.planning import decide, target
from hedgebot.risk import assess
from tests import builders
from tests.hostile.replay import Damaged, Said
from tests.hostile.tape import Tape

READ = "read"


@dataclass(frozen=True)
class Verdict:
    """``outcome`` in a few words; ``wrong`` says what must not be."""

    outcome: str
    wrong: str = ""


AS_IT_WAS = Verdict("as it was")
UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""How a reply tells somebody who reads it plainly that it says nothing."""


@dataclass(frozen=True)
class Believed:
    """What the daemon knows of an account before the damage: its hedge, its memory, its last plan.

    ``truths`` are what each call says of undamaged replies.
    """

    tape: Tape
    hedge: Hedge
    truths: Mapping[str, Said]
    memory: Memory
    plan: Plan

    @classmethod
    def after(cls, tape: Tape, truths: Mapping[str, Said]) -> "Believed":
        """Two cycles on the truth."""
        symbol, memory, plan = tape.venue.symbol, Memory(), None
        leg = LegPolicy("main", symbol, None, dict(tape.needs.margin_modes)[symbol])
        # At leverage 10 the ladder would have something to do, with every reply intact.
        alone = CollateralPolicy(enabled=False)
        hedge = builders.hedge(spot_accounts=("main",), legs=(leg,), collateral=alone)
        reading = truths[READ]
        assert isinstance(reading, AccountReading)
        for _ in range(2):
            plan, memory = decided(tape, hedge, reading, memory)
        assert plan is not None, "the truth is believed"
        return cls(tape, hedge, truths, memory, plan)

    def plan_on(self, reading: AccountReading) -> Plan | None:
        """What the daemon would do now; None where it is blind."""
        return decided(self.tape, self.hedge, reading, self.memory)[0]


@dataclass(frozen=True)
class Evidence:
    """What the program made of one damaged reply, and what it makes of the true one."""

    believed: Believed
    damaged: Damaged
    said: Said
    truth: Said

    @property
    def bodies(self) -> Mapping[object, bytes]:
        return {self.damaged.request: self.damaged.reply.body}

    @property
    def reply(self) -> Reply:
        return self.damaged.reply


def decided(tape: Tape, hedge: Hedge, reading: AccountReading, memory: Memory) -> tuple[Plan | None, Memory]:
    """A cycle's pure half, down to what it writes; no plan where it is blind."""
    at = tape.now_ms
    seen = assemble(hedge, {"main": reading}, at)
    view = replace(builders.view(seen, memory), hedge=hedge, now=reading.ended, at=at, started_at=tape.since)
    assessment, memory = assess(view)
    wanted, plan, measured = target(hedge, Control(), memory), None, status.NO_FIGURES
    if isinstance(seen, Snapshot) and not assessment.blind:
        plan = decide(hedge, seen, assessment, wanted, Control())
        memory = memory.after(plan.target.ratio, hedged=plan.hedged)
        measured = status.figures(seen)
    dump(status.body(hedge, "hedged", wanted, memory, assessment, measured))
    return plan, memory
