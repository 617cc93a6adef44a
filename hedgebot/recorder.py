"""RECORD for one hedge: the cycle as it was seen, concluded and decided, in one numbered record."""

from dataclasses import dataclass

import structlog

from hedgebot.domain import status
from hedgebot.domain.decision import Assessment, Finding, Permission, Plan
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.orders import Intent
from hedgebot.domain.records import Command, CycleRecord, Memory, Verb
from hedgebot.domain.snapshot import Observation, Snapshot
from hedgebot.domain.states import state_of
from hedgebot.domain.transfers import TransferIntent
from hedgebot.execution import Execution
from hedgebot.hedge_state import HedgeState
from hedgebot.planning import step_taken, target
from hedgebot.ports import Clock, Journal

log = structlog.get_logger("hedgebot.cycle")


@dataclass
class Recorder:
    """What a cycle came to, remembered for the next one and written to the journal."""

    execution: Execution
    journal: Journal
    clock: Clock
    state: HedgeState

    def with_journal_fault(self, assessment: Assessment) -> Assessment:
        """With the last failure among the findings; it is over unless this cycle's own writes fail too."""
        if not self.state.fault:
            return assessment
        reason = f"the journal failed: {self.state.fault}"
        step = "Make room on the disk or mend the store; orders resume by themselves"
        fault = Finding("journal", Permission.NONE, "failed", "", reason, step, alarms=True)
        self.state.fault = ""
        return Assessment((*assessment.findings, fault))

    def conclude(
        self, hedge: Hedge, seen: Observation, assessment: Assessment, plan: Plan | None, memory: Memory
    ) -> CycleRecord:
        """The cycle as one record; what it means for the next is remembered."""
        wanted = target(hedge, self.state.control, memory)
        if plan is not None and plan.rescues:
            assessment = Assessment((*assessment.findings, step_taken(plan)))
        if isinstance(seen, Snapshot) and not assessment.blind:
            self.state.measured = status.figures(seen)
            self.state.confirmed = {reading.account: reading for reading in seen.readings}
        self.state.memory = (
            memory if plan is None else memory.after(plan.target.ratio, hedged=plan.hedged, rolls=plan.rolls)
        )
        dead = seen.dead if isinstance(seen, Snapshot) else frozenset[str]()
        accounts = [intent.request.account for intent in self.state.open]
        busy = any(account in hedge.accounts and account not in dead for account in accounts)
        state = state_of(self.state.control, assessment, plan, busy=busy, sends=self.execution.sends)
        return CycleRecord(
            hedge=hedge.name,
            at=seen.at,
            state=state,
            reason=assessment.why() if plan is None else plan.reason,
            acted=plan is not None and plan.acts and self.execution.sends,
            body=status.body(hedge, state.value, wanted, self.state.memory, assessment, self.state.measured),
            memory=self.state.memory,
        )

    async def record(
        self, record: CycleRecord, plan: Plan | None
    ) -> tuple[Intent | None, TransferIntent | None]:
        """Write the cycle down, and at once the order or the transfer that it decided on; without that
        nothing is executed.

        Raises ``JournalError``."""
        changed = self.state.differs(record)
        if changed:
            log.info("cycle", hedge=record.hedge, state=record.state.value, reason=record.reason)
        self.state.last = record
        intent = move = None
        if plan is not None and plan.acts:
            intent = await self.execution.intend(plan, correction=self.state.memory.disturbed)
            move = await self.execution.intend_transfer(plan)
        if intent is not None:
            self.state.number = await self.journal.reserve(intent, record)
            self.state.put(intent)
        elif move is not None:
            self.state.number = await self.journal.reserve_transfer(move, record)
            self.state.put_transfer(move)
        else:
            self.state.number = await self.journal.record(record, keep=changed or record.acted)
            await self._note_end(record.hedge, plan)
        return intent, move

    async def _note_end(self, hedge: str, plan: Plan | None) -> None:
        """Write down that an unwind ended, or that its margin is home; where nothing is sent, neither did."""
        control = self.state.control
        if plan is None or not plan.hedged or plan.target.ratio != control.unwind_to:
            return
        if control.unwound and (control.home or not plan.home):
            return
        verb = Verb.HOME if control.unwound else Verb.UNWOUND
        done = Command(hedge, verb, control.unwind_to, "hedgebot", self.clock.now_ms())
        if self.execution.sends:
            await self.journal.command(done)
        self.state.control = self.state.control.after(done)  # it may be another by now
